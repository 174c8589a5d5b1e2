//! `raft put`, `raft del` and `raft cas`.

use super::quoted;
use crate::servers::{ServersArguments, not_done};
use clap::Args;
use command::{Failure, written};
use consensus::Index;
use kv::{Answer, LONGEST_VALUE, Write};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write as _};
use std::process::ExitCode;

/// Set the value of a key
///
/// When this succeeds, the value is on the disks of a majority of the servers.
///
/// Exit status: 0 written, 1 not done, 2 wrong usage, 3 uncertain (it is unknown
/// whether it was done).
///
///   raft put greeting hello
///   raft put greeting - < letter.txt
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct PutArguments {
    /// The key: at most 1,024 bytes
    key: OsString,
    /// The value: at most 1 MiB; - reads it from standard input
    #[arg(allow_negative_numbers = true)]
    value: OsString,
    /// Write only if this is the key's version; 0 means that there is no such key
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u64>,
    #[command(flatten)]
    how: HowToWrite,
}

/// Remove a key
///
/// Exit status: 0 deleted, 1 not done (for example because there is no such key), 2 wrong usage, 3 uncertain
/// (it is unknown whether it was done).
#[derive(Debug, Args)]
pub(crate) struct DelArguments {
    /// The key
    key: OsString,
    /// Delete it only if this is its version
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u64>,
    #[command(flatten)]
    how: HowToWrite,
}

/// Give a key a new value if it has the expected one (compare and swap)
///
/// Exit status: 0 written, 1 not done (for example because the key has another value), 2 wrong usage,
/// 3 uncertain (it is unknown whether it was done).
#[derive(Debug, Args)]
pub(crate) struct CasArguments {
    /// The key
    key: OsString,
    /// The value that the key must have now
    #[arg(allow_negative_numbers = true)]
    expected: OsString,
    /// The new value; - reads it from standard input
    #[arg(allow_negative_numbers = true)]
    new: OsString,
    #[command(flatten)]
    how: HowToWrite,
}

#[derive(Debug, Args)]
struct HowToWrite {
    /// Send it outside a session: this saves a round trip, but if the response is lost, the request can't be
    /// sent again, and its outcome is uncertain
    #[arg(long)]
    no_session: bool,

    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    servers: ServersArguments,
}

pub(crate) fn put(arguments: PutArguments) -> Result<ExitCode, Failure> {
    let (key, value) = (arguments.key.as_encoded_bytes(), value(&arguments.value)?);
    let if_version = arguments.if_version.map(Index);
    write(&arguments.how, &Write { if_version, ..Write::put(key, &value) })
}

pub(crate) fn del(arguments: DelArguments) -> Result<ExitCode, Failure> {
    let if_version = arguments.if_version.map(Index);
    write(&arguments.how, &Write { if_version, ..Write::delete(arguments.key.as_encoded_bytes()) })
}

pub(crate) fn cas(arguments: CasArguments) -> Result<ExitCode, Failure> {
    let (key, expected) = (arguments.key.as_encoded_bytes(), arguments.expected.as_encoded_bytes());
    let new = value(&arguments.new)?;
    write(&arguments.how, &Write::compare_and_swap(key, expected, &new))
}

/// A value, from the argument or from standard input.
fn value(argument: &OsStr) -> Result<Vec<u8>, Failure> {
    if argument != "-" {
        return Ok(argument.as_encoded_bytes().to_vec());
    }
    let mut value = Vec::new();
    // One byte more than allowed, to notice if there is more.
    let read = io::stdin().lock().take(LONGEST_VALUE as u64 + 1).read_to_end(&mut value);
    read.map_err(|error| Failure::of(format_args!("can't read standard input: {error}"), ""))?;
    Ok(value)
}

fn write(how: &HowToWrite, write: &Write<'_>) -> Result<ExitCode, Failure> {
    if let Err(reason) = write.check() {
        return Err(Failure::usage(reason, reason.help()));
    }
    let mut cluster = how.servers.client()?;
    let ended = match how.no_session {
        true => cluster.write_without_session(write, how.servers.timeout),
        false => cluster.write(write, how.servers.timeout),
    };
    let answer = ended.map_err(|failure| match failure {
        client::Failure::NotDone(why) => not_done(&why),
        client::Failure::Uncertain(why) => {
            let help = format!("`raft get {}` shows what the key holds now", quoted(write.key));
            let doubt = format_args!("{write}: it may have taken effect, or may still do so ({why})");
            Failure::uncertain(doubt, help)
        }
    })?;
    if how.json {
        let json = serde_json::to_string(&answer).expect("answers have a JSON");
        written(writeln!(io::stdout(), "{json}"))?;
    }
    match answer {
        Answer::Written { .. } | Answer::Deleted if how.json => Ok(ExitCode::SUCCESS),
        Answer::Written { .. } | Answer::Deleted => written(writeln!(io::stdout(), "{answer}")),
        Answer::NotFound => Err(Failure::of(answer, "`raft list` shows all keys")),
        refused => Err(Failure::of(refused, refused.help().unwrap_or_default())),
    }
}
