//! `raft bench`

mod disk;
mod load;

use crate::arguments::StorageArguments;
use crate::failure::{Failure, written};
use crate::up::this_program;
use clap::{Args, Subcommand, ValueEnum};
use cluster::{Cluster, Options};
use consensus::{NodeId, Timing};
use driver::Speed;
use load::{Kind, Load, Measured};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// An election takes less.
const PATIENCE: Duration = Duration::from_secs(30);

/// Measure how fast a cluster on this machine is.
#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Durable writes: each is on the disks of a majority before it is answered.
    Writes(LoadArguments),
    /// Linearizable reads: a majority confirms the leader before each is answered.
    Reads(LoadArguments),
}

/// Clients in a closed loop: each waits for its answer before it asks again.
#[derive(Debug, Args)]
struct LoadArguments {
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

    /// Where the servers keep their data: the disk that is measured [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    #[command(flatten)]
    storage: StorageArguments,

    /// How the figures are printed
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

pub(crate) fn run(arguments: BenchArguments) -> Result<ExitCode, Failure> {
    let (kind, arguments) = match arguments.what {
        What::Writes(arguments) => (Kind::Writes, arguments),
        What::Reads(arguments) => (Kind::Reads, arguments),
    };
    let cluster = start(&arguments)?;
    let sync = disk::sync_latency(cluster.data_folder()).map_err(|error| {
        Failure::of(format_args!("can't measure the disk: {error}"), "choose another folder with --data")
    })?;
    let leader = find_leader(&cluster)?;
    if arguments.output == Output::Table {
        written(io::stdout().write_all(introduction(kind, &arguments, sync).as_bytes()))?;
    }
    for &clients in &arguments.clients {
        let load = Load {
            kind,
            address: leader.clone(),
            clients,
            duration: Duration::from_secs(arguments.seconds),
            value_size: arguments.value_size as usize,
        };
        let measured = load.run().map_err(|error| {
            Failure::of(
                format_args!("the run with {clients} clients failed: {error}"),
                "the leader may have changed: close other programs and try again",
            )
        })?;
        let line = match arguments.output {
            Output::Table => row(clients, &measured),
            Output::Json => format!("{}\n", json(kind, clients, &measured)),
        };
        written(io::stdout().write_all(line.as_bytes()))?;
    }
    cluster.stop();
    Ok(ExitCode::SUCCESS)
}

fn start(arguments: &LoadArguments) -> Result<Cluster, Failure> {
    let options = Options {
        program: this_program()?,
        servers: (1..=arguments.nodes).map(NodeId).collect(),
        timing: Timing::default(),
        seed: 1,
        speed: Speed::REAL_TIME,
        latency: Duration::ZERO,
        lease: None,
        snapshot_after: arguments.storage.snapshot_after,
        data: arguments.data.clone(),
        base_port: None,
        tells_steps: false,
        is_quiet: true,
    };
    let mut cluster =
        Cluster::start(options).map_err(|error| Failure::of(&error, "see `raft up --help` for --data"))?;
    let deadline = Instant::now() + PATIENCE;
    while cluster.view().servers().any(|(_, server)| server.address.is_none()) {
        if Instant::now() > deadline {
            return Err(Failure::of("the servers do not start", "try `raft up` to see why"));
        }
        cluster.news(Duration::from_millis(10));
    }
    Ok(cluster)
}

/// Where the leader is, once there is one.
fn find_leader(cluster: &Cluster) -> Result<String, Failure> {
    let addresses: Vec<String> =
        cluster.view().servers().filter_map(|(_, server)| server.address.clone()).collect();
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(leader) = addresses.iter().find(|address| load::leads(address)) {
            return Ok(leader.clone());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(Failure::of("no leader was elected", "try `raft up` to see why"))
}

fn introduction(kind: Kind, arguments: &LoadArguments, sync: Duration) -> String {
    let mut text = String::new();
    let what = match kind {
        Kind::Writes => "durable writes",
        Kind::Reads => "linearizable reads",
    };
    let (nodes, size, seconds) = (arguments.nodes, arguments.value_size, arguments.seconds);
    let _ =
        writeln!(text, "{nodes} servers on this machine, {what} of {size}-byte values, {seconds} s a run");
    let _ = writeln!(text, "machine: {}", disk::machine());
    let _ = writeln!(text, "its disk: {} µs for 256 bytes and fdatasync (median)\n", sync.as_micros());
    let _ = writeln!(
        text,
        "{:>7} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "clients", "per second", "p50 µs", "p99 µs", "max µs", "syncs/op", "bytes/op"
    );
    text
}

fn row(clients: u16, measured: &Measured) -> String {
    format!(
        "{clients:>7} {:>10.0} {:>9} {:>9} {:>9} {:>9.3} {:>9.0}\n",
        measured.per_second(),
        measured.percentile(50.0),
        measured.percentile(99.0),
        measured.percentile(100.0),
        measured.syncs_per_operation(),
        measured.bytes_per_operation(),
    )
}

fn json(kind: Kind, clients: u16, measured: &Measured) -> serde_json::Value {
    serde_json::json!({
        "bench": match kind { Kind::Writes => "writes", Kind::Reads => "reads" },
        "clients": clients,
        "per_second": measured.per_second(),
        "p50_us": measured.percentile(50.0),
        "p99_us": measured.percentile(99.0),
        "max_us": measured.percentile(100.0),
        "leader_syncs_per_operation": measured.syncs_per_operation(),
        "leader_bytes_per_operation": measured.bytes_per_operation(),
    })
}
