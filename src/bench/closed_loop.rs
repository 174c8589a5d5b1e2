//! `raft bench writes` and `raft bench reads`

use super::etcd::{Etcd, EtcdLeader};
use super::load::{Kind, Load, Measured, Target};
use super::servers::{Counters, ServerArguments, Servers, servers, start};
use super::{Output, failed, grpc, machine};
use crate::failure::{Failure, written};
use clap::Args;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

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

    /// How the figures are printed
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
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
    let introduction = introduction(kind, arguments, &folder)?;
    let etcd = arguments.etcd.as_ref().map(|program| Etcd::start(program, arguments.nodes, &folder));
    let mut etcd = etcd.transpose()?;
    if arguments.output == Output::Table {
        written(io::stdout().write_all(introduction.as_bytes()))?;
    }
    let servers = servers(&mut cluster)?;
    let raft = servers.target();
    let mut systems = vec![System { name: "raft", servers, target: &raft }];
    let etcd_leader;
    if let Some(etcd) = &mut etcd {
        let servers = etcd.servers()?;
        etcd_leader = EtcdLeader(servers.leader.address.clone());
        systems.push(System { name: "etcd", servers, target: &etcd_leader });
    }
    for &clients in &arguments.clients {
        let rows = systems.iter().map(|system| measure(kind, arguments, clients, system));
        let rows = rows.collect::<Result<Vec<Row>, Failure>>()?;
        let text: String = match arguments.output {
            Output::Table => rows.iter().map(Row::line).chain(ratio(&rows)).collect(),
            Output::Json => rows.iter().map(|row| format!("{}\n", row.json())).collect(),
        };
        written(io::stdout().write_all(text.as_bytes()))?;
    }
    cluster.stop();
    Ok(ExitCode::SUCCESS)
}

fn introduction(kind: Kind, arguments: &ClosedLoop, folder: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let what = match kind {
        Kind::Writes => "durable writes",
        Kind::Reads => "linearizable reads",
    };
    let (nodes, size, seconds) = (arguments.nodes, arguments.value_size, arguments.seconds);
    let _ =
        writeln!(text, "{nodes} servers on this machine, {what} of {size}-byte values, {seconds} s a run");
    text += &machine::described(folder)?;
    text +=
        "syncs and bytes are the leader's; cpu µs and switches (between threads) those of all servers\n\n";
    let _ = writeln!(
        text,
        "{:<9} {:>7} {:>10} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9} {:>11}",
        "",
        "clients",
        "per second",
        "p50 µs",
        "p99 µs",
        "max µs",
        "syncs/op",
        "bytes/op",
        "cpu µs/op",
        "switches/op"
    );
    Ok(text)
}

/// What came of one run.
struct Row {
    system: &'static str,
    kind: Kind,
    clients: u16,
    measured: Measured,
    before: Counters,
    after: Counters,
}

fn measure(kind: Kind, arguments: &ClosedLoop, clients: u16, system: &System) -> Result<Row, Failure> {
    let System { name, servers, target } = system;
    let load = Load { kind, target: *target, clients, value_size: arguments.value_size as usize };
    let seconds = Duration::from_secs(arguments.seconds);
    let in_run = |error| failed(format_args!("{name}: the run with {clients} clients failed: {error}"));
    let count = || {
        let before = servers.counters()?;
        std::thread::sleep(seconds);
        Ok((before, servers.counters()?))
    };
    let (measured, counted) = load.run(seconds / 5, count).map_err(in_run)?;
    let (before, after) = counted.map_err(in_run)?;
    Ok(Row { system: name, kind, clients, measured, before, after })
}

impl Row {
    /// So many of something that the servers count, for each operation.
    fn each(&self, count: impl Fn(&Counters) -> u64) -> f64 {
        let counted = count(&self.after).saturating_sub(count(&self.before));
        counted as f64 / self.measured.operations().max(1) as f64
    }

    /// The figures, in the order of the columns.
    fn figures(&self) -> [f64; 8] {
        [
            self.measured.per_second(),
            self.measured.percentile(50.0) as f64,
            self.measured.percentile(99.0) as f64,
            self.measured.percentile(100.0) as f64,
            self.each(|counters| counters.syncs),
            self.each(|counters| counters.written),
            self.each(|counters| counters.cpu_us),
            self.each(|counters| counters.switches),
        ]
    }

    fn line(&self) -> String {
        let [per_second, p50, p99, max, syncs, bytes, cpu, switches] = self.figures();
        format!(
            "{:<9} {:>7} {per_second:>10.0} {p50:>8} {p99:>8} {max:>8} {syncs:>9.3} {bytes:>9.0} {cpu:>9.1} \
             {switches:>11.2}\n",
            self.system, self.clients
        )
    }

    fn json(&self) -> serde_json::Value {
        let [per_second, p50, p99, max, syncs, bytes, cpu, switches] = self.figures();
        serde_json::json!({
            "bench": match self.kind { Kind::Writes => "writes", Kind::Reads => "reads" },
            "system": self.system,
            "clients": self.clients,
            "per_second": per_second,
            "p50_us": p50 as u64,
            "p99_us": p99 as u64,
            "max_us": max as u64,
            "leader_syncs_per_operation": syncs,
            "leader_bytes_per_operation": bytes,
            "cpu_us_per_operation": cpu,
            "switches_per_operation": switches,
        })
    }
}

/// Where there are two rows: each figure of the first divided by that of the second.
fn ratio(rows: &[Row]) -> Option<String> {
    let [first, second] = rows else { return None };
    let mut line = format!("{:<9} {:>7}", format!("{}/{}", first.system, second.system), first.clients);
    for ((own, other), width) in first.figures().iter().zip(second.figures()).zip([10, 8, 8, 8, 9, 9, 9, 11])
    {
        match other > 0.0 {
            true => _ = write!(line, " {:>width$.2}", own / other),
            false => _ = write!(line, " {:>width$}", "-"),
        }
    }
    Some(line + "\n\n")
}
