//! `raft bench failover`

mod client;
mod report;
mod setting;
mod trial;

use crate::report::DrawingArguments;
use clap::{Args, ValueEnum};
use command::{Failure, StorageArguments, duration};
use measure::progress::progress;
use report::Trials;
use setting::{SETTINGS, Setting};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use trial::{Fault, Subject};

/// Maximum probing interval: with a longer one, only the interval would be measured.
const LONGEST_PROBING_INTERVAL: Duration = Duration::from_secs(1);

/// Leaders that fail under a client that writes all the time.
#[derive(Debug, Args)]
pub(crate) struct FailoverArguments {
    /// The number of failures for each setting and kind of failure
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    trials: u32,

    /// The kind of failure
    #[arg(long, value_enum, default_value = "both")]
    by: By,

    /// The settings to measure [default: all]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = setting::parser())]
    settings: Vec<Setting>,

    /// How often the client asks every server while it has no response
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = probing_interval)]
    probing_interval: Duration,

    /// The number of servers
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u64).range(3..=15))]
    nodes: u64,

    /// The folder for the servers' data, on the disk to measure, with a folder for each setting [default:
    /// temporary folders]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    #[command(flatten)]
    storage: StorageArguments,

    #[command(flatten)]
    report: DrawingArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// The leader is killed (SIGKILL): its connections break
    Kill,
    /// The leader is paused (SIGSTOP): its connections stay open
    Freeze,
    /// Both, in turn
    Both,
}

impl By {
    fn faults(self) -> &'static [Fault] {
        match self {
            By::Kill => &[Fault::Kill],
            By::Freeze => &[Fault::Freeze],
            By::Both => &[Fault::Kill, Fault::Freeze],
        }
    }
}

impl FailoverArguments {
    fn settings(&self) -> &[Setting] {
        if self.settings.is_empty() { &SETTINGS } else { &self.settings }
    }

    fn start(&self, setting: Setting) -> Result<Subject, Failure> {
        let data = self.data.as_ref().map(|folder| folder.join(setting.name));
        Subject::start(setting, self.nodes, &self.storage, data)
    }
}

fn probing_interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text)?;
    if interval.is_zero() || interval > LONGEST_PROBING_INTERVAL {
        return Err(format!("choose a time above 0ms, and {LONGEST_PROBING_INTERVAL:?} at most"));
    }
    Ok(interval)
}

pub(crate) fn run(arguments: &FailoverArguments) -> Result<ExitCode, Failure> {
    let settings = arguments.settings().iter();
    let mut subjects =
        settings.map(|&setting| arguments.start(setting)).collect::<Result<Vec<Subject>, Failure>>()?;
    let about = report::about(arguments, subjects[0].data_folder())?;
    let measured = measure(arguments, &mut subjects)?;
    subjects.into_iter().for_each(Subject::stop);
    arguments.report.print(&report::report(about, &measured))
}

/// One trial of each row in turn, again and again: any other load on the machine affects all of them alike.
fn measure(arguments: &FailoverArguments, subjects: &mut [Subject]) -> Result<Vec<Trials>, Failure> {
    let faults = arguments.by.faults();
    let mut rows: Vec<Trials> = subjects
        .iter()
        .flat_map(|subject| faults.iter().map(|&fault| Trials::new(subject.setting, fault)))
        .collect();
    let progress = progress(u64::from(arguments.trials) * rows.len() as u64, "trials");
    for _ in 0..arguments.trials {
        let turns = subjects.iter_mut().zip(rows.chunks_mut(faults.len()));
        for (subject, rows) in turns {
            for row in rows {
                row.trials.push(subject.measure(row.fault, arguments.probing_interval)?);
                progress.inc(1);
            }
        }
    }
    progress.finish_and_clear();
    Ok(rows)
}
