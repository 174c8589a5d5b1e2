//! `raft bench core`

mod trio;

use crate::report::ReportArguments;
use crate::run_duration;
use clap::Args;
use command::Failure;
use measure::machine;
use measure::progress::progress;
use measure::report::{Column, Report, Row, number};
use measure::spread::Spread;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use trio::{FORGET_AFTER, Trio};

/// Three servers in one thread that commit entries, without disk and network.
#[derive(Debug, Args)]
pub(crate) struct CoreArguments {
    /// The number of entries that are proposed at a time, with a row of results for each
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,16,64,256", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: Vec<u32>,

    /// The size of an entry, in bytes
    #[arg(long, value_name = "BYTES", default_value = "256", value_parser = clap::value_parser!(u32).range(..=1_048_576))]
    value_size: u32,

    /// How long each run takes
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = run_duration)]
    duration: Duration,

    /// How often each row is measured, in turn with the others
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,

    #[command(flatten)]
    report: ReportArguments,
}

const COLUMNS: [Column; 5] = [
    Column::number("batch", "at a time", 0),
    Column::number("ns_per_entry", "ns per entry", 0),
    Column::number("ns_per_entry_least", "least", 0),
    Column::number("ns_per_entry_most", "most", 0),
    Column::number("per_second", "entries per second", 0),
];

pub(crate) fn run(arguments: &CoreArguments) -> Result<ExitCode, Failure> {
    let CoreArguments { batch, value_size, duration, runs, report } = arguments;
    let progress = progress(batch.len() as u64 * u64::from(*runs), "runs");
    let mut measured: Vec<Vec<f64>> = vec![Vec::new(); batch.len()];
    for _ in 0..*runs {
        for (&batch, of_batch) in batch.iter().zip(&mut measured) {
            of_batch.push(nanoseconds_per_entry(batch as usize, *value_size as usize, *duration));
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    let row = |(batch, figures): (&u32, Vec<f64>)| -> Row {
        let spread = Spread::of(figures);
        let median = spread.median();
        [f64::from(*batch), median, spread.least(), spread.most(), 1e9 / median].map(number).into()
    };
    report.print(&Report {
        program: "raft bench",
        bench: "core",
        about: format!(
            "three servers in one thread commit entries of {value_size} bytes, without disk and network; {runs} runs of {duration:?} \
             each, in turn; medians\n{}\n\
             every {FORGET_AFTER} entries they forget the beginnings of their logs, as with snapshots; bench/peers measures the same \
             beside raft-rs\n",
            machine::named()
        ),
        columns: COLUMNS.to_vec(),
        rows: batch.iter().zip(measured).map(row).collect(),
        plots: Vec::new(),
        remarks: String::new(),
    })
}

fn nanoseconds_per_entry(batch: usize, size: usize, duration: Duration) -> f64 {
    let mut servers = Trio::default();
    let command: Arc<[u8]> = vec![7; size].into();
    // The buffers grow to their sizes.
    for _ in 0..FORGET_AFTER {
        servers.commit(vec![command.clone(); batch]);
    }
    let (begin, mut entries) = (Instant::now(), 0);
    while begin.elapsed() < duration {
        black_box(servers.commit(vec![command.clone(); batch]));
        entries += batch as u64;
    }
    begin.elapsed().as_secs_f64() * 1e9 / entries.max(1) as f64
}
