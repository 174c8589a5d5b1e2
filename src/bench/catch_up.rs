//! `raft bench catch-up`

use super::load::{Kind, Load, Measured, Raft};
use super::long_log::{LongLog, mebibytes};
use super::process::Memory;
use super::servers::{Server, Servers, server, servers, start, wait_for};
use super::{Output, failed};
use crate::failure::{Failure, written};
use clap::Args;
use cluster::{Action, Cluster};
use consensus::{Index, NodeId};
use server::Status;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The memory is looked at so often.
const GLANCE: Duration = Duration::from_millis(10);

/// A follower that comes back and has missed much, while clients go on writing.
#[derive(Debug, Args)]
pub(super) struct CatchUpArguments {
    #[command(flatten)]
    log: LongLog,

    /// How many clients write in a closed loop while it catches up
    #[arg(long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u16).range(1..=1000))]
    clients: u16,

    /// How long they are watched before, for comparison, in seconds
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
}

/// What came of it.
struct Found {
    /// What the clients got done before, while the follower caught up, and after.
    loads: [Measured; 3],
    catching_up: CatchingUp,
}

/// How a follower caught up.
struct CatchingUp {
    /// How many entries it had missed when it was started.
    missed: u64,
    /// Until it had applied all those.
    has_missed: Duration,
    /// Until it had applied all that was committed by then.
    is_level: Duration,
    /// Whether the leader had a snapshot of what it had missed.
    by_snapshot: bool,
    /// The memory that the leader held before, and the most that it held meanwhile, in bytes.
    leader: (u64, u64),
    follower: Memory,
    /// By so much the term has risen meanwhile.
    elections: u64,
}

pub(super) fn run(arguments: &CatchUpArguments) -> Result<ExitCode, Failure> {
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
    let text = match log.output {
        Output::Table => setting + &table(arguments, &found),
        Output::Json => format!("{}\n", json(arguments, &found)),
    };
    cluster.stop();
    written(io::stdout().write_all(text.as_bytes()))
}

fn measure(
    arguments: &CatchUpArguments,
    cluster: &mut Cluster,
    target: &Raft,
    leader: &Server,
    away: Away,
) -> Result<Found, Failure> {
    let value_size = arguments.log.value_size();
    let load = Load { kind: Kind::Writes, target, clients: arguments.clients, value_size };
    let seconds = Duration::from_secs(arguments.seconds);
    let (warm_up, none) = (seconds / 5, Duration::ZERO);
    let in_run = |error| failed(format_args!("the clients' load failed: {error}"));
    let (before, ()) = load.run(warm_up, || std::thread::sleep(seconds)).map_err(in_run)?;
    let (meanwhile, catching_up) = load.run(none, || catch_up(cluster, leader, away)).map_err(in_run)?;
    let (after, ()) = load.run(none, || std::thread::sleep(seconds)).map_err(in_run)?;
    Ok(Found { loads: [before, meanwhile, after], catching_up: catching_up? })
}

/// The follower that is away, and where its log ended.
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

fn table(arguments: &CatchUpArguments, found: &Found) -> String {
    let CatchingUp { missed, has_missed, is_level, by_snapshot, leader, follower, elections } =
        &found.catching_up;
    let mut text = String::new();
    let way = if *by_snapshot { "by a snapshot and the log after it" } else { "by the log" };
    let _ = writeln!(text, "the follower had missed {missed} entries, and caught up {way}");
    let _ = writeln!(text, "it had them after {:.2} s", has_missed.as_secs_f64());
    let _ = writeln!(text, "it had all that was committed by then after {:.2} s", is_level.as_secs_f64());
    let (before, most) = (mebibytes(leader.0), mebibytes(leader.1));
    let _ = writeln!(text, "memory of the leader: {before:.0} MiB before, {most:.0} MiB at most meanwhile");
    let (now, peak) = (mebibytes(follower.now), mebibytes(follower.peak));
    let _ = writeln!(text, "memory of the follower: {now:.0} MiB then, {peak:.0} MiB at most");
    let _ = writeln!(text, "elections meanwhile: {elections}\n");
    let _ = writeln!(
        text,
        "{:<22} {:>10} {:>9} {:>9} {:>9}",
        format!("{} clients", arguments.clients),
        "per second",
        "p50 µs",
        "p99 µs",
        "max µs"
    );
    for (when, load) in ["before", "while it catches up", "after"].into_iter().zip(&found.loads) {
        let _ = writeln!(
            text,
            "{when:<22} {:>10.0} {:>9} {:>9} {:>9}",
            load.per_second(),
            load.percentile(50.0),
            load.percentile(99.0),
            load.percentile(100.0)
        );
    }
    let [before, meanwhile, _] = &found.loads;
    let ratio =
        |percentile| meanwhile.percentile(percentile) as f64 / before.percentile(percentile).max(1) as f64;
    let _ = writeln!(
        text,
        "{:<22} {:>10.2} {:>9.2} {:>9.2} {:>9.2}",
        "while / before",
        meanwhile.per_second() / before.per_second(),
        ratio(50.0),
        ratio(99.0),
        ratio(100.0)
    );
    text
}

fn json(arguments: &CatchUpArguments, found: &Found) -> serde_json::Value {
    let [before, meanwhile, after] = found.loads.each_ref().map(|load| {
        serde_json::json!({
            "per_second": load.per_second(),
            "p50_us": load.percentile(50.0),
            "p99_us": load.percentile(99.0),
            "max_us": load.percentile(100.0),
        })
    });
    let CatchingUp { missed, has_missed, is_level, by_snapshot, leader, follower, elections } =
        &found.catching_up;
    serde_json::json!({
        "bench": "catch-up",
        "clients": arguments.clients,
        "missed": missed,
        "by_snapshot": by_snapshot,
        "has_missed_ms": has_missed.as_millis() as u64,
        "is_level_ms": is_level.as_millis() as u64,
        "leader_memory_before_bytes": leader.0,
        "leader_memory_most_bytes": leader.1,
        "follower_peak_memory_bytes": follower.peak,
        "elections": elections,
        "before": before,
        "meanwhile": meanwhile,
        "after": after,
    })
}
