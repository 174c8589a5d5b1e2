//! What a learner has done so far. The page and the terminal keep it, and export it in this form.

use crate::all;
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
    /// For each exercise that was tried on the page, by its name: `up-to-date`, `mystery/1`, `break/one-vote-per-term` or
    /// `save/two-halves`.
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

    /// Adds what another file has: the results of cards that are not done here, and of exercises with fewer points here. Of
    /// a mystery, the first answer counts, which is the one that is here. Returns how many results were added.
    pub fn add(&mut self, other: Results) -> usize {
        if self.cards.is_empty() && self.practice.is_empty() {
            self.seed = other.seed;
        }
        if self.learner.is_empty() {
            self.learner = other.learner;
        }
        let mut added = 0;
        for (place, result) in other.cards.into_iter().filter(|(place, _)| is_card(place)) {
            if self.cards.get(&place).is_none_or(|own| result.is_done && !own.is_done) {
                self.cards.insert(place, result);
                added += 1;
            }
        }
        let is_possible = |result: &ExerciseResult| result.points <= result.out_of;
        for (name, result) in other.practice.into_iter().filter(|(_, result)| is_possible(result)) {
            let is_mystery = name.starts_with("mystery/");
            if self.practice.get(&name).is_none_or(|own| !is_mystery && own.points < result.points) {
                self.practice.insert(name, result);
                added += 1;
            }
        }
        added
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

/// Does the course have this card?
fn is_card(place: &str) -> bool {
    all().any(|chapter| chapter.cards.iter().any(|card| chapter.place_of(card) == place))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chapters;

    fn exercise(points: u32) -> ExerciseResult {
        ExerciseResult { points, out_of: 10, tries: 1, answer: points.to_string() }
    }

    #[test]
    fn results_of_two_machines_are_merged() {
        let chapter = &chapters()[0];
        let [both, only_there, undone_here] = [0, 1, 2].map(|place| &chapter.cards[place]);
        let done = |seconds| CardResult { is_done: true, seconds, ..CardResult::default() };
        let (mut here, mut there) = (Results::new(1), Results::new(2));
        *here.entry(chapter, both) = done(10);
        *here.entry(chapter, undone_here) = CardResult::default();
        for card in [both, only_there, undone_here] {
            *there.entry(chapter, card) = done(20);
        }
        there.cards.insert("99-byzantium/who-lies".to_owned(), done(20));
        for (name, points) in [("up-to-date", 4), ("save/two-halves", 10), ("mystery/1", 0)] {
            here.practice.insert(name.to_owned(), exercise(points));
        }
        for (name, points) in
            [("up-to-date", 10), ("save/two-halves", 9), ("mystery/1", 1), ("fits", 2), ("may-vote", 11)]
        {
            there.practice.insert(name.to_owned(), exercise(points));
        }
        there.learner = "Ada".to_owned();

        assert_eq!(here.add(there.clone()), 4);
        assert_eq!((here.seed, here.learner.as_str()), (1, "Ada"));
        let seconds = [both, only_there, undone_here].map(|card| here.of(chapter, card).unwrap().seconds);
        assert_eq!((seconds, here.cards.len()), ([10, 20, 20], 3));
        let points: Vec<u32> = here.practice.values().map(|exercise| exercise.points).collect();
        // By name: fits, mystery/1, save/two-halves, up-to-date.
        assert_eq!(points, [2, 0, 10, 10]);
        assert_eq!(here.add(there), 0);
    }

    #[test]
    fn who_has_done_nothing_gets_all() {
        let mut there = Results::new(2);
        *there.entry(&chapters()[0], &chapters()[0].cards[0]) = CardResult::default();
        let mut here = Results::new(1);
        assert_eq!((here.add(there.clone()), here), (1, there));
    }
}
