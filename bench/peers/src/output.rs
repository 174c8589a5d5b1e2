//! How the figures are reported.

use anyhow::Context;
use clap::Args;
use measure::plot;
use measure::report::Report;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Every comparison has these.
#[derive(Debug, Args)]
pub struct OutputArguments {
    /// Print the figures as JSON, for programs
    #[arg(long)]
    json: bool,

    /// Write them also as a page, with plots, to this file
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl OutputArguments {
    /// Reports the figures.
    ///
    /// # Errors
    /// If a file can't be written.
    pub fn print(&self, report: &Report) -> anyhow::Result<()> {
        let text = if self.json { format!("{}\n", report.json()) } else { report.text() };
        match io::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error.into()),
            _ => {}
        }
        self.report.as_ref().map_or(Ok(()), |file| write(file, &report.html()))
    }
}

/// Those have them, too, that also draw.
#[derive(Debug, Args)]
pub struct DrawnArguments {
    #[command(flatten)]
    output: OutputArguments,

    /// Write the plots alone, as an image, to this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

impl DrawnArguments {
    /// Reports the figures, and draws them.
    ///
    /// # Errors
    /// If a file can't be written.
    pub fn print(&self, report: &Report) -> anyhow::Result<()> {
        self.output.print(report)?;
        self.svg.as_ref().map_or(Ok(()), |file| write(file, &plot::stacked(&report.plots)))
    }
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(file, text).with_context(|| format!("can't write {}", file.display()))
}

/// Parses the interval between a client's requests.
pub fn probing_interval(text: &str) -> Result<Duration, String> {
    duration(text, Duration::from_millis(1), Duration::from_secs(1))
}

/// Parses the duration of a run.
pub fn run_duration(text: &str) -> Result<Duration, String> {
    duration(text, Duration::from_millis(10), Duration::from_secs(3600))
}

fn duration(text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    match (least..=most).contains(&time) {
        true => Ok(time),
        false => Err(format!("choose from {least:?} to {most:?}")),
    }
}
