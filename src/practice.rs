//! `raft practice`

mod break_it;
mod class;
mod fill_in;
mod group;
mod mystery;
mod points;
mod program;
mod project;
mod report;
mod save_it;
mod story;

use crate::paragraph::wrapped;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use command::{Failure, duration, written};
use practice::{Blank, NoAttempt};
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use storage::careful::read_regular;
use trace::shown;

/// Exercises about Raft that grade themselves
///
/// Fill in a condition of Raft, in Rust, in any other language, or as a small
/// expression. All servers of simulated clusters then use it, and if a promise of
/// Raft breaks, you see how. Without an argument, the exercises are listed.
///
///   raft practice
///   raft practice up-to-date
///   raft practice up-to-date --program ./answer.py
///   raft practice may-commit --expression 'entry == current'
///   raft practice mystery
///   raft practice break one-vote-per-term
///   raft practice save
///
/// The exit status is 0 for full points, 1 for fewer. docs/practice.md has more,
/// also for teachers.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, args_conflicts_with_subcommands = true)]
pub(crate) struct PracticeArguments {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    blank: fill_in::FillInArguments,
}

/// The exercises without a blank, and the grading of a class.
#[derive(Debug, Subcommand)]
enum Other {
    Mystery(mystery::MysteryArguments),
    Break(break_it::BreakArguments),
    Save(save_it::SaveArguments),
    Grade(class::GradeArguments),
}

pub(crate) fn run(arguments: PracticeArguments) -> Result<ExitCode, Failure> {
    match (arguments.other, arguments.blank.exercise) {
        (Some(Other::Mystery(arguments)), _) => mystery::run(&arguments),
        (Some(Other::Break(arguments)), _) => break_it::run(&arguments),
        (Some(Other::Save(arguments)), _) => save_it::run(&arguments),
        (Some(Other::Grade(arguments)), _) => class::run(&arguments),
        (None, Some(blank)) => fill_in::run(blank, &arguments.blank),
        (None, None) => written(io::stdout().write_all(list().as_bytes())),
    }
}

fn list() -> String {
    let mut text = String::from(
        "Fill in a condition of Raft: raft practice NAME makes a small project in Rust.\n\
         Other ways to answer: raft practice --help\n\n",
    );
    for Blank { id, title, .. } in Blank::ALL {
        text += &format!("{}\n", wrapped(usize::MAX, &format!("  {id:<21}"), title));
    }
    text += "\nOther exercises:\n\n  \
             raft practice mystery      which rule is off in a cluster?\n  \
             raft practice break RULE   break a promise of Raft with few commands\n  \
             raft practice save         save a cluster with few commands\n";
    text
}

/// One of the blanks, by its name.
fn blank_parser() -> impl TypedValueParser<Value = &'static Blank> {
    let ids = Blank::ALL.iter().map(|blank| blank.id);
    PossibleValuesParser::new(ids).map(|id| id.parse().expect("clap lets only these names pass"))
}

/// Maximum size of a file with a learner's answer, in bytes.
const LARGEST: u64 = 1 << 20;

/// The environment's variable for the secret of `--secret`.
const SECRET: &str = "RAFT_PRACTICE_SECRET";

/// How an answer to a blank is graded.
#[derive(Debug, Args)]
struct GradingArguments {
    /// The number of random runs
    #[arg(long, value_name = "N", default_value = "1000")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    seeds: u64,

    /// The seed of the first random run [default: 0]
    #[arg(long, value_name = "N", conflicts_with = "secret")]
    #[arg(value_parser = clap::value_parser!(u64).range(..=u64::MAX / 2))]
    seed: Option<u64>,

    /// Play random runs that students can't know: each student's seeds come from this secret and the student's name
    #[arg(long, value_name = "TEXT", env = SECRET, hide_env_values = true)]
    secret: Option<String>,

    /// How long a program may take for one answer, before it is killed
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    answer_within: Duration,

    /// How long building a project may take, before it is killed
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    build_within: Duration,

    /// Print the points as JSON, in the form of Gradescope's results.json
    #[arg(long)]
    json: bool,
}

impl GradingArguments {
    fn seeds_of(&self, student: &str) -> Range<u64> {
        let first = match &self.secret {
            Some(secret) => secret_seed(secret, student),
            None => self.seed.unwrap_or(0),
        };
        first..first + self.seeds
    }
}

/// Nobody finds the seed, or that of another student, without the secret.
fn secret_seed(secret: &str, student: &str) -> u64 {
    let hash = Sha256::new()
        .chain_update((secret.len() as u64).to_le_bytes())
        .chain_update(secret)
        .chain_update(student)
        .finalize();
    let first = hash[..8].try_into().expect("a hash has 32 bytes");
    // Other seeds come after it.
    u64::from_le_bytes(first) / 2
}

/// Commands of the scenario language, from a file or from standard input.
fn read_commands(file: &Path) -> Result<String, Failure> {
    let read = match file.to_str() {
        Some("-") => io::read_to_string(io::stdin().take(LARGEST)),
        _ => read_regular(file, LARGEST)
            .and_then(|bytes| String::from_utf8(bytes).map_err(|error| io::Error::other(error.to_string()))),
    };
    read.map_err(|error| {
        let help = "name a file with the commands of a scenario, or - for standard input";
        Failure::of(format_args!("can't read {}: {error}", file.display()), help)
    })
}

/// These commands can't be marked.
fn unmarked(file: &Path, refused: &NoAttempt) -> Failure {
    let problem = format_args!("{}: {}", file.display(), shown(&refused.to_string())).to_string();
    Failure::of(problem, "docs/scenarios.md describes the commands")
}

/// The exit status for points.
fn exit_code(is_full: bool) -> ExitCode {
    if is_full { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_student_has_seeds_of_their_own() {
        let seeds = [("a", "x"), ("a", "y"), ("b", "x"), ("ax", ""), ("", "ax")];
        let seeds = seeds.map(|(secret, student)| secret_seed(secret, student));
        for (place, seed) in seeds.iter().enumerate() {
            assert!(!seeds[..place].contains(seed));
        }
        assert_eq!(secret_seed("a", "x"), seeds[0]);
    }
}
