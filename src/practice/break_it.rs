//! `raft practice break`: break a promise with few commands.

use super::points::{self, Part};
use super::story::story;
use super::{exit_code, read_commands, unmarked};
use crate::link::fragment_of;
use crate::paragraph::{counted, paragraph};
use crate::scenarios::library;
use clap::Args;
use command::{Failure, RuleParser, written};
use consensus::Rule;
use practice::{Challenge, Marked, OUT_OF};
use serde_json::json;
use simulator::why_in_vain;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Break a promise of Raft with few commands
///
/// A rule is off. Write a scenario (docs/scenarios.md) after which a promise of
/// Raft is broken, though none would be with the rule on. Fewer commands are worth
/// more.
///
///   raft practice break one-vote-per-term
///   raft practice break one-vote-per-term mine.txt
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct BreakArguments {
    /// The rule that is off
    #[arg(value_parser = RuleParser, hide_possible_values = true)]
    rule: Rule,

    /// Your scenario; - for standard input. Without one, the task is explained
    file: Option<PathBuf>,

    /// Print the points as JSON, in the form of Gradescope's results.json
    #[arg(long, requires = "file")]
    json: bool,
}

pub(super) fn run(arguments: &BreakArguments) -> Result<ExitCode, Failure> {
    let rule = arguments.rule;
    let stored = library().find(&format!("without/{rule}")).unwrap_or_default();
    let challenge = Challenge::new(rule, stored).ok_or_else(|| {
        let reason = why_in_vain(rule).unwrap_or("it is about the network, and no server follows it");
        Failure::of(
            format_args!("{rule} is no exercise: {reason}"),
            "choose another rule: `raft rules` lists all",
        )
    })?;
    let Some(file) = &arguments.file else {
        return written(io::stdout().write_all(task(rule, &challenge).as_bytes()));
    };
    let attempt = read_commands(file)?;
    let marked = challenge.mark(&attempt).map_err(|refused| unmarked(file, &refused))?;
    let part = part(rule, &challenge, &marked);
    let text = if arguments.json {
        let extra = json!({ "exercise": format!("break {rule}"), "commands": marked.commands, "par": challenge.par, "max_score": OUT_OF });
        format!("{:#}\n", points::results(&[part], "", extra))
    } else {
        format!(
            "{}\n{}\n\n{} of {OUT_OF} points\n{}",
            story(&marked.scenes, false),
            paragraph(0, &part.remark),
            marked.points(),
            replay(&marked)
        )
    };
    written(io::stdout().write_all(text.as_bytes()))?;
    Ok(exit_code(marked.points() == OUT_OF))
}

fn task(rule: Rule, challenge: &Challenge) -> String {
    let par = challenge.par;
    let paragraphs = [
        format!("The rule {rule} is off: \"{}\"", rule.statement()),
        "Write a scenario after which a promise of Raft is broken. With the rule on, the same commands must break none."
            .to_owned(),
        match challenge.is_of_liveness {
            true => "The stored run breaks a promise of liveness: that something good happens in time, such as an election. Liveness \
                     is checked only after the command `calm`, which ends all faults. Then let time pass: `run 10s`.",
            false => "The stored run breaks a promise of safety: that something bad never happens, such as two leaders of one term.",
        }
        .to_owned(),
        format!(
            "Full points for {par} commands (par); each one more costs a point, and more than {} get none. `cluster`, what is before it, \
             and `expect`, `logs` and `status` are not counted. If you are stuck: raft replay without/{rule}",
            challenge.most()
        ),
    ];
    let paragraphs = paragraphs.map(|text| paragraph(0, &text) + "\n\n").concat();
    format!(
        "{paragraphs}A scenario looks like this (docs/scenarios.md lists the commands):\n\n  cluster 3\n  timeout n1\n  deliver from=n1 to=n2\n\n  raft practice break {rule} mine.txt\n"
    )
}

fn part(rule: Rule, challenge: &Challenge, marked: &Marked) -> Part {
    let commands = counted(marked.commands as u64, "command");
    let remark = match (&marked.broken, &marked.broken_with_rule) {
        _ if marked.is_too_long() => {
            format!(
                "You used {commands}; at most {} are allowed (par is {}).",
                challenge.most(),
                challenge.par
            )
        }
        (Some(broken), None) => {
            format!(
                "With {commands} (par is {}) you have broken {broken}. With {rule} on, nothing breaks.",
                challenge.par
            )
        }
        (Some(_), Some(with_rule)) => {
            format!(
                "With {rule} on, a promise breaks too ({with_rule}), so this does not show what the rule is for."
            )
        }
        (None, _) => format!("In the end no promise is broken ({commands}).",),
    };
    let title = format!("Without {rule} a promise breaks, with it none does.");
    Part {
        name: format!("break-{rule}"),
        title,
        points: marked.points(),
        out_of: OUT_OF,
        remark,
        details: String::new(),
    }
}

/// A link to the moment at which the promise breaks.
fn replay(marked: &Marked) -> String {
    if marked.broken.is_none() {
        return String::new();
    }
    let commands = marked.scenes.iter().filter_map(|scene| scene.command.as_deref());
    let script: String = commands.chain(["---"]).map(|line| format!("{line}\n")).collect();
    format!("\n  raft replay '{}&at={}'\n", fragment_of(&script), marked.records().count())
}
