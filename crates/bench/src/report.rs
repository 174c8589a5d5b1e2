//! The output of the figures.

use clap::Args;
use command::{Failure, write_file, written};
use measure::plot;
use measure::report::Report;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// How the figures are told. Every bench has these.
#[derive(Debug, Clone, Args)]
pub struct ReportArguments {
    /// Print the figures as JSON, for programs
    #[arg(long)]
    json: bool,

    /// Also write the figures to this file, as a web page with plots
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl ReportArguments {
    pub fn print(&self, report: &Report) -> Result<ExitCode, Failure> {
        let text = if self.json { format!("{}\n", report.json()) } else { report.text() };
        let told = written(io::stdout().write_all(text.as_bytes()))?;
        if let Some(file) = &self.report {
            write_file(file, &report.html())?;
            eprintln!("wrote {}: open it in any browser", file.display());
        }
        Ok(told)
    }
}

/// The same for benches that also draw.
#[derive(Debug, Clone, Args)]
pub struct DrawingArguments {
    #[command(flatten)]
    report: ReportArguments,

    /// Write only the plots to this file, as an image
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

impl DrawingArguments {
    pub fn print(&self, report: &Report) -> Result<ExitCode, Failure> {
        let told = self.report.print(report)?;
        if let Some(file) = &self.svg {
            write_file(file, &plot::stacked(&report.plots))?;
        }
        Ok(told)
    }
}
