//! `raft bench`: a file for each of its benches.

mod catch_up;
mod connection;
mod core;
mod elections;
mod failover;
mod load;
mod long_log;
mod operations;
mod recovery;
mod report;
mod search;
mod servers;
mod sim;

use self::core::CoreArguments;
use catch_up::CatchUpArguments;
use clap::{Args, Subcommand};
use command::{Failure, duration};
use elections::ElectionsArguments;
use failover::FailoverArguments;
use load::Kind;
use measure::machine::{self, Floor};
use operations::OperationArguments;
use recovery::RecoveryArguments;
use search::SearchArguments;
use sim::SimArguments;
use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Minimum duration of a run: a shorter one would measure only its own beginning and end.
const SHORTEST_RUN: Duration = Duration::from_millis(10);
const LONGEST_RUN: Duration = Duration::from_secs(3600);

/// Measure how fast a cluster on this machine is
///
/// The servers share this machine with the clients that generate the load: close other programs, and compare
/// figures only with others from the same machine.
#[derive(Debug, Args)]
pub struct BenchArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Durable writes: each is on the disks of a majority before it is acknowledged
    Writes(OperationArguments),
    /// Linearizable reads: before each, a majority confirms that the leader still leads
    Reads(OperationArguments),
    /// A server with a long log restarts: how long until it serves, and its memory
    ///
    /// With a --snapshot-after that is larger than the log (say 1GiB), it reads the
    /// whole log; with the default, a snapshot and the log after it.
    #[command(verbatim_doc_comment)]
    Recovery(RecoveryArguments),
    /// A follower that was away catches up: how long it takes, and what clients notice
    ///
    /// With a --snapshot-after that is larger than the log (say 1GiB), it receives the
    /// whole log; with the default, a snapshot and the log after it.
    #[command(verbatim_doc_comment)]
    CatchUp(CatchUpArguments),
    /// The leader fails, again and again: for how long can a client not write?
    ///
    /// The client writes all the time, and its gap is the longest time between two acknowledged writes around
    /// the failure. It consists of the election timeout, the election, one write, and up to one probing
    /// interval of the client. Then the leader comes back, and the cluster settles before the next trial.
    Failover(FailoverArguments),
    /// The leader crashes, again and again: how long until the next leader, with different election timeouts?
    ///
    /// This is the experiment of the paper's Figure 16 (§9.3). The simulator plays it in seconds; with
    /// --real, real processes take minutes.
    Elections(ElectionsArguments),
    /// The consensus alone: what an entry costs without disk and network
    Core(CoreArguments),
    /// The simulator: how many clusters it plays per second
    Sim(SimArguments),
    /// The search without each rule: how long until a short run shows what the rule is for.
    Search(SearchArguments),
}

/// Measures.
///
/// # Errors
/// If it can't be measured, or the figures can't be written.
pub fn run(arguments: BenchArguments) -> Result<ExitCode, Failure> {
    match arguments.what {
        What::Writes(arguments) => operations::run(Kind::Writes, &arguments),
        What::Reads(arguments) => operations::run(Kind::Reads, &arguments),
        What::Recovery(arguments) => recovery::run(&arguments),
        What::CatchUp(arguments) => catch_up::run(&arguments),
        What::Failover(arguments) => failover::run(&arguments),
        What::Elections(arguments) => elections::run(&arguments),
        What::Core(arguments) => core::run(&arguments),
        What::Sim(arguments) => sim::run(&arguments),
        What::Search(arguments) => search::run(&arguments),
    }
}

/// The machine, and its speed without any server: in two lines.
fn machine_described(folder: &Path) -> Result<String, Failure> {
    Ok(format!("{}\n{}", machine::named(), floor(folder)?.words()))
}

/// The speed of the machine without any server.
fn floor(folder: &Path) -> Result<Floor, Failure> {
    Floor::measure(folder).map_err(|error| {
        Failure::of(
            format_args!("can't measure the disk or the loopback: {error}"),
            "choose another folder with --data, and check that 127.0.0.1 can be used",
        )
    })
}

/// Parses the duration of a run.
fn run_duration(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    if !(SHORTEST_RUN..=LONGEST_RUN).contains(&time) {
        return Err(format!("choose from {SHORTEST_RUN:?} to {LONGEST_RUN:?}"));
    }
    Ok(time)
}

/// A bench that could not be completed.
fn failed(problem: impl Display) -> Failure {
    Failure::of(problem, "the leader may have changed: close other programs and try again")
}
