//! What the engine answers.

use consensus::{NodeId, Term};
use course::{Chapter, Checked};
use page::{Headline, RecordJson, Setup, micros};
use serde::Serialize;
use serde_json::value::RawValue;
use simulator::{MessageInFlight, Run, Violation};
use std::collections::BTreeMap;
use trace::EventId;

/// What has happened since the last response.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Told<'a> {
    /// What the page needs to know before the first record; only when a world was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional, as = "Option<Setup>"))]
    pub setup: Option<&'a Setup>,
    /// The records.
    #[cfg_attr(feature = "ts", ts(as = "Vec<trace::Record>"))]
    pub records: Vec<RecordJson<'a>>,
    /// The headlines that apply from one of these records on.
    #[cfg_attr(feature = "ts", ts(as = "Vec<Headline>"))]
    pub headlines: Vec<&'a Headline>,
    /// The time in the world, in microseconds.
    pub now_us: u64,
    /// When the next thing happens by itself; `None` if nothing will.
    pub next_us: Option<u64>,
    /// The text that commands were for, such as a table of the logs.
    pub said: String,
    /// The first promise that was broken, now or before.
    pub violation: Option<Violated>,
}

/// A promise of Raft that was broken.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Violated {
    /// Its name and where the paper has it.
    pub promise: &'static str,
    /// What it says, and why that matters.
    pub meaning: &'static str,
    /// What happened instead.
    pub what: String,
}

impl From<&Violation> for Violated {
    fn from(violation: &Violation) -> Violated {
        let (promise, meaning) = (violation.promise.name, violation.promise.meaning);
        Violated { promise, meaning, what: violation.what_happened.clone() }
    }
}

/// A message in flight.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Flying {
    /// The event in which it was sent. A copy of it has the same one.
    pub id: EventId,
    /// Its sender.
    pub from: NodeId,
    /// Its receiver.
    pub to: NodeId,
    /// What it says.
    pub words: String,
    /// When it arrives; `None` if it is held.
    pub due_us: Option<u64>,
    /// What names it in a command, as in `deliver from=n1 to=n2 kind=vote count=1`, until something happens.
    pub select: String,
}

impl From<MessageInFlight> for Flying {
    fn from(message: MessageInFlight) -> Flying {
        let MessageInFlight { sent_as, from, to, words, due, selection } = message;
        let (due_us, select) = (due.map(micros), selection.to_string().trim().to_owned());
        Flying { id: sent_as, from, to, words, due_us, select }
    }
}

/// How far a search is.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Hunted {
    /// The number of seeds that were examined, with which the next slice begins.
    pub next: u64,
    /// The number of steps that servers took in them, since this search began or was taken up again.
    pub steps: u64,
    /// Was something found, or are no seeds left?
    pub is_over: bool,
    /// What was found.
    pub found: Option<Found>,
}

/// A run that breaks a promise.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "FoundRun"))]
pub struct Found {
    /// The seed from which it was drawn.
    pub seed: u64,
    /// The promise.
    pub promise: &'static str,
    /// The number of lines of its script.
    pub lines: usize,
}

/// How short what was found has become.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Shrunk {
    /// Is there nothing shorter to be found?
    pub is_done: bool,
    /// The number of lines of the script.
    pub lines: usize,
    /// The number of steps that servers took so far.
    pub steps: u64,
    /// The maximum number of steps until it is done.
    pub most_steps: u64,
    /// The shortest script so far.
    pub scenario: String,
}

/// How far the search for the origin of logs is.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "LogsOrigin"))]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum OriginTold {
    /// There is no answer yet: ask again.
    Open,
    /// This run leads to them.
    Run(RunTold),
    /// No run does.
    Impossible {
        /// The reason.
        why: String,
    },
    /// No run was found, and there may be one.
    Undecided {
        /// What was tried.
        bound: String,
    },
}

/// What became of the claim that an entry is committed.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "ClaimExamined"))]
pub struct ClaimTold {
    /// The entry's term.
    pub term: Term,
    /// The servers that have it.
    pub holders: Vec<NodeId>,
    /// Why it can be lost, or can't, or what was tried.
    pub why: String,
    /// `true` if it can be lost, `false` if it can't; `None` if that is not known.
    pub can_be_lost: Option<bool>,
    /// The run in which it is lost.
    pub run: Option<RunTold>,
}

/// A run that was constructed.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "ConstructedRun"))]
pub struct RunTold {
    /// What happens in it, a paragraph for each election.
    pub story: Vec<String>,
    /// A scenario that plays it.
    pub scenario: String,
}

impl RunTold {
    pub(crate) fn of(run: &Run, prose: &str) -> RunTold {
        RunTold { story: run.story().map(str::to_owned).collect(), scenario: run.to_scenario(prose) }
    }
}

/// A script that plays the same run again.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ScriptText {
    /// Its text.
    pub text: String,
}

/// A number that two runs share only if they have the same records.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RunHashTold {
    /// In 16 hexadecimal digits: JavaScript's numbers have too few bits.
    pub hash: String,
}

/// The course.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct CourseTold {
    /// The chapters, in learning order.
    pub chapters: &'static [Chapter],
    /// The quiz for those who are about to begin.
    pub before: &'static Chapter,
    /// The quiz for those who have finished.
    pub after: &'static Chapter,
    /// The answers to each question in the order in which they are shown, by CHAPTER/CARD.
    pub mixed: BTreeMap<String, Vec<&'static str>>,
}

/// How far a learner is with a task.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Judged {
    /// What was done after the commands of the card, as commands.
    pub commands: Vec<String>,
    /// The checks of the task.
    #[cfg_attr(feature = "ts", ts(as = "Vec<Checked>"))]
    pub checks: Vec<Checked<'static>>,
}

/// What a learner's results are worth.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct GradesTold {
    /// The part of the first response to each question that is right, from 0 to 1, by CHAPTER/CARD.
    pub shares: BTreeMap<String, f64>,
    /// The points in the quiz before the course; `None` if none of its questions was answered.
    pub before: Option<f64>,
    /// The points in the quiz after the course.
    pub after: Option<f64>,
}

/// Why a request was refused. Nothing has happened then.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Refused {
    /// The reason, in a sentence.
    pub refused: String,
    /// What to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub help: Option<&'static str>,
}

impl Refused {
    pub(crate) fn new(reason: impl Into<String>) -> Refused {
        Refused { refused: reason.into(), help: None }
    }

    pub(crate) fn of_script(reason: String) -> Refused {
        Refused::new(reason).with_help("docs/scenarios.md describes the commands")
    }

    pub(crate) fn with_help(self, help: &'static str) -> Refused {
        Refused { help: Some(help), ..self }
    }
}

pub(crate) fn json(told: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(told).expect("what is told has a JSON")
}
