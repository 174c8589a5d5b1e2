//! `raft bench catch-up`

use crate::load::{Kind, Load, Measured, Pace, Raft};
use crate::long_log::{LongLog, mebibytes};
use crate::servers::{Server, Servers, server, servers, start, wait_for};
use crate::{failed, run_duration};
use api::Status;
use clap::Args;
use cluster::{Action, Cluster};
use command::Failure;
use consensus::{Index, NodeId};
use measure::process::Memory;
use measure::report::{Column, Report, number};
use serde_json::json;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How often the memory is measured.
const GLANCE: Duration = Duration::from_millis(10);

/// A follower that comes back and has missed much, while clients go on writing.
#[derive(Debug, Args)]
pub(crate) struct CatchUpArguments {
    #[command(flatten)]
    log: LongLog,

    /// The number of clients that write while it catches up, each as soon as its last write is acknowledged
    #[arg(long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u16).range(1..=1000))]
    clients: u16,

    /// How long the clients are measured before the follower fails and after it has caught up, for comparison
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = run_duration)]
    duration: Duration,
}

/// The results.
struct Found {
    /// The throughput before, while the follower caught up, and after.
    loads: [Measured; 3],
    catching_up: CatchingUp,
}

/// How a follower caught up.
struct CatchingUp {
    /// Number of entries that it had missed when it was started.
    missed: u64,
    /// Until it had applied all of them.
    has_missed: Duration,
    /// Until it had applied everything committed by then.
    is_level: Duration,
    /// Did the leader have a snapshot of what it had missed?
    by_snapshot: bool,
    /// The leader's memory before, and its maximum meanwhile, in bytes.
    leader: (u64, u64),
    follower: Memory,
    /// Number of terms begun meanwhile.
    elections: u64,
}

pub(crate) fn run(arguments: &CatchUpArguments) -> Result<ExitCode, Failure> {
    let log = &arguments.log;
    let mut cluster = start(3, &log.servers)?;
    let setting = log.described(cluster.data_folder())?;
    let all = servers(&mut cluster)?;
    let (target, Servers { leader, others }) = (all.target(), all);
    let Status { node, last_log, .. } = others[0].status().map_err(failed)?;
    let away = Away { node, had: last_log.index };
    cluster.perform(&Action::Kill { node: away.node }).map_err(failed)?;
    log.write_to(&target)?;
    let found = measure(arguments, &mut cluster, &target, &leader, away)?;
    cluster.stop();
    log.report.print(&report(setting, &found))
}

fn measure(
    arguments: &CatchUpArguments,
    cluster: &mut Cluster,
    servers: &Raft,
    leader: &Server,
    away: Away,
) -> Result<Found, Failure> {
    let value_size = arguments.log.value_size();
    let load =
        Load { kind: Kind::Writes, servers, clients: arguments.clients, pace: Pace::Closed, value_size };
    let duration = arguments.duration;
    let (warm_up, none) = (duration / 5, Duration::ZERO);
    let in_run = |error| failed(format_args!("the clients' load failed: {error}"));
    let (before, ()) = load.run(warm_up, || std::thread::sleep(duration)).map_err(in_run)?;
    let (meanwhile, catching_up) = load.run(none, || catch_up(cluster, leader, away)).map_err(in_run)?;
    let (after, ()) = load.run(none, || std::thread::sleep(duration)).map_err(in_run)?;
    Ok(Found { loads: [before, meanwhile, after], catching_up: catching_up? })
}

/// The follower that is away, and the last entry of its log.
#[derive(Debug, Clone, Copy)]
struct Away {
    node: NodeId,
    had: Index,
}

/// Starts the follower that was away, and watches how it catches up.
fn catch_up(cluster: &mut Cluster, leader: &Server, away: Away) -> Result<CatchingUp, Failure> {
    let (begin, at_first) = (Instant::now(), leader.status().map_err(failed)?);
    let goal = at_first.commit_index;
    let held = Memory::of(leader.pid).now;
    cluster.perform(&Action::Restart { node: away.node }).map_err(failed)?;
    let follower = server(cluster, away.node)?;
    let (mut most_held, mut has_missed) = (held, None);
    let is_level = wait_for("the follower does not catch up", || {
        std::thread::sleep(GLANCE);
        cluster.news(Duration::ZERO);
        most_held = most_held.max(Memory::of(leader.pid).now);
        let committed = leader.status().ok()?.commit_index;
        let now = follower.status().ok()?;
        if now.last_applied >= goal {
            has_missed.get_or_insert(begin.elapsed());
        }
        (now.last_applied >= committed).then(|| begin.elapsed())
    })?;
    Ok(CatchingUp {
        missed: goal.0.saturating_sub(away.had.0),
        has_missed: has_missed.unwrap_or(is_level),
        is_level,
        by_snapshot: at_first.snapshot.index > away.had,
        leader: (held, most_held),
        follower: Memory::of(follower.pid),
        elections: leader.status().map_err(failed)?.term.0 - at_first.term.0,
    })
}

const COLUMNS: [Column; 5] = [
    Column::text("when", "clients' writes"),
    Column::number("per_second", "per second", 0),
    Column::number("p50_us", "p50 µs", 0),
    Column::number("p99_us", "p99 µs", 0),
    Column::number("max_us", "max µs", 0),
];

fn report(about: String, found: &Found) -> Report {
    let figures = |load: &Measured| {
        let percentile = |percent| load.percentile(percent) as f64;
        [load.per_second(), percentile(50.0), percentile(99.0), percentile(100.0)]
    };
    let row = |when: &str, figures: [f64; 4]| [json!(when)].into_iter().chain(figures.map(number)).collect();
    let loads = ["before", "meanwhile", "after"].into_iter().zip(&found.loads);
    Report {
        program: "raft bench",
        bench: "catch-up",
        about: about + &found.catching_up.words(),
        columns: COLUMNS.to_vec(),
        rows: loads.map(|(when, load)| row(when, figures(load))).collect(),
        plots: Vec::new(),
        remarks: String::new(),
    }
}

impl CatchingUp {
    fn words(&self) -> String {
        let CatchingUp { missed, has_missed, is_level, by_snapshot, leader, follower, elections } = self;
        let way = if *by_snapshot { "by a snapshot and the log after it" } else { "by the log" };
        let [before, most, now, peak] = [leader.0, leader.1, follower.now, follower.peak].map(mebibytes);
        format!(
            "the follower had missed {missed} entries, and caught up {way}\n\
             it had these after {:.2} s, and everything that was committed meanwhile after {:.2} s\n\
             memory of the leader: {before:.0} MiB before, at most {most:.0} MiB meanwhile; of the follower: {now:.0} MiB at the \
             end, at most {peak:.0} MiB\n\
             elections meanwhile: {elections}\n",
            has_missed.as_secs_f64(),
            is_level.as_secs_f64()
        )
    }
}
