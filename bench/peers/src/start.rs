//! Clusters that start, without data and with it.

use crate::members::{Members, ProgramArguments, Setting, System};
use crate::output::{OutputArguments, probing_interval};
use crate::prober::Prober;
use clap::Args;
use measure::progress::progress;
use measure::report::{Column, Report, Row, number};
use measure::spread::Spread;
use serde_json::json;
use std::time::{Duration, Instant};

/// The measured systems, in the order of the rows.
const SETTINGS: [Setting; 3] = [
    Setting {
        name: "raft (its defaults)",
        system: System::Raft,
        heartbeat: 15,
        election_timeout: 150,
        options: &["--profile", "production"],
    },
    Setting {
        name: "etcd (its defaults)",
        system: System::Etcd,
        heartbeat: 100,
        election_timeout: 1000,
        options: &[],
    },
    Setting { name: "etcd", system: System::Etcd, heartbeat: 15, election_timeout: 150, options: &[] },
];

/// Clusters that start, beside etcd.
#[derive(Debug, Args)]
pub struct StartArguments {
    /// How often each cluster is started, in turn
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    trials: u32,

    /// While nobody has done its write, the client asks every server so often
    #[arg(long, value_name = "TIME", default_value = "5ms", value_parser = probing_interval)]
    probing_interval: Duration,

    #[command(flatten)]
    programs: ProgramArguments,

    #[command(flatten)]
    output: OutputArguments,
}

const COLUMNS: [Column; 8] = [
    Column::text("system", ""),
    Column::text("timeouts", "heartbeat, election timeout"),
    Column::text("start", "start"),
    Column::number("trials", "trials", 0),
    Column::number("min_ms", "min ms", 0),
    Column::number("median_ms", "median", 0),
    Column::number("max_ms", "worst", 0),
    Column::hidden("all_ms"),
];

/// The two starts of a cluster: without data, and then with it.
const STARTS: [&str; 2] = ["the first", "again"];

/// Measures and reports.
pub async fn run(arguments: &StartArguments) -> anyhow::Result<()> {
    let StartArguments { trials, probing_interval, programs, output } = arguments;
    let about = programs.about()?;
    let progress = progress(u64::from(*trials) * SETTINGS.len() as u64, "trials");
    let mut measured = SETTINGS.map(|_| STARTS.map(|_| Vec::new()));
    for _ in 0..*trials {
        for (setting, measured) in SETTINGS.into_iter().zip(&mut measured) {
            let mut members = Members::prepare(programs, setting)?;
            for of_start in measured {
                of_start.push(start(&mut members, *probing_interval).await?.as_secs_f64() * 1e3);
                members.calm_leader().await?;
                members.kill_all();
            }
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    let row = |setting: &Setting, start: &str, milliseconds: Vec<f64>| -> Row {
        let spread = Spread::of(milliseconds);
        let timeouts = format!("{} ms, {} ms", setting.heartbeat, setting.election_timeout);
        let words = [json!(setting.name), json!(timeouts), json!(start), json!(trials)];
        let figures = [spread.least(), spread.median(), spread.most()].map(number);
        words.into_iter().chain(figures).chain([json!(spread.all())]).collect()
    };
    let rows = SETTINGS.iter().zip(measured).flat_map(|(setting, measured)| {
        STARTS.iter().zip(measured).map(move |(start, milliseconds)| row(setting, start, milliseconds))
    });
    output.print(&Report {
        program: "peers",
        bench: "start",
        about: format!(
            "three processes are started at once; how long until one of them has done a write of 256 bytes? The first time they have \
             no data; then all are killed (SIGKILL), and start again\neach is asked every {probing_interval:?}; one trial of each in \
             turn\n{about}"
        ),
        columns: COLUMNS.to_vec(),
        rows: rows.collect(),
        plots: Vec::new(),
        remarks: String::new(),
    })
}

async fn start(members: &mut Members, interval: Duration) -> anyhow::Result<Duration> {
    let began = Instant::now();
    members.start_all()?;
    let client = Prober::of(members.system(), members.addresses(), interval);
    tokio::select! {
        done_at = client.first_write() => Ok(done_at? - began),
        ended = members.watch() => Err(ended),
    }
}
