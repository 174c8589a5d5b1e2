//! How the command fails: saying what, why and what to do.

use signal_hook::flag;
use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use terminal::End;
use trace::shown_lines;

/// Why the command could not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What it is: an error, or a doubt.
    what: &'static str,
    message: String,
    help: String,
    status: u8,
}

impl Failure {
    /// The arguments make no sense together.
    pub(crate) fn usage(message: impl Display, help: impl Into<String>) -> Failure {
        Failure { what: "error", message: message.to_string(), help: help.into(), status: 2 }
    }

    /// The arguments are fine, but it can't be done.
    pub(crate) fn of(message: impl Display, help: impl Into<String>) -> Failure {
        Failure { what: "error", message: message.to_string(), help: help.into(), status: 1 }
    }

    /// Nobody knows whether it was done: that is neither a failure nor a success.
    pub(crate) fn uncertain(message: impl Display, help: impl Into<String>) -> Failure {
        Failure { what: "uncertain", message: message.to_string(), help: help.into(), status: 3 }
    }

    /// Tells it on standard error.
    pub(crate) fn report(self) -> ExitCode {
        say(format_args!("{}: {}", self.what, self.message));
        if !self.help.is_empty() {
            say(format_args!("help: {}", self.help));
        }
        ExitCode::from(self.status)
    }
}

/// Says something on standard error, in which others may have put words. If nobody listens there, it need not be said.
pub(crate) fn say(words: impl Display) {
    let _ = writeln!(io::stderr(), "{}", shown_lines(&words.to_string()));
}

/// What writing to standard output came to. A reader that has gone away, as `head` does, is no failure.
pub(crate) fn written(result: io::Result<()>) -> Result<ExitCode, Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::of(format_args!("can't write to standard output: {error}"), ""))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// What watching in the terminal came to.
pub(crate) fn exit_code(end: io::Result<End>) -> Result<ExitCode, Failure> {
    match end {
        Ok(End::Quit) => Ok(ExitCode::SUCCESS),
        Ok(End::Interrupted(signal)) => Ok(ended_by(signal)),
        Err(error) => Err(Failure::of(
            format_args!("can't draw on this terminal: {error}"),
            "try --plain, which works on any terminal",
        )),
    }
}

/// Writes a file that somebody has asked for.
pub(crate) fn write_file(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text).map_err(|error| {
        let help = "choose a file in a folder that exists and that you may write to";
        Failure::of(format_args!("can't write {}: {error}", file.display()), help)
    })
}

/// Lets a second signal end the process at once, should what the first one asks for take too long: a
/// reader of standard output that has stopped reading, for example, holds up everything.
pub(crate) fn end_at_second_signal(signals: &[i32]) -> io::Result<()> {
    let was_signalled = Arc::new(AtomicBool::new(false));
    for &signal in signals {
        flag::register_conditional_shutdown(signal, 128 + signal, was_signalled.clone())?;
        flag::register(signal, was_signalled.clone())?;
    }
    Ok(())
}

/// The exit status of a program that a signal has ended.
pub(crate) fn ended_by(signal: i32) -> ExitCode {
    ExitCode::from(128 + u8::try_from(signal).unwrap_or(0))
}
