//! `raft practice save`: puzzles, in which few commands save a cluster.

use super::points::{self, Part};
use super::story::story;
use super::{exit_code, read_commands, unmarked};
use crate::link::fragment_of;
use crate::paragraph::{counted, paragraph, wrapped};
use crate::picture::picture;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use command::{Failure, written};
use course::Checked;
use practice::{OUT_OF, Puzzle, Tried};
use serde_json::json;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Save a cluster with few commands
///
/// Servers are down, links are cut, a disk is lost. Write the commands of a
/// scenario (docs/scenarios.md) that help; fewer are worth more. All rules are on.
/// Without a puzzle, they are listed.
///
///   raft practice save
///   raft practice save two-halves
///   raft practice save two-halves mine.txt
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct SaveArguments {
    /// The puzzle
    #[arg(value_parser = puzzle_parser())]
    puzzle: Option<Puzzle>,

    /// Your commands; - for standard input. Without them, the task is explained
    file: Option<PathBuf>,

    /// Print a hint
    #[arg(long, requires = "puzzle", conflicts_with = "file")]
    hint: bool,

    /// Print the points as JSON, in the form of Gradescope's results.json
    #[arg(long, requires = "file")]
    json: bool,
}

/// One of the puzzles, by its name.
fn puzzle_parser() -> impl TypedValueParser<Value = Puzzle> {
    let names = Puzzle::all().map(|puzzle| puzzle.name());
    PossibleValuesParser::new(names).map(|name| Puzzle::find(&name).expect("clap lets only these names pass"))
}

pub(super) fn run(arguments: &SaveArguments) -> Result<ExitCode, Failure> {
    let (puzzle, file) = match (arguments.puzzle, &arguments.file) {
        (None, _) => return written(io::stdout().write_all(list().as_bytes())),
        (Some(puzzle), None) => {
            let hint = || paragraph(0, &puzzle.task().hint) + "\n";
            let text = if arguments.hint { hint() } else { task(puzzle) };
            return written(io::stdout().write_all(text.as_bytes()));
        }
        (Some(puzzle), Some(file)) => (puzzle, file),
    };
    let tried = puzzle.mark(&read_commands(file)?).map_err(|refused| unmarked(file, &refused))?;
    let part = part(puzzle, &tried);
    let text = if arguments.json {
        let exercise = format!("save {}", puzzle.name());
        let extra = json!({ "exercise": exercise, "commands": tried.commands, "par": puzzle.par(), "max_score": OUT_OF });
        format!("{:#}\n", points::results(&[part], "", extra))
    } else {
        report(puzzle, &tried, &part)
    };
    written(io::stdout().write_all(text.as_bytes()))?;
    Ok(exit_code(tried.points() == OUT_OF))
}

fn list() -> String {
    let mut text = paragraph(
        0,
        "In each puzzle, servers are down or links are cut. Save the cluster with few commands. All rules are on. \
             Beside each name is the number of commands for full points.",
    ) + "\n\n";
    for puzzle in Puzzle::all() {
        text += &format!(
            "  {:<19}{:>2} commands\n{}\n",
            puzzle.name(),
            puzzle.par(),
            paragraph(4, &puzzle.task().text)
        );
    }
    text + "\n  raft practice save NAME\n"
}

fn task(puzzle: Puzzle) -> String {
    let (name, par, task) = (puzzle.name(), puzzle.par(), puzzle.task());
    let (mut scenario, _) = puzzle.world();
    let picture = picture(&mut scenario);
    let checks: String =
        task.checks.iter().map(|check| wrapped(usize::MAX, "  - ", &check.in_words()) + "\n").collect();
    let script: String = task.world.iter().map(|command| format!("{command}\n")).collect();
    let file = format!(
        "Write your commands into a file, one a line (docs/scenarios.md describes them). Full points for {}; each one more \
         costs a point. What only shows something, such as `logs` or `status`, is not counted.",
        counted(par as u64, "command")
    );
    format!(
        "{}\n\n{picture}\n{}\n\n{checks}\n{}\n\n  raft practice save {name} mine.txt\n  raft practice save {name} --hint\n\n\
         Or try it by hand first:\n\n  raft lab '{}'\n",
        paragraph(0, &puzzle.card().say),
        paragraph(0, &task.text),
        paragraph(0, &file),
        fragment_of(&(script + "---\n"))
    )
}

fn indented(lines: &str) -> String {
    lines.lines().map(|line| format!("  {line}\n")).collect()
}

fn part(puzzle: Puzzle, tried: &Tried) -> Part {
    let commands = counted(tried.commands as u64, "command");
    let remark = match &tried.broken {
        Some(broken) => format!("A promise broke: {broken}."),
        None if tried.is_solved() => format!("Saved with {commands} (par is {}).", puzzle.par()),
        None => format!("Not saved ({commands})."),
    };
    let check = |check: &Checked| format!("{} {}\n", if check.holds { '✓' } else { '✗' }, check.words);
    Part {
        name: format!("save-{}", puzzle.name()),
        title: puzzle.task().text.clone(),
        points: tried.points(),
        out_of: OUT_OF,
        remark,
        details: tried.checks.iter().map(check).collect(),
    }
}

fn report(puzzle: Puzzle, tried: &Tried, part: &Part) -> String {
    let commands = tried.scenes.iter().filter_map(|scene| scene.command.as_deref());
    let world = puzzle.task().world.iter().map(String::as_str);
    let script: String = world.chain(commands).chain(["---"]).map(|line| format!("{line}\n")).collect();
    let (_, before) = puzzle.world();
    let begins: usize = before.iter().map(|scene| scene.records.len()).sum();
    let because = match tried.is_solved() {
        true => paragraph(0, &puzzle.card().because) + "\n\n",
        false => String::new(),
    };
    format!(
        "{}\n{}\n{}\n{because}{} of {OUT_OF} points\n\n  raft replay '{}&at={begins}'\n",
        story(&tried.scenes, false),
        paragraph(0, &part.remark),
        indented(&part.details),
        part.points,
        fragment_of(&script)
    )
}
