//! What the engine answers.

use consensus::{NodeId, Rule, Term};
use course::{Card, Chapter, Checked, Results};
use page::{Headline, RecordJson, Setup, micros};
use practice::{Blank, Fate, Fault, Outcome, Puzzle};
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

/// The outcome of examining the claim that an entry is committed.
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

/// A learner's results together with those of a file.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct AddedTold {
    /// All results.
    pub results: Results,
    /// What they are worth.
    pub grades: GradesTold,
    /// How many of them were not known before.
    pub added: usize,
}

/// The exercises.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PracticeTold {
    /// The conditions to fill in, in learning order.
    pub blanks: Vec<BlankTold>,
    /// The rules without which a promise is to be broken, in learning order.
    pub challenges: Vec<ChallengeTold>,
    /// The clusters to save, the easier ones first.
    pub puzzles: Vec<PuzzleTold>,
    /// The points for a condition that is right, and for a promise that is broken or a cluster that is saved with few commands.
    pub out_of: u32,
}

/// A condition to fill in.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "Blank"))]
pub struct BlankTold {
    /// Its name, as in `up-to-date`.
    pub id: &'static str,
    /// The question in a few words.
    pub title: &'static str,
    /// What is asked for.
    pub task: &'static str,
    /// The section of the Raft paper that answers it.
    pub paper: &'static str,
    /// The function in Rust, without its body.
    pub signature: &'static str,
    /// What an expression may name, in words.
    pub names: &'static str,
    /// What an answer must get right.
    pub checks: Vec<CheckTold>,
}

impl From<&Blank> for BlankTold {
    fn from(blank: &Blank) -> BlankTold {
        let Blank { id, title, task, paper, signature, names, .. } = *blank;
        let checks = blank.checks().iter();
        let checks =
            checks.map(|check| CheckTold { name: check.name, title: check.title, points: check.points });
        BlankTold { id, title, task, paper, signature, names, checks: checks.collect() }
    }
}

/// Something that an answer must get right.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "BlankCheck"))]
pub struct CheckTold {
    /// Its name, as in `later-term`.
    pub name: &'static str,
    /// What must be right.
    pub title: &'static str,
    /// The points for it.
    pub points: u32,
}

/// A rule that is off, and a promise to break.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "Challenge"))]
pub struct ChallengeTold {
    /// The rule.
    pub rule: Rule,
    /// The number of commands that are enough.
    pub par: usize,
    /// Maximum number of commands: with more there are no points.
    pub most: usize,
    /// Is it a promise of liveness that breaks in the stored run? These hold only from `calm` on.
    pub is_of_liveness: bool,
    /// The cluster to begin with.
    pub script: String,
}

/// What an answer to a blank is worth.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "AnswerGraded"))]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum AnswerTold {
    /// It can't be read.
    Mistake {
        /// The column, counted from 1.
        column: usize,
        /// What is wrong there.
        what: String,
    },
    /// It is played.
    Graded {
        /// Is everything known? Otherwise ask again with the same answer.
        is_over: bool,
        /// What the grader is doing.
        doing: &'static str,
        /// The number of random runs that were played.
        runs: u64,
        /// The points so far.
        points: u32,
        /// What is known so far.
        outcomes: Vec<OutcomeTold>,
    },
}

/// The outcome of one check, or of the random runs.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "BlankOutcome"))]
pub struct OutcomeTold {
    /// The name of the check.
    pub name: &'static str,
    /// What must be right.
    pub title: String,
    /// The points that it can bring.
    pub out_of: u32,
    /// The points for it.
    pub points: u32,
    /// Was it tried? The random runs are not if something else is wrong.
    pub is_tried: bool,
    /// What went wrong.
    pub fault: Option<FaultTold>,
}

impl From<&Outcome> for OutcomeTold {
    fn from(outcome: &Outcome) -> OutcomeTold {
        let Outcome { name, title, out_of, fate } = outcome;
        let fault = match fate {
            Fate::Failed(fault) => Some(FaultTold::from(&**fault)),
            Fate::Passed | Fate::NotTried => None,
        };
        OutcomeTold {
            name,
            title: title.clone(),
            out_of: *out_of,
            points: outcome.points(),
            is_tried: !matches!(fate, Fate::NotTried),
            fault,
        }
    }
}

/// How an answer has gone wrong.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "BlankFault"))]
pub struct FaultTold {
    /// What went wrong.
    pub what_happened: String,
    /// The promise that broke, and why it matters, if it was found in a random run.
    pub meaning: Option<&'static str>,
    /// The run in which it did, as a script that names the answer; `None` if no cluster has started.
    pub script: Option<String>,
    /// The scenario that shows the same with a rule off.
    pub similar: Option<&'static str>,
}

impl From<&Fault> for FaultTold {
    fn from(fault: &Fault) -> FaultTold {
        let Fault { what_happened, meaning, script, similar, .. } = fault;
        FaultTold {
            what_happened: what_happened.clone(),
            meaning: *meaning,
            script: script.as_ref().map(ToString::to_string),
            similar: *similar,
        }
    }
}

/// A cluster in which a rule is off.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct MysteryTold {
    /// The rule.
    pub rule: Rule,
    /// The rules to choose from, this one among them.
    pub choices: Vec<Rule>,
}

/// What the commands in the open world, in which a rule is off, are worth.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "ChallengeMarked"))]
pub struct BrokenTold {
    /// The number of commands until a promise broke, or of all.
    pub commands: usize,
    /// The points.
    pub points: u32,
    /// The promise that has broken.
    pub broken: Option<String>,
    /// The promise that breaks with the rule on, too: then this does not show what the rule is for.
    pub broken_with_rule: Option<String>,
}

/// A cluster that is to be saved with few commands.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "Puzzle"))]
pub struct PuzzleTold {
    /// The number of commands that are enough.
    pub par: usize,
    /// Maximum number of commands.
    pub most: usize,
    /// The task.
    pub card: &'static Card,
}

impl From<Puzzle> for PuzzleTold {
    fn from(puzzle: Puzzle) -> PuzzleTold {
        PuzzleTold { par: puzzle.par(), most: puzzle.most(), card: puzzle.card() }
    }
}

/// What the commands in the open world, that of a puzzle, are worth.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "PuzzleMarked"))]
pub struct SavedTold {
    /// What was done after the commands of the puzzle, as commands.
    pub commands: Vec<String>,
    /// The checks of the task.
    #[cfg_attr(feature = "ts", ts(as = "Vec<Checked>"))]
    pub checks: Vec<Checked<'static>>,
    /// The points.
    pub points: u32,
}

/// What a command does, or which there are.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Explanation {
    /// What can be written, or what a group of commands is about, and what there is to say of it. It is empty for an unknown command.
    pub rows: Vec<(String, String)>,
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
