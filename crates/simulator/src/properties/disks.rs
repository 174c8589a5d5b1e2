//! What is on the servers' disks, as far as their reports tell.

use super::Step;
use consensus::{Index, NodeId, Term};
use std::collections::BTreeMap;
use trace::{Event, Io, Record};

/// The terms of the entries on each server's disk.
#[derive(Debug, Default)]
pub(crate) struct Disks(BTreeMap<NodeId, Vec<Term>>);

impl Disks {
    /// Takes note of what a server has saved.
    pub(crate) fn note(&mut self, step: &Step<'_>) {
        if step.records.iter().any(tells_of_disk) {
            self.0.insert(step.id(), step.node.persisted_log_terms().collect());
        }
    }

    pub(crate) fn has(&self, server: NodeId, index: Index, term: Term) -> bool {
        let place = index.0.checked_sub(1).map(|place| place as usize);
        place.and_then(|place| self.0.get(&server)?.get(place)) == Some(&term)
    }

    /// How far a server's log reaches, as votes compare it (§5.4.1).
    pub(crate) fn end(&self, server: NodeId) -> (Term, usize) {
        let terms = self.0.get(&server).map(Vec::as_slice).unwrap_or_default();
        (terms.last().copied().unwrap_or_default(), terms.len())
    }
}

fn tells_of_disk(record: &Record) -> bool {
    matches!(record.event, Event::Io(Io::Saved { .. } | Io::Restored { .. }))
}
