//! `raft export`

use crate::failure::{Failure, write_file, written};
use crate::tape::Tape;
use clap::Args;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write a scenario or a recorded run as a page that needs nothing but a browser.
///
/// The page is one file with everything in it. It can be opened offline, and mailed.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// A scenario, or a trace that `raft up --record` has written
    file: PathBuf,

    /// Where to write the page [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: ExportArguments) -> Result<ExitCode, Failure> {
    let tape = Tape::open(&arguments.file)?;
    let page = web::export(&tape.setup_of_page(), tape.records());
    match &arguments.output {
        Some(output) => write_to(output, &page),
        None => written(io::stdout().lock().write_all(page.as_bytes())),
    }
}

fn write_to(output: &Path, page: &str) -> Result<ExitCode, Failure> {
    write_file(output, page)?;
    eprintln!("{}: {} kB, to be opened in any browser", output.display(), page.len().div_ceil(1000));
    Ok(ExitCode::SUCCESS)
}
