//! What the subcommands of `raft` have in common.
//!
//! * `failure.rs`: how a command fails: it says what, why and what to do ([`Failure`]);
//! * `arguments.rs`: arguments that several of them take.

mod arguments;
mod failure;

pub use arguments::{
    ElectionArguments, ProfileArguments, RuleParser, StorageArguments, TimeArguments, WordParser, duration,
    host_and_port, listening_address, page_address,
};
pub use failure::{Failure, end_at_second_signal, ended_by, say, write_file, written};

use std::path::PathBuf;

/// This program's file: its `node` command is a server.
pub fn this_program() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| {
        Failure::of(format_args!("can't find this program's own file: {error}"), "start it by its full path")
    })
}
