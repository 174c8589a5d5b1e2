//! A cluster of three in one process that keeps everything in memory, with a network of function calls: this
//! project's drivers, its library, and openraft. Many clients each wait for their write before their next request.
//!
//! All have one thread for the servers and one for the clients. The library's servers write their logs, with checksums, to
//! files in memory. openraft's requests are empty, as in its own minimal benchmark; ours hold a value. All apply each command
//! to a state machine that does nothing with it, and remove what a snapshot of that covers.

mod library;
mod open_raft;
mod ours;

use crate::output::{DrawnArguments, run_duration};
use clap::Args;
use library::Library;
use measure::machine;
use measure::plot::{Axis, Line, Plot, Scale};
use measure::progress::progress;
use measure::report::{Column, Report, Row, number};
use measure::spread::Spread;
use open_raft::OpenRaft;
use ours::Ours;
use serde_json::json;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A cluster in one process, beside openraft.
#[derive(Debug, Args)]
pub struct MemoryArguments {
    /// How many clients there are, one row for each number
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,16,64,256", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    clients: Vec<u32>,

    /// How many bytes a value of ours has
    #[arg(long, value_name = "BYTES", default_value_t = 256, value_parser = clap::value_parser!(u32).range(..=1_048_576))]
    value_size: u32,

    /// How long each run takes; a fifth more is for warming up
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = run_duration)]
    duration: Duration,

    /// How often each is measured, in turn
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,

    #[command(flatten)]
    output: DrawnArguments,
}

/// The cluster, for clients.
trait Cluster: Clone + Send + Sync + 'static {
    /// Waits until a command is committed and applied.
    fn write(&self) -> impl Future<Output = ()> + Send;
}

/// The systems, in the order of the rows.
const SYSTEMS: [&str; 3] = ["raft", "raft, library", "openraft"];

const COLUMNS: [Column; 5] = [
    Column::text("system", ""),
    Column::number("clients", "clients", 0),
    Column::number("per_second", "per second", 0),
    Column::number("per_second_least", "least", 0),
    Column::number("per_second_most", "most", 0),
];

/// Measures and reports.
pub fn run(arguments: &MemoryArguments) -> anyhow::Result<()> {
    let MemoryArguments { clients, value_size, duration, runs, output } = arguments;
    let (mut rows, mut ratios) = (Vec::<Row>::new(), Vec::<Row>::new());
    let mut lines = SYSTEMS.map(|name| Line { name: name.to_owned(), points: Vec::new() });
    let progress = progress(clients.len() as u64 * u64::from(*runs), "runs of each");
    for &clients in clients {
        let mut measured = SYSTEMS.map(|_| Vec::new());
        for _ in 0..*runs {
            measured[0].push(writes_per_second(&Ours::start(*value_size as usize), clients, *duration)?);
            measured[1].push(writes_per_second(&Library::start(*value_size as usize)?, clients, *duration)?);
            measured[2].push(writes_per_second(&OpenRaft::start()?, clients, *duration)?);
            progress.inc(1);
        }
        let spreads = measured.map(Spread::of);
        for ((system, spread), line) in SYSTEMS.iter().zip(&spreads).zip(&mut lines) {
            let figures = [spread.median(), spread.least(), spread.most()].map(number);
            rows.push([json!(system), json!(clients)].into_iter().chain(figures).collect());
            line.points.push((f64::from(clients), spread.median()));
        }
        for (system, ours) in SYSTEMS[..2].iter().zip(&spreads) {
            let ratio = number(ours.median() / spreads[2].median());
            let of = format!("{system} / openraft");
            ratios.push(vec![json!(of), json!(clients), ratio, json!(null), json!(null)]);
        }
    }
    progress.finish_and_clear();
    output.print(&Report {
        program: "peers",
        bench: "memory",
        about: format!(
            "three servers in one thread, clients in another that each wait for their write; all in memory; raft: values of \
             {value_size} bytes; openraft 0.10.0-alpha.37: empty requests; {runs} runs of {duration:?} each, in turn; medians\n{}\n",
            machine::named()
        ),
        columns: COLUMNS.to_vec(),
        rows: rows.into_iter().chain(ratios).collect(),
        plots: vec![Plot {
            title: "Writes in a second".to_owned(),
            x: Axis { title: "clients", scale: Scale::Logarithmic },
            y: Axis { title: "in a second", scale: Scale::Linear },
            lines: lines.into(),
        }],
        remarks: String::new(),
    })
}

/// The throughput of the clients, which run in a thread of their own.
fn writes_per_second(cluster: &impl Cluster, clients: u32, duration: Duration) -> anyhow::Result<f64> {
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    IS_OVER.store(false, Ordering::Relaxed);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build()?;
    let warm_at = Instant::now() + duration / 5;
    let work = |cluster| async move {
        let mut writes = 0_u64;
        while !IS_OVER.load(Ordering::Relaxed) {
            Cluster::write(&cluster).await;
            writes += u64::from(Instant::now() >= warm_at);
        }
        writes
    };
    let clients: Vec<_> = (0..clients).map(|_| runtime.spawn(work(cluster.clone()))).collect();
    std::thread::sleep(warm_at.saturating_duration_since(Instant::now()) + duration);
    IS_OVER.store(true, Ordering::Relaxed);
    let took = warm_at.elapsed();
    let writes = runtime.block_on(futures::future::try_join_all(clients))?;
    Ok(writes.into_iter().sum::<u64>() as f64 / took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_do_what_clients_want() {
        assert!(writes_per_second(&Ours::start(256), 4, Duration::from_millis(100)).unwrap() > 0.0);
        assert!(
            writes_per_second(&Library::start(256).unwrap(), 4, Duration::from_millis(100)).unwrap() > 0.0
        );
        assert!(writes_per_second(&OpenRaft::start().unwrap(), 4, Duration::from_millis(100)).unwrap() > 0.0);
    }
}
