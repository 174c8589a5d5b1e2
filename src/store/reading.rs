//! `raft get` and `raft list`.

use super::quoted;
use crate::servers::{ServersArguments, no_answer};
use api::{Listed, Text};
use clap::{Args, ValueEnum};
use client::{Entry, List, Read, Value};
use command::{Failure, written};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use trace::shown_bytes;

/// Show the value of a key
///
/// Exit status: 0 shown, 1 not shown (for example because there is no such key), 2 wrong usage.
#[derive(Debug, Args)]
pub(crate) struct GetArguments {
    /// The key
    key: OsString,
    #[command(flatten)]
    how: HowToRead,
}

/// List keys and their values, sorted by the bytes of the keys
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only keys that start with this
    #[arg(default_value = "", hide_default_value = true)]
    prefix: OsString,
    #[command(flatten)]
    how: HowToRead,
}

#[derive(Debug, Args)]
struct HowToRead {
    /// How fresh the result must be
    #[arg(long, value_enum, default_value = "linearizable")]
    read: ReadArgument,

    /// Print a JSON object for each key, with value and version
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    servers: ServersArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReadArgument {
    /// It includes every write that was confirmed before: the leader asks a majority whether it still leads
    Linearizable,
    /// The same from a leader with a lease (--lease-reads), which asks no other server but trusts all clocks
    Lease,
    /// Whatever one server has, however old: needs no majority
    Stale,
}

impl From<ReadArgument> for Read {
    fn from(argument: ReadArgument) -> Read {
        match argument {
            ReadArgument::Linearizable => Read::Linearizable,
            ReadArgument::Lease => Read::Lease,
            ReadArgument::Stale => Read::Stale,
        }
    }
}

pub(crate) fn get(arguments: GetArguments) -> Result<ExitCode, Failure> {
    let GetArguments { key, how } = arguments;
    let key = key.as_encoded_bytes();
    let mut cluster = how.servers.client()?;
    let value = cluster.get(key, how.read.into(), how.servers.timeout).map_err(|why| no_answer(&why))?;
    let Some(value) = value else {
        let message = format_args!("there is no key {}", quoted(key));
        return Err(Failure::of(message, "`raft list` shows all keys"));
    };
    if how.json {
        return written(writeln!(io::stdout(), "{}", json(&Entry { key: key.to_vec(), value })));
    }
    if !io::stdout().is_terminal() {
        return written(io::stdout().write_all(&value.bytes));
    }
    // Foreign text must not reach a terminal unescaped, and the prompt should begin on a new line.
    let text = shown_bytes(&value.bytes);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    written(write!(io::stdout(), "{text}{end}"))
}

pub(crate) fn list(arguments: ListArguments) -> Result<ExitCode, Failure> {
    let ListArguments { prefix, how } = arguments;
    let mut cluster = how.servers.client()?;
    let prefix = prefix.into_encoded_bytes();
    let mut list = List { prefix, after: Vec::new(), read: how.read.into() };
    loop {
        let page = cluster.list(&list, how.servers.timeout).map_err(|why| no_answer(&why))?;
        let tell = if how.json { json } else { line };
        let text: String = page.entries.iter().map(|entry| tell(entry) + "\n").collect();
        written(io::stdout().write_all(text.as_bytes()))?;
        match page.more_after {
            Some(after) => list.after = after,
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}

fn json(entry: &Entry) -> String {
    let Entry { key, value: Value { bytes, version } } = entry;
    let listed = Listed { key: Text::of(key), value: Text::of(bytes), version: *version };
    serde_json::to_string(&listed).expect("keys and values have a JSON")
}

fn line(entry: &Entry) -> String {
    let Entry { key, value: Value { bytes, version } } = entry;
    format!("{} = {}  (version {version})", quoted(key), quoted(bytes))
}
