//! `raft bench writes` and `raft bench reads`

use crate::load::{Kind, Load, Pace};
use crate::report::DrawingArguments;
use crate::servers::{Counters, ServerArguments, Servers, servers, start};
use crate::{failed, floor, run_duration};
use clap::Args;
use command::Failure;
use measure::machine::{self, FLOOR_BYTES, Floor};
use measure::plot::{Axis, Line, Plot, Scale};
use measure::process::Machine;
use measure::progress::progress;
use measure::report::{Column, Report, Row};
use measure::runs::{AFTER_FIGURES, QUIET, Run, Runs};
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;

/// Clients that ask over and over.
#[derive(Debug, Args)]
pub(crate) struct OperationArguments {
    /// The number of clients, with a row of results for each
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,16,64,256", value_parser = clap::value_parser!(u16).range(1..=1000))]
    clients: Vec<u16>,

    /// Requests per second of all clients together, sent even if no responses have come; latencies count from
    /// when a request was due [default: each client sends a request as soon as it has the last response]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rate: Option<u32>,

    /// How long each run takes; warming up takes a fifth more
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = run_duration)]
    duration: Duration,

    /// The size of a value, in bytes
    #[arg(long, value_name = "BYTES", default_value = "256", value_parser = clap::value_parser!(u32).range(..=1_048_576))]
    value_size: u32,

    /// The number of servers
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u64).range(1..=15))]
    nodes: u64,

    #[command(flatten)]
    servers: ServerArguments,

    /// How often each row is measured, in turn with the others
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,

    #[command(flatten)]
    report: DrawingArguments,
}

pub(crate) fn run(kind: Kind, arguments: &OperationArguments) -> Result<ExitCode, Failure> {
    let mut cluster = start(arguments.nodes, &arguments.servers)?;
    let floor = floor(cluster.data_folder())?;
    let servers = servers(&mut cluster)?;
    let measured = measure_all(kind, arguments, &servers)?;
    cluster.stop();
    arguments.report.print(&report(kind, arguments, &floor, &measured))
}

/// All runs: one number of clients after the other, again and again, so that any other load on the machine
/// affects all alike.
fn measure_all(
    kind: Kind,
    arguments: &OperationArguments,
    servers: &Servers,
) -> Result<Vec<Measured>, Failure> {
    let progress = progress(arguments.clients.len() as u64 * u64::from(arguments.runs), "runs");
    let rows = arguments.clients.iter().map(|&clients| Measured { clients, runs: Runs::default() });
    let mut rows: Vec<Measured> = rows.collect();
    for _ in 0..arguments.runs {
        for row in &mut rows {
            row.runs.push(measure(kind, arguments, row.clients, servers)?);
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    Ok(rows)
}

/// The figures of each run, reported as the median of all.
const FIGURES: [Column; 9] = [
    Column::number("per_second", "per second", 0),
    Column::number("p50_us", "p50 µs", 0),
    Column::number("p99_us", "p99 µs", 0),
    Column::number("max_us", "max µs", 0),
    Column::number("leader_syncs_per_operation", "syncs/op", 3),
    Column::number("leader_bytes_per_operation", "bytes/op", 0),
    Column::number("cpu_us_per_operation", "cpu µs/op", 1),
    Column::number("switches_per_operation", "switches/op", 2),
    Column::number("client_cpu_us_per_operation", "client cpu µs/op", 1),
];

const CLIENTS: Column = Column::number("clients", "clients", 0);

/// All runs with one number of clients.
struct Measured {
    clients: u16,
    runs: Runs<{ FIGURES.len() }>,
}

impl Measured {
    fn row(&self) -> Row {
        [json!(self.clients)].into_iter().chain(self.runs.cells()).collect()
    }

    fn per_second(&self) -> f64 {
        self.runs.medians()[0]
    }
}

fn measure(
    kind: Kind,
    arguments: &OperationArguments,
    clients: u16,
    servers: &Servers,
) -> Result<Run<{ FIGURES.len() }>, Failure> {
    let (all, value_size) = (servers.target(), arguments.value_size as usize);
    let pace = arguments.rate.map_or(Pace::Closed, Pace::Open);
    let load = Load { kind, servers: &all, clients, pace, value_size };
    let in_run = |error| failed(format_args!("the run with {clients} clients failed: {error}"));
    let count = || {
        let (before, machine_before) = (servers.counters()?, Machine::now());
        std::thread::sleep(arguments.duration);
        Ok((before, machine_before, servers.counters()?, Machine::now()))
    };
    let (done, counted) = load.run(arguments.duration / 5, count).map_err(in_run)?;
    let (before, machine_before, after, machine_after) = counted.map_err(in_run)?;
    let client_cpu_us = machine_after.own_us - machine_before.own_us;
    let used = |count: fn(&Counters) -> u64| count(&after).saturating_sub(count(&before));
    let each = |amount: u64| amount as f64 / done.operations().max(1) as f64;
    let servers_cpu_us = used(|counters| counters.cpu_us);
    Ok(Run {
        figures: [
            done.per_second(),
            done.percentile(50.0) as f64,
            done.percentile(99.0) as f64,
            done.percentile(100.0) as f64,
            each(used(|counters| counters.syncs)),
            each(used(|counters| counters.written)),
            each(servers_cpu_us),
            each(used(|counters| counters.switches)),
            each(client_cpu_us),
        ],
        others: machine_after.share_of_others(&machine_before, client_cpu_us + servers_cpu_us),
    })
}

fn report(kind: Kind, arguments: &OperationArguments, floor: &Floor, measured: &[Measured]) -> Report {
    let alone = measured.iter().find(|measured| measured.clients == 1).map(Measured::per_second);
    let is_alike = arguments.nodes == 3 && arguments.value_size as usize == FLOOR_BYTES;
    let is_floor_of = kind == Kind::Writes && is_alike && arguments.rate.is_none();
    Report {
        program: "raft bench",
        bench: kind.bench(),
        about: about(kind, arguments, floor),
        columns: [CLIENTS].into_iter().chain(FIGURES).chain(AFTER_FIGURES).collect(),
        rows: measured.iter().map(Measured::row).collect(),
        plots: vec![Plot {
            title: format!("{} per second", kind.words()),
            x: Axis { title: "clients", scale: Scale::Logarithmic },
            y: Axis { title: "per second", scale: Scale::Linear },
            lines: vec![Line {
                name: kind.words().to_owned(),
                points: measured.iter().map(|it| (f64::from(it.clients), it.per_second())).collect(),
            }],
        }],
        remarks: alone.filter(|_| is_floor_of).map(|alone| floor.beside(alone)).unwrap_or_default(),
    }
}

fn about(kind: Kind, arguments: &OperationArguments, floor: &Floor) -> String {
    let OperationArguments { nodes, value_size, duration, rate, runs, servers, .. } = arguments;
    let pace = match rate {
        None => "each client sends a request as soon as it has the last response".to_owned(),
        Some(rate) => {
            format!(
                "all clients together send {rate} requests per second; latencies count from when one was due"
            )
        }
    };
    let runs = if *runs == 1 { "once".to_owned() } else { format!("{runs} times, in turn; medians") };
    format!(
        "{nodes} servers on this machine, {} of {value_size}-byte values; {pace}; {duration:?} per run, each {runs}\n\
         {servers}\n{}\n{}\
         syncs and bytes are the leader's; cpu µs and switches (between threads) are those of all servers; client cpu µs are \
         those of the load generator\n\
         others: the share of the machine that other processes used; * where it was more than {:.0}%\n",
        kind.words(),
        machine::named(),
        floor.words(),
        QUIET * 100.0
    )
}
