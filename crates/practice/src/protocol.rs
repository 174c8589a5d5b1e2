//! Questions and answers as lines of text, for a program that answers. docs/practice.md describes them.

use crate::blank::Blank;
use consensus::{Index, Term};
use simulator::{Condition, Question, Verdict};
use std::fmt::Display;

/// The question as a line, without its end: the name of the exercise, and each argument as `name=value`.
pub fn question_line(question: &Question) -> String {
    let blank = Blank::ALL.iter().find(|blank| blank.condition == question.condition());
    let blank = blank.expect("each condition is a blank");
    let arguments = match question {
        Question::IsUpToDate { candidate, own } => format!(
            "candidate_index={} candidate_term={} own_index={} own_term={}",
            candidate.index, candidate.term, own.index, own.term
        ),
        Question::MayVote { voted_for, candidate } => {
            format!("voted_for={} candidate={}", or_none(voted_for.map(|id| id.0)), candidate.0)
        }
        Question::RestartsTimer { granted } => format!("granted={granted}"),
        Question::Fits { prev, own } => {
            format!("prev_index={} prev_term={} own={}", prev.index, prev.term, or_none(*own))
        }
        Question::FirstConflict { own, new } => format!("own={} new={}", list(own), list(new)),
        Question::CommitOfFollower { leader_commit, last_new, last } => {
            format!("leader_commit={leader_commit} last_new={last_new} last={last}")
        }
        Question::ReachedByMajority { reached } => format!("reached={}", list(reached)),
        Question::MayCommit { entry: Term(entry), current } => format!("entry={entry} current={current}"),
    };
    format!("{blank} {arguments}")
}

fn or_none(value: Option<impl Display>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

fn list(values: &[impl ToString]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Reads the answer to a question about this condition.
///
/// # Errors
/// If the line is not one: what was expected instead.
pub fn read_answer(condition: Condition, line: &str) -> Result<Verdict, &'static str> {
    let line = line.trim();
    match condition {
        Condition::FirstConflict if line == "none" => Ok(Verdict::Place(None)),
        Condition::FirstConflict => match line.parse() {
            Ok(place) => Ok(Verdict::Place(Some(place))),
            Err(_) => Err("a place, counted from 0, or none"),
        },
        Condition::CommitOfFollower | Condition::ReachedByMajority => {
            line.parse().map(Index).map(Verdict::Index).map_err(|_| "an index: a whole number")
        }
        _ => line.parse().map(Verdict::Bool).map_err(|_| "true or false"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::{LogPosition, NodeId};

    #[test]
    fn a_question_is_a_line() {
        let place = |index, term| LogPosition { index: Index(index), term: Term(term) };
        let lines = [
            (
                Question::IsUpToDate { candidate: place(5, 3), own: place(7, 2) },
                "up-to-date candidate_index=5 candidate_term=3 own_index=7 own_term=2",
            ),
            (
                Question::MayVote { voted_for: None, candidate: NodeId(2) },
                "may-vote voted_for=none candidate=2",
            ),
            (
                Question::FirstConflict { own: Vec::new(), new: vec![Term(1), Term(2)] },
                "first-conflict own= new=1,2",
            ),
            (Question::Fits { prev: place(0, 0), own: Some(Term(0)) }, "fits prev_index=0 prev_term=0 own=0"),
        ];
        for (question, line) in lines {
            assert_eq!(question_line(&question), line);
        }
    }

    #[test]
    fn an_answer_is_of_the_kind_that_was_asked_for() {
        assert_eq!(read_answer(Condition::MayVote, "true\n"), Ok(Verdict::Bool(true)));
        assert_eq!(read_answer(Condition::MayVote, "True"), Err("true or false"));
        assert_eq!(read_answer(Condition::FirstConflict, "none"), Ok(Verdict::Place(None)));
        assert_eq!(read_answer(Condition::FirstConflict, "2"), Ok(Verdict::Place(Some(2))));
        assert!(read_answer(Condition::FirstConflict, "-1").is_err());
        assert_eq!(read_answer(Condition::ReachedByMajority, "7"), Ok(Verdict::Index(Index(7))));
        assert!(read_answer(Condition::ReachedByMajority, "7.0").is_err());
    }
}
