//! `raft bench sim`

use crate::report::ReportArguments;
use clap::Args;
use command::Failure;
use measure::machine;
use measure::progress::progress;
use measure::report::{Report, figure_columns, figure_row};
use measure::spread::Spread;
use simulator::{Ending, SearchOptions, draw};
use std::process::ExitCode;
use std::time::Instant;

/// Simulated clusters with all kinds of trouble, on one processor.
#[derive(Debug, Args)]
pub(crate) struct SimArguments {
    /// The number of clusters in a run: those of the first seeds
    #[arg(long, value_name = "N", default_value = "500", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    seeds: u64,

    /// The number of runs
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,

    #[command(flatten)]
    report: ReportArguments,
}

/// The results of one run, per second of processor time.
struct Run {
    seeds: f64,
    steps: f64,
    simulated_seconds: f64,
}

pub(crate) fn run(arguments: &SimArguments) -> Result<ExitCode, Failure> {
    let SimArguments { seeds, runs, report } = arguments;
    let progress = progress(u64::from(*runs), "runs");
    let runs_done: Vec<Run> = (0..*runs)
        .map(|_| {
            let run = play(*seeds);
            progress.inc(1);
            run
        })
        .collect();
    progress.finish_and_clear();
    let row = |key: &str, what: &str, figure: fn(&Run) -> f64| {
        figure_row(key, what, &Spread::of(runs_done.iter().map(figure)))
    };
    report.print(&Report {
        program: "raft bench",
        bench: "sim",
        about: format!(
            "{seeds} simulated clusters with all kinds of trouble, {runs} times, on one processor\n{}\n",
            machine::named()
        ),
        columns: figure_columns(0),
        rows: vec![
            row("seeds_per_second", "clusters per second", |run| run.seeds),
            row("steps_per_second", "steps per second, each followed by all checks", |run| run.steps),
            row("times_as_fast_as_life", "seconds simulated per second", |run| run.simulated_seconds),
        ],
        plots: Vec::new(),
        remarks: String::new(),
    })
}

fn play(seeds: u64) -> Run {
    let (begin, options) = (Instant::now(), SearchOptions::default());
    let endings: Vec<Ending> = (0..seeds).map(|seed| draw(seed, &options).play()).collect();
    let seconds = begin.elapsed().as_secs_f64();
    let steps: u64 = endings.iter().map(|ending| ending.coverage.steps).sum();
    let simulated: f64 = endings.iter().map(|ending| ending.coverage.simulated.as_secs_f64()).sum();
    Run {
        seeds: seeds as f64 / seconds,
        steps: steps as f64 / seconds,
        simulated_seconds: simulated / seconds,
    }
}
