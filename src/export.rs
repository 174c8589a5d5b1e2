//! `raft export`

use crate::failure::{Failure, say, write_file, written};
use crate::tape::Tape;
use clap::Args;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write a scenario or a recorded run as a page that needs nothing but a browser.
///
/// The page is one file with everything in it. It can be opened offline, and mailed.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// A scenario, or a trace that `raft up --record` has written
    file: PathBuf,

    /// Where to write the page [default: standard output, if that is no terminal]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: ExportArguments) -> Result<ExitCode, Failure> {
    let tape = Tape::open(&arguments.file)?;
    let page = web::export(&tape.setup_of_page(), tape.records());
    match &arguments.output {
        Some(output) => write_to(output, &page),
        None if io::stdout().is_terminal() => Err(Failure::usage(
            format_args!("a page of {} kB is nothing for a terminal", page.len().div_ceil(1000)),
            "say where to write it with -o, for example -o page.html",
        )),
        None => written(io::stdout().lock().write_all(page.as_bytes())),
    }
}

fn write_to(output: &Path, page: &str) -> Result<ExitCode, Failure> {
    write_file(output, page)?;
    say(format_args!("{}: {} kB, to be opened in any browser", output.display(), page.len().div_ceil(1000)));
    Ok(ExitCode::SUCCESS)
}
