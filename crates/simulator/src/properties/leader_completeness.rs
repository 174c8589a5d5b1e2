use super::{Moment, Promise, Property, Step};
use consensus::{LogPosition, NodeId, RoleKind, Term};
use std::collections::BTreeMap;

/// Leader completeness: what is committed is in the log of every later leader.
#[derive(Debug, Default)]
pub(crate) struct LeaderCompleteness {
    /// How far the log was committed by the end of each term.
    committed: BTreeMap<Term, LogPosition>,
    /// The last term in which each server was seen to lead.
    led: BTreeMap<NodeId, Term>,
}

static PROMISE: Promise = Promise {
    name: "leader completeness (§5.4, Figure 3)",
    meaning: "A committed entry is in the log of every later leader. A leader without it would make the \
              others erase it, although a client was told that it is safe.",
};

impl Property for LeaderCompleteness {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn check(&mut self, moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
        if step.node.role() != RoleKind::Leader {
            return None;
        }
        let commit_index = step.node.commit_index();
        if let Some(term) = step.node.log().term_at(commit_index) {
            let furthest = self.committed.entry(step.term()).or_default();
            if commit_index > furthest.index {
                *furthest = LogPosition { index: commit_index, term };
            }
        }
        if self.led.insert(step.id(), step.term()) == Some(step.term()) {
            return None;
        }
        let by_earlier_leaders = self.committed.range(..step.term()).map(|(_, committed)| *committed);
        let log = step.node.log();
        // What a snapshot covers was committed.
        let is_covered = |committed: &LogPosition| committed.index < log.begins_after().index;
        let lacks = |committed: &LogPosition| !is_covered(committed) && !log.contains(*committed);
        let committed = by_earlier_leaders.chain([moment.committed]).find(lacks)?;
        Some(format!(
            "{} leads term {} without entry {} (term {}), which is committed",
            step.id(),
            step.term(),
            committed.index,
            committed.term
        ))
    }
}
