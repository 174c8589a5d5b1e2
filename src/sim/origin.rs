//! Where logs come from, and whether an entry in them can be lost.

use crate::paragraph::{counted, paragraph};
use command::{Failure, write_file, written};
use consensus::{Index, NodeId, Term};
use simulator::Run;
use simulator::claim::{self, Claim, Verdict};
use simulator::origin::{Answer, PROSE, Search, parse_log};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use trace::shown;

/// What to do about logs that can't be asked about.
const HELP: &str = "write a log as a list of its entries' terms, such as '1 1 3', and an empty one as ''";

/// A log as it is written on the command line. A hole (`_`) can be asked about, too.
pub(super) fn log_text(text: &str) -> Result<String, String> {
    match parse_log(&text.replace('_', " ")) {
        Ok(_) => Ok(text.to_owned()),
        Err(why) => Err(why),
    }
}

/// Is there a run that leads to these logs?
pub(super) fn ask(logs: &[String], servers: Option<u64>, save: Option<&Path>) -> Result<ExitCode, Failure> {
    let logs: Vec<Vec<Term>> = match logs.iter().map(|log| parse_log(log)).collect() {
        Ok(logs) => logs,
        Err(hole) => return show(&impossible(&hole)),
    };
    let servers = servers.unwrap_or(logs.len() as u64);
    let search = Search::new(&logs, servers).map_err(|why| Failure::of(why, HELP))?;
    match search.finish() {
        Answer::Run(run) => {
            let elections = counted(run.story().count() as u64, "election");
            let title = format!("Yes: a run leads to these logs, with {elections}.");
            show_run(&title, &run, PROSE, save)
        }
        Answer::Impossible(why) => show(&impossible(&why)),
        Answer::Undecided(bound) => {
            Err(Failure::uncertain(bound, "ask about fewer servers or earlier terms"))
        }
    }
}

/// Can the entry at this index be lost?
pub(super) fn examine_claim(logs: &[String], index: u64, save: Option<&Path>) -> Result<ExitCode, Failure> {
    let parsed: Result<Vec<Vec<Term>>, String> = logs.iter().map(|log| parse_log(log)).collect();
    let claim = parsed.and_then(|logs| claim::examine(&logs, Index(index), None));
    let claim = claim.map_err(|why| Failure::of(why, HELP))?;
    let name = claim.title();
    let Claim { entry, holders, verdict } = claim;
    let names: Vec<String> = holders.iter().map(NodeId::to_string).collect();
    let of = format!("{} of {}", holders.len(), counted(logs.len() as u64, "server"));
    let about = format!("Entry {} of term {} is on {}: {of}.", entry.index, entry.term, names.join(", "));
    match verdict {
        Verdict::Refuted(why, run) => {
            let title = format!("{about} It can be lost: {why}");
            show_run(&title, &run, &format!("{name}\n\n{title}"), save)
        }
        Verdict::Safe(why) => show(&format!("{about} It can't be lost: {why}")),
        Verdict::NotRefuted(bound) => show(&format!(
            "{about} No run was found in which it is lost. What was tried: {bound}. That is no proof."
        )),
    }
}

fn impossible(why: &str) -> String {
    format!("No run of Raft leads to these logs: {why}.")
}

fn show(text: &str) -> Result<ExitCode, Failure> {
    written(io::stdout().write_all(format!("{}\n", paragraph(0, text)).as_bytes()))
}

/// What happens in the run, and how to see it.
fn show_run(title: &str, run: &Run, prose: &str, save: Option<&Path>) -> Result<ExitCode, Failure> {
    let mut text = format!("{}\n\n", paragraph(0, title));
    for part in run.story() {
        let _ = writeln!(text, "{}", paragraph(2, part));
    }
    let _ = write!(text, "\n{}\n", run.logs());
    for action in &run.script().actions {
        let _ = writeln!(text, "    {action}");
    }
    if let Some(file) = save {
        let prose: String = prose.lines().map(|line| paragraph(0, line) + "\n").collect();
        write_file(file, &run.to_scenario(&prose))?;
        let file = file.display().to_string();
        let file = shown(&file);
        let _ = write!(
            text,
            "\nSaved, with what each step causes, in {file}\n\n  look at it       raft replay {file}\n"
        );
    } else {
        let _ = write!(
            text,
            "\n  save it          the same with --save run.txt\n  look at it       raft replay run.txt\n"
        );
    }
    written(io::stdout().write_all(text.as_bytes()))
}
