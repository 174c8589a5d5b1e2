//! The logs of all servers of a `raft up --data DIR`, next to each other.

use super::{Range, SHOWN, damage, describe_command, describe_vote};
use consensus::{Index, Payload};
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use storage::{InspectedEntry, Inspection};

/// The width of the first column.
const HEADING: usize = 9;
/// The width of the table, and of a server's column at least.
const WIDTH: usize = 100;
const NARROWEST: usize = 14;

/// The folders of servers in this folder, with their names, in the order of their numbers.
///
/// # Errors
/// If the folder can't be read.
pub(super) fn servers_in(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut servers = Vec::new();
    for entry in folder.read_dir()? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name.strip_prefix('n').and_then(|number| number.parse::<u64>().ok());
        if let Some(number) = number.filter(|number| name == format!("n{number}")) {
            servers.push((number, name, entry.path()));
        }
    }
    servers.sort();
    Ok(servers.into_iter().map(|(_, name, path)| (name, path)).collect())
}

/// The table: a column for each server, a line for each entry.
pub(super) fn report(servers: &[(String, Inspection)], wanted: Option<&Range>) -> String {
    let width = ((WIDTH - HEADING) / servers.len()).max(NARROWEST);
    let mut text = String::new();
    let mut line = |heading: &str, cells: Vec<String>| {
        let cells: Vec<String> =
            cells.iter().map(|cell| format!("{:<width$}", cut(cell, width - 2))).collect();
        let _ = writeln!(text, "{}", format!("{heading:<HEADING$} {}", cells.concat()).trim_end());
    };
    line("server", servers.iter().map(|(name, _)| name.clone()).collect());
    line("term", servers.iter().map(|(_, seen)| describe_vote(&seen.reached().hard_state)).collect());
    let snapshot =
        |seen: &Inspection| seen.snapshot.as_ref().map_or(Index(0), |snapshot| snapshot.position.index);
    if servers.iter().any(|(_, seen)| snapshot(seen) > Index(0)) {
        let told = |seen: &Inspection| match snapshot(seen) {
            Index(0) => "none".to_owned(),
            index => format!("up to {index}"),
        };
        line("snapshot", servers.iter().map(|(_, seen)| told(seen)).collect());
    }
    line("", Vec::new());
    line("entry", servers.iter().map(|_| "term, content".to_owned()).collect());
    let logs: Vec<_> = servers.iter().map(|(_, seen)| (snapshot(seen), seen.entries())).collect();
    let last = logs.iter().filter_map(|(_, log)| log.last_key_value()).map(|(index, _)| *index).max();
    let last = last.unwrap_or_default();
    let latest = Index((last.0 + 1).saturating_sub(SHOWN).max(1))..=last;
    let shown = wanted.map_or(latest, |Range(wanted)| wanted.clone());
    for index in (shown.start().0.max(1)..=shown.end().0.min(last.0)).map(Index) {
        let cells = logs.iter().map(|(covered, log)| match log.get(&index) {
            Some(known) => content(known),
            None if index <= *covered => "in the snapshot".to_owned(),
            None => "–".to_owned(),
        });
        line(&format!("{:>5}", index.0), cells.collect());
    }
    for (name, seen) in servers.iter().filter(|(_, seen)| !seen.damage.is_empty()) {
        let _ = write!(text, "\n{name}:{}", damage(&seen.damage));
    }
    text
}

fn content(known: &InspectedEntry<'_>) -> String {
    let says = match &known.entry.payload {
        Payload::NoOp => "no-op".to_owned(),
        Payload::Membership(membership) => format!("voters {membership}"),
        Payload::Command(command) => describe_command(command),
    };
    format!("{}  {says}", known.entry.term)
}

/// The text, cut with a `…` if it is longer than this.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}
