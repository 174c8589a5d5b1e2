//! Arguments that several subcommands share.

use crate::failure::Failure;
use clap::builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Args, Command, ValueEnum};
use consensus::{Lease, Profile, Rule, Timing};
use driver::Speed;
use server::Address;
use std::ffi::OsStr;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// How long servers wait for each other.
#[derive(Debug, Clone, Args)]
pub struct ElectionArguments {
    /// How long a server waits for a leader before it starts an election: each time a fresh random time from
    /// this range
    #[arg(long, value_name = "MIN..MAX", env = "RAFT_ELECTION_TIMEOUT", default_value = "150ms..300ms")]
    election_timeout: DurationRange,

    /// How often a leader sends heartbeats; must be shorter than any election timeout
    #[arg(long, value_name = "TIME", env = "RAFT_HEARTBEAT", default_value = "15ms", value_parser = duration)]
    heartbeat: Duration,
}

impl ElectionArguments {
    /// The timing of elections, if the durations fit together.
    pub fn timing(&self) -> Result<Timing, Failure> {
        let DurationRange { min, max } = self.election_timeout;
        Timing::new(self.heartbeat, min, max).map_err(|error| {
            let help = format!(
                "choose 0 < --heartbeat < MIN < MAX in --election-timeout MIN..MAX, for example \
                 --heartbeat 15ms --election-timeout 150ms..300ms; `raft rules {}` explains why",
                error.rule()
            );
            Failure::usage(error, help)
        })
    }
}

impl fmt::Display for ElectionArguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DurationRange { min, max } = self.election_timeout;
        write!(f, "heartbeat {:?}, election timeout {min:?} to {max:?}", self.heartbeat)
    }
}

/// How servers keep time.
#[derive(Debug, Clone, Args)]
pub struct TimeArguments {
    #[command(flatten)]
    elections: ElectionArguments,

    /// How fast the servers' clocks run, as a multiple of real time [0.001 to 10]; 0.01 is slow motion
    #[arg(long, value_name = "MULTIPLE", env = "RAFT_SPEED", default_value = "1")]
    pub speed: Speed,

    /// Delay each message by this time, measured by the servers' clocks, so that you can watch it travel
    #[arg(long, value_name = "TIME", env = "RAFT_LATENCY", default_value = "0ms", value_parser = duration)]
    pub latency: Duration,

    /// Let leaders answer reads that ask for it (read=lease) without asking the other servers each time. This
    /// is safe as long as no server's clock runs faster than another's by more than this share, such as 5%,
    /// and no clock stands still (as it does while a machine sleeps). Give all servers the same share and the
    /// same --speed
    #[arg(long, value_name = "DRIFT", env = "RAFT_LEASE_READS", value_parser = lease)]
    pub lease_reads: Option<Lease>,
}

impl TimeArguments {
    /// The timing of elections, if the durations fit together.
    pub fn timing(&self) -> Result<Timing, Failure> {
        let timing = self.elections.timing()?;
        if self.latency > Timing::LONGEST {
            return Err(Failure::usage(
                "--latency is longer than a day",
                "choose a shorter time, for example --latency 50ms",
            ));
        }
        Ok(timing)
    }

    /// A word of warning, if messages are so slow that elections may never end.
    pub fn warning(&self) -> Option<String> {
        let round_trip = self.latency * 2;
        (round_trip >= self.elections.election_timeout.min).then(|| {
            let (min, max) = (round_trip * 10, round_trip * 20);
            format!(
                "a message and its reply take {round_trip:?}, and an election timeout may be shorter: elections may \
                 never end. Try --election-timeout {min:?}..{max:?}"
            )
        })
    }
}

fn lease(text: &str) -> Result<Lease, String> {
    let percent = text.trim().strip_suffix('%').and_then(|number| number.trim().parse().ok());
    percent
        .map(|clock_drift_percent| Lease { clock_drift_percent })
        .ok_or_else(|| "write a whole number of percent, such as 5%".to_owned())
}

/// Which rules servers follow beyond the paper's basic algorithm.
#[derive(Debug, Clone, Args)]
pub struct ProfileArguments {
    /// The paper's basic algorithm, or production: with pre-vote, check-quorum and eager election, which keep
    /// a healthy cluster from being disturbed [default: paper in `raft up`, to show the difference; else
    /// production]
    #[arg(long, value_name = "NAME", env = "RAFT_PROFILE")]
    profile: Option<ProfileName>,

    /// Before an election, ask whether it could be won; `raft rules pre-vote` explains why
    #[arg(long, value_name = "ON|OFF", env = "RAFT_PRE_VOTE")]
    pre_vote: Option<Switch>,

    /// A leader that does not hear from a majority steps down, and a server that hears from a leader votes
    /// for no other; see `raft rules check-quorum` and `raft rules leader-stickiness`
    #[arg(long, value_name = "ON|OFF", env = "RAFT_CHECK_QUORUM")]
    check_quorum: Option<Switch>,

    /// When the connection to the leader breaks, or a new connection is made while no leader is known, soon
    /// ask whether an election could be won; needs --pre-vote on
    #[arg(long, value_name = "ON|OFF", env = "RAFT_EAGER_ELECTION")]
    eager_election: Option<Switch>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ProfileName {
    Paper,
    Production,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl ProfileArguments {
    /// The profile, which without any argument is `usual`.
    pub fn profile(&self, usual: Profile) -> Result<Profile, Failure> {
        let base = match self.profile {
            None => usual,
            Some(ProfileName::Paper) => Profile::PAPER,
            Some(ProfileName::Production) => Profile::PRODUCTION,
        };
        let is_on = |switch: Option<Switch>, usual| switch.map_or(usual, |switch| switch == Switch::On);
        let pre_vote = is_on(self.pre_vote, base.pre_vote);
        if self.eager_election == Some(Switch::On) && !pre_vote {
            return Err(Failure::usage(
                "--eager-election on needs --pre-vote on: without it, a broken connection could depose a healthy leader",
                "add --pre-vote on, or choose --profile production",
            ));
        }
        Ok(Profile {
            pre_vote,
            check_quorum: is_on(self.check_quorum, base.check_quorum),
            eager_election: is_on(self.eager_election, base.eager_election) && pre_vote,
        })
    }
}

/// How servers keep what they must not forget.
#[derive(Debug, Clone, Args)]
pub struct StorageArguments {
    /// Take a snapshot after about this many bytes of log entries, and discard those entries; for example
    /// 4096, 64KiB or 64MiB
    #[arg(long, value_name = "SIZE", env = "RAFT_SNAPSHOT_AFTER", default_value = "64MiB", value_parser = size)]
    pub snapshot_after: usize,
}

fn size(text: &str) -> Result<usize, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let unit = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, shift)));
    let (number, shift) = unit.unwrap_or((text, &0));
    let number = number.trim().parse::<usize>().ok().filter(|&number| number > 0);
    number
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| "write a number of bytes above zero, such as 4096, 64KiB or 64MiB".to_owned())
}

/// Two durations, as in `150ms..300ms`.
#[derive(Debug, Clone, Copy)]
struct DurationRange {
    min: Duration,
    max: Duration,
}

impl FromStr for DurationRange {
    type Err = String;

    fn from_str(text: &str) -> Result<DurationRange, String> {
        let (min, max) = text.split_once("..").ok_or("write two times with .. between them: 150ms..300ms")?;
        Ok(DurationRange { min: duration(min)?, max: duration(max)? })
    }
}

/// Parses a time such as `15ms`.
pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| {
        format!("\"{text}\" is not a time ({error}); write a number and a unit, such as 15ms or 2s")
    })
}

/// Parses a server's address.
pub fn host_and_port(text: &str) -> Result<String, String> {
    text.parse().map(|address: Address| address.to_string()).map_err(|error| error.to_string())
}

/// Parses the address at which a page is served.
pub fn page_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let port: u16 = text.trim_start_matches(':').parse().unwrap_or(8000);
        format!(
            "write an address of this machine and a port, such as 127.0.0.1:{port} (port 0 is any free one)"
        )
    })
}

/// Parses the address on which a server must listen.
pub fn listening_address(text: &str) -> Result<String, String> {
    Address::to_listen_at(text).map(|address| address.to_string()).map_err(|error| error.to_string())
}

/// Takes any word. A shell completes those that are names of rules.
#[derive(Debug, Clone)]
pub struct WordParser;

impl TypedValueParser for WordParser {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = Rule::ALL.iter().map(|rule| PossibleValue::new(rule.id()));
        Some(Box::new(names))
    }
}

/// Parses the name of a rule. There are too many to list in an error.
#[derive(Debug, Clone)]
pub struct RuleParser;

impl TypedValueParser for RuleParser {
    type Value = Rule;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Rule, clap::Error> {
        let names = PossibleValuesParser::new(Rule::ALL.iter().map(|rule| rule.id()));
        let parser = names.try_map(|id| id.parse::<Rule>());
        parser.parse_ref(command, arg, value).map_err(|mut error| {
            error.remove(ContextKind::ValidValue);
            // A user who types the beginning of a name, or a part of it, means that rule, even if the name of
            // another one is as similar.
            let value = value.to_string_lossy().into_owned();
            let named = |is_meant: fn(&str, &str) -> bool| -> Vec<String> {
                let names = Rule::ALL.iter().map(|rule| rule.id());
                names.filter(|id| !value.is_empty() && is_meant(id, &value)).map(str::to_owned).collect()
            };
            let beginning = named(|id, value| id.starts_with(value));
            let meant = if beginning.is_empty() { named(|id, value| id.contains(value)) } else { beginning };
            if !meant.is_empty() {
                error.insert(ContextKind::SuggestedValue, ContextValue::Strings(meant));
            }
            let tip = ContextValue::StyledStrs(vec!["`raft rules` lists all rules".into()]);
            error.insert(ContextKind::Suggested, tip);
            error
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = Rule::ALL.iter().map(|rule| PossibleValue::new(rule.id()));
        Some(Box::new(names))
    }
}
