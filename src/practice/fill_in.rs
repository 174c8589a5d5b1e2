//! `raft practice EXERCISE`: a condition of Raft, as the learner answers it.

use super::points::{self, Part};
use super::program::Program;
use super::project::{self, make_folder};
use super::story::story;
use super::{GradingArguments, blank_parser, exit_code};
use crate::paragraph::paragraph;
use clap::Args;
use command::{Failure, say, write_file, written};
use practice::{Blank, Fate, Fault, Grading, OUT_OF, Outcome, Outcomes, Project, answer_in_words};
use serde_json::json;
use simulator::Substitute;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use trace::{shown, shown_lines};

/// Number of steps of servers after which it is said what the grader is doing.
const SLICE: u64 = 200_000;

/// How to answer.
#[derive(Debug, Args)]
pub(super) struct FillInArguments {
    /// The condition to fill in
    #[arg(value_parser = blank_parser())]
    pub(super) exercise: Option<&'static Blank>,

    /// The folder of your project, where recorded runs are written too [default: practice-EXERCISE]
    #[arg(long, value_name = "DIR", requires = "exercise")]
    folder: Option<PathBuf>,

    /// Answer with a program in any language: it reads questions from standard input, one a line, and prints the answers
    /// (docs/practice.md describes both)
    #[arg(long, value_name = "COMMAND", requires = "exercise")]
    program: Option<String>,

    /// Answer with a small expression, such as 'entry == current'
    #[arg(long, value_name = "EXPRESSION", requires = "exercise", conflicts_with = "program")]
    expression: Option<String>,

    /// The student's name, from which the seeds are made with --secret
    #[arg(long, value_name = "NAME", requires = "secret")]
    student: Option<String>,

    #[command(flatten)]
    grading: GradingArguments,
}

pub(super) fn run(blank: &'static Blank, arguments: &FillInArguments) -> Result<ExitCode, Failure> {
    let default = || PathBuf::from(Project::new(blank).name());
    let folder = arguments.folder.clone().unwrap_or_else(default);
    let GradingArguments { answer_within, json, .. } = arguments.grading;
    let answer = if let Some(expression) = &arguments.expression {
        Ok(answer_in_words(blank, expression).map_err(|mistake| {
            let names = blank.names;
            Failure::usage(
                format_args!("--expression, {}", shown(&mistake.to_string())),
                format!("an expression may name {names}; docs/practice.md describes expressions"),
            )
        })?)
    } else if let Some(program) = &arguments.program {
        let command = program.split_whitespace().map(str::to_owned).collect();
        Ok(Program::start(command, Path::new("."), answer_within)?.substitute(blank.condition))
    } else {
        let is_new = project::prepare(&folder, blank)?;
        if is_new && !json {
            say(format_args!("{}", instructions(blank, &folder)));
            return Ok(ExitCode::FAILURE);
        }
        built(blank, &folder, &arguments.grading)?
    };
    let seeds = arguments.grading.seeds_of(arguments.student.as_deref().unwrap_or_default());
    let report = Report::new(blank, answer, seeds, Some(&folder))?;
    let text = match json {
        true => format!("{:#}\n", report.as_json(arguments.student.as_deref())),
        false => report.text.clone(),
    };
    written(io::stdout().write_all(text.as_bytes()))?;
    Ok(exit_code(report.is_full()))
}

fn instructions(blank: &Blank, folder: &Path) -> String {
    let Blank { id, task, paper, .. } = blank;
    let file = folder.join(Project::ANSWER);
    format!(
        "{}\n\nThe paper answers it in {paper}. Fill in the function in {}, then:\n\n  raft practice {id}{}",
        paragraph(0, task),
        file.display(),
        if folder.as_os_str() == format!("practice-{id}").as_str() {
            String::new()
        } else {
            format!(" --folder {}", folder.display())
        }
    )
}

/// The answers of the project in this folder, or what the compiler says about it.
pub(super) fn built(
    blank: &'static Blank,
    folder: &Path,
    grading: &GradingArguments,
) -> Result<Result<Substitute, String>, Failure> {
    let program = match project::build(folder, blank)? {
        Ok(program) => program,
        Err(said) => return Ok(Err(said)),
    };
    let program = program.canonicalize().unwrap_or(program);
    let command = vec![program.to_string_lossy().into_owned()];
    let program = Program::start(command, folder, grading.answer_within)?;
    Ok(Ok(program.substitute(blank.condition)))
}

/// The points for an answer, and why.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) parts: Vec<Part>,
    pub(super) text: String,
    blank: &'static Blank,
}

impl Report {
    /// Grades an answer, or says why there is none. Recorded runs are written below the folder, if there is one.
    pub(super) fn new(
        blank: &'static Blank,
        answer: Result<Substitute, String>,
        seeds: Range<u64>,
        folder: Option<&Path>,
    ) -> Result<Report, Failure> {
        let number = seeds.end - seeds.start;
        let heading = format!("{}: {}\n\n", blank.id, blank.title);
        let substitute = match answer {
            Ok(substitute) => substitute,
            Err(said) => {
                let remark = format!("The project does not compile:\n\n{}", shown_lines(said.trim_end()));
                let text = format!("{heading}{remark}\n\n0 of {OUT_OF} points\n");
                let title = "The project compiles.".to_owned();
                let (points, out_of) = (0, OUT_OF);
                let part = Part { name: "compiles".to_owned(), title, points, out_of, remark };
                return Ok(Report { parts: vec![part], text, blank });
            }
        };
        let outcomes = grade(blank, substitute, seeds);
        for outcome in &outcomes.0 {
            // Of an earlier answer; it may not be there.
            let _ = folder.map(|folder| fs::remove_file(replay_of(outcome, folder)));
        }
        let mut parts = Vec::new();
        let mut stories = String::new();
        for outcome in &outcomes.0 {
            let remark = match &outcome.fate {
                Fate::Passed => String::new(),
                Fate::Failed(fault) => {
                    let replay = folder.map(|folder| replay(outcome, fault, folder)).transpose()?;
                    // The first story is enough to go on with; the others can be played.
                    if stories.is_empty() {
                        stories = told(outcome, fault);
                    }
                    format!("{}\n{}", shown_lines(&fault.what_happened), replay.unwrap_or_default())
                }
                Fate::NotTried => "Not tried, since something else is wrong.".to_owned(),
            };
            let (name, title) = (outcome.name.to_owned(), outcome.title.clone());
            parts.push(Part { name, title, points: outcome.points(), out_of: outcome.out_of, remark });
        }
        let mut text = heading;
        for part in &parts {
            text += &part.line();
            for line in part.remark.lines() {
                text += &format!(
                    "{}\n",
                    if line.starts_with("  ") { format!("           {line}") } else { paragraph(11, line) }
                );
            }
        }
        text += &format!("\n{} of {OUT_OF} points\n", outcomes.points());
        if outcomes.is_full() {
            text += &format!(
                "\n{}\n",
                paragraph(
                    0,
                    &format!(
                        "No counterexample in {number} drawn runs is not a proof. It is a hard test: `raft sim` explains what happens in such runs."
                    )
                )
            );
        }
        if !stories.is_empty() {
            text += &format!("\n{stories}");
        }
        Ok(Report { parts, text, blank })
    }

    pub(super) fn points(&self) -> u32 {
        points::points(&self.parts)
    }

    pub(super) fn is_full(&self) -> bool {
        self.points() == OUT_OF
    }

    pub(super) fn as_json(&self, student: Option<&str>) -> serde_json::Value {
        let extra = json!({ "exercise": self.blank.id, "student": student, "max_score": points::out_of(&self.parts) });
        let limits = "No counterexample in the drawn runs is not a proof.";
        points::results(&self.parts, limits, extra)
    }
}

/// Grades an answer, and says on a terminal what it is doing.
fn grade(blank: &'static Blank, substitute: Substitute, seeds: Range<u64>) -> Outcomes {
    let mut grading = Grading::new(blank, substitute, seeds);
    let mut doing = "";
    while !grading.is_over() {
        if grading.doing() != doing && io::stderr().is_terminal() {
            doing = grading.doing();
            say(format_args!("{doing} …"));
        }
        grading.advance(SLICE);
    }
    grading.outcomes()
}

/// The file for the run that shows a fault.
fn replay_of(outcome: &Outcome, folder: &Path) -> PathBuf {
    folder.join(project::REPLAYS).join(format!("{}.jsonl", outcome.name))
}

/// Writes the run that shows a fault, and says how to look at it.
fn replay(outcome: &Outcome, fault: &Fault, folder: &Path) -> Result<String, Failure> {
    let records: Vec<_> = fault.records().collect();
    let Some(last) = records.iter().rev().find_map(|record| record.id()) else { return Ok(String::new()) };
    make_folder(&folder.join(project::REPLAYS))?;
    let file = replay_of(outcome, folder);
    let lines: String = records.iter().map(|record| format!("{}\n", record.to_json())).collect();
    write_file(&file, &lines)?;
    let file = file.display();
    let mut text = format!("  raft replay {file} --at {last}\n");
    if fault.records().any(trace::Record::is_violation) {
        text += &format!("  raft why {file}\n");
    }
    if let Some(path) = fault.similar {
        text += &format!("  raft replay {path}   (the same, with a rule off: raft lab {path} opens it)\n");
    }
    Ok(text)
}

/// The story of a fault.
fn told(outcome: &Outcome, fault: &Fault) -> String {
    let mut text = format!("── {}\n\n{}", outcome.name, story(&fault.scenes, false));
    if let Some(meaning) = fault.meaning {
        text += &format!("\n{}\n", paragraph(0, &format!("The promise: {meaning}")));
    }
    text + &format!(
        "\n{}\n",
        paragraph(0, &format!("What went wrong: {}", shown_lines(&fault.what_happened)))
    )
}
