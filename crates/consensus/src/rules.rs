//! The rules that a server follows, and eight conditions on which most of them rest.

use crate::event::Decision;
use crate::quorum::reached_by_majority;
use crate::{Index, LogPosition, NodeId, Rule, Term};

/// The rules that a server follows: which of them hold, and the conditions that they set. A server's rules are
/// [`EveryRule`]; only a simulator uses others.
///
/// It is a type parameter of [`Node`](crate::Node): a server with a rule off would be a different
/// type, which no server constructs, and asking [`EveryRule`] costs nothing, because the compiler
/// knows the answer.
///
/// The conditions are pure functions. They are the part of Raft that is easy to get wrong, each in one place. What the
/// defaults say is Raft; a simulator can try out other answers.
pub trait Rules {
    /// Does this rule hold? Asked where the rule says that something must be done.
    fn hold(&self, rule: Rule) -> bool;

    /// Does this rule allow it? Asked where the rule sets a condition.
    #[inline(always)]
    fn allow(&self, rule: Rule, condition: bool) -> bool {
        condition || !self.hold(rule)
    }

    /// Takes out each condition's answer since the last call that was not Raft's ([`OtherAnswer`](crate::event::What::OtherAnswer)). Only a simulator's
    /// rules answer like that.
    #[inline(always)]
    fn take_other_answers(&self) -> Vec<Decision> {
        Vec::new()
    }

    /// Is a log that ends at `candidate` at least as up to date as one that ends at `own` (§5.4.1)?
    #[inline(always)]
    fn is_up_to_date(&self, candidate: LogPosition, own: LogPosition) -> bool {
        if self.hold(Rule::CompareTermBeforeLength) {
            (candidate.term, candidate.index) >= (own.term, own.index)
        } else {
            candidate.index >= own.index
        }
    }

    /// May a server that has voted for `voted_for` in this term vote for `candidate` (§5.2)?
    #[inline(always)]
    fn may_vote(&self, voted_for: Option<NodeId>, candidate: NodeId) -> bool {
        voted_for.is_none_or(|holder| holder == candidate)
    }

    /// A server was asked for its vote, and has granted it or not. Does that reset its election timer (§5.2)?
    #[inline(always)]
    fn restarts_timer(&self, granted: bool) -> bool {
        granted
    }

    /// New entries come after the leader's entry `prev`, and the follower's entry at that index is of the term `own`, if it
    /// has one there. Do they fit its log (§5.3)?
    #[inline(always)]
    fn fits(&self, prev: LogPosition, own: Option<Term>) -> bool {
        own == Some(prev.term)
    }

    /// Of the new entries' terms, the place of the first that differs from the follower's `own` at the same index, or that
    /// the follower lacks (§5.3); `None` if it has all of them. From there on it replaces its entries with the new ones.
    #[inline(always)]
    fn first_conflict(
        &self,
        mut own: impl Iterator<Item = Term>,
        mut new: impl Iterator<Item = Term>,
    ) -> Option<usize> {
        new.position(|term| self.allow(Rule::TruncateOnlyOnConflict, own.next() != Some(term)))
    }

    /// The leader has committed entries up to `leader_commit`, and its request ended with the entry `last_new`, which the
    /// follower has now, too. The follower's log ends at `last`. Up to which entry are the follower's committed (§5.3)?
    #[inline(always)]
    fn commit_of_follower(&self, leader_commit: Index, last_new: Index, last: Index) -> Index {
        let shown_to_match = if self.hold(Rule::CommitToLastNew) { last_new } else { last };
        leader_commit.min(shown_to_match)
    }

    /// The highest index that a majority has reached, where each voter has reached one of these (§5.3).
    #[inline(always)]
    fn reached_by_majority(&self, reached: impl ExactSizeIterator<Item = Index> + Clone) -> Index {
        reached_by_majority(reached)
    }

    /// A majority has an entry of the term `entry`. May a leader of the term `current` commit it for that (§5.4.2)?
    #[inline(always)]
    fn may_commit(&self, entry: Term, current: Term) -> bool {
        entry == current
    }
}

/// All of Raft.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct EveryRule;

impl Rules for EveryRule {
    #[inline(always)]
    fn hold(&self, _rule: Rule) -> bool {
        true
    }
}
