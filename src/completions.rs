//! `raft completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use command::{Failure, written};
use std::io::{self, Write};
use std::process::ExitCode;

/// Print a script that completes the arguments of raft in your shell.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// Your shell
    shell: Shell,
}

pub(crate) fn run(arguments: CompletionsArguments) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::CommandLine::command(), "raft", &mut script);
    written(io::stdout().write_all(&script))
}
