//! `raft up`

mod clients;
mod laboratory;
mod plain;
mod watched;

use crate::recording::Recording;
use crate::scenarios::library;
use clap::{ArgAction, Args};
use cluster::{Cluster, ClusterError, Options, SlowMotion};
use command::{
    Failure, ProfileArguments, StorageArguments, TimeArguments, end_at_second_signal, ended_by, page_address,
    say, this_program,
};
use consensus::{NodeId, Profile};
use server::monotonic_now;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use terminal::{End, Lab, Setup};
use trace::{Episodes, english};
use watched::Watched;
use web::{Site, SiteError};

/// Maximum number of servers that `raft up` starts.
const MOST_SERVERS: u64 = 15;

/// Number of headlines that are repeated when the view is closed.
const HEADLINES: usize = 5;

fn count_of_servers(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("a cluster has at least one server: write a number from 1, such as 3".to_owned()),
        Ok(count @ ..=MOST_SERVERS) => Ok(count),
        Ok(count) => {
            let connections = u128::from(count) * u128::from(count - 1);
            Err(format!(
                "{count} servers on one machine would be {count} processes with {connections} connections, too busy to \
                 hear from each other in time: write {MOST_SERVERS} or fewer, such as 5 (`raft sim --nodes` plays more)"
            ))
        }
        Err(_) => Err(format!("write a number from 1 to {MOST_SERVERS}, such as 3")),
    }
}

/// Start a cluster on this machine and watch it
///
/// Each server is a separate process, with its own port and its own folder. Ctrl+\ kills the leader
/// (SIGKILL: a real crash), and Ctrl+C stops all servers.
#[derive(Debug, Args)]
pub(crate) struct UpArguments {
    /// The number of servers; an odd number is best: 4 servers survive no more failures than 3
    #[arg(long, short, value_name = "N", env = "RAFT_TEST_PEERS", default_value = "3")]
    #[arg(value_parser = count_of_servers)]
    nodes: u64,

    #[command(flatten)]
    time: TimeArguments,

    #[command(flatten)]
    profile: ProfileArguments,

    #[command(flatten)]
    storage: StorageArguments,

    /// Keep the servers' data in this folder, and continue with the data that is there [default: a temporary
    /// folder, removed at the end]
    #[arg(long, value_name = "DIR", env = "RAFT_DATA")]
    data: Option<PathBuf>,

    /// The port of the first server; each further server has the next port [default: any free ports]
    #[arg(long, value_name = "PORT", env = "RAFT_BASE_PORT", value_parser = clap::value_parser!(u16).range(1..))]
    base_port: Option<u16>,

    /// The seed of the random election timeouts [default: from the clock]
    #[arg(long, env = "RAFT_SEED")]
    seed: Option<u64>,

    /// The address, on this machine, of the page that shows the cluster in a browser; port 0 means any free
    /// port
    #[arg(long, value_name = "HOST:PORT", env = "RAFT_WEB", default_value = "127.0.0.1:0", value_parser = page_address)]
    web: SocketAddr,

    /// Serve no page, even if --web is given
    #[arg(long)]
    no_web: bool,

    /// Record everything in this file, as JSON; `raft replay FILE` plays it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Print what happens line by line, even on a terminal
    #[arg(long, conflicts_with = "json")]
    plain: bool,

    /// Print what happens as JSON, one event per line (docs/trace.md), for programs
    #[arg(long, action = ArgAction::SetTrue)]
    json: bool,

    /// With --plain: print the routine too, each heartbeat and each reset of a timer
    #[arg(long, short)]
    verbose: bool,
}

/// How the cluster is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Show {
    Terminal,
    Plain { with_routine: bool },
    Json,
}

pub(crate) fn run(arguments: UpArguments) -> Result<ExitCode, Failure> {
    let options = arguments.options()?;
    let show = arguments.show();
    // The view checks its signals thirty times a second, and restores the terminal before it ends.
    let urgent: &[i32] = if show == Show::Terminal { &[] } else { &[SIGINT, SIGTERM, SIGHUP] };
    let mut signals = end_at_second_signal(urgent)
        .and_then(|()| Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT]))
        .map_err(|error| Failure::of(format_args!("can't listen for signals: {error}"), ""))?;
    let recording = arguments.record.as_deref().map(Recording::create).transpose()?;
    let site = arguments.open_site(&options)?;
    let mut ended = None;
    let started = Cluster::start_unless(options.clone(), || {
        // There is no leader yet that SIGQUIT could kill.
        ended = ended.or(signals.pending().find(|&signal| signal != SIGQUIT));
        ended.is_some()
    });
    if let (Err(ClusterError::Unwanted), Some(signal)) = (&started, ended) {
        return Ok(ended_by(signal));
    }
    let cluster = started?;
    let setup = Setup {
        servers: cluster.view().servers().map(|(id, _)| id).collect(),
        timing: options.timing,
        seed: options.seed,
        speed: options.speed.multiple(),
        latency: options.latency,
        data: cluster.data_folder().display().to_string(),
        page: site.as_ref().map(Site::url),
    };
    let remarks = [arguments.time.warning(), remark_on_count(&setup), remark_on_list(&cluster)];
    let remarks: Vec<String> = remarks.into_iter().flatten().collect();
    let speed = options.speed.multiple();
    // Leases need clocks that keep their speed.
    let is_slowed = arguments.data.is_none() && speed == 1.0 && show != Show::Json && options.lease.is_none();
    let slow_motion = SlowMotion::new(is_slowed, speed);
    let cluster = Watched::new(cluster, recording, site, slow_motion);
    match show {
        Show::Terminal => show_in_terminal(cluster, signals, setup, remarks, arguments.record.as_deref()),
        Show::Plain { with_routine } => {
            plain::introduce(&setup, &remarks);
            plain::run(cluster, signals, plain::Story::new(with_routine, &setup))
        }
        Show::Json => {
            plain::announce_page(&setup);
            plain::run(cluster, signals, plain::JsonLines)
        }
    }
}

/// Why an odd number of servers would be better, if it is even.
fn remark_on_count(setup: &Setup) -> Option<String> {
    let count = setup.servers.len();
    let tolerated = (count - 1) / 2;
    count.is_multiple_of(2).then(|| {
        format!(
            "{count} servers can lose {tolerated} and go on, no more than {} can: an odd number is better",
            count - 1
        )
    })
}

/// What to do if other commands can't find the cluster by themselves.
fn remark_on_list(cluster: &Cluster) -> Option<String> {
    let folder = cluster.data_folder().display();
    (!cluster.is_listed()).then(|| {
        format!(
            "other commands find this cluster only with --data {folder}: this system has no safe place for a list \
             of clusters"
        )
    })
}

fn show_in_terminal(
    mut cluster: Watched,
    signals: Signals,
    setup: Setup,
    remarks: Vec<String>,
    recording: Option<&Path>,
) -> Result<ExitCode, Failure> {
    cluster.slow_first_election();
    let mut laboratory = laboratory::Laboratory::new(cluster, signals, remarks);
    let shown = terminal::run(&mut laboratory, setup);
    let ran = Duration::from_secs(laboratory.now() / 1_000_000);
    laboratory.stop();
    exit_code(shown.map(|(end, episodes)| {
        say(farewell(ran, &episodes, recording));
        end
    }))
}

/// The output when the view is closed: how long the cluster ran, what happened, and how to see it again.
fn farewell(ran: Duration, episodes: &Episodes, recording: Option<&Path>) -> String {
    let elections = match episodes.elections_won() {
        1 => "1 election".to_owned(),
        count => format!("{count} elections"),
    };
    let mut text = format!("The cluster ran for {}, with {elections}.", humantime::format_duration(ran));
    let told = episodes.all();
    for episode in &told[told.len().saturating_sub(HEADLINES)..] {
        let told = format!("{:>9}  {episode}", english::seconds(episode.t));
        text += &format!(
            "\n{}",
            textwrap::fill(&told, textwrap::Options::new(80).subsequent_indent("           "))
        );
    }
    text + &match recording {
        Some(file) => format!("\nSee it again: raft replay {}", file.display()),
        None => "\nTo see the next run again, record it: raft up --record run.jsonl".to_owned(),
    }
}

/// Can a view be drawn, and keys be read?
pub(crate) fn has_full_terminal() -> bool {
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    is_terminal && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

impl UpArguments {
    fn options(&self) -> Result<Options, Failure> {
        let timing = self.time.timing()?;
        if let Some(base_port) = self.base_port
            && u64::from(base_port) + self.nodes - 1 > u64::from(u16::MAX)
        {
            return Err(Failure::usage(
                format_args!("{} ports from {base_port} on would go beyond the last port, 65535", self.nodes),
                "choose a lower --base-port, or leave it out for free ports",
            ));
        }
        Ok(Options {
            program: this_program()?,
            servers: (1..=self.nodes).map(NodeId).collect(),
            timing,
            seed: self.seed.unwrap_or_else(|| u64::from(monotonic_now().subsec_nanos())),
            speed: self.time.speed,
            latency: self.time.latency,
            lease: self.time.lease_reads,
            profile: self.profile.profile(Profile::PAPER)?,
            snapshot_after: self.storage.snapshot_after,
            data: self.data.clone(),
            base_port: self.base_port,
            tells_steps: self.record.is_some(),
            is_quiet: false,
            is_listed: true,
        })
    }

    /// The page, if one is wanted.
    fn open_site(&self, options: &Options) -> Result<Option<Site>, Failure> {
        if self.no_web {
            return Ok(None);
        }
        let count = options.servers.len();
        let title = if count == 1 { "1 server".to_owned() } else { format!("{count} servers") };
        let setup = page::Setup {
            timing: Some(options.timing.into()),
            seed: Some(options.seed),
            speed: options.speed.multiple(),
            latency_us: u64::try_from(options.latency.as_micros()).unwrap_or(u64::MAX),
            ..page::Setup::new(page::Mode::Live, title, options.servers.clone())
        };
        open_site(self.web, setup).map(Some)
    }

    fn show(&self) -> Show {
        match (self.json, self.plain || !has_full_terminal()) {
            (true, _) => Show::Json,
            (false, true) => Show::Plain { with_routine: self.verbose },
            (false, false) => Show::Terminal,
        }
    }
}

/// Serves the page at an address, or says why not.
pub(crate) fn open_site(address: SocketAddr, setup: page::Setup) -> Result<Site, Failure> {
    Site::open(address, setup, library()).map_err(|error| match &error {
        SiteError::Wide(_) => Failure::usage(&error, error.help()),
        _ => Failure::of(&error, error.help()),
    })
}

/// The exit code after watching in the terminal.
pub(crate) fn exit_code(end: io::Result<End>) -> Result<ExitCode, Failure> {
    match end {
        Ok(End::Quit) => Ok(ExitCode::SUCCESS),
        Ok(End::Interrupted(signal)) => Ok(ended_by(signal)),
        Err(error) => Err(Failure::of(
            format_args!("can't draw on this terminal: {error}"),
            "try --plain, which works on any terminal",
        )),
    }
}
