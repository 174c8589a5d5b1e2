//! `raft watch`

use crate::servers::{ServersArguments, no_answer};
use crate::store::quoted;
use api::{ChangeEvent, Place, Text};
use clap::Args;
use client::{Change, News};
use command::{Failure, say};
use consensus::Index;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

/// Watch keys: every change, in the order of the log
///
/// If the server that reports the changes dies, another one continues where it stopped, and no change is
/// lost. Ctrl+C ends the watch.
#[derive(Debug, Args)]
#[command(mut_arg("timeout", |argument| argument.help("How long to look for a server that responds")))]
pub(crate) struct WatchArguments {
    /// Only keys that start with this
    #[arg(default_value = "", hide_default_value = true)]
    prefix: OsString,

    /// Start after this entry of the log, such as the version of a value [default: now]
    #[arg(long, value_name = "INDEX")]
    after: Option<u64>,

    /// Print each change as JSON, one object per line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    servers: ServersArguments,
}

pub(crate) fn run(arguments: WatchArguments) -> Result<ExitCode, Failure> {
    let WatchArguments { prefix, after, json, servers } = arguments;
    let mut cluster = servers.client()?;
    let mut after = after.map(|index| Place { index: Index(index), cluster: None });
    let mut is_first = true;
    loop {
        let watch = cluster.watch(prefix.as_encoded_bytes(), after, servers.timeout);
        let mut watch = watch.map_err(|why| no_answer(&why))?;
        if !is_first {
            let place =
                after.map_or("from now on".to_owned(), |after| format!("from entry {} on", after.index));
            say(format_args!("{} reports the changes now, {place}", watch.server()));
        }
        is_first = false;
        let end = loop {
            match watch.hear() {
                Ok(News::Changed(change)) => {
                    let line = if json { as_json(&change) } else { as_line(&change) };
                    let mut out = io::stdout();
                    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                        // The reader of the output is gone.
                        return Ok(ExitCode::SUCCESS);
                    }
                }
                Ok(News::Missed { after, until }) => say(format_args!(
                    "warning: changes after entry {after}, up to {until}, may be missing: {} no longer has \
                     them; `raft list` shows what the keys hold now",
                    watch.server()
                )),
                Err(end) => break end,
            }
        };
        say(end);
        after = watch.seen();
        // Restarted servers have other addresses. If none can be found, the known ones are asked.
        cluster.meet(servers.nodes().unwrap_or_default());
    }
}

fn as_line(change: &Change) -> String {
    let Change { key, version, value } = change;
    match value {
        Some(value) => format!("{} = {}  (version {version})", quoted(key), quoted(value)),
        None => format!("{} deleted  (entry {version})", quoted(key)),
    }
}

fn as_json(change: &Change) -> String {
    let Change { key, version, value } = change;
    let told = ChangeEvent {
        key: Text::of(key),
        value: value.as_deref().map(Text::of),
        version: *version,
        deleted: value.is_none(),
    };
    serde_json::to_string(&told).expect("changes have a JSON")
}
