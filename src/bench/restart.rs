//! `raft bench restart`

use super::connection::{Connection, get};
use super::load::Raft;
use super::long_log::{LongLog, mebibytes};
use super::process::{Memory, Usage};
use super::servers::{Server, server, start, wait_for};
use super::{Output, failed};
use crate::failure::{Failure, written};
use clap::Args;
use cluster::{Action, Cluster};
use consensus::{NodeId, RoleKind};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const ONLY: NodeId = NodeId(1);

/// A server that starts again: alone, so that nothing but its own disk is waited for.
#[derive(Debug, Args)]
pub(super) struct RestartArguments {
    #[command(flatten)]
    log: LongLog,

    /// How often it is started again
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
}

/// One restart.
struct Round {
    /// Until it listens: it has read its snapshot and its log.
    listens: Duration,
    /// Until it has answered a linearizable read of the last key: it leads, and has applied everything.
    serves: Duration,
    /// The processor time that it has used until then, in microseconds.
    cpu_us: u64,
    memory: Memory,
}

pub(super) fn run(arguments: &RestartArguments) -> Result<ExitCode, Failure> {
    let log = &arguments.log;
    let mut cluster = start(1, &log.servers)?;
    let folder = cluster.data_folder().to_path_buf();
    let setting = log.described(&folder)?;
    let first = server(&mut cluster, ONLY)?;
    wait_for("no leader was elected", || leads(&first))?;
    log.write_to(&Raft(vec![first.address.clone()]))?;
    // A snapshot may be under way.
    let mut covered = first.status().ok().map(|status| status.snapshot.index);
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let now = first.status().ok().map(|status| status.snapshot.index);
        if std::mem::replace(&mut covered, now) == now {
            break;
        }
    }
    let mut rounds = Vec::new();
    for _ in 0..arguments.rounds {
        rounds.push(restart(&mut cluster, &log.last_key())?);
    }
    let used = Used::of(&folder);
    let text = match log.output {
        Output::Table => table(&setting, &rounds, &used),
        Output::Json => format!("{}\n", json(log.entries(), &rounds, &used)),
    };
    cluster.stop();
    written(io::stdout().write_all(text.as_bytes()))
}

fn leads(server: &Server) -> Option<()> {
    server.status().ok().filter(|status| status.role == RoleKind::Leader).map(drop)
}

fn restart(cluster: &mut Cluster, last_key: &str) -> Result<Round, Failure> {
    cluster.perform(&Action::Kill { node: ONLY }).map_err(failed)?;
    cluster.news(Duration::ZERO);
    let begin = Instant::now();
    cluster.perform(&Action::Restart { node: ONLY }).map_err(failed)?;
    let server = server(cluster, ONLY)?;
    let listens = begin.elapsed();
    let request = get(last_key);
    wait_for("the server does not serve", || {
        Connection::to(&server.address).and_then(|mut it| it.ask(&request)).ok()
    })?;
    let (serves, cpu_us) = (begin.elapsed(), Usage::of(server.pid).cpu_us);
    Ok(Round { listens, serves, cpu_us, memory: Memory::of(server.pid) })
}

/// What the server has on disk, in bytes.
struct Used {
    segments: u64,
    snapshot: u64,
}

impl Used {
    fn of(folder: &Path) -> Used {
        let files: Vec<PathBuf> = std::fs::read_dir(folder.join(ONLY.to_string()))
            .map(|files| files.flatten().map(|file| file.path()).collect())
            .unwrap_or_default();
        let size = |begins: &str| {
            let named = |path: &&PathBuf| {
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begins))
            };
            files.iter().filter(named).filter_map(|path| path.metadata().ok()).map(|file| file.len()).sum()
        };
        Used { segments: size("log-"), snapshot: size("snapshot") }
    }
}

fn table(setting: &str, rounds: &[Round], used: &Used) -> String {
    let row = |name: &str, figure: &dyn Fn(&Round) -> f64| {
        let [least, median, most] = spread(rounds, figure);
        format!("{name:<34} {median:>9.1} {least:>9.1} {most:>9.1}\n")
    };
    let head = format!(
        "on disk: {:.0} MiB of log, {:.0} MiB of snapshot; both in the system's cache when it starts\n\n{:<34} {:>9} {:>9} {:>9}\n",
        mebibytes(used.segments),
        mebibytes(used.snapshot),
        format!("{} restarts after SIGKILL", rounds.len()),
        "median",
        "least",
        "most"
    );
    [
        setting.to_owned(),
        head,
        row("ms until it listens", &|round| round.listens.as_secs_f64() * 1e3),
        row("ms until it serves the last write", &|round| round.serves.as_secs_f64() * 1e3),
        row("ms of processor time for that", &|round| round.cpu_us as f64 / 1e3),
        row("MiB of memory then", &|round| mebibytes(round.memory.now)),
        row("MiB of memory at its peak", &|round| mebibytes(round.memory.peak)),
    ]
    .concat()
}

fn json(entries: u64, rounds: &[Round], used: &Used) -> serde_json::Value {
    let median = |figure: &dyn Fn(&Round) -> f64| spread(rounds, figure)[1];
    serde_json::json!({
        "bench": "restart",
        "entries": entries,
        "log_bytes": used.segments,
        "snapshot_bytes": used.snapshot,
        "rounds": rounds.len(),
        "listens_ms": median(&|round| round.listens.as_secs_f64() * 1e3),
        "serves_ms": median(&|round| round.serves.as_secs_f64() * 1e3),
        "cpu_ms": median(&|round| round.cpu_us as f64 / 1e3),
        "memory_bytes": median(&|round| round.memory.now as f64),
        "peak_memory_bytes": median(&|round| round.memory.peak as f64),
    })
}

/// The least, the median and the most.
fn spread(rounds: &[Round], figure: &dyn Fn(&Round) -> f64) -> [f64; 3] {
    let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    [figures[0], figures[figures.len() / 2], figures[figures.len() - 1]]
}
