//! `raft sim`

mod origin;
mod progress;
mod report;
mod stored;

use clap::Args;
use command::{Failure, RuleParser, duration, say, write_file, written};
use consensus::Rule;
use simulator::hunt::{self, Examined, Finding, Round, small_worlds_first};
use simulator::{Faults, SearchOptions, why_in_vain};
use std::io::{self, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use stored::{Story, known_without};

/// Search for what breaks Raft, in thousands of simulated clusters
///
/// A seed decides everything about a cluster: how many servers it has, their
/// timing, network and disks, and all that goes wrong. The servers run the same
/// code as real ones. After every step, everything that Raft promises is checked.
/// At the first broken promise the search stops, makes the run as short as it
/// can, and shows it. --save also writes it to a file, for `raft replay`.
///
/// With a rule switched off, it shows what that rule is for: at once a stored run
/// that breaks a promise, and with --search (or an option of a search) a new one,
/// in a few seconds.
///
///   raft sim --without one-vote-per-term
///   raft sim --without one-vote-per-term --search
///
/// Or ask where logs come from: n1 has the first one, n2 the second, and so on. The
/// answer is a run of Raft that leads to them, or the reason why there is none.
///
///   raft sim --logs '1 1 3' '1 2' ''
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct SimArguments {
    /// The seeds to try [default: 0..10000; with --search, small clusters first; with --for, as many as there
    /// is time for]
    #[arg(long, value_name = "FROM..TO")]
    seeds: Option<SeedRange>,

    /// Search for this long, for example 10m
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,

    /// The number of servers [default: each seed chooses 1 to 7; with --logs, one for each log]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=99))]
    nodes: Option<u64>,

    /// What may go wrong: all, none, or some of network,crash,disk,clock [default: all]
    #[arg(long, value_name = "KINDS")]
    faults: Option<Faults>,

    /// Switch this rule off (`raft rules` lists them)
    #[arg(long, value_name = "RULE", value_parser = RuleParser, hide_possible_values = true)]
    without: Option<Rule>,

    /// With --without: search for a run that breaks a promise, rather than show the stored one
    #[arg(long, requires = "without")]
    search: bool,

    /// Switch each rule off in turn, search, and print a table of what breaks; this takes some minutes
    #[arg(long, conflicts_with_all = ["without", "time"])]
    without_each: bool,

    /// Is there a run that leads to these logs? A log is a list of its entries' terms, such as '1 1 3'
    #[arg(long, value_name = "LOG", num_args = 1.., value_parser = origin::log_text)]
    #[arg(conflicts_with_all = ["seeds", "time", "faults", "without", "without_each"])]
    logs: Option<Vec<String>>,

    /// With --logs: claim that the entry at this index is committed, and search for a run that loses it
    #[arg(long, value_name = "INDEX", requires = "logs", conflicts_with = "nodes")]
    claim: Option<u64>,

    /// Write the run that was found to this file, for `raft replay`
    #[arg(long, value_name = "FILE", conflicts_with = "without_each")]
    save: Option<PathBuf>,
}

/// Seeds from the first up to, not including, the second: `0..10000`.
#[derive(Debug, Clone)]
struct SeedRange(Range<u64>);

impl FromStr for SeedRange {
    type Err = String;

    fn from_str(text: &str) -> Result<SeedRange, String> {
        let number = |text: &str| text.parse::<u64>().map_err(|_| format!("\"{text}\" is not a number"));
        let (from, to) = text.split_once("..").ok_or("write two numbers with .. between them: 0..10000")?;
        let range = number(from)?..number(to)?;
        if range.is_empty() {
            Err("the second number must be above the first".to_owned())
        } else {
            Ok(SeedRange(range))
        }
    }
}

/// Default number of seeds if a rule is off.
const SEEDS: u64 = 10_000;
const SEEDS_WITHOUT_A_RULE: u64 = 1_000_000;

pub(crate) fn run(arguments: SimArguments) -> Result<ExitCode, Failure> {
    if arguments.without_each {
        return print_table(&arguments);
    }
    if let Some(logs) = &arguments.logs {
        let save = arguments.save.as_deref();
        return match arguments.claim {
            Some(index) => origin::examine_claim(logs, index, save),
            None => origin::ask(logs, arguments.nodes, save),
        };
    }
    if let Some(rule) = arguments.without.filter(|rule| arguments.is_answered_at_once(*rule)) {
        return written(io::stdout().write_all(known_without(rule).as_bytes()));
    }
    if arguments.time.is_some() {
        say(format_args!("searching from seed {} on", arguments.range().start));
    }
    let examined = examine(&arguments.rounds(arguments.without), arguments.time);
    if let Some(seed) = examined.differs {
        return Err(Failure::of(
            format_args!("seed {seed} went differently the second time: the simulator itself is broken"),
            "please report it with this seed",
        ));
    }
    match &examined.finding {
        Some(finding) => arguments.show_finding(finding),
        None => arguments.show_that_nothing_was_found(&examined),
    }
}

impl SimArguments {
    /// An option of the search asks for a search, even one that may be in vain.
    fn is_answered_at_once(&self, without: Rule) -> bool {
        let says_how = self.seeds.is_some()
            || self.time.is_some()
            || self.nodes.is_some()
            || self.faults.is_some()
            || self.save.is_some();
        !says_how && (!self.search || why_in_vain(without).is_some())
    }

    fn rounds(&self, without: Option<Rule>) -> Vec<Round> {
        let (servers, faults) = (self.nodes, self.faults.unwrap_or_default());
        let options = SearchOptions { servers, faults, without, ..SearchOptions::default() };
        let may_be_small = self.seeds.is_none() && self.time.is_none() && self.nodes.is_none();
        if without.is_some() && may_be_small {
            return small_worlds_first(&options);
        }
        vec![Round { options, seeds: self.range() }]
    }

    fn range(&self) -> Range<u64> {
        match (&self.seeds, self.time, self.without) {
            (Some(SeedRange(range)), _, _) => range.clone(),
            // Different seeds each day: what was searched already need not be searched again.
            (None, Some(_), _) => seed_of_the_day()..u64::MAX,
            (None, None, None) => 0..SEEDS,
            (None, None, Some(_)) => 0..SEEDS_WITHOUT_A_RULE,
        }
    }

    fn show_finding(&self, finding: &Finding) -> Result<ExitCode, Failure> {
        let seed = finding.seed;
        say(format_args!("seed {seed} breaks a promise: looking for a shorter run that breaks it too"));
        let shortest = shortest(finding);
        if let Some(file) = &self.save {
            write_file(file, &shortest.script.to_scenario(&report::prose(&shortest)))?;
        }
        let SearchOptions { servers, faults, without, .. } = &finding.options;
        let mut again = format!("raft sim --seeds {seed}..{}", seed + 1);
        if let Some(nodes) = servers {
            again += &format!(" --nodes {nodes}");
        }
        if *faults != Faults::ALL {
            again += &format!(" --faults {faults}");
        }
        if let Some(rule) = without {
            again += &format!(" --without {rule}");
        }
        let text = report::finding(finding, &shortest, self.save.as_deref(), &again);
        written(io::stdout().write_all(text.as_bytes()))?;
        // With a rule off, a broken promise is the expected result.
        Ok(if without.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn show_that_nothing_was_found(&self, examined: &Examined) -> Result<ExitCode, Failure> {
        let text = report::nothing_found(examined);
        let ended = written(io::stdout().write_all(text.as_bytes()))?;
        match self.without {
            Some(rule) => Err(Failure::of(
                format_args!("without {rule} nothing broke"),
                format!(
                    "try more seeds, more time or all faults; `raft sim --without {rule}` says what is known"
                ),
            )),
            None => Ok(ended),
        }
    }
}

fn examine(rounds: &[Round], time: Option<Duration>) -> Examined {
    let bar = progress::Finding::new(rounds, time);
    let examined = hunt::examine(rounds, time, |examined, elapsed| bar.show(examined, elapsed));
    bar.end();
    examined
}

fn shortest(finding: &Finding) -> Finding {
    let bar = progress::Shrinking::new(hunt::most_steps_to_shrink(finding));
    let (shortest, _) = hunt::shortest(finding, |script, steps| bar.show(script, steps));
    bar.end();
    shortest
}

fn seed_of_the_day() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since_epoch.as_secs() * 1_000_000
}

fn print_table(arguments: &SimArguments) -> Result<ExitCode, Failure> {
    let mut rows = Vec::new();
    for &rule in Rule::ALL {
        if let Some(reason) = why_in_vain(rule) {
            rows.push(match Story::without(rule) {
                Some(story) => report::stored_row(rule, &story),
                None => report::unshown_row(rule, reason),
            });
            continue;
        }
        let examined = examine(&arguments.rounds(Some(rule)), None);
        let Some(finding) = examined.finding else {
            return Err(Failure::of(format_args!("without {rule} nothing broke"), "try more seeds"));
        };
        let shortest = shortest(&finding);
        rows.push(report::table_row(rule, examined.seeds_until_found, &shortest));
    }
    written(io::stdout().write_all(report::table(&rows).as_bytes()))
}
