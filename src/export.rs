//! `raft export`

use crate::tape::Tape;
use clap::Args;
use command::{Failure, say, write_file, written};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Save a scenario or a recorded run as a web page
///
/// The page is one file that needs only a browser: open it offline, or send it
/// by mail.
///
///   raft export elections/first-election -o page.html
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ExportArguments {
    /// A scenario, by its name or its file, or a file that `raft up --record` has written
    #[arg(value_name = "SCENARIO|FILE")]
    what: PathBuf,

    /// The file to write [default: standard output, unless that is a terminal]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: ExportArguments) -> Result<ExitCode, Failure> {
    let tape = Tape::open(&arguments.what)?;
    let page = web::export(&tape.setup_of_page(), tape.records());
    match &arguments.output {
        Some(output) => write_to(output, &page),
        None if io::stdout().is_terminal() => Err(Failure::usage(
            format_args!("the page has {} kB, too much for a terminal", page.len().div_ceil(1000)),
            "name a file for it with -o, for example -o page.html",
        )),
        None => written(io::stdout().lock().write_all(page.as_bytes())),
    }
}

fn write_to(output: &Path, page: &str) -> Result<ExitCode, Failure> {
    write_file(output, page)?;
    say(format_args!(
        "wrote {} ({} kB): open it in any browser",
        output.display(),
        page.len().div_ceil(1000)
    ));
    Ok(ExitCode::SUCCESS)
}
