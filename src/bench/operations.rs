//! `raft bench writes` and `raft bench reads`

use super::load::{Kind, Load, Measured, Pace};
use super::report::DrawingArguments;
use super::servers::{Counters, ServerArguments, Servers, servers, start};
use super::{failed, floor, progress, run_duration};
use crate::failure::Failure;
use clap::Args;
use measure::machine::{self, FLOOR_BYTES, Floor};
use measure::plot::{Axis, Line, Plot, Scale};
use measure::process::Machine;
use measure::report::{Column, Report, Row, number};
use measure::spread::Spread;
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;

/// Whatever else runs must not take more of the machine than this, or a row is marked.
const QUIET: f64 = 0.1;

/// Clients that ask over and over.
#[derive(Debug, Args)]
pub(super) struct OperationArguments {
    /// How many clients there are, one row for each number
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,16,64,256", value_parser = clap::value_parser!(u16).range(1..=1000))]
    clients: Vec<u16>,

    /// How often they ask in a second, all together, even if there are no answers yet; how long an operation takes counts from
    /// when it was due [default: each asks as soon as it has its answer]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rate: Option<u32>,

    /// How long each run takes; a fifth more is for warming up
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = run_duration)]
    duration: Duration,

    /// How many bytes a value has
    #[arg(long, value_name = "BYTES", default_value = "256", value_parser = clap::value_parser!(u32).range(..=1_048_576))]
    value_size: u32,

    /// How many servers there are
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u64).range(1..=15))]
    nodes: u64,

    #[command(flatten)]
    servers: ServerArguments,

    /// How often each row is measured, in turn
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,

    #[command(flatten)]
    report: DrawingArguments,
}

pub(super) fn run(kind: Kind, arguments: &OperationArguments) -> Result<ExitCode, Failure> {
    let mut cluster = start(arguments.nodes, &arguments.servers)?;
    let floor = floor(cluster.data_folder())?;
    let servers = servers(&mut cluster)?;
    let measured = measure_all(kind, arguments, &servers)?;
    cluster.stop();
    arguments.report.tell(&report(kind, arguments, &floor, &measured))
}

/// All runs: one number of clients after the other, again and again, so that whatever else the machine does falls on all
/// alike.
fn measure_all(kind: Kind, arguments: &OperationArguments, servers: &Servers) -> Result<Vec<Runs>, Failure> {
    let progress = progress(arguments.clients.len() as u64 * u64::from(arguments.runs), "runs");
    let rows = arguments.clients.iter().map(|&clients| Runs { clients, runs: Vec::new() });
    let mut rows: Vec<Runs> = rows.collect();
    for _ in 0..arguments.runs {
        for row in &mut rows {
            row.runs.push(measure(kind, arguments, row.clients, servers)?);
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    Ok(rows)
}

/// What came of one run.
struct Run {
    measured: Measured,
    before: Counters,
    after: Counters,
    /// The processor time of the load generator, in microseconds.
    client_cpu_us: u64,
    /// The share of the machine that went to others.
    others: f64,
}

/// All runs with one number of clients.
struct Runs {
    clients: u16,
    runs: Vec<Run>,
}

fn measure(
    kind: Kind,
    arguments: &OperationArguments,
    clients: u16,
    servers: &Servers,
) -> Result<Run, Failure> {
    let (all, value_size) = (servers.target(), arguments.value_size as usize);
    let pace = arguments.rate.map_or(Pace::Closed, Pace::Open);
    let load = Load { kind, servers: &all, clients, pace, value_size };
    let in_run = |error| failed(format_args!("the run with {clients} clients failed: {error}"));
    let count = || {
        let (before, machine_before) = (servers.counters()?, Machine::now());
        std::thread::sleep(arguments.duration);
        Ok((before, machine_before, servers.counters()?, Machine::now()))
    };
    let (measured, counted) = load.run(arguments.duration / 5, count).map_err(in_run)?;
    let (before, machine_before, after, machine_after) = counted.map_err(in_run)?;
    let client_cpu_us = machine_after.own_us - machine_before.own_us;
    let known = client_cpu_us + after.cpu_us.saturating_sub(before.cpu_us);
    let others = machine_after.share_of_others(&machine_before, known);
    Ok(Run { measured, before, after, client_cpu_us, others })
}

impl Run {
    /// So much of something for each operation.
    fn each(&self, amount: u64) -> f64 {
        amount as f64 / self.measured.operations().max(1) as f64
    }

    /// So many of something that the servers count, for each operation.
    fn counted(&self, count: impl Fn(&Counters) -> u64) -> f64 {
        self.each(count(&self.after).saturating_sub(count(&self.before)))
    }

    /// The figures, in the order of [`FIGURES`].
    fn figures(&self) -> [f64; 9] {
        [
            self.measured.per_second(),
            self.measured.percentile(50.0) as f64,
            self.measured.percentile(99.0) as f64,
            self.measured.percentile(100.0) as f64,
            self.counted(|counters| counters.syncs),
            self.counted(|counters| counters.written),
            self.counted(|counters| counters.cpu_us),
            self.counted(|counters| counters.switches),
            self.each(self.client_cpu_us),
        ]
    }
}

/// What is measured in each run, and told as the median of all.
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

const AFTER: [Column; 4] = [
    Column::number("per_second_least", "least", 0),
    Column::number("per_second_most", "most", 0),
    Column::number("others_percent", "others %", 0),
    Column::text("disturbed", ""),
];

impl Runs {
    /// The median of each figure.
    fn medians(&self) -> Vec<f64> {
        let median = |place: usize| Spread::of(self.runs.iter().map(|run| run.figures()[place])).median();
        (0..FIGURES.len()).map(median).collect()
    }

    fn row(&self) -> Row {
        let per_second = Spread::of(self.runs.iter().map(|run| run.measured.per_second()));
        let others = Spread::of(self.runs.iter().map(|run| run.others)).most();
        let mut row = vec![json!(self.clients)];
        row.extend(self.medians().into_iter().map(number));
        row.extend([number(per_second.least()), number(per_second.most()), number(others * 100.0)]);
        row.push(json!(if others > QUIET { "*" } else { "" }));
        row
    }
}

fn report(kind: Kind, arguments: &OperationArguments, floor: &Floor, measured: &[Runs]) -> Report {
    let per_second = |runs: &Runs| runs.medians()[0];
    let alone = measured.iter().find(|runs| runs.clients == 1).map(per_second);
    let is_alike = arguments.nodes == 3 && arguments.value_size as usize == FLOOR_BYTES;
    let is_floor_of = kind == Kind::Writes && is_alike && arguments.rate.is_none();
    Report {
        program: "raft bench",
        bench: kind.bench(),
        about: about(kind, arguments, floor),
        columns: [CLIENTS].into_iter().chain(FIGURES).chain(AFTER).collect(),
        rows: measured.iter().map(Runs::row).collect(),
        plots: vec![Plot {
            title: format!("{} in a second", kind.words()),
            x: Axis { title: "clients", scale: Scale::Logarithmic },
            y: Axis { title: "in a second", scale: Scale::Linear },
            lines: vec![Line {
                name: kind.words().to_owned(),
                points: measured.iter().map(|runs| (f64::from(runs.clients), per_second(runs))).collect(),
            }],
        }],
        remarks: alone.filter(|_| is_floor_of).map(|alone| floor.beside(alone)).unwrap_or_default(),
    }
}

fn about(kind: Kind, arguments: &OperationArguments, floor: &Floor) -> String {
    let OperationArguments { nodes, value_size, duration, rate, runs, servers, .. } = arguments;
    let pace = match rate {
        None => "each client asks as soon as it has its answer".to_owned(),
        Some(rate) => {
            format!("all clients together ask {rate} times a second; times count from when that was due")
        }
    };
    let runs = if *runs == 1 { "once".to_owned() } else { format!("{runs} times, in turn; medians") };
    format!(
        "{nodes} servers on this machine, {} of {value_size}-byte values; {pace}; {duration:?} a run, each {runs}\n\
         {servers}\n{}\n{}\
         syncs and bytes are the leader's; cpu µs and switches (between threads) those of all servers; client cpu µs those of \
         the load generator\n\
         others: how much of the machine went to processes of somebody else; * where that was more than {:.0}%\n",
        kind.words(),
        machine::named(),
        floor.words(),
        QUIET * 100.0
    )
}
