//! What is on the servers' disks, as far as their reports tell.

use super::Step;
use consensus::event::What;
use consensus::{Entry, Index, Log, NodeId, Term};
use std::collections::BTreeMap;
use trace::{Event, Io, Record};

/// The log on each server's disk, and which entries its snapshot covers.
#[derive(Debug, Default)]
pub(crate) struct Disks(BTreeMap<NodeId, Log>);

impl Disks {
    /// Takes note of what a server has saved.
    pub(crate) fn note(&mut self, step: &Step<'_>) {
        if step.records.iter().any(tells_of_disk) {
            let (log, persisted) = (step.node.log(), step.node.persisted_log());
            let entries = log.entries().take_while(|(index, _)| *index <= persisted);
            let entries: Vec<Entry> = entries.map(|(_, entry)| entry.clone()).collect();
            self.0.insert(step.id(), Log::new(log.begins_after(), entries));
        }
    }

    /// Is this entry there? What a snapshot covers is.
    pub(crate) fn has(&self, server: NodeId, index: Index, term: Term) -> bool {
        self.0.get(&server).is_some_and(|log| {
            index < log.begins_after().index || (index.0 > 0 && log.term_at(index) == Some(term))
        })
    }

    /// How far a server's log reaches, as votes compare it (§5.4.1).
    pub(crate) fn end(&self, server: NodeId) -> (Term, Index) {
        let last = self.0.get(&server).map(Log::last).unwrap_or_default();
        (last.term, last.index)
    }
}

fn tells_of_disk(record: &Record) -> bool {
    match &record.event {
        Event::Io(Io::Saved { .. } | Io::Restored { .. }) => true,
        Event::Decision(decision) => matches!(decision.what, What::SnapshotInstalled { .. }),
        _ => false,
    }
}
