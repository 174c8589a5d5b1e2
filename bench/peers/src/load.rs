//! Clients in a closed loop: each waits for its answer before its next request.

use crate::client::Client;
use crate::members::{Members, ProgramArguments, Setting, System};
use crate::output::{DrawnArguments, run_duration};
use anyhow::Context;
use clap::Args;
use futures::future::{try_join, try_join_all};
use hdrhistogram::Histogram;
use hyper::body::Bytes;
use measure::plot::{Axis, Line, Plot, Scale};
use measure::process::Machine;
use measure::progress::progress;
use measure::report::{Column, Report, Row, number};
use measure::runs::{AFTER_FIGURES, QUIET, Run, Runs};
use serde_json::json;
use std::time::{Duration, Instant};

/// The kind of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Durable ones.
    Writes,
    /// Linearizable ones.
    Reads,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Writes => "writes",
            Kind::Reads => "reads",
        }
    }
}

/// The measured clusters.
const CLUSTERS: [Setting; 2] = [
    Setting {
        name: "raft",
        system: System::Raft,
        heartbeat: 100,
        election_timeout: 1000,
        options: &["--profile", "production"],
    },
    Setting { name: "etcd", system: System::Etcd, heartbeat: 100, election_timeout: 1000, options: &[] },
];

/// A cluster, and how clients connect to it.
#[derive(Debug, Clone, Copy)]
struct Subject {
    name: &'static str,
    system: System,
    /// Do all clients share one connection?
    shares_connection: bool,
}

/// The measured systems, in the order of the rows.
const SUBJECTS: [Subject; 3] = [
    Subject { name: "raft", system: System::Raft, shares_connection: false },
    Subject { name: "etcd", system: System::Etcd, shares_connection: false },
    Subject { name: "etcd, on one connection", system: System::Etcd, shares_connection: true },
];

/// Clients in a closed loop, beside etcd.
#[derive(Debug, Args)]
pub struct LoadArguments {
    /// How many clients there are, one row for each number
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,16,64,256", value_parser = clap::value_parser!(u32).range(1..=1000))]
    clients: Vec<u32>,

    /// How long each run takes; a fifth more is for warming up
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = run_duration)]
    duration: Duration,

    /// How many bytes a value has
    #[arg(long, value_name = "BYTES", default_value_t = 256, value_parser = clap::value_parser!(u32).range(..=1_048_576))]
    value_size: u32,

    /// How often each is measured, in turn
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,

    #[command(flatten)]
    programs: ProgramArguments,

    #[command(flatten)]
    output: DrawnArguments,
}

/// The figures of each run, reported as the median of all.
const FIGURES: [Column; 6] = [
    Column::number("per_second", "per second", 0),
    Column::number("p50_us", "p50 µs", 0),
    Column::number("p99_us", "p99 µs", 0),
    Column::number("max_us", "max µs", 0),
    Column::number("server_cpu_us_per_operation", "server cpu µs/op", 1),
    Column::number("client_cpu_us_per_operation", "client cpu µs/op", 1),
];

const BEFORE: [Column; 2] = [Column::text("system", ""), Column::number("clients", "clients", 0)];

/// All runs with one number of clients.
struct Measured {
    subject: Subject,
    clients: u32,
    runs: Runs<{ FIGURES.len() }>,
}

/// Measures and reports.
pub async fn run(kind: Kind, arguments: &LoadArguments) -> anyhow::Result<()> {
    let LoadArguments { clients, duration, value_size, runs, programs, output } = arguments;
    let about = programs.about()?;
    let start = |setting| Members::start(programs, setting);
    let mut clusters = CLUSTERS.into_iter().map(start).collect::<anyhow::Result<Vec<_>>>()?;
    let progress = progress(clients.len() as u64 * SUBJECTS.len() as u64 * u64::from(*runs), "runs");
    let mut measured = Vec::new();
    for &clients in clients {
        let mut of_subjects = SUBJECTS.map(|subject| Measured { subject, clients, runs: Runs::default() });
        for _ in 0..*runs {
            for Measured { subject, runs, .. } in &mut of_subjects {
                let value = vec![b'x'; *value_size as usize].into();
                let load = Load { kind, subject: *subject, clients, value };
                let cluster = clusters.iter_mut().find(|cluster| cluster.system() == subject.system);
                let run = load.run(cluster.expect("each has one"), *duration).await;
                runs.push(run.with_context(|| format!("{} with {clients} clients", subject.name))?);
                progress.inc(1);
            }
        }
        measured.extend(of_subjects);
    }
    progress.finish_and_clear();
    output.print(&report(
        kind,
        format!(
            "three servers, values of {value_size} bytes; clients in a closed loop, each with a connection of its own to the leader \
             unless told otherwise; {runs} runs of {duration:?} each, in turn; medians\nraft is asked in HTTP/1.1 (hyper), etcd in \
             gRPC (etcd-client), all clients in one thread; heartbeat 100 ms, election timeout 1 to 2 s\n{about}others: how much of \
             the machine went to other processes, at most; * where that was more than {:.0}%\n",
            QUIET * 100.0
        ),
        &measured,
    ))
}

/// Clients that send requests while the window lasts.
struct Load {
    kind: Kind,
    subject: Subject,
    clients: u32,
    value: Bytes,
}

/// The time that counts.
#[derive(Clone, Copy)]
struct Window {
    from: Instant,
    to: Instant,
}

/// What servers and the whole machine have used so far.
struct Used {
    servers_us: u64,
    machine: Machine,
}

impl Used {
    fn now(members: &Members) -> Used {
        Used { servers_us: members.cpu_us(), machine: Machine::now() }
    }
}

impl Load {
    async fn run(&self, members: &mut Members, duration: Duration) -> anyhow::Result<Run<{ FIGURES.len() }>> {
        let leader = members.calm_leader().await?;
        let clients = self.connect(&members.addresses()[leader]).await?;
        let clients =
            try_join_all((0..).zip(clients).map(|(number, client)| self.prepare(client, number))).await?;
        let from = Instant::now() + duration / 5;
        let window = Window { from, to: from + duration };
        let work = try_join_all(clients.into_iter().map(|(client, key)| self.work(client, key, window)));
        let watch = async {
            tokio::time::sleep_until(window.from.into()).await;
            let before = Used::now(members);
            tokio::time::sleep_until(window.to.into()).await;
            Ok((before, Used::now(members)))
        };
        let (latencies, (before, after)) = try_join(work, watch).await?;
        let mut all = new_histogram();
        latencies.into_iter().for_each(|of_client| all += of_client);
        Ok(run_of(&all, duration, &before, &after))
    }

    async fn connect(&self, address: &str) -> anyhow::Result<Vec<Client>> {
        let system = self.subject.system;
        if self.subject.shares_connection {
            let client = Client::connect(system, address).await?;
            return Ok((0..self.clients).map_while(|_| client.another()).collect());
        }
        try_join_all((0..self.clients).map(|_| Client::connect(system, address))).await
    }

    /// The client and its key, which exists.
    async fn prepare(&self, mut client: Client, number: u32) -> anyhow::Result<(Client, String)> {
        let key = format!("bench{number}");
        client.put(&key, &self.value).await?;
        Ok((client, key))
    }

    /// Sends requests until the time is over. Returns how long each request in the window took, in
    /// microseconds.
    async fn work(&self, mut client: Client, key: String, window: Window) -> anyhow::Result<Histogram<u64>> {
        let mut latencies = new_histogram();
        loop {
            let asked = Instant::now();
            if asked >= window.to {
                return Ok(latencies);
            }
            match self.kind {
                Kind::Writes => client.put(&key, &self.value).await?,
                Kind::Reads => client.get(&key).await?,
            }
            if asked >= window.from {
                latencies.saturating_record(asked.elapsed().as_micros() as u64);
            }
        }
    }
}

fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_max(60_000_000, 3).expect("these bounds make sense")
}

fn run_of(
    latencies: &Histogram<u64>,
    duration: Duration,
    before: &Used,
    after: &Used,
) -> Run<{ FIGURES.len() }> {
    let servers_us = after.servers_us.saturating_sub(before.servers_us);
    let clients_us = after.machine.own_us - before.machine.own_us;
    let each = |microseconds: u64| microseconds as f64 / latencies.len().max(1) as f64;
    Run {
        figures: [
            latencies.len() as f64 / duration.as_secs_f64(),
            latencies.value_at_percentile(50.0) as f64,
            latencies.value_at_percentile(99.0) as f64,
            latencies.max() as f64,
            each(servers_us),
            each(clients_us),
        ],
        others: after.machine.share_of_others(&before.machine, servers_us + clients_us),
    }
}

impl Measured {
    fn row(&self) -> Row {
        [json!(self.subject.name), json!(self.clients)].into_iter().chain(self.runs.cells()).collect()
    }
}

/// Each figure of the first divided by that of the second.
fn ratio(first: &Measured, second: &Measured) -> Row {
    let mut row =
        vec![json!(format!("{} / {}", first.subject.name, second.subject.name)), json!(first.clients)];
    row.extend(
        first.runs.medians().into_iter().zip(second.runs.medians()).map(|(own, other)| number(own / other)),
    );
    row.extend(AFTER_FIGURES.map(|_| json!(null)));
    row
}

fn report(kind: Kind, about: String, measured: &[Measured]) -> Report {
    let alike = measured.chunks_exact(SUBJECTS.len());
    let ratios =
        alike.flat_map(|of_subjects| of_subjects[1..].iter().map(|other| ratio(&of_subjects[0], other)));
    let line = |subject: &Subject| {
        let own = measured.iter().filter(|it| it.subject.name == subject.name);
        let points = own.map(|it| (f64::from(it.clients), it.runs.medians()[0])).collect();
        Line { name: subject.name.to_owned(), points }
    };
    Report {
        program: "peers",
        bench: kind.name(),
        about,
        columns: BEFORE.into_iter().chain(FIGURES).chain(AFTER_FIGURES).collect(),
        rows: measured.iter().map(Measured::row).chain(ratios).collect(),
        plots: vec![Plot {
            title: format!("{} in a second", kind.name()),
            x: Axis { title: "clients", scale: Scale::Logarithmic },
            y: Axis { title: "in a second", scale: Scale::Linear },
            lines: SUBJECTS.iter().map(line).collect(),
        }],
        remarks: String::new(),
    }
}
