//! `raft maelstrom`

use clap::Args;
use command::{
    Failure, ProfileArguments, StorageArguments, TimeArguments, duration, end_at_second_signal, ended_by, say,
};
use consensus::{NodeId, Profile};
use driver::TraceLevel;
use server::{
    Command, Introduction, LabSettings, MaelstromNode, ServerError, Settings, monotonic_now,
    tell_in_background,
};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, BufReader, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;
use storage::careful;
use trace::Feed;

/// Run a node under Maelstrom, Jepsen's workbench for learning distributed systems
///
/// Maelstrom starts the nodes, simulates the network between them, and checks
/// what its clients see:
///
///   ./maelstrom test -w lin-kv --bin /path/to/raft --node-count 3 \
///     --concurrency 4n --rate 100 --time-limit 30 --nemesis partition \
///     -- maelstrom --data "$(mktemp -d)"
///
/// The node reads messages from standard input and writes messages, and nothing
/// else, to standard output, one per line. It prints what happens on standard
/// error, and exits when its input ends. See docs/maelstrom.md.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct MaelstromArguments {
    /// Each node keeps its log in here, in a folder with its name; each cluster needs its own [default: a
    /// temporary folder, named after the process that started the node]
    #[arg(long, value_name = "DIR", env = "NODE_DIR")]
    data: Option<PathBuf>,

    /// A client without an outcome after this time is told so; Maelstrom's clients wait for one second, or
    /// ten times the latency
    #[arg(long, value_name = "TIME", env = "RAFT_PATIENCE", default_value = "900ms", value_parser = duration)]
    patience: Duration,

    #[command(flatten)]
    time: TimeArguments,

    #[command(flatten)]
    profile: ProfileArguments,

    #[command(flatten)]
    storage: StorageArguments,

    /// The seed of the random election timeouts [default: from the clock]
    #[arg(long, env = "RAFT_SEED")]
    seed: Option<u64>,

    /// Print the routine too: each heartbeat and each reset of a timer
    #[arg(long, short)]
    verbose: bool,

    /// Print only errors
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
}

pub(crate) fn run(arguments: MaelstromArguments) -> Result<ExitCode, Failure> {
    arguments.time.timing()?;
    if io::stdin().is_terminal() {
        say("Waiting for Maelstrom's messages on standard input, one per line (docs/maelstrom.md).");
    }
    let mut input = BufReader::new(io::stdin());
    let Some(introduction) = Introduction::await_in(&mut input, &mut io::stdout()).map_err(unwritable)?
    else {
        return Err(Failure::of(
            "standard input ended before an init message came",
            "this command is for Maelstrom, which sends one: see `raft maelstrom --help`",
        ));
    };
    let (data, settings) = (arguments.data_of(introduction.id())?, arguments.settings(&introduction)?);
    let node = match MaelstromNode::open(introduction.clone(), &data, settings, arguments.patience) {
        Ok(node) => node,
        Err(error) => {
            introduction.refuse(&error, &mut io::stdout()).map_err(unwritable)?;
            return Err(failure(&error));
        }
    };
    if let Some(warning) = arguments.time.warning() {
        say(format_args!("warning: {warning}"));
    }

    let signal_received = Arc::new(AtomicI32::new(0));
    let mut signals = end_at_second_signal(&[SIGINT, SIGTERM])
        .and_then(|()| Signals::new([SIGINT, SIGTERM]))
        .map_err(|error| Failure::of(format_args!("can't listen for signals: {error}"), ""))?;
    let (remote, received) = (node.remote(), signal_received.clone());
    std::thread::spawn(move || {
        for signal in signals.forever() {
            received.store(signal, Ordering::Relaxed);
            remote.command(Command::Stop);
        }
    });

    let mut feed = if arguments.verbose { Feed::with_routine() } else { Feed::new() };
    let (mut tell, telling) = tell_in_background(move |record| {
        // If nobody reads it, there is nobody to report to.
        feed.tell(record).iter().for_each(|line| drop(writeln!(io::stderr(), "{line}")));
    });
    let is_quiet = arguments.quiet;
    let ended = node.run(input, io::stdout(), move |record| {
        if !is_quiet {
            tell(record);
        }
    });
    // All reports are written before the process ends. A thread that panicked has reported that itself.
    let _ = telling.join();
    ended.map_err(|error| failure(&error))?;
    match signal_received.load(Ordering::Relaxed) {
        0 => Ok(ExitCode::SUCCESS),
        signal => Ok(ended_by(signal)),
    }
}

fn failure(error: &ServerError) -> Failure {
    Failure::of(error, error.help())
}

fn unwritable(error: io::Error) -> Failure {
    Failure::of(format_args!("can't write to standard output: {error}"), "")
}

impl MaelstromArguments {
    /// The folder of this node, of which people are told.
    fn data_of(&self, id: NodeId) -> Result<PathBuf, Failure> {
        let data = self.data.clone().map_or_else(folder_of_this_run, Ok)?.join(id.to_string());
        if !self.quiet {
            say(format_args!("{id} keeps its log in {}", data.display()));
        }
        Ok(data)
    }

    fn settings(&self, introduction: &Introduction) -> Result<Settings, Failure> {
        let id = introduction.id();
        let lab =
            LabSettings { speed: self.time.speed, latency: self.time.latency, ..LabSettings::default() };
        Ok(Settings {
            founders: introduction
                .peers()
                .iter()
                .copied()
                .chain([id])
                .map(|founder| (founder, None))
                .collect(),
            timing: self.time.timing()?,
            seed: self.seed.unwrap_or_else(|| monotonic_now().as_nanos() as u64),
            lab: (!lab.is_idle()).then_some(lab),
            lease: self.time.lease_reads,
            profile: self.profile.profile(Profile::PRODUCTION)?,
            snapshot_after: self.storage.snapshot_after,
            trace_level: TraceLevel::Events,
            ..Settings::new("maelstrom", id.0)
        })
    }
}

/// The default folder. All nodes that one process has started share it, and find their logs there when it
/// starts them again; the next process, and so the next test, begins with none.
fn folder_of_this_run() -> Result<PathBuf, Failure> {
    let parent = rustix::process::getppid().map_or(0, |parent| parent.as_raw_nonzero().get());
    // Process ids are reused; together with its start time, one always means the same process.
    let stat = std::fs::read_to_string(format!("/proc/{parent}/stat")).unwrap_or_default();
    let started = stat.rsplit(')').next().and_then(|fields| fields.split_whitespace().nth(19)).unwrap_or("0");
    let folder = std::env::temp_dir().join(format!("raft-maelstrom-{parent}-{started}"));
    // The name can be guessed, so another user may have been there first.
    let _ = careful::create_folder(&folder);
    if careful::is_private_folder(&folder) {
        return Ok(folder);
    }
    let message = format_args!("{} can't be created, or other users can read it", folder.display());
    Err(Failure::of(message, "name another folder with --data"))
}
