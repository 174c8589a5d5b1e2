//! What a chapter is made of.

use crate::check::Check;
use consensus::Rule;
use serde::{Serialize, Serializer};

/// A chapter of the course, or one of the two quizzes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "CourseChapter"))]
pub struct Chapter {
    /// Its folder, such as `05-two-leaders`, or `before` and `after` for the quizzes. Links name it.
    pub name: String,
    /// Its title.
    pub title: String,
    /// How many minutes it takes.
    pub minutes: u32,
    /// What a learner can do afterwards, a sentence each.
    pub goals: Vec<String>,
    /// The misconceptions that it is to correct, as those would put them who have them.
    pub beliefs: Vec<String>,
    /// Its cards, in order.
    pub cards: Vec<Card>,
}

/// A step of a chapter: something to read, then something to answer or to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "CourseCard"))]
pub struct Card {
    /// Its name, unique in its chapter.
    pub id: String,
    /// What is said first, in three sentences at most. It may be empty.
    pub say: String,
    /// What the learner is to answer or to do.
    pub challenge: Challenge,
    /// Why the right answer is right, or what the task has shown. For those who have answered.
    pub because: String,
    /// The rules that decided.
    pub rules: Vec<Rule>,
    /// Where the paper or the thesis explains it.
    pub paper: String,
}

/// What a card asks for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "CourseChallenge"))]
#[serde(rename_all = "snake_case")]
pub enum Challenge {
    /// A prediction.
    Question(Question),
    /// Something to do in the cluster.
    Task(Task),
}

/// A question, and the runs that answer it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "CourseQuestion"))]
pub struct Question {
    /// How it is answered.
    pub kind: Kind,
    /// The question.
    pub text: String,
    /// The commands of the scenario language that lead to the moment on show. If they start no cluster, each
    /// answer starts its own.
    pub world: Vec<String>,
    /// The answers on offer. For [`Kind::Order`] in the right order: mix them before you show them. For
    /// [`Kind::Text`] the model answer.
    pub answers: Vec<Answer>,
    /// The card in which the same idea returns, as CHAPTER/CARD.
    pub again: Option<String>,
    /// How much it counts in the quiz.
    pub points: Option<u32>,
    /// For [`Kind::Text`]: what counts in a learner's answer.
    pub rubric: Vec<RubricLine>,
}

/// How a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "CourseKind"))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// By choosing one answer.
    One,
    /// By choosing all answers that are right.
    Several,
    /// By marking servers in the picture; each answer names one.
    Servers,
    /// By marking entries in the picture of the logs; each answer names one, as in `entry 2 (term 1)`.
    Entries,
    /// By choosing the logs that can exist; each answer is a log, as the terms of its entries.
    Logs,
    /// By putting the answers in order.
    Order,
    /// In the learner's own words.
    Text,
}

/// An answer on offer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "CourseAnswer"))]
pub struct Answer {
    /// The answer.
    pub text: String,
    /// Is it right? The items of an order are.
    pub is_right: bool,
    /// What to say to those who were wrong about it.
    pub correction: String,
    /// How the question's world is played on until that shows. The last of these commands state what holds
    /// then.
    pub commands: Vec<String>,
    /// What else must have happened in that run.
    #[cfg_attr(feature = "ts", ts(as = "Vec<String>"))]
    pub shows: Vec<Check>,
}

/// What counts in an answer in a learner's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "CourseRubricLine"))]
pub struct RubricLine {
    /// How much.
    pub points: u32,
    /// What the answer must say.
    pub text: String,
}

/// Something to do by one's own hands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "CourseTask"))]
pub struct Task {
    /// What to do.
    pub text: String,
    /// The commands with which the cluster begins; empty if the learner starts it.
    pub world: Vec<String>,
    /// All of these must hold.
    #[cfg_attr(feature = "ts", ts(as = "Vec<String>"))]
    pub checks: Vec<Check>,
    /// Help for those who are stuck.
    pub hint: String,
    /// Commands after which all checks hold.
    pub solution: Vec<String>,
    /// Typical tries that don't do it, each with the reason as its text. They are for tests, not for learners.
    #[serde(skip)]
    pub tries: Vec<Answer>,
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
