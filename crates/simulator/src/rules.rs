use crate::substitute::{Condition, Question, Substitute};
use consensus::{Index, LogPosition, NodeId, Rule, Rules, Term};
use std::cell::Cell;
use std::rc::Rc;

/// Rules that can't be seen at work, or whose absence breaks no promise, each with the reason. Every other
/// rule has a counterexample in scenarios/without.
pub const UNSHOWN: &[(Rule, &str)] = &[
    (
        Rule::NeverTruncateCommitted,
        "it only checks the other rules. While they hold, no server ever tries to remove a committed entry",
    ),
    (
        Rule::OnlyMismatchBacksUp,
        "a rejection because of an old term always brings a newer term, and the leader steps down at once",
    ),
];

/// Rules without which random search finds no broken promise in good time, each with the reason. Their counterexamples in
/// scenarios/without were written by hand.
pub const NOT_FOUND_BY_CHANCE: &[(Rule, &str)] = &[
    (
        Rule::ChangeAfterCommitInTerm,
        "two leaders must each begin a change that the other does not see, and both must find a majority",
    ),
    (
        Rule::FoundTogether,
        "a disk must be lost while the cluster is being founded, and the simulator draws no such loss",
    ),
    (
        Rule::LostDataIsOut,
        "a disk must lose what only the leader could miss, and the simulator draws no such loss",
    ),
];

/// Why a search for what breaks without this rule would be in vain; `None` if it would not.
pub fn why_in_vain(rule: Rule) -> Option<&'static str> {
    let all = UNSHOWN.iter().chain(NOT_FOUND_BY_CHANCE);
    all.filter(|(known, _)| *known == rule).map(|(_, reason)| *reason).next()
}

/// The rules of Raft, or all but one, to see what that one is for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct AllBut(pub Option<Rule>);

impl Rules for AllBut {
    fn hold(&self, rule: Rule) -> bool {
        self.0 != Some(rule)
    }
}

/// The rules of a world, which may change while its servers run: they all look here.
#[derive(Debug, Default, Clone)]
pub(crate) struct RulesOfWorld {
    rules: Rc<Cell<AllBut>>,
    substitute: Option<Substitute>,
}

impl RulesOfWorld {
    pub(crate) fn new(rules: AllBut, substitute: Option<Substitute>) -> RulesOfWorld {
        RulesOfWorld { rules: Rc::new(Cell::new(rules)), substitute }
    }

    pub(crate) fn now(&self) -> AllBut {
        self.rules.get()
    }

    pub(crate) fn change(&self, rules: AllBut) {
        self.rules.set(rules);
    }

    /// What answers about this condition, if it is not Raft.
    fn substitute_for(&self, condition: Condition) -> Option<&Substitute> {
        self.substitute.as_ref().filter(|substitute| substitute.condition() == condition)
    }
}

impl Rules for RulesOfWorld {
    fn hold(&self, rule: Rule) -> bool {
        self.now().hold(rule)
    }

    fn is_up_to_date(&self, candidate: LogPosition, own: LogPosition) -> bool {
        match self.substitute_for(Condition::IsUpToDate) {
            Some(other) => other.says_yes(&Question::IsUpToDate { candidate, own }),
            None => self.now().is_up_to_date(candidate, own),
        }
    }

    fn may_vote(&self, voted_for: Option<NodeId>, candidate: NodeId) -> bool {
        match self.substitute_for(Condition::MayVote) {
            Some(other) => other.says_yes(&Question::MayVote { voted_for, candidate }),
            None => self.now().may_vote(voted_for, candidate),
        }
    }

    fn restarts_timer(&self, granted: bool) -> bool {
        match self.substitute_for(Condition::RestartsTimer) {
            Some(other) => other.says_yes(&Question::RestartsTimer { granted }),
            None => self.now().restarts_timer(granted),
        }
    }

    fn fits(&self, prev: LogPosition, own: Option<Term>) -> bool {
        match self.substitute_for(Condition::Fits) {
            Some(other) => other.says_yes(&Question::Fits { prev, own }),
            None => self.now().fits(prev, own),
        }
    }

    fn first_conflict(
        &self,
        own: impl Iterator<Item = Term>,
        new: impl Iterator<Item = Term>,
    ) -> Option<usize> {
        match self.substitute_for(Condition::FirstConflict) {
            Some(other) => other.place(&Question::FirstConflict { own: own.collect(), new: new.collect() }),
            None => self.now().first_conflict(own, new),
        }
    }

    fn commit_of_follower(&self, leader_commit: Index, last_new: Index, last: Index) -> Index {
        match self.substitute_for(Condition::CommitOfFollower) {
            Some(other) => other.index(&Question::CommitOfFollower { leader_commit, last_new, last }),
            None => self.now().commit_of_follower(leader_commit, last_new, last),
        }
    }

    fn reached_by_majority(&self, reached: impl Iterator<Item = Index> + Clone) -> Index {
        match self.substitute_for(Condition::ReachedByMajority) {
            Some(other) => other.index(&Question::ReachedByMajority { reached: reached.collect() }),
            None => self.now().reached_by_majority(reached),
        }
    }

    fn may_commit(&self, entry: Term, current: Term) -> bool {
        match self.substitute_for(Condition::MayCommit) {
            Some(other) => other.says_yes(&Question::MayCommit { entry, current }),
            None => self.now().may_commit(entry, current),
        }
    }
}
