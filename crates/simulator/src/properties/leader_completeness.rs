use super::{Breach, Machine, Moment, Promise, Property, Step, is_commit};
use consensus::{LogPosition, NodeId, RoleKind, Term};
use std::collections::BTreeMap;
use trace::{EventId, Record};

/// Leader completeness: what is committed is in the log of every later leader.
#[derive(Debug, Default)]
pub(crate) struct LeaderCompleteness {
    /// How far the log was committed by the end of each term, and the commit that reached that far.
    committed: BTreeMap<Term, (LogPosition, Option<EventId>)>,
    /// The last term in which each server was seen to lead.
    led: BTreeMap<NodeId, Term>,
}

static PROMISE: Promise = Promise {
    name: "leader completeness (§5.4, Figure 3)",
    meaning: "A committed entry is in the log of every later leader. A leader without it would make the \
              others erase it, although a client was told that it is safe.",
};

impl<M: Machine> Property<M> for LeaderCompleteness {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        if step.node.role() != RoleKind::Leader {
            return None;
        }
        let commit_index = step.node.commit_index();
        if let Some(term) = step.node.log().term_at(commit_index) {
            let furthest = self.committed.entry(step.term()).or_default();
            if commit_index > furthest.0.index {
                *furthest = (LogPosition { index: commit_index, term }, step.last(is_commit));
            }
        }
        if self.led.insert(step.id(), step.term()) == Some(step.term()) {
            return None;
        }
        let by_earlier_leaders = self.committed.range(..step.term()).map(|(_, committed)| *committed);
        let log = step.node.log();
        // What a snapshot covers was committed.
        let is_covered = |committed: LogPosition| committed.index < log.begins_after().index;
        let lacks = |(committed, _): &(LogPosition, _)| !is_covered(*committed) && !log.contains(*committed);
        let from_the_start = (moment.committed, None);
        let (committed, contradicts) = by_earlier_leaders.chain([from_the_start]).find(lacks)?;
        let what_happened = format!(
            "{} leads term {} without entry {} (term {}), which is committed",
            step.id(),
            step.term(),
            committed.index,
            committed.term
        );
        Some(Breach { what_happened, done: step.last(Record::comes_to_lead), contradicts })
    }
}
