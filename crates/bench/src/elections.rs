//! `raft bench elections`: the paper's Figure 16 again (§9.3).

mod line;
mod real;
mod simulated;

use crate::report::DrawingArguments;
use clap::Args;
use command::{Failure, duration, write_file, written};
use consensus::Timing;
use indicatif::ProgressBar;
use line::{LINES, Line, PLOTS, Subplot};
use measure::plot::{Axis, Line as PlotLine, Plot, Scale};
use measure::progress::progress;
use measure::report::{Column, Report, Row, number};
use measure::spread::Spread;
use serde_json::json;
use simulated::Machines;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use trace::Feed;

/// Number of trials without randomness, which are all alike.
const TRIALS_WITHOUT_CHANCE: u64 = 100;

/// Leaders that crash again and again, with other election timeouts on each line of the figure.
#[derive(Debug, Args)]
pub(crate) struct ElectionsArguments {
    /// The number of crashes for each line [default: 1000, or 100 where nothing is random; with --real 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    trials: Option<u64>,

    /// The election timeouts to try, in ms [default: all those of the figure]
    #[arg(long, value_name = "MIN-MAX,...", value_delimiter = ',', value_parser = line::parser())]
    lines: Vec<Line>,

    /// The number of servers
    #[arg(long, short, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u64).range(3..=101))]
    nodes: u64,

    /// How long a message takes: each time a fresh random time, most often near the lower end
    #[arg(long, value_name = "MIN..MAX", default_value = "2ms..6ms", value_parser = range)]
    latency: RangeInclusive<Duration>,

    /// How long a disk takes to save a vote: each time a fresh random time
    #[arg(long, value_name = "MIN..MAX", default_value = "0ms..0ms", value_parser = range)]
    save_time: RangeInclusive<Duration>,

    /// Give all servers the same log, so that each can win
    #[arg(long)]
    equal_logs: bool,

    /// How long a trial waits for a new leader
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    patience: Duration,

    /// The seed of everything random
    #[arg(long, default_value = "1")]
    seed: u64,

    /// Use real processes instead of the simulator; each message is delayed by the lower end of --latency,
    /// and the disks are this machine's
    #[arg(long, conflicts_with_all = ["save_time", "seed", "show"])]
    real: bool,

    /// Show what happens in this trial of each line
    #[arg(long, value_name = "TRIAL")]
    show: Option<u64>,

    /// Write all downtimes to this file, as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,

    #[command(flatten)]
    report: DrawingArguments,
}

/// Parses `2ms..6ms`.
fn range(text: &str) -> Result<RangeInclusive<Duration>, String> {
    let (min, max) = text.split_once("..").unwrap_or((text, text));
    let (min, max) = (duration(min)?, duration(max)?);
    match min <= max && max <= Timing::LONGEST {
        true => Ok(min..=max),
        false => Err("write the shorter time first, and no more than a day: 2ms..6ms".to_owned()),
    }
}

/// The result of a leader's crash.
#[derive(Debug, Clone, Copy)]
struct Trial {
    /// From the crash until another server led; `None` if that took too long.
    downtime: Option<Duration>,
    /// Number of terms begun.
    elections: u64,
}

impl Trial {
    fn downtime_ms(&self) -> f64 {
        self.downtime.map_or(f64::INFINITY, |downtime| downtime.as_secs_f64() * 1e3)
    }
}

/// A line of the figure, with its trials.
struct Measured {
    line: Line,
    trials: Vec<Trial>,
}

pub(crate) fn run(arguments: &ElectionsArguments) -> Result<ExitCode, Failure> {
    if let Some(trial) = arguments.show {
        return arguments.print_stories(trial);
    }
    let begin = Instant::now();
    let measured = if arguments.real { real::measure(arguments)? } else { arguments.simulate() };
    if let Some(file) = &arguments.csv {
        write_file(file, &csv(&measured))?;
    }
    arguments.report.print(&Report {
        program: "raft bench",
        bench: "elections",
        about: arguments.about(begin.elapsed()),
        columns: COLUMNS.to_vec(),
        rows: measured.iter().map(Measured::row).collect(),
        plots: plots(&measured),
        remarks: remarks().to_owned(),
    })
}

impl ElectionsArguments {
    fn lines(&self) -> &[Line] {
        if self.lines.is_empty() { &LINES } else { &self.lines }
    }

    fn machines(&self) -> Machines {
        let ElectionsArguments { nodes, latency, save_time, equal_logs, seed, .. } = self;
        Machines {
            nodes: *nodes,
            latency: latency.clone(),
            save_time: save_time.clone(),
            equal_logs: *equal_logs,
            seed: *seed,
        }
    }

    /// Number of trials of this line.
    fn trials(&self, line: Line) -> u64 {
        match self.trials {
            Some(trials) => trials,
            None if self.real => 30,
            None if line.is_fixed() => TRIALS_WITHOUT_CHANCE,
            None => 1000,
        }
    }

    fn progress(&self) -> ProgressBar {
        let trials = self.lines().iter().map(|&line| self.trials(line)).sum();
        progress(trials, "elections")
    }

    /// All trials, on all processors. Each has a seed of its own, so it does not matter which thread runs it.
    fn simulate(&self) -> Vec<Measured> {
        let (machines, progress) = (self.machines(), self.progress());
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let measure = |&line: &Line| {
            let next = AtomicU64::new(0);
            let work = || {
                let mut done = Vec::new();
                loop {
                    let trial = next.fetch_add(1, Ordering::Relaxed);
                    if trial >= self.trials(line) {
                        return done;
                    }
                    done.push((trial, machines.trial(line, trial, self.patience)));
                    progress.inc(1);
                }
            };
            let mut trials: Vec<(u64, Trial)> = std::thread::scope(|scope| {
                let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
                workers.into_iter().flat_map(|worker| worker.join().expect("no trial panics")).collect()
            });
            trials.sort_by_key(|(number, _)| *number);
            Measured { line, trials: trials.into_iter().map(|(_, trial)| trial).collect() }
        };
        let measured = self.lines().iter().map(measure).collect();
        progress.finish_and_clear();
        measured
    }

    fn print_stories(&self, number: u64) -> Result<ExitCode, Failure> {
        let machines = self.machines();
        let mut text = String::new();
        for &line in self.lines() {
            let (trial, records) = machines.story(line, number, self.patience);
            let _ = write!(text, "{} ms, trial {number}: ", line.name);
            let _ = match trial.downtime {
                Some(downtime) => writeln!(text, "a new leader after {downtime:.1?}\n"),
                None => writeln!(text, "no new leader in {:?}\n", self.patience),
            };
            let mut feed = Feed::new();
            records.iter().flat_map(|record| feed.tell(record)).for_each(|told| {
                let _ = writeln!(text, "{told}");
            });
            text.push('\n');
        }
        written(io::stdout().write_all(text.as_bytes()))
    }

    fn about(&self, took: Duration) -> String {
        let ElectionsArguments { nodes, latency, save_time, patience, .. } = self;
        let (fastest, slowest) = (latency.start(), latency.end());
        let machines = match self.real {
            true => format!("real processes, each message delayed by {fastest:?}"),
            false => {
                let disk = match save_time.end().is_zero() {
                    true => "disks that take no time".to_owned(),
                    false => format!("a save takes {:?} to {:?}", save_time.start(), save_time.end()),
                };
                format!("simulated, in {took:.1?}; a message takes {fastest:?} to {slowest:?}, {disk}")
            }
        };
        let logs = match self.equal_logs {
            true => "all logs are the same, so that each server can win",
            false => "all logs have different lengths, so that only about half of the others can win",
        };
        format!(
            "the leader of {nodes} servers crashes at a random moment after heartbeats to all (§9.3, Figure 16)\n\
             {machines}\n\
             {logs}; a heartbeat interval is half of the shortest timeout\n\
             downtime: from the crash until another server leads, in ms; after {patience:?} a trial gives up\n"
        )
    }
}

const COLUMNS: [Column; 11] = [
    Column::text("timeouts_ms", "timeouts"),
    Column::number("trials", "trials", 0),
    Column::number("min_ms", "least", 1),
    Column::number("median_ms", "median", 1),
    Column::number("mean_ms", "mean", 1),
    Column::number("p90_ms", "90%", 1),
    Column::number("max_ms", "worst", 1),
    Column::number("elections_mean", "elections", 2),
    Column::number("elections_most", "most", 0),
    Column::text("paper", "the paper"),
    Column::hidden("downtimes_ms"),
];

impl Measured {
    fn row(&self) -> Row {
        let downtimes = Spread::of(self.trials.iter().map(Trial::downtime_ms));
        let elections = Spread::of(self.trials.iter().map(|trial| trial.elections as f64));
        vec![
            json!(self.line.name),
            json!(self.trials.len()),
            number(downtimes.least()),
            number(downtimes.median()),
            number(downtimes.mean()),
            number(downtimes.percentile(90)),
            number(downtimes.most()),
            number(elections.mean()),
            number(elections.most()),
            json!(self.line.paper),
            downtimes.all().iter().map(|&downtime| number(downtime)).collect(),
        ]
    }
}

fn remarks() -> &'static str {
    "the paper: its own figures, where §9.3 gives them in numbers\n\
     `raft bench elections --lines 150-155 --show 7` shows what happened in a trial\n"
}

/// The two plots of the figure, with the lines that were measured.
fn plots(measured: &[Measured]) -> Vec<Plot> {
    let drawn = |subplot: &Subplot| {
        let lines = measured.iter().filter(|measured| measured.line.is_in(*subplot));
        let lines = lines.map(|measured| {
            PlotLine::cumulative(measured.line.name, measured.trials.iter().map(Trial::downtime_ms))
        });
        Plot {
            title: subplot.title().to_owned(),
            x: Axis { title: "ms without a leader", scale: Scale::Logarithmic },
            y: Axis { title: "% of the crashes", scale: Scale::Linear },
            lines: lines.collect(),
        }
    };
    PLOTS.iter().map(drawn).filter(|plot| !plot.lines.is_empty()).collect()
}

/// A line for each trial.
fn csv(measured: &[Measured]) -> String {
    let mut csv = "timeouts_ms,trial,downtime_ms,elections\n".to_owned();
    for Measured { line, trials } in measured {
        for (trial, number) in trials.iter().zip(0..) {
            let downtime =
                trial.downtime.map_or(String::new(), |it| format!("{:.3}", it.as_secs_f64() * 1e3));
            let _ = writeln!(csv, "{},{number},{downtime},{}", line.name, trial.elections);
        }
    }
    csv
}
