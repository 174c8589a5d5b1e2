//! What a learner has done so far. The page and the terminal keep it, and export it in this form.

use crate::chapter::{Card, Challenge, Chapter};
use crate::mark::Response;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The results of one learner. The learner's machine keeps them, and they go nowhere else by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "CourseResults"))]
pub struct Results {
    /// The form of the file.
    pub form: Form,
    /// The learner's name, as the learner gives it; empty if not given.
    pub learner: String,
    /// Mixes the answers.
    pub seed: u32,
    /// For each card that was answered or tried, by CHAPTER/CARD.
    pub cards: BTreeMap<String, CardResult>,
    /// For each exercise that was tried on the page, by its name: `up-to-date`, `mystery/1` or `break/one-vote-per-term`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "ts", ts(optional, as = "Option<BTreeMap<String, ExerciseResult>>"))]
    pub practice: BTreeMap<String, ExerciseResult>,
}

/// The form of a file with results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "CourseResultsForm"))]
pub enum Form {
    /// The first one.
    #[serde(rename = "raft-course-results-1")]
    First,
}

/// What a learner has done with a card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "CourseCardResult"))]
pub struct CardResult {
    /// The first response to its question, which counts; `None` for a task.
    pub first: Option<Response>,
    /// The number of responses; of a task: the number of commands that were given to do it.
    pub tries: u32,
    /// How long the learner took, in seconds, until the first response, or until the task was done.
    pub seconds: u32,
    /// Is it finished? A question is when the learner has seen why; a task when all its checks held.
    pub is_done: bool,
    /// The commands with which the task was done.
    pub commands: Vec<String>,
}

/// What a learner has reached in an exercise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "CourseExerciseResult"))]
pub struct ExerciseResult {
    /// The most points so far; of a mystery, those for the first answer.
    pub points: u32,
    /// The points that can be reached.
    pub out_of: u32,
    /// The number of answers.
    pub tries: u32,
    /// The answer that has brought these points: an expression, a rule, or commands in lines.
    pub answer: String,
}

impl Results {
    /// Those of a learner who is about to begin.
    pub fn new(seed: u32) -> Results {
        Results {
            form: Form::First,
            learner: String::new(),
            seed,
            cards: BTreeMap::new(),
            practice: BTreeMap::new(),
        }
    }

    /// The result of this card.
    pub fn of(&self, chapter: &Chapter, card: &Card) -> Option<&CardResult> {
        self.cards.get(&chapter.place_of(card))
    }

    /// The same, to be changed.
    pub fn entry(&mut self, chapter: &Chapter, card: &Card) -> &mut CardResult {
        self.cards.entry(chapter.place_of(card)).or_default()
    }

    /// How much of the first response to this card is right, from 0 to 1; `None` if it has none that fits the question.
    pub fn share(&self, chapter: &Chapter, card: &Card) -> Option<f64> {
        let Challenge::Question(question) = &card.challenge else { return None };
        let first = self.of(chapter, card)?.first.as_ref()?;
        Some(question.mark(first).ok()?.share)
    }

    /// The points for this quiz; `None` if none of its questions was answered.
    pub fn points(&self, quiz: &Chapter) -> Option<f64> {
        let reached =
            quiz.cards.iter().filter_map(|card| Some(self.share(quiz, card)? * f64::from(card.points())));
        reached.reduce(|one, other| one + other)
    }

    /// How many cards of this chapter are done.
    pub fn done(&self, chapter: &Chapter) -> usize {
        let is_done = |card: &&Card| self.of(chapter, card).is_some_and(|result| result.is_done);
        chapter.cards.iter().filter(is_done).count()
    }
}

impl Chapter {
    /// The name of this card for links and results: CHAPTER/CARD.
    pub fn place_of(&self, card: &Card) -> String {
        format!("{}/{}", self.name, card.id)
    }

    /// How much all its questions count, in a quiz.
    pub fn points(&self) -> u32 {
        self.cards.iter().map(Card::points).sum()
    }
}

impl Card {
    /// How much its question counts, in a quiz; otherwise 0.
    pub fn points(&self) -> u32 {
        match &self.challenge {
            Challenge::Question(question) => question.points.unwrap_or(0),
            Challenge::Task(_) => 0,
        }
    }
}
