//! What learners answer and do, and how it is marked: alike on the page and in the terminal.

use crate::attempt::{Attempt, Refused};
use crate::chapter::{Answer, Kind, Question, Task};
use crate::check::Check;
use serde::{Deserialize, Serialize};
use simulator::Fnv1a;

/// A learner's response to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "CourseResponse"))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Response {
    /// The answers that were chosen, by their texts. For [`Kind::Order`] all of them, in the learner's order.
    Chosen(Vec<String>),
    /// For [`Kind::Text`].
    Written {
        /// The learner's words.
        words: String,
        /// The lines of the rubric that they meet, by their texts. The learner decides, or a teacher.
        met: Vec<String>,
    },
}

/// How good a response is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "CourseMark"))]
pub struct Mark<'a> {
    /// The part of it that is right, from 0 to 1.
    pub share: f64,
    /// The answers about which the learner was wrong, those that were chosen first.
    pub mistakes: Vec<Mistake<'a>>,
}

/// An answer about which a learner was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "CourseMistake"))]
pub struct Mistake<'a> {
    /// The answer, with what to say and to play now.
    pub answer: &'a Answer,
    /// Was it chosen, and should not have been? In an order, it was not in its place. Otherwise it was left out.
    pub was_chosen: bool,
}

/// This is no response to that question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(String);

/// A check of a task, and whether it holds now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "CourseCheck"))]
pub struct Checked<'a> {
    /// The check.
    #[cfg_attr(feature = "ts", ts(as = "String"))]
    pub check: &'a Check,
    /// The check as a learner reads it.
    pub words: String,
    /// Does it hold?
    pub holds: bool,
}

impl Mark<'_> {
    /// Is all of the response right?
    pub fn is_right(&self) -> bool {
        self.share >= 1.0
    }
}

impl Question {
    /// The answers as they are shown to a learner: those that are marked in a picture in its order, and the others
    /// mixed. The same seed and name of a card always mix them in the same way.
    pub fn mixed(&self, seed: u32, card: &str) -> Vec<&Answer> {
        let mut answers: Vec<&Answer> = self.answers.iter().collect();
        match self.kind {
            Kind::Servers | Kind::Entries => answers.sort_by_key(|answer| numbers_in(&answer.text)),
            _ => answers.sort_by_key(|answer| hash(seed, &[card, &answer.text])),
        }
        if self.kind == Kind::Order && answers.iter().copied().eq(&self.answers) {
            answers.rotate_left(1);
        }
        answers
    }

    /// Marks a response. One answer is right or wrong. Of several, each one on offer counts the same, whether it had to
    /// be chosen or left out; in an order, each one in its place. Words count as the rubric says.
    ///
    /// # Errors
    /// If it is no response to this question.
    pub fn mark(&self, response: &Response) -> Result<Mark<'_>, Unfit> {
        let chosen = match response {
            Response::Written { met, .. } => return self.mark_words(met),
            Response::Chosen(_) if self.kind == Kind::Text => {
                return Err(Unfit("this question is answered in words".to_owned()));
            }
            Response::Chosen(chosen) => self.on_offer(chosen)?,
        };
        let mistakes: Vec<Mistake> = match self.kind {
            Kind::Order if chosen.len() < self.answers.len() => {
                return Err(Unfit("put all answers in order".to_owned()));
            }
            Kind::Order => {
                let pairs = chosen.iter().zip(&self.answers);
                let misplaced = pairs.filter(|(chosen, right)| **chosen != *right);
                misplaced.map(|(answer, _)| Mistake { answer, was_chosen: true }).collect()
            }
            Kind::One if chosen.len() != 1 => return Err(Unfit("choose one answer".to_owned())),
            _ => {
                let wrong = chosen.iter().copied().filter(|answer| !answer.is_right);
                let missing =
                    self.answers.iter().filter(|answer| answer.is_right && !chosen.contains(answer));
                let wrong = wrong.map(|answer| Mistake { answer, was_chosen: true });
                wrong.chain(missing.map(|answer| Mistake { answer, was_chosen: false })).collect()
            }
        };
        let share = match self.kind {
            Kind::One if !mistakes.is_empty() => 0.0,
            _ => 1.0 - mistakes.len() as f64 / self.answers.len() as f64,
        };
        Ok(Mark { share, mistakes })
    }

    /// The answers with these texts.
    fn on_offer(&self, texts: &[String]) -> Result<Vec<&Answer>, Unfit> {
        let mut found = Vec::new();
        for text in texts {
            let answer = self.answers.iter().find(|answer| answer.text == *text);
            match answer {
                None => return Err(Unfit(format!("\"{text}\" is none of the answers"))),
                Some(answer) if found.contains(&answer) => {
                    return Err(Unfit(format!("\"{text}\" is there twice")));
                }
                Some(answer) => found.push(answer),
            }
        }
        Ok(found)
    }

    fn mark_words(&self, met: &[String]) -> Result<Mark<'_>, Unfit> {
        if self.kind != Kind::Text {
            return Err(Unfit("this question is answered by choosing".to_owned()));
        }
        if let Some(other) = met.iter().find(|text| self.rubric.iter().all(|line| line.text != **text)) {
            return Err(Unfit(format!("\"{other}\" is no line of the rubric")));
        }
        let points = |is_counted: &dyn Fn(&str) -> bool| -> u32 {
            self.rubric.iter().filter(|line| is_counted(&line.text)).map(|line| line.points).sum()
        };
        let reached = points(&|text| met.iter().any(|line| line == text));
        Ok(Mark { share: f64::from(reached) / f64::from(points(&|_| true)), mistakes: Vec::new() })
    }
}

impl Task {
    /// Each check, and whether it holds after these commands. A check that can't be made there, since a command is
    /// refused with the rule on, does not hold.
    ///
    /// # Errors
    /// If the commands can't be played.
    pub fn checked(&self, commands: &[String]) -> Result<Vec<Checked<'_>>, Refused> {
        let attempt = Attempt { world: &self.world, commands };
        let mut played = attempt.played()?;
        let checks = self.checks.iter().map(|check| Checked {
            check,
            words: check.in_words(),
            holds: check.holds_in(attempt, &mut played).unwrap_or(false),
        });
        Ok(checks.collect())
    }
}

/// The numbers in a text, in their order.
fn numbers_in(text: &str) -> Vec<u64> {
    text.split(|character: char| !character.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

/// FNV-1a of the words, with a last step of MurmurHash3 that spreads small differences.
fn hash(seed: u32, words: &[&str]) -> u64 {
    let mut hash = Fnv1a::default();
    hash.add(&seed.to_le_bytes());
    for word in words {
        hash.add(word.as_bytes());
        hash.add(&[0]);
    }
    let mut hash = hash.number();
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ hash >> 33
}
