//! Events that caused later ones where no message or client did.

use consensus::event::{Check, Decision, What};
use consensus::{Index, NodeId, Rule};
use std::collections::{BTreeMap, VecDeque};
use trace::EventId;

/// The latest events of one server that others may still follow from. The core does not need them: it decides
/// from its state alone.
#[derive(Debug, Default)]
pub(crate) struct Reasons {
    /// The latest change of role: the cause of what a server does on its own initiative.
    pub(crate) role: Option<EventId>,
    /// The last reset of the election timer.
    timer: Option<EventId>,
    /// The beginning of the latest leadership transfer.
    transfer: Option<EventId>,
    /// The commits whose entries may not all be applied yet, each with its last entry.
    commits: VecDeque<(Index, EventId)>,
    /// The latest application of entries to the state machine.
    pub(crate) applied: Option<EventId>,
    /// The beginning of the snapshot that is being saved.
    pub(crate) snapshot_begun: Option<EventId>,
    /// For each follower, the event that made it need the latest chunk of a snapshot.
    chunks_wanted: BTreeMap<NodeId, EventId>,
    /// The message with the latest chunk of a leader's snapshot.
    pub(crate) chunk_came: Option<EventId>,
    /// The decision of the latest step that gives clients their outcomes, if it took one.
    pub(crate) outcomes: Option<EventId>,
}

/// Does this decision rest on the condition of this rule?
pub(crate) fn rests_on(what: &What, rule: Rule) -> bool {
    match what {
        What::Check { check: Check::NoOtherVote { .. }, .. } => rule == Rule::OneVotePerTerm,
        What::Check { check: Check::LogUpToDate { .. }, .. } | What::PreVote { .. } => {
            matches!(rule, Rule::CompareTermBeforeLength | Rule::UpToDateLog)
        }
        What::Vote { .. } => {
            matches!(rule, Rule::OneVotePerTerm | Rule::CompareTermBeforeLength | Rule::UpToDateLog)
        }
        What::Timer { .. } => rule == Rule::ResetTimerOnGrantOnly,
        What::Mismatch { .. } => rule == Rule::ConsistencyCheck,
        What::Appended { .. } | What::Truncated { .. } => {
            matches!(rule, Rule::ConsistencyCheck | Rule::TruncateOnlyOnConflict)
        }
        What::Committed { .. } | What::Waits { .. } => {
            matches!(rule, Rule::CommitToLastNew | Rule::CommitByMajority | Rule::CommitCurrentTermOnly)
        }
        _ => false,
    }
}

impl Reasons {
    /// What led to a decision, in a step that this event led to; `None` if only time has passed.
    pub(crate) fn of(&self, decision: &Decision, step_cause: Option<EventId>) -> Option<EventId> {
        match (&decision.what, decision.rule) {
            (What::Timeout { .. } | What::NoVoter, _)
            | (What::Timer { .. }, Some(Rule::FullDiskDoesNotLead)) => self.timer,
            (What::TransferFailed { .. }, _) => self.transfer,
            (What::QuorumLost { .. } | What::TransferBegun { .. }, _) => step_cause.or(self.role),
            _ => step_cause,
        }
    }

    /// Remembers a decision that later events may follow from.
    pub(crate) fn record(&mut self, decision: &What, id: EventId) {
        match decision {
            What::Role { .. } => {
                self.role = Some(id);
                self.outcomes = Some(id);
            }
            What::Timer { .. } | What::ConnectionLost { .. } | What::ConnectionMade { .. } => {
                self.timer = Some(id);
            }
            What::TransferBegun { .. } => {
                self.transfer = Some(id);
                self.outcomes = Some(id);
            }
            What::Committed { index } => self.commits.push_back((*index, id)),
            What::SnapshotNeeded { follower, .. } => {
                self.chunks_wanted.insert(*follower, id);
            }
            What::RoundWon { .. }
            | What::LeaseRead { .. }
            | What::SnapshotInstalled { .. }
            | What::Removed { .. }
            | What::ChangeRefused { .. } => self.outcomes = Some(id),
            _ => {}
        }
    }

    /// A restarted server found on its disk that entries up to this one are committed.
    pub(crate) fn record_restored(&mut self, committed: Index, restored: EventId) {
        self.commits.push_back((committed, restored));
    }

    /// A chunk of a snapshot must be read for a follower, in a step with this cause. If the step that began
    /// with `first` decided that the follower needs a snapshot, that decision is the reason.
    pub(crate) fn record_chunk_wanted(&mut self, follower: NodeId, step_cause: EventId, first: EventId) {
        let wanted = self.chunks_wanted.entry(follower).or_insert(step_cause);
        if *wanted < first {
            *wanted = step_cause;
        }
    }

    /// The event that made this follower need the latest chunk.
    pub(crate) fn chunk_wanted(&self, follower: NodeId) -> Option<EventId> {
        self.chunks_wanted.get(&follower).copied()
    }

    /// The commit that allows the entry at this index to be applied, and all before it.
    pub(crate) fn commit_of(&mut self, index: Index) -> Option<EventId> {
        while self.commits.front().is_some_and(|(last, _)| *last < index) {
            self.commits.pop_front();
        }
        self.commits.front().map(|(_, id)| *id)
    }
}
