//! Conditions of Raft that someone else answers, perhaps wrongly: a learner.

use crate::expression::{self, Mistake};
use consensus::event::Verdict;
use consensus::{EveryRule, Index, LogPosition, NodeId, Rule, Rules, Term};
use std::fmt;
use std::sync::Arc;

/// One of the conditions of [`Rules`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// [`Rules::is_up_to_date`]
    IsUpToDate,
    /// [`Rules::may_vote`]
    MayVote,
    /// [`Rules::restarts_timer`]
    RestartsTimer,
    /// [`Rules::fits`]
    Fits,
    /// [`Rules::first_conflict`]
    FirstConflict,
    /// [`Rules::commit_of_follower`]
    CommitOfFollower,
    /// [`Rules::reached_by_majority`]
    ReachedByMajority,
    /// [`Rules::may_commit`]
    MayCommit,
}

impl Condition {
    /// All of them.
    pub const ALL: [Condition; 8] = [
        Condition::IsUpToDate,
        Condition::MayVote,
        Condition::RestartsTimer,
        Condition::Fits,
        Condition::FirstConflict,
        Condition::CommitOfFollower,
        Condition::ReachedByMajority,
        Condition::MayCommit,
    ];

    /// Its name in scripts and exercises, as in `up-to-date`.
    pub const fn id(self) -> &'static str {
        match self {
            Condition::IsUpToDate => "up-to-date",
            Condition::MayVote => "may-vote",
            Condition::RestartsTimer => "restarts-timer",
            Condition::Fits => "fits",
            Condition::FirstConflict => "first-conflict",
            Condition::CommitOfFollower => "commit-of-follower",
            Condition::ReachedByMajority => "reached-by-majority",
            Condition::MayCommit => "may-commit",
        }
    }

    /// The rule that rests on it.
    pub fn rule(self) -> Rule {
        match self {
            Condition::IsUpToDate => Rule::CompareTermBeforeLength,
            Condition::MayVote => Rule::OneVotePerTerm,
            Condition::RestartsTimer => Rule::ResetTimerOnGrantOnly,
            Condition::Fits => Rule::ConsistencyCheck,
            Condition::FirstConflict => Rule::TruncateOnlyOnConflict,
            Condition::CommitOfFollower => Rule::CommitToLastNew,
            Condition::ReachedByMajority => Rule::CommitByMajority,
            Condition::MayCommit => Rule::CommitCurrentTermOnly,
        }
    }
}

/// What a server asks: a condition, and its arguments as [`Rules`] has them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Question {
    IsUpToDate { candidate: LogPosition, own: LogPosition },
    MayVote { voted_for: Option<NodeId>, candidate: NodeId },
    RestartsTimer { granted: bool },
    Fits { prev: LogPosition, own: Option<Term> },
    FirstConflict { own: Vec<Term>, new: Vec<Term> },
    CommitOfFollower { leader_commit: Index, last_new: Index, last: Index },
    ReachedByMajority { reached: Vec<Index> },
    MayCommit { entry: Term, current: Term },
}

impl Question {
    /// The condition.
    pub fn condition(&self) -> Condition {
        match self {
            Question::IsUpToDate { .. } => Condition::IsUpToDate,
            Question::MayVote { .. } => Condition::MayVote,
            Question::RestartsTimer { .. } => Condition::RestartsTimer,
            Question::Fits { .. } => Condition::Fits,
            Question::FirstConflict { .. } => Condition::FirstConflict,
            Question::CommitOfFollower { .. } => Condition::CommitOfFollower,
            Question::ReachedByMajority { .. } => Condition::ReachedByMajority,
            Question::MayCommit { .. } => Condition::MayCommit,
        }
    }

    /// The rule that rests on the answer.
    pub(crate) fn rule(&self) -> Rule {
        match self {
            Question::IsUpToDate { candidate, own } if candidate.term == own.term => Rule::UpToDateLog,
            _ => self.condition().rule(),
        }
    }

    /// Raft's own answer.
    pub fn answer_of_raft(&self) -> Verdict {
        let raft = EveryRule;
        match self {
            Question::IsUpToDate { candidate, own } => Verdict::Bool(raft.is_up_to_date(*candidate, *own)),
            Question::MayVote { voted_for, candidate } => {
                Verdict::Bool(raft.may_vote(*voted_for, *candidate))
            }
            Question::RestartsTimer { granted } => Verdict::Bool(raft.restarts_timer(*granted)),
            Question::Fits { prev, own } => Verdict::Bool(raft.fits(*prev, *own)),
            Question::FirstConflict { own, new } => {
                Verdict::Place(raft.first_conflict(own.iter().copied(), new.iter().copied()))
            }
            Question::CommitOfFollower { leader_commit, last_new, last } => {
                Verdict::Index(raft.commit_of_follower(*leader_commit, *last_new, *last))
            }
            Question::ReachedByMajority { reached } => {
                Verdict::Index(raft.reached_by_majority(reached.iter().copied()))
            }
            Question::MayCommit { entry, current } => Verdict::Bool(raft.may_commit(*entry, *current)),
        }
    }

    /// Why this can't be its answer; `None` if it can, right or wrong.
    fn problem_with(&self, verdict: Verdict) -> Option<String> {
        match (self, verdict) {
            (Question::FirstConflict { new, .. }, Verdict::Place(Some(place))) if place >= new.len() => {
                let count = new.len();
                Some(format!("there is no new entry at place {place}: there are {count}, counted from 0"))
            }
            (Question::FirstConflict { own, .. }, Verdict::Place(Some(place))) if place > own.len() => {
                let lacks = own.len();
                Some(format!(
                    "if entries were appended from place {place} on, the log would have a hole at place {lacks}"
                ))
            }
            (Question::ReachedByMajority { reached }, Verdict::Index(index))
                if index > reached.iter().copied().max().unwrap_or_default() =>
            {
                Some(format!("no voter has reached {index}"))
            }
            _ if std::mem::discriminant(&verdict) != std::mem::discriminant(&self.answer_of_raft()) => {
                Some(format!("{verdict:?} is an answer of another kind"))
            }
            _ => None,
        }
    }
}

type Answers = dyn Fn(&Question) -> Result<Verdict, String> + Send + Sync;

/// Answers about one condition that take the place of Raft's. Where they fail, the server that asks panics.
#[derive(Clone)]
pub struct Substitute {
    condition: Condition,
    answers: Arc<Answers>,
    /// The expression that answers, so that scripts can name it.
    words: Option<Arc<str>>,
}

impl Substitute {
    /// This function answers all questions about the condition. An error says why it could not.
    pub fn new(
        condition: Condition,
        answers: impl Fn(&Question) -> Result<Verdict, String> + Send + Sync + 'static,
    ) -> Substitute {
        Substitute { condition, answers: Arc::new(answers), words: None }
    }

    /// This expression answers all questions about the condition, as in
    /// `candidate.term > own.term || candidate.index >= own.index`.
    ///
    /// # Errors
    /// If it is not one, or of another kind than the answer.
    pub fn in_words(condition: Condition, text: &str) -> Result<Substitute, Mistake> {
        let answers = expression::parse(condition, text)?;
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Substitute { words: Some(words.into()), ..Substitute::new(condition, answers) })
    }

    /// The expression that answers, in one line; `None` if something else does.
    pub fn words(&self) -> Option<&str> {
        self.words.as_deref()
    }

    /// The condition.
    pub fn condition(&self) -> Condition {
        self.condition
    }

    /// The answer to this question.
    ///
    /// # Panics
    /// If there is none, or it can't be one.
    pub fn ask(&self, question: &Question) -> Verdict {
        let verdict = (self.answers)(question).unwrap_or_else(|why| panic!("{why}"));
        match question.problem_with(verdict) {
            Some(problem) => panic!("{problem}"),
            None => verdict,
        }
    }
}

impl fmt::Debug for Substitute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Substitute").field("condition", &self.condition).finish_non_exhaustive()
    }
}

impl PartialEq for Substitute {
    /// The same expression, or the very same answers: functions can't be compared.
    fn eq(&self, other: &Substitute) -> bool {
        let is_same_expression = self.words.is_some() && self.words == other.words;
        self.condition == other.condition
            && (is_same_expression || Arc::ptr_eq(&self.answers, &other.answers))
    }
}
