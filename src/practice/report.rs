//! The report on an answer to a blank: points, what went wrong, and how to look at it.

use super::points::{self, Part};
use super::project::{REPLAYS, make_folder};
use super::story::story;
use crate::paragraph::{counted, paragraph};
use command::{Failure, say, write_file};
use practice::{Blank, Fate, Fault, Grading, OUT_OF, Outcome, Outcomes};
use serde_json::{Value, json};
use simulator::Substitute;
use std::fs;
use std::io::{self, IsTerminal};
use std::ops::Range;
use std::path::{Path, PathBuf};
use trace::{Record, shown_lines};

/// Number of steps of servers after which it is said what the grader is doing.
const SLICE: u64 = 200_000;

/// Maximum number of lines of what a compiler says: the first mistakes are in the first lines.
const MOST_LINES: usize = 40;

const NO_PROOF: &str = "No counterexample in the random runs is not a proof.";

/// The points for an answer, and why.
#[derive(Debug)]
pub(super) struct Report {
    blank: &'static Blank,
    pub(super) parts: Vec<Part>,
    /// The story of the first fault: enough to go on with. The others can be played.
    story: String,
}

impl Report {
    /// Grades an answer, or says why there is none. Recorded runs are written below the folder, if there is one.
    pub(super) fn new(
        blank: &'static Blank,
        answer: Result<Substitute, String>,
        seeds: Range<u64>,
        folder: Option<&Path>,
    ) -> Result<Report, Failure> {
        let outcomes = match answer {
            Ok(substitute) => grade(blank, substitute, seeds),
            Err(said) => return Ok(Report::without_answer(blank, &said)),
        };
        let mut report = Report { blank, parts: Vec::new(), story: String::new() };
        for outcome in &outcomes.0 {
            let (mut remark, mut details) = (String::new(), String::new());
            // An earlier answer may have left a run there.
            let _ = folder.map(|folder| fs::remove_file(replay_of(outcome, folder)));
            match &outcome.fate {
                Fate::Passed => {}
                Fate::NotTried => remark = "Not tried, since something else is wrong.".to_owned(),
                Fate::Failed(fault) => {
                    remark = shown_lines(&fault.what_happened).into_owned();
                    details = folder.map_or(Ok(String::new()), |folder| replay(outcome, fault, folder))?;
                    if report.story.is_empty() {
                        report.story = told(outcome, fault);
                    }
                }
            }
            let Outcome { name, title, out_of, .. } = outcome;
            let (name, title, points) = ((*name).to_owned(), title.clone(), outcome.points());
            report.parts.push(Part { name, title, points, out_of: *out_of, remark, details });
        }
        Ok(report)
    }

    fn without_answer(blank: &'static Blank, said: &str) -> Report {
        let part = Part {
            name: "compiles".to_owned(),
            title: "The project compiles.".to_owned(),
            points: 0,
            out_of: OUT_OF,
            remark: "It does not compile:".to_owned(),
            details: beginning(&shown_lines(said.trim_end())),
        };
        Report { blank, parts: vec![part], story: String::new() }
    }

    pub(super) fn points(&self) -> u32 {
        points::points(&self.parts)
    }

    pub(super) fn is_full(&self) -> bool {
        self.points() == OUT_OF
    }

    pub(super) fn text(&self) -> String {
        let Blank { id, title, .. } = self.blank;
        let parts: String = self.parts.iter().map(Part::text).collect();
        let mut text = format!("{id}: {title}\n\n{parts}\n{} of {OUT_OF} points\n", self.points());
        if self.is_full() {
            text += &format!("\n{NO_PROOF}\n");
        }
        if !self.story.is_empty() {
            text += &format!("\n{}", self.story);
        }
        text
    }

    pub(super) fn as_json(&self, student: Option<&str>) -> Value {
        let extra = json!({ "exercise": self.blank.id, "student": student, "max_score": points::out_of(&self.parts) });
        points::results(&self.parts, NO_PROOF, extra)
    }
}

/// The first lines, and how many more there are.
fn beginning(lines: &str) -> String {
    let mut all = lines.lines();
    let mut text: String = all.by_ref().take(MOST_LINES).map(|line| format!("{line}\n")).collect();
    let more = all.count();
    if more > 0 {
        text += &format!("… and {}. To see all: cargo build\n", counted(more as u64, "more line"));
    }
    text
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
    folder.join(REPLAYS).join(format!("{}.jsonl", outcome.name))
}

/// Writes the run that shows a fault, if one does, and says how to look at it.
fn replay(outcome: &Outcome, fault: &Fault, folder: &Path) -> Result<String, Failure> {
    if fault.records().next().is_none() {
        return Ok(String::new());
    }
    make_folder(&folder.join(REPLAYS))?;
    let file = replay_of(outcome, folder);
    let lines: String = fault.records().map(|record| format!("{}\n", record.to_json())).collect();
    write_file(&file, &lines)?;
    let file = file.display();
    let last = fault.records().filter_map(Record::id).last();
    let at = last.map(|event| format!(" --at {event}")).unwrap_or_default();
    let mut text = format!("  raft replay {file}{at}\n");
    if fault.records().any(Record::is_violation) {
        text += &format!("  raft why {file}\n");
    }
    if let Some(path) = fault.similar {
        text += &format!("  raft replay {path}   (the same with a rule off)\n");
    }
    Ok(text)
}

fn told(outcome: &Outcome, fault: &Fault) -> String {
    let mut text = format!("── {}\n\n{}", outcome.name, story(&fault.scenes, false));
    if let Some(meaning) = fault.meaning {
        text += &format!("\n{}\n", paragraph(0, &format!("The promise: {meaning}")));
    }
    let what_happened = shown_lines(&fault.what_happened);
    text + &format!("\n{}\n", paragraph(0, &format!("What went wrong: {what_happened}")))
}
