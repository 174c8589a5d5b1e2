//! `raft bench writes` and `raft bench reads`

use super::etcd::{Etcd, EtcdLeader};
use super::load::{Kind, Load, Measured, Target};
use super::report::ReportArguments;
use super::servers::{Counters, ServerArguments, Servers, servers, start};
use super::{failed, grpc, machine_described, progress};
use crate::failure::Failure;
use clap::Args;
use measure::plot::{Axis, Line, Plot, Scale};
use measure::process::Machine;
use measure::report::{Column, Report, Row, number};
use measure::spread::Spread;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Whatever else runs must not take more of the machine than this, or a row is marked.
const QUIET: f64 = 0.1;

/// No key of a client is longer, with what gRPC adds.
const LONGEST_KEY: usize = 32;

/// Clients in a closed loop: each waits for its answer before it asks again.
#[derive(Debug, Args)]
pub(super) struct ClosedLoop {
    /// How many clients there are, one run for each number
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,16,64,256", value_parser = clap::value_parser!(u16).range(1..=1000))]
    clients: Vec<u16>,

    /// How long each run takes, in seconds; a fifth more is for warming up
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,

    /// How many bytes a value has
    #[arg(long, value_name = "BYTES", default_value = "256", value_parser = clap::value_parser!(u32).range(..=1_048_576))]
    value_size: u32,

    /// How many servers there are
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u64).range(1..=15))]
    nodes: u64,

    /// Also measure as many servers of etcd, in turn: this program, which speaks gRPC then
    #[arg(long, value_name = "PROGRAM", num_args = 0..=1, default_missing_value = "etcd")]
    etcd: Option<PathBuf>,

    #[command(flatten)]
    servers: ServerArguments,

    /// How often each is measured, in turn
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,

    #[command(flatten)]
    report: ReportArguments,
}

/// A cluster, and how it is asked.
struct System<'a> {
    name: &'static str,
    servers: Servers,
    target: &'a dyn Target,
}

pub(super) fn run(kind: Kind, arguments: &ClosedLoop) -> Result<ExitCode, Failure> {
    if arguments.etcd.is_some() && arguments.value_size as usize + LONGEST_KEY > grpc::LONGEST {
        return Err(Failure::usage(
            format_args!("a value of {} bytes is too large for --etcd", arguments.value_size),
            format!("choose --value-size up to {}", grpc::LONGEST - LONGEST_KEY),
        ));
    }
    let mut cluster = start(arguments.nodes, &arguments.servers)?;
    let folder = cluster.data_folder().to_path_buf();
    let about = about(kind, arguments, &folder)?;
    let etcd = arguments.etcd.as_ref().map(|program| Etcd::start(program, arguments.nodes, &folder));
    let mut etcd = etcd.transpose()?;
    let servers = servers(&mut cluster)?;
    let raft = servers.target();
    let mut systems = vec![System { name: "raft", servers, target: &raft }];
    let etcd_leader;
    if let Some(etcd) = &mut etcd {
        let servers = etcd.servers()?;
        etcd_leader = EtcdLeader(servers.leader.address.clone());
        systems.push(System { name: "etcd", servers, target: &etcd_leader });
    }
    let measured = measure_all(kind, arguments, &systems)?;
    drop(etcd);
    cluster.stop();
    arguments.report.tell(&report(kind, about, &measured))
}

/// All runs: for each number of clients one system after the other, again and again, so that whatever else the machine
/// does falls on all alike.
fn measure_all(kind: Kind, arguments: &ClosedLoop, systems: &[System]) -> Result<Vec<Runs>, Failure> {
    let count = arguments.clients.len() * systems.len() * arguments.runs as usize;
    let progress = progress(count as u64, "runs");
    let mut measured = Vec::new();
    for &clients in &arguments.clients {
        let mut of_systems: Vec<Runs> =
            systems.iter().map(|system| Runs { system: system.name, clients, runs: Vec::new() }).collect();
        for _ in 0..arguments.runs {
            for (system, of_system) in systems.iter().zip(&mut of_systems) {
                of_system.runs.push(measure(kind, arguments, clients, system)?);
                progress.inc(1);
            }
        }
        measured.append(&mut of_systems);
    }
    progress.finish_and_clear();
    Ok(measured)
}

fn about(kind: Kind, arguments: &ClosedLoop, folder: &Path) -> Result<String, Failure> {
    let (nodes, size, seconds) = (arguments.nodes, arguments.value_size, arguments.seconds);
    let runs =
        if arguments.runs == 1 { "once".to_owned() } else { format!("{} times, in turn", arguments.runs) };
    Ok(format!(
        "{nodes} servers on this machine, {} of {size}-byte values, {seconds} s a run, each {runs}\n\
         {}\
         syncs and bytes are the leader's; cpu µs and switches (between threads) those of all servers; client cpu µs those of \
         the load generator\n\
         others: how much of the machine went to processes of somebody else; * where that was more than {:.0}%\n",
        kind.words(),
        machine_described(folder)?,
        QUIET * 100.0
    ))
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

/// All runs of one system with one number of clients.
struct Runs {
    system: &'static str,
    clients: u16,
    runs: Vec<Run>,
}

fn measure(kind: Kind, arguments: &ClosedLoop, clients: u16, system: &System) -> Result<Run, Failure> {
    let System { name, servers, target } = system;
    let load = Load { kind, target: *target, clients, value_size: arguments.value_size as usize };
    let seconds = Duration::from_secs(arguments.seconds);
    let in_run = |error| failed(format_args!("{name}: the run with {clients} clients failed: {error}"));
    let count = || {
        let (before, machine_before) = (servers.counters()?, Machine::now());
        std::thread::sleep(seconds);
        Ok((before, machine_before, servers.counters()?, Machine::now()))
    };
    let (measured, counted) = load.run(seconds / 5, count).map_err(in_run)?;
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

const BEFORE: [Column; 2] = [Column::text("system", ""), Column::number("clients", "clients", 0)];

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
        let mut row = vec![json!(self.system), json!(self.clients)];
        row.extend(self.medians().into_iter().map(number));
        row.extend([number(per_second.least()), number(per_second.most()), number(others * 100.0)]);
        row.push(json!(if others > QUIET { "*" } else { "" }));
        row
    }
}

/// Each figure of the first divided by that of the second.
fn ratio(first: &Runs, second: &Runs) -> Row {
    let mut row = vec![json!(format!("{}/{}", first.system, second.system)), json!(first.clients)];
    row.extend(first.medians().iter().zip(second.medians()).map(|(own, other)| number(own / other)));
    row.extend(AFTER.map(|_| json!(null)));
    row
}

fn report(kind: Kind, about: String, measured: &[Runs]) -> Report {
    let pairs = measured.chunk_by(|one, other| one.clients == other.clients);
    let ratios: Vec<Row> =
        pairs.filter(|pair| pair.len() == 2).map(|pair| ratio(&pair[0], &pair[1])).collect();
    let names: BTreeSet<&str> = measured.iter().map(|runs| runs.system).collect();
    let line = |name: &str| {
        let own = measured.iter().filter(|runs| runs.system == name);
        Line {
            name: name.to_owned(),
            points: own.map(|runs| (f64::from(runs.clients), runs.medians()[0])).collect(),
        }
    };
    Report {
        bench: kind.bench(),
        about,
        columns: BEFORE.into_iter().chain(FIGURES).chain(AFTER).collect(),
        rows: measured.iter().map(Runs::row).chain(ratios).collect(),
        plots: vec![Plot {
            title: format!("{} in a second", kind.words()),
            x: Axis { title: "clients", scale: Scale::Logarithmic },
            y: Axis { title: "in a second", scale: Scale::Linear },
            lines: names.into_iter().map(line).collect(),
        }],
        remarks: String::new(),
    }
}
