//! What the search prints.

use super::stored::Story;
use crate::paragraph::{counted, paragraph};
use consensus::Rule;
use simulator::hunt::{Examined, Finding};
use std::fmt::Write as _;
use std::path::Path;
use trace::shown;

/// A run that breaks a promise: which one, how, and how to see it.
pub(crate) fn finding(found: &Finding, shortest: &Finding, file: Option<&Path>, again: &str) -> String {
    let mut text = format!("Seed {} breaks a promise of Raft: {}\n", found.seed, found.violation);
    if shortest.seed != found.seed {
        let (seed, violation) = (shortest.seed, &shortest.violation);
        let _ = writeln!(text, "The easiest one to follow is seed {seed}: {violation}");
    }
    let meaning = shortest.violation.promise.meaning;
    let _ = writeln!(text, "\n{}\n", paragraph(0, &format!("The promise: {meaning}")));
    let servers = counted(shortest.script.options.servers, "server");
    let steps = counted(shortest.script.actions.len() as u64, "step");
    let _ = writeln!(text, "Shortest version found: {steps}, {servers}.\n");
    for action in &shortest.script.actions {
        let _ = writeln!(text, "    {action}");
    }
    if let Some(file) = file {
        let file = file.display().to_string();
        let file = shown(&file);
        let _ = write!(
            text,
            "\nSaved, with what each step causes, in {file}\n\n  look at it       raft replay {file}\n  find it again    {again}\n"
        );
        return text;
    }
    let name = match shortest.script.options.rules.0 {
        Some(rule) => format!("without-{rule}.txt"),
        None => format!("broken-{}.txt", shortest.seed),
    };
    let _ = write!(
        text,
        "\n  find it again    {again}\n  save it          the same with --save {name}\n  look at it       raft replay {name}\n"
    );
    text
}

/// The text at the top of the scenario.
pub(crate) fn prose(shortest: &Finding) -> String {
    let violation = &shortest.violation;
    let mut text = match shortest.script.options.rules.0 {
        Some(rule) => {
            format!("Without {rule}\n\nThe rule: {}\nWithout it: {}.\n", rule.statement(), rule.without_it())
        }
        None => format!("Seed {} breaks a promise\n\nAll rules are on: this is a bug.\n", shortest.seed),
    };
    let _ = write!(text, "\nWhat breaks here: {}\n", violation.promise.meaning);
    text.lines().map(|line| paragraph(0, line) + "\n").collect()
}

/// What was tried, when no promise broke.
pub(crate) fn nothing_found(examined: &Examined) -> String {
    let Examined { seeds, took, coverage, .. } = examined;
    let hours = coverage.simulated.as_secs_f64() / 3600.0;
    let speed = coverage.simulated.as_secs_f64() / took.as_secs_f64().max(0.001);
    let mut text = format!(
        "{} seeds, {hours:.1} hours simulated in {:.1} s ({speed:.0} times real time): every promise was kept.\n\n\
         That is no proof, but a hard test. This is what the servers went through:\n\n",
        grouped(*seeds),
        took.as_secs_f64()
    );
    let mut line = |what: &str, count: u64| {
        let _ = writeln!(text, "  {:>15}  {what}", grouped(count));
    };
    line("steps, all checks after each", coverage.steps);
    line("messages received", coverage.messages);
    line("  lost", coverage.lost);
    line("  duplicated", coverage.doubled);
    line("elections", coverage.elections);
    line("  won", coverage.leaders);
    line("terms with split votes", coverage.split_votes);
    for (fault, &count) in &coverage.faults {
        line(fault, count);
    }
    let unused: Vec<&str> =
        Rule::ALL.iter().filter(|rule| !coverage.rules.contains_key(rule)).map(|rule| rule.id()).collect();
    let decisions: u64 = coverage.rules.values().sum();
    line("decisions made by rules", decisions);
    if let Some((rule, &count)) = coverage.rules.iter().min_by_key(|(_, count)| **count) {
        let _ = writeln!(text, "\n  The rule that decided least often: {rule}, {} times.", grouped(count));
    }
    if !unused.is_empty() {
        let _ = writeln!(text, "  Rules that never decided: {}.", unused.join(", "));
    }
    text
}

/// A rule that was off, and what that broke, as a row of [`table`].
pub(crate) fn table_row(rule: Rule, seeds: u64, shortest: &Finding) -> String {
    let Finding { script, violation, .. } = shortest;
    format!(
        "| {rule} | {} | {} | {} | {} | {} |\n",
        rule.guards(),
        violation.promise.name,
        grouped(seeds),
        script.actions.len(),
        script.options.servers
    )
}

/// A rule that was off, and what breaks in the hand-written story.
pub(crate) fn stored_row(rule: Rule, story: &Story) -> String {
    let (promise, steps, servers) = (&story.promise, story.steps(), story.servers());
    format!("| {rule} | {} | {promise} | by hand | {steps} | {servers} |\n", rule.guards())
}

/// A rule without which nothing breaks, and why.
pub(crate) fn unshown_row(rule: Rule, reason: &str) -> String {
    format!("| {rule} | {} | none: {reason} | | | |\n", rule.guards())
}

/// The table of all rules, in Markdown.
pub(crate) fn table(rows: &[String]) -> String {
    format!(
        "| rule that is off | it protects | promise that breaks | seeds until it broke | steps in the shortest run | servers in it |\n\
         |---|---|---|---|---|---|\n{}",
        rows.concat()
    )
}

/// A number with commas between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
