//! Leaders that are killed.

use crate::members::{Members, ProgramArguments, Setting, System};
use crate::output::{DrawnArguments, probing_interval};
use crate::prober::Prober;
use clap::Args;
use measure::plot::{Axis, Line, Plot, Scale};
use measure::progress::progress;
use measure::report::{Column, Report, Row, number};
use measure::spread::Spread;
use serde_json::json;
use std::time::{Duration, Instant};

/// The same for all systems.
const HEARTBEAT: u64 = 15;
const ELECTION_TIMEOUT: u64 = 150;

/// The measured systems, in the order of the rows.
const SETTINGS: [Setting; 3] = [
    Setting {
        name: "raft",
        system: System::Raft,
        heartbeat: HEARTBEAT,
        election_timeout: ELECTION_TIMEOUT,
        options: &["--profile", "production"],
    },
    Setting {
        name: "raft, by the timeout alone",
        system: System::Raft,
        heartbeat: HEARTBEAT,
        election_timeout: ELECTION_TIMEOUT,
        options: &["--profile", "production", "--eager-election", "off"],
    },
    Setting {
        name: "etcd",
        system: System::Etcd,
        heartbeat: HEARTBEAT,
        election_timeout: ELECTION_TIMEOUT,
        options: &[],
    },
];

/// Leaders that are killed, beside etcd.
#[derive(Debug, Args)]
pub struct FailoverArguments {
    /// How often the leader of each cluster is killed, in turn
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    trials: u32,

    /// While nobody has done its write, the client asks every server so often
    #[arg(long, value_name = "TIME", default_value = "2ms", value_parser = probing_interval)]
    probing_interval: Duration,

    #[command(flatten)]
    programs: ProgramArguments,

    #[command(flatten)]
    output: DrawnArguments,
}

const COLUMNS: [Column; 7] = [
    Column::text("system", ""),
    Column::number("trials", "trials", 0),
    Column::number("gap_min_ms", "gap min", 1),
    Column::number("gap_median_ms", "median", 1),
    Column::number("gap_p90_ms", "90%", 1),
    Column::number("gap_max_ms", "worst", 1),
    Column::hidden("gaps_ms"),
];

/// A cluster, and the time without writes after each of its leaders' ends, in milliseconds.
struct Subject {
    members: Members,
    gaps: Vec<f64>,
}

/// Measures and reports.
pub async fn run(arguments: &FailoverArguments) -> anyhow::Result<()> {
    let FailoverArguments { trials, probing_interval, programs, output } = arguments;
    let about = programs.about()?;
    let start =
        |setting| anyhow::Ok(Subject { members: Members::start(programs, setting)?, gaps: Vec::new() });
    let mut subjects = SETTINGS.into_iter().map(start).collect::<anyhow::Result<Vec<_>>>()?;
    let progress = progress(u64::from(*trials) * subjects.len() as u64, "trials");
    for _ in 0..*trials {
        for subject in &mut subjects {
            let gap = subject.kill_the_leader(*probing_interval).await?;
            subject.gaps.push(gap.as_secs_f64() * 1e3);
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    let gaps: Vec<&Vec<f64>> = subjects.iter().map(|subject| &subject.gaps).collect();
    let spreads: Vec<Spread> = gaps.iter().map(|gaps| Spread::of(gaps.iter().copied())).collect();
    let figures = |spread: &Spread| [spread.least(), spread.median(), spread.percentile(90), spread.most()];
    let row = |(setting, spread): (&Setting, &Spread)| -> Row {
        let figures = figures(spread).map(number);
        [json!(setting.name), json!(trials)].into_iter().chain(figures).chain([json!(spread.all())]).collect()
    };
    let [own @ .., etcd] = &spreads[..] else { unreachable!("there are some") };
    let ratio = |(setting, spread): (&Setting, &Spread)| -> Row {
        let ratios = figures(spread).into_iter().zip(figures(etcd)).map(|(own, other)| number(own / other));
        [json!(format!("{} / etcd", setting.name)), json!(null)]
            .into_iter()
            .chain(ratios)
            .chain([json!(null)])
            .collect()
    };
    let line = |(setting, gaps): (&Setting, &&Vec<f64>)| Line::cumulative(setting.name, gaps.iter().copied());
    output.print(&Report {
        program: "peers",
        bench: "failover",
        about: format!(
            "three servers; the leader's process is killed (SIGKILL) at a random moment between two heartbeats; gap: from then on \
             until one of the others has done a write of 256 bytes; all in ms\nheartbeat {HEARTBEAT} ms, election timeout \
             {ELECTION_TIMEOUT} to {} ms for all; each of the others is asked every {probing_interval:?}; one trial of each in turn\n\
             {about}",
            2 * ELECTION_TIMEOUT
        ),
        columns: COLUMNS.to_vec(),
        rows: SETTINGS.iter().zip(&spreads).map(row).chain(SETTINGS.iter().zip(own).map(ratio)).collect(),
        plots: vec![Plot {
            title: "How long nobody could write".to_owned(),
            x: Axis { title: "ms", scale: Scale::Logarithmic },
            y: Axis { title: "% of the failures", scale: Scale::Linear },
            lines: SETTINGS.iter().zip(&gaps).map(line).collect(),
        }],
        remarks: String::new(),
    })
}

impl Subject {
    async fn kill_the_leader(&mut self, interval: Duration) -> anyhow::Result<Duration> {
        let leader = self.members.calm_leader().await?;
        let mut others = self.members.addresses();
        others.remove(leader);
        let client = Prober::of(self.members.system(), others, interval);
        client.connect().await;
        tokio::time::sleep(Duration::from_micros(fastrand::u64(..HEARTBEAT * 1000))).await;
        let killed_at = Instant::now();
        self.members.kill(leader)?;
        let done_at = client.first_write().await?;
        self.members.start_one(leader)?;
        Ok(done_at - killed_at)
    }
}
