//! `raft practice EXERCISE`: a condition of Raft, as the learner answers it.

use super::program::Program;
use super::report::Report;
use super::{GradingArguments, blank_parser, exit_code, project};
use crate::paragraph::paragraph;
use clap::Args;
use command::{Failure, say, written};
use practice::{Blank, Project};
use simulator::Substitute;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use trace::shown;

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
        Ok(Substitute::in_words(blank.condition, expression).map_err(|mistake| {
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
        false => report.text(),
    };
    written(io::stdout().write_all(text.as_bytes()))?;
    Ok(exit_code(report.is_full()))
}

fn instructions(blank: &Blank, folder: &Path) -> String {
    let Blank { id, task, paper, .. } = blank;
    let file = folder.join(Project::ANSWER);
    format!(
        "{}\n\n{}\n\n  raft practice {id}{}",
        paragraph(0, task),
        paragraph(
            0,
            &format!("The paper answers it in {paper}. Fill in the function in {}, then:", file.display())
        ),
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
    let program = match project::build(folder, blank, grading.build_within)? {
        Ok(program) => program,
        Err(said) => return Ok(Err(said)),
    };
    let program = program.canonicalize().unwrap_or(program);
    let command = vec![program.to_string_lossy().into_owned()];
    let program = Program::start(command, folder, grading.answer_within)?;
    Ok(Ok(program.substitute(blank.condition)))
}
