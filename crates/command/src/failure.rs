//! How the command fails: it says what, why and what to do.

use cluster::{ClusterError, FolderError};
use signal_hook::flag;
use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use trace::shown_lines;

/// Why the command could not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    /// Its kind: an error, or a doubt.
    what: &'static str,
    message: String,
    help: String,
    status: u8,
}

impl Failure {
    /// The arguments make no sense together.
    pub fn usage(message: impl Display, help: impl Into<String>) -> Failure {
        Failure { what: "error", message: message.to_string(), help: help.into(), status: 2 }
    }

    /// The arguments are fine, but it can't be done.
    pub fn of(message: impl Display, help: impl Into<String>) -> Failure {
        Failure { what: "error", message: message.to_string(), help: help.into(), status: 1 }
    }

    /// It is unknown whether it was done: neither a failure nor a success.
    pub fn uncertain(message: impl Display, help: impl Into<String>) -> Failure {
        Failure { what: "uncertain", message: message.to_string(), help: help.into(), status: 3 }
    }

    /// Reports it on standard error.
    pub fn report(self) -> ExitCode {
        say(format_args!("{}: {}", self.what, self.message));
        if !self.help.is_empty() {
            say(format_args!("help: {}", self.help));
        }
        ExitCode::from(self.status)
    }
}

/// Why a cluster did not start, in the words of the server that failed, if one did.
impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Failure {
        match &error {
            ClusterError::Folder(FolderError::OtherFounders { .. }) => Failure::of(
                &error,
                "leave out --nodes to continue with the servers that are there, or choose another folder; `raft member \
                 add` adds servers",
            ),
            ClusterError::Folder(_) => {
                Failure::of(&error, "choose another folder with --data, or stop the program that uses it")
            }
            ClusterError::NoSecret(_) => {
                Failure::of(&error, "check that programs may read the system's random numbers")
            }
            ClusterError::Failed { id, last_words } => {
                let (message, help) = last_words.split_once("\nhelp: ").unwrap_or((last_words, ""));
                let message = message.trim_start_matches("error: ");
                Failure::of(format_args!("{id} did not start: {message}"), help)
            }
            ClusterError::Spawn { .. } => Failure::of(&error, "close other programs, or start fewer servers"),
            ClusterError::Unwanted => Failure::of(&error, "start it again"),
            ClusterError::Silent => {
                Failure::of(&error, "the machine may be too busy: try again, or with fewer servers")
            }
        }
    }
}

/// Prints on standard error a text that may contain foreign text. If nobody reads it, it need not be printed.
pub fn say(words: impl Display) {
    let _ = writeln!(io::stderr(), "{}", shown_lines(&words.to_string()));
}

/// The result of writing to standard output. A reader that has gone away, as `head` does, is not a failure.
pub fn written(result: io::Result<()>) -> Result<ExitCode, Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::of(format_args!("can't write to standard output: {error}"), ""))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Writes a file that the user asked for.
pub fn write_file(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text).map_err(|error| {
        let help = "choose a file in a folder that exists and that you may write to";
        Failure::of(format_args!("can't write {}: {error}", file.display()), help)
    })
}

/// Makes a second signal end the process at once, in case the reaction to the first one takes too long: a
/// reader of standard output that has stopped reading, for example, blocks everything.
pub fn end_at_second_signal(signals: &[i32]) -> io::Result<()> {
    let was_signalled = Arc::new(AtomicBool::new(false));
    for &signal in signals {
        flag::register_conditional_shutdown(signal, 128 + signal, was_signalled.clone())?;
        flag::register(signal, was_signalled.clone())?;
    }
    Ok(())
}

/// The exit status of a program that a signal has ended.
pub fn ended_by(signal: i32) -> ExitCode {
    ExitCode::from(128 + u8::try_from(signal).unwrap_or(0))
}
