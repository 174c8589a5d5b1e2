//! `raft log`

mod side_by_side;

use clap::Args;
use command::{Failure, written};
use consensus::{HardState, Index, LogPosition, Payload};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use storage::{Ending, InspectedEntry, InspectedSegment, Inspection, StorageError, inspect};
use trace::shown_lines;

/// Default number of entries shown.
const SHOWN: u64 = 20;

/// Maximum number of characters shown of a command.
const COMMAND: usize = 48;

const WHICH_FOLDER: &str = "name the data folder of a server, the --data of its `raft node`; or the --data of `raft up`, to \
                            see all its servers";

/// Show what a server has on disk: its term and vote, its snapshot, its log
///
/// Of the folder of `raft up --data`, it shows the logs of all servers side by side.
///
/// Nothing is changed, and the server may be running. If something is damaged,
/// this shows what and where, and exits with status 1.
///
///   raft up --data cluster
///   raft log cluster
///   raft log cluster/n1 --entries 1..50
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct LogArguments {
    /// The data folder of a server, or of `raft up`
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// The entries to show: 10..20, 5.. or ..9; 7 is one entry, and .. is all [default: the last 20]
    #[arg(long, value_name = "A..B")]
    entries: Option<Range>,
}

/// A range of indexes that ends with the second one.
#[derive(Debug, Clone)]
struct Range(RangeInclusive<Index>);

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Range, String> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let index = |text: &str, open: u64| if text.is_empty() { Ok(open) } else { text.parse() };
        match (index(first, 0), index(last, u64::MAX)) {
            (Ok(first), Ok(last)) if first <= last && !text.is_empty() => {
                Ok(Range(Index(first)..=Index(last)))
            }
            _ => Err("write the first and the last index with .. between them: 10..20".into()),
        }
    }
}

pub(crate) fn run(arguments: LogArguments) -> Result<ExitCode, Failure> {
    let folder = &arguments.folder;
    let seen = looked_at(folder)?;
    if seen.is_empty() {
        let servers = servers_of(folder)?;
        if !servers.is_empty() {
            let report = side_by_side::report(&servers, arguments.entries.as_ref());
            written(io::stdout().write_all(shown_lines(&report).as_bytes()))?;
            let is_whole = servers.iter().all(|(_, seen)| seen.damage.is_empty());
            return Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        let message = format_args!("no server has ever used the folder {}", folder.display());
        return Err(Failure::of(message, WHICH_FOLDER));
    }
    let report = report(&seen, arguments.entries.as_ref());
    written(io::stdout().write_all(shown_lines(&report).as_bytes()))?;
    Ok(if seen.damage.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn looked_at(folder: &Path) -> Result<Inspection, Failure> {
    inspect(folder).map_err(|error| Failure::of(error, WHICH_FOLDER))
}

/// The servers of a cluster with their names, if this is the folder of one.
fn servers_of(folder: &Path) -> Result<Vec<(String, Inspection)>, Failure> {
    let servers = side_by_side::servers_in(folder).map_err(|error| {
        Failure::of(format_args!("can't read {}: {error}", folder.display()), WHICH_FOLDER)
    })?;
    let mut seen = Vec::new();
    for (name, folder) in servers {
        let server = looked_at(&folder)?;
        if !server.is_empty() {
            seen.push((name, server));
        }
    }
    Ok(seen)
}

fn report(seen: &Inspection, wanted: Option<&Range>) -> String {
    [summary(seen), segments(&seen.segments), entries(seen, wanted), damage(&seen.damage)].concat()
}

/// The server's identity, and the state of its log.
fn summary(seen: &Inspection) -> String {
    let unknown = || "unknown".to_owned();
    let identity = seen.identity.as_ref().map_or_else(unknown, |identity| identity.to_string());
    let life = seen.life.map_or_else(unknown, |life| life.to_string());
    let snapshot = match &seen.snapshot {
        Some(snapshot) => format!("up to entry {}, {} bytes", tell(snapshot.position), snapshot.size),
        None => "none".to_owned(),
    };
    let reached = seen.reached();
    let begins = match reached.begins_after {
        LogPosition { index: Index(0), .. } => "from the first entry".to_owned(),
        position => format!("after entry {}", tell(position)),
    };
    let log = format!("{begins} to entry {}, in {} saves", reached.log_end, reached.saves);
    let vote = describe_vote(&reached.hard_state);
    let lines =
        [("server", identity), ("starts", life), ("term", vote), ("snapshot", snapshot), ("log", log)];
    lines.into_iter().map(|(what, told)| format!("{what:<9} {told}\n")).collect()
}

fn tell(position: LogPosition) -> String {
    format!("{} of term {}", position.index, position.term)
}

fn describe_vote(hard_state: &HardState) -> String {
    let HardState { current_term, voted_for } = hard_state;
    match voted_for {
        Some(candidate) => format!("{current_term}, voted for {candidate}"),
        None => format!("{current_term}, no vote"),
    }
}

fn segments(segments: &[InspectedSegment]) -> String {
    let mut text =
        format!("\n{:<16} {:>10} {:>10}  {:<12} at the end\n", "segment", "bytes", "in use", "saves");
    for segment in segments {
        let name = segment.file.file_name().unwrap_or_default().to_string_lossy();
        let saves = match &segment.saves[..] {
            [] => "none".to_owned(),
            [only] => only.number.to_string(),
            [first, .., last] => format!("{}..{}", first.number, last.number),
        };
        let (size, end, ending) = (segment.header.size, segment.end, describe_ending(segment));
        let _ = writeln!(text, "{name:<16} {size:>10} {end:>10}  {saves:<12} {ending}");
    }
    text
}

fn describe_ending(segment: &InspectedSegment) -> String {
    match segment.ending {
        Ending::Open => "the log ends here".to_owned(),
        Ending::Continued => "continues in the next".to_owned(),
        Ending::Damaged => "damaged, see below".to_owned(),
        Ending::Torn { bytes } => format!(
            "{bytes} bytes of an incomplete save: the server is writing it now, or a crash interrupted it, or the disk \
             has lost a part of it. The next start removes it"
        ),
    }
}

fn entries(seen: &Inspection, wanted: Option<&Range>) -> String {
    let entries = seen.entries();
    let Some((last, _)) = entries.last_key_value() else { return "\nThe log has no entries.\n".to_owned() };
    let latest = Index((last.0 + 1).saturating_sub(SHOWN))..=*last;
    let shown = entries.range(wanted.map_or(latest, |Range(wanted)| wanted.clone()));
    let mut text =
        format!("\n{:>9} {:>6}  {:<7} {:>9} {:>7}  content\n", "entry", "term", "kind", "bytes", "save");
    let mut count = 0;
    for (index, known) in shown {
        let line = entry(*index, known);
        let _ = writeln!(text, "{}", line.trim_end());
        count += 1;
    }
    if count < entries.len() {
        let _ = writeln!(text, "({count} of {} entries; --entries .. shows all)", entries.len());
    }
    text
}

/// One entry on a line.
fn entry(index: Index, known: &InspectedEntry<'_>) -> String {
    let (kind, bytes, says) = match &known.entry.payload {
        Payload::NoOp => ("no-op", String::new(), String::new()),
        Payload::Membership(membership) => ("members", String::new(), format!("voters {membership}")),
        Payload::Command(command) => ("command", command.len().to_string(), describe_command(command)),
    };
    let (term, save) = (known.entry.term, known.save);
    format!("{index:>9} {term:>6}  {kind:<7} {bytes:>9} {save:>7}  {says}")
}

/// The beginning of a command. If it is not one of the store's, its bytes: those that are not text are
/// escaped, as in `\x00`.
fn describe_command(command: &[u8]) -> String {
    let says = kv::Command::decode(command).map(|command| command.to_string());
    let says = says.unwrap_or_else(|_| command.escape_ascii().to_string());
    let mut letters = says.chars();
    let told: String = letters.by_ref().take(COMMAND).collect();
    if letters.next().is_some() { told + "…" } else { told }
}

fn damage(damage: &[StorageError]) -> String {
    if damage.is_empty() {
        return String::new();
    }
    let mut text = "\nNo server can start from this folder:\n".to_owned();
    for damage in damage {
        let _ = writeln!(text, "  {damage}");
    }
    // The help is often the same for all.
    let mut helps: Vec<String> = damage.iter().map(StorageError::help).collect();
    helps.dedup();
    for help in helps {
        let _ = writeln!(text, "help: {help}");
    }
    text
}
