//! What the documents say is true: their commands run and print what is quoted, their links lead somewhere,
//! and what they name exists.
//!
//! A block of code with the language `console` has commands, each after `$ ` (with `> ` for further lines),
//! and their output. All commands of a document run in one terminal, in order. In quoted output, `…` stands
//! for anything: some characters or, alone on a line, some lines. A command without quoted output must
//! succeed, and may print anything. A comment in the line before a block says if it is special:
//!
//! * `<!-- in terminals of their own -->`: each command keeps running until the document ends;
//! * `<!-- wait for "TEXT" -->`: and must print that before the document continues;
//! * `<!-- first Ctrl+C in "TEXT" -->`: the running commands with that in them are ended first;
//! * `<!-- until "TEXT", then Ctrl+C -->`: each runs until it prints that;
//! * `<!-- numbers vary -->`: times, versions and the like differ each time, so numbers aren't compared;
//! * `<!-- standard error first -->`: what is quoted begins with that; elsewhere only its errors are quoted;
//! * `<!-- not run: REASON -->`: only the arguments of `raft` are checked.
//!
//! Several of them are joined with `; `. `UPDATE_GOLDEN=1 cargo test --test raft documents::` rewrites what
//! is quoted.

mod markdown;
mod names;
mod quoted;
mod session;
mod view;

use crate::common::TIMEOUT;
use markdown::{Document, How, Step, all_documents, root, steps};
use quoted::Printed;
use rustix::process::Signal;
use session::{Running, Session};
use std::fs;
use std::process::Command;

/// Number of blocks of commands that are not run, each with its reason.
const NOT_RUN: usize = 29;

macro_rules! documents {
    ($($test:ident: $name:literal,)*) => {
        /// The documents with commands.
        const WITH_COMMANDS: &[&str] = &[$($name),*];

        $(
            #[test]
            fn $test() {
                run_commands_of($name);
            }
        )*
    };
}

documents! {
    commands_of_the_readme: "README.md",
    commands_of_contributing: "CONTRIBUTING.md",
    commands_of_the_page: "docs/page.md",
    commands_of_the_pages_sources: "crates/web/page/README.md",
    commands_of_the_clients: "docs/clients.md",
    commands_of_the_list: "docs/commands.md",
    commands_of_the_lab: "docs/lab.md",
    commands_of_maelstrom: "docs/maelstrom.md",
    commands_of_the_members: "docs/membership.md",
    commands_of_the_performance: "docs/performance.md",
    commands_of_practice: "docs/practice.md",
    commands_of_the_scenarios: "docs/scenarios.md",
    commands_of_the_simulator: "docs/simulator.md",
    commands_of_the_teachers: "docs/teaching.md",
    commands_of_the_terminal: "docs/terminal.md",
    commands_of_torture: "docs/torture.md",
    commands_of_the_trace: "docs/trace.md",
}

#[test]
fn no_document_with_commands_is_left_out() {
    let has_commands = |name: &String| Document::read(name).console_blocks().next().is_some();
    let names: Vec<String> = all_documents().into_iter().filter(has_commands).collect();
    let mut known = WITH_COMMANDS.to_vec();
    known.sort_unstable();
    assert_eq!(names, known, "list it in `documents!` above");
}

#[test]
fn no_command_stands_in_a_block_of_another_kind() {
    for document in all_documents().iter().map(|name| Document::read(name)) {
        for block in document.blocks.iter().filter(|block| block.language != "console") {
            let is_command = |line: &&String| {
                let first = line.split(' ').next().unwrap_or_default();
                ["$", "raft", "cargo", "curl", "npm", "bash", "apt-get"].contains(&first)
            };
            let command = document.text_of(block).iter().find(is_command);
            assert_eq!(
                command,
                None,
                "{}: make it a block of the language console",
                document.place_of(block)
            );
        }
    }
}

#[test]
fn what_is_not_run_is_little_and_has_a_reason() {
    let mut not_run = Vec::new();
    for document in WITH_COMMANDS.iter().map(|name| Document::read(name)) {
        let reasons = document.console_blocks().filter_map(|block| {
            let reason = How::of(block).not_run?;
            Some(format!("{}: {reason}", document.place_of(block)))
        });
        not_run.extend(reasons);
    }
    assert_eq!(not_run.len(), NOT_RUN, "these are not run:\n{}", not_run.join("\n"));
}

/// A place where a document must change, and its new text.
struct Renewal {
    begin: usize,
    end: usize,
    lines: Vec<String>,
}

fn run_commands_of(name: &str) {
    let document = Document::read(name);
    let text: Vec<String> =
        document.console_blocks().flat_map(|block| document.text_of(block).to_vec()).collect();
    let mut session = Session::new(&text.join("\n"));
    let mut renewals = Vec::new();
    for block in document.console_blocks() {
        let how = How::of(block);
        if let Some(text) = &how.interrupted {
            session.interrupt(text);
        }
        for step in steps(&document, block) {
            let place = format!("{}:{}: $ {}", document.name, step.output_begin, step.command);
            if !can_run(&step, &place) {
                continue;
            }
            if let Some(printed) = differing_output(&mut session, &how, &step, &place) {
                let lines = quoted::renewed(&step.output, &printed, how.numbers_vary);
                let begin = step.output_begin;
                renewals.push(Renewal { begin, end: begin + step.output.len(), lines });
            }
        }
    }
    if !renewals.is_empty() {
        renew(name, &document, &renewals);
    }
}

/// A command of a program that is not installed everywhere is skipped where it is missing.
fn can_run(step: &Step, place: &str) -> bool {
    let is_there =
        || Command::new("curl").arg("--version").output().is_ok_and(|output| output.status.success());
    let can = !step.command.starts_with("curl ") || is_there();
    if !can {
        eprintln!("NOT RUN, since there is no curl here: {place}");
    }
    can
}

/// Runs a command, and returns what it printed if that is not what the document quotes.
fn differing_output(session: &mut Session, how: &How, step: &Step, place: &str) -> Option<Printed> {
    if how.not_run.is_some() {
        if step.command.starts_with("raft ") {
            assert_ended_well(&mut session.check_arguments(&step.command), place);
        }
        return None;
    }
    if how.in_own_terminals {
        let running = session.leave_running(&step.command);
        if let Some(text) = &how.awaited {
            assert!(running.hear_text(text), "{place}\nno \"{text}\" in:\n{}", running.printed.text());
        }
        let is_printed = running.hear_lines(&step.output, how);
        let mut printed = how.quoted_part(&running.printed);
        printed.output.truncate(step.output.len());
        return compare(is_printed, printed, step, place);
    }
    let mut running = session.start(&step.command);
    if let Some(text) = &how.until {
        assert!(running.hear_text(text), "{place}\nno \"{text}\" in:\n{}", running.printed.text());
        running.signal(Signal::INT);
        let status = running.end().and_then(|status| status.code());
        let ended_well = matches!(status, Some(0 | 130));
        assert!(ended_well, "{place}\nCtrl+C: {status:?}\n{}", running.printed.text());
        return None;
    }
    // What a reader is shown as an error must be one.
    if step.output.iter().any(|line| line.starts_with("error: ")) {
        assert!(running.end().is_some(), "{place}\nit did not end within {TIMEOUT:?}");
    } else {
        assert_ended_well(&mut running, place);
    }
    let printed = how.quoted_part(&running.printed);
    let is_printed =
        step.output.is_empty() || quoted::matches(&step.output, &printed, how.numbers_vary, false);
    compare(is_printed, printed, step, place)
}

fn assert_ended_well(running: &mut Running, place: &str) {
    let status = running.end();
    let printed = running.printed.text();
    let status = status.unwrap_or_else(|| panic!("{place}\nit did not end within {TIMEOUT:?}:\n{printed}"));
    assert!(status.success(), "{place}\n{status}:\n{printed}");
}

fn compare(is_printed: bool, printed: Printed, step: &Step, place: &str) -> Option<Printed> {
    if is_printed {
        return None;
    }
    assert!(
        std::env::var_os("UPDATE_GOLDEN").is_some(),
        "{place}\nthe document says:\n{}\n\nit prints:\n{}\nUPDATE_GOLDEN=1 writes that",
        step.output.join("\n"),
        printed.text()
    );
    Some(printed)
}

fn renew(name: &str, document: &Document, renewals: &[Renewal]) {
    let mut lines = document.lines.clone();
    for renewal in renewals.iter().rev() {
        lines.splice(renewal.begin..renewal.end, renewal.lines.iter().cloned());
    }
    fs::write(root().join(name), lines.join("\n") + "\n").unwrap();
}
