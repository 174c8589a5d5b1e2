//! `raft bench recovery`

use crate::connection::{Connection, get};
use crate::failed;
use crate::load::Raft;
use crate::long_log::{LongLog, mebibytes};
use crate::servers::{Server, server, start, wait_for};
use clap::Args;
use cluster::{Action, Cluster};
use command::Failure;
use consensus::{NodeId, RoleKind};
use measure::process::{Memory, Usage};
use measure::report::{Report, figure_columns, figure_row, number};
use measure::spread::Spread;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const ONLY: NodeId = NodeId(1);

/// A server that starts again: alone, so that nothing but its own disk is waited for.
#[derive(Debug, Args)]
pub(crate) struct RecoveryArguments {
    #[command(flatten)]
    log: LongLog,

    /// How often it is restarted
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
}

/// One restart.
struct Restart {
    /// Until it listens: it has read its snapshot and its log.
    listens: Duration,
    /// Until it has answered a linearizable read of the last key: it leads, and has applied everything.
    serves: Duration,
    /// The processor time that it has used until then, in microseconds.
    cpu_us: u64,
    memory: Memory,
}

pub(crate) fn run(arguments: &RecoveryArguments) -> Result<ExitCode, Failure> {
    let log = &arguments.log;
    let mut cluster = start(1, &log.servers)?;
    let folder = cluster.data_folder().to_path_buf();
    let setting = log.described(&folder)?;
    let first = server(&mut cluster, ONLY)?;
    wait_for("no leader was elected", || leads(&first))?;
    log.write_to(&Raft(vec![first.address.clone()]))?;
    // A snapshot may be in progress.
    let mut covered = first.status().ok().map(|status| status.snapshot.index);
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let now = first.status().ok().map(|status| status.snapshot.index);
        if std::mem::replace(&mut covered, now) == now {
            break;
        }
    }
    let mut restarts = Vec::new();
    for _ in 0..arguments.runs {
        restarts.push(restart(&mut cluster, &log.last_key())?);
    }
    let used = Used::of(&folder);
    cluster.stop();
    log.report.print(&report(setting, &restarts, &used))
}

fn leads(server: &Server) -> Option<()> {
    server.status().ok().filter(|status| status.role == RoleKind::Leader).map(drop)
}

fn restart(cluster: &mut Cluster, last_key: &str) -> Result<Restart, Failure> {
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
    Ok(Restart { listens, serves, cpu_us, memory: Memory::of(server.pid) })
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

fn report(about: String, restarts: &[Restart], used: &Used) -> Report {
    let row = |key: &str, what: &str, figure: &dyn Fn(&Restart) -> f64| {
        figure_row(key, what, &Spread::of(restarts.iter().map(figure)))
    };
    Report {
        program: "raft bench",
        bench: "recovery",
        about: format!(
            "{about}on disk: {:.0} MiB of log, {:.0} MiB of snapshot; both in the system's cache when it starts\n\
             {} restarts after SIGKILL\n",
            mebibytes(used.segments),
            mebibytes(used.snapshot),
            restarts.len()
        ),
        columns: figure_columns(1),
        rows: vec![
            row("listens_ms", "ms until it listens", &|restart| restart.listens.as_secs_f64() * 1e3),
            row("serves_ms", "ms until it serves the last write", &|restart| {
                restart.serves.as_secs_f64() * 1e3
            }),
            row("cpu_ms", "ms of processor time for that", &|restart| restart.cpu_us as f64 / 1e3),
            row("memory_mib", "MiB of memory then", &|restart| mebibytes(restart.memory.now)),
            row("peak_memory_mib", "MiB of memory at its peak", &|restart| mebibytes(restart.memory.peak)),
            vec![
                json!("snapshot_mib"),
                json!("MiB of snapshot"),
                number(mebibytes(used.snapshot)),
                json!(null),
                json!(null),
            ],
        ],
        plots: Vec::new(),
        remarks: String::new(),
    }
}
