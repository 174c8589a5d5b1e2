//! `raft practice grade`: the projects of a class.

use super::fill_in::built;
use super::project::{self, make_folder};
use super::report::Report;
use super::{GradingArguments, LARGEST, blank_parser, exit_code};
use clap::Args;
use command::{Failure, write_file, written};
use practice::{Blank, OUT_OF, Project};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use storage::careful::read_regular;
use trace::shown;

/// Grade the projects of a class
///
/// Each folder is a student's project, and its name the student's. Only its
/// src/lib.rs counts; it is built and run in a new folder.
///
///   raft practice grade up-to-date --secret TEXT submissions/*
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct GradeArguments {
    /// The exercise
    #[arg(value_parser = blank_parser())]
    exercise: &'static Blank,

    /// The students' folders
    #[arg(value_name = "FOLDER", required = true)]
    folders: Vec<PathBuf>,

    /// Write each student's report and recorded runs below this folder
    #[arg(long, value_name = "DIR")]
    reports: Option<PathBuf>,

    #[command(flatten)]
    grading: GradingArguments,
}

pub(super) fn run(arguments: &GradeArguments) -> Result<ExitCode, Failure> {
    let GradeArguments { exercise, folders, grading, .. } = arguments;
    let students = students(folders)?;
    let mut all: Vec<Value> = Vec::new();
    let (mut is_all_full, mut sum) = (true, 0);
    let mut out = io::stdout().lock();
    for (student, folder) in students {
        let report = grade_one(arguments, folder, &student)?;
        (is_all_full, sum) = (is_all_full && report.is_full(), sum + report.points());
        if grading.json {
            all.push(report.as_json(Some(&student)));
        } else {
            let lost: Vec<&str> = report
                .parts
                .iter()
                .filter(|part| part.points < part.out_of)
                .map(|part| part.name.as_str())
                .collect();
            let lost = if lost.is_empty() { String::new() } else { format!("   lost: {}", lost.join(", ")) };
            written(writeln!(out, "{:>2} of {OUT_OF}  {}{lost}", report.points(), shown(&student)))?;
        }
    }
    let mean = f64::from(sum) / folders.len() as f64;
    written(match grading.json {
        true => writeln!(out, "{:#}", Value::Array(all)),
        false => writeln!(
            out,
            "\n{} graded for {exercise}, on average {mean:.1} of {OUT_OF} points",
            folders.len()
        ),
    })?;
    Ok(exit_code(is_all_full))
}

/// Each student's folder, by the student's name: that of the folder.
fn students(folders: &[PathBuf]) -> Result<BTreeMap<String, &Path>, Failure> {
    let mut students: BTreeMap<String, &Path> = BTreeMap::new();
    for folder in folders {
        let path = folder.canonicalize().ok().filter(|path| path.is_dir());
        let name = path.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        let name = name.ok_or_else(|| {
            let problem = format_args!("there is no folder {}", shown(&folder.to_string_lossy())).to_string();
            Failure::of(problem, "name the students' folders, and nothing else")
        })?;
        if let Some(other) = students.get(&name) {
            let (other, folder) = (other.to_string_lossy(), folder.to_string_lossy());
            return Err(Failure::of(
                format_args!(
                    "{} and {} would be the same student: {}",
                    shown(&other),
                    shown(&folder),
                    shown(&name)
                ),
                "name each folder after its student",
            ));
        }
        students.insert(name, folder);
    }
    Ok(students)
}

/// Builds the answer in a new folder of the grader's, so that no student's program finds another's, and grades it.
fn grade_one(arguments: &GradeArguments, folder: &Path, student: &str) -> Result<Report, Failure> {
    let GradeArguments { exercise, grading, .. } = arguments;
    let place = tempfile::tempdir().map_err(|error| {
        Failure::of(
            format_args!("can't make a temporary folder: {error}"),
            "set TMPDIR to a folder that exists",
        )
    })?;
    let place = place.path();
    let project = Project::new(exercise);
    project::write_frame(place, &project)?;
    let file = folder.join(Project::ANSWER);
    let answer = match read_within(folder, &file) {
        Ok(answer) => {
            write_file(&place.join(Project::ANSWER), &String::from_utf8_lossy(&answer))?;
            built(exercise, place, grading)?
        }
        Err(error) => Err(format!("can't read {}: {error}", file.display())),
    };
    let reports = arguments.reports.as_ref().map(|reports| reports.join(student));
    let report = Report::new(exercise, answer, grading.seeds_of(student), reports.as_deref())?;
    if let Some(reports) = reports {
        make_folder(&reports)?;
        write_file(&reports.join("report.txt"), &report.text())?;
    }
    Ok(report)
}

/// Reads a file of this folder. A link that leads out of it might show the student what only you may read.
fn read_within(folder: &Path, file: &Path) -> io::Result<Vec<u8>> {
    let real = file.canonicalize()?;
    if !real.starts_with(folder.canonicalize()?) {
        return Err(io::Error::other("it is a link to something outside the folder"));
    }
    read_regular(&real, LARGEST)
}
