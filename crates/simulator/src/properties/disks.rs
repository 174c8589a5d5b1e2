//! What is on the servers' disks, as far as their reports tell.

use super::Step;
use consensus::event::What;
use consensus::{Entry, Incarnation, Index, Log, Membership, NodeId, Term};
use std::collections::BTreeMap;
use trace::{Event, Io, Record};

/// The log on each server's disk, and which entries its snapshot covers.
#[derive(Debug, Default)]
pub(crate) struct Disks {
    /// Those of each server, by the incarnation of its data: what was on a disk that is lost counts as it was.
    logs: BTreeMap<(NodeId, Option<Incarnation>), Log>,
    latest: BTreeMap<NodeId, Option<Incarnation>>,
}

impl Disks {
    /// Takes note of what a server has saved.
    pub(crate) fn note(&mut self, step: &Step<'_>) {
        let incarnation = step.node.origin().incarnation();
        if step.records.iter().any(tells_of_disk) && !step.is_set_back {
            let (log, persisted) = (step.node.log(), step.node.persisted_log());
            let entries = log.entries().take_while(|(index, _)| *index <= persisted);
            let entries: Vec<Entry> = entries.map(|(_, entry)| entry.clone()).collect();
            self.logs.insert((step.id(), incarnation), Log::new(log.begins_after(), entries));
            self.latest.insert(step.id(), incarnation);
        }
    }

    /// Is this entry there? What a snapshot covers is.
    pub(crate) fn has(&self, membership: &Membership, server: NodeId, index: Index, term: Term) -> bool {
        self.log(membership, server).is_some_and(|log| {
            index < log.begins_after().index || (index.0 > 0 && log.term_at(index) == Some(term))
        })
    }

    /// How far a server's log reaches, as votes compare it (§5.4.1).
    pub(crate) fn end(&self, membership: &Membership, server: NodeId) -> (Term, Index) {
        let last = self.log(membership, server).map(Log::last).unwrap_or_default();
        (last.term, last.index)
    }

    /// The log of the data that this configuration names.
    fn log(&self, membership: &Membership, server: NodeId) -> Option<&Log> {
        let named = membership.incarnations.get(&server).copied().map(Some);
        let incarnation = named.or_else(|| self.latest.get(&server).copied())?;
        self.logs.get(&(server, incarnation))
    }
}

fn tells_of_disk(record: &Record) -> bool {
    match &record.event {
        Event::Io(Io::Saved { .. } | Io::Restored { .. }) => true,
        Event::Decision(decision) => matches!(decision.what, What::SnapshotInstalled { .. }),
        _ => false,
    }
}
