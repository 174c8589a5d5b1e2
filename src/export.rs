//! `raft export`

use crate::lab::link_to;
use crate::tape::Tape;
use clap::Args;
use command::{Failure, say, write_file, written};
use rustix::fs::Mode;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use web::{ENGINE, ENGINE_NAME, EnginePlace};

/// The link with which a site begins.
const COURSE: &str = "#learn";

/// Save a scenario, a recorded run or the lab as a web page
///
/// The page is one file that needs only a browser: open it offline, or send it
/// by mail.
///
///   raft export elections/first-election -o page.html
///
/// The lab simulates clusters in the page itself, and has the course. As one
/// file, or as a folder for any web server, which begins with the course:
///
///   raft export --lab -o lab.html
///   raft export --site public/raft
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ExportArguments {
    /// A scenario, by its name or its file, a file that `raft up --record` has written, or a link of the page, in
    /// quotes. With --lab or --site, the page starts there
    #[arg(value_name = "SCENARIO|FILE|LINK", required_unless_present_any = ["lab", "site"])]
    what: Option<PathBuf>,

    /// Save the lab, in which clusters are simulated
    #[arg(long)]
    lab: bool,

    /// Save the course and the lab as a folder for a web server. The folder must be new or empty, or hold only
    /// an earlier export
    #[arg(long, value_name = "DIR", conflicts_with_all = ["lab", "output"])]
    site: Option<PathBuf>,

    /// The file to write [default: standard output, unless that is a terminal]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes what was asked for. A file gets the permissions that this umask leaves, as it is to be passed on.
pub(crate) fn run(arguments: ExportArguments, umask: Mode) -> Result<ExitCode, Failure> {
    let start = |usual: &str| arguments.what.as_deref().map_or(Ok(usual.to_owned()), link_to);
    if let Some(folder) = &arguments.site {
        return write_site(folder, &web::lab(&start(COURSE)?, EnginePlace::Beside));
    }
    let (page, moment) = match &arguments.what {
        Some(what) if !arguments.lab => {
            let tape = Tape::open(what)?;
            (web::export(&tape.setup_of_page(), tape.records()), tape.fragment_of_moment()?)
        }
        _ => (web::lab(&start("")?, EnginePlace::Inside), String::new()),
    };
    match &arguments.output {
        Some(output) => {
            rustix::process::umask(umask);
            write_to(output, &page, &moment)
        }
        None if io::stdout().is_terminal() => Err(Failure::usage(
            format_args!("the page has {} kB, too much for a terminal", page.len().div_ceil(1000)),
            "name a file for it with -o, for example -o page.html",
        )),
        None => written(io::stdout().lock().write_all(page.as_bytes())),
    }
}

/// Writes the page to a file. The moment is the end of the address that leads to it.
fn write_to(output: &Path, page: &str, moment: &str) -> Result<ExitCode, Failure> {
    write_file(output, page)?;
    let file = output.display();
    say(format_args!("wrote {file} ({} kB): open it in any browser", page.len().div_ceil(1000)));
    if !moment.is_empty() {
        say(format_args!("The link's moment is at {file}{moment}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the lab to a folder, which is created if there is none. Everything in it has a relative address.
fn write_site(folder: &Path, page: &str) -> Result<ExitCode, Failure> {
    // A web server may run as another user: what is published is for everyone to read.
    rustix::process::umask(Mode::WGRP | Mode::WOTH);
    let files: [(&str, &[u8]); 3] =
        // GitHub Pages would look for files to process, unless there is a .nojekyll.
        [("index.html", page.as_bytes()), (ENGINE_NAME, ENGINE), (".nojekyll", b"")];
    let name = folder.display();
    let failed = |error: io::Error| {
        let help = "choose a folder that you may write to, or that is not there yet";
        Failure::of(format_args!("can't write to the folder {name}: {error}"), help)
    };
    fs::create_dir_all(folder).map_err(failed)?;
    if let Some(other) = other_than(&files, folder).map_err(failed)? {
        let help =
            "choose a folder that is empty or not there yet, or one that an earlier --site has written";
        return Err(Failure::of(format_args!("{name} holds something else than a lab: {other}"), help));
    }
    let written = files.iter().try_for_each(|(file, content)| fs::write(folder.join(file), content));
    written.map_err(failed)?;
    let size: usize = files.iter().map(|(_, content)| content.len()).sum();
    say(format_args!("wrote {name} ({} kB): any web server can serve it as it is", size.div_ceil(1000)));
    say(format_args!("Try it: python3 -m http.server --bind 127.0.0.1 --directory {name}"));
    Ok(ExitCode::SUCCESS)
}

/// What is in the folder and not one of these files, if there is such a thing.
fn other_than(files: &[(&str, &[u8])], folder: &Path) -> io::Result<Option<String>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_ours = match entry.file_name().to_str() {
            _ if !entry.file_type()?.is_file() => false,
            Some("index.html") => web::is_page(&String::from_utf8_lossy(&fs::read(entry.path())?)),
            name => files.iter().any(|(file, _)| Some(*file) == name),
        };
        if !is_ours {
            return Ok(Some(entry.file_name().to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}
