use super::{Moment, Promise, Property, Step};
use consensus::{NodeId, Quorum, RoleKind, Term};
use std::collections::BTreeMap;
use trace::{Event, Io, Record};

/// What a leader commits is on the disks of a majority at that moment.
#[derive(Debug, Default)]
pub(crate) struct MajorityHasIt {
    /// The terms of the entries on each server's disk.
    disks: BTreeMap<NodeId, Vec<Term>>,
}

static PROMISE: Promise = Promise {
    name: "a majority has what is committed (§5.3)",
    meaning: "When a leader takes an entry for committed, a majority has it on disk. Only then does every later \
              majority have a server that knows it, whoever crashes.",
};

impl Property for MajorityHasIt {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn check(&mut self, moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
        if step.records.iter().any(tells_of_disk) {
            self.disks.insert(step.id(), step.node.persisted_log_terms().collect());
        }
        let index = step.node.commit_index();
        let term = step.node.log().term_at(index)?;
        if step.node.role() != RoleKind::Leader || term != step.term() || index.0 == 0 {
            return None;
        }
        let has_it =
            |id: &NodeId| self.disks.get(id).and_then(|terms| terms.get(index.0 as usize - 1)) == Some(&term);
        let holders: Vec<NodeId> = moment.servers.keys().copied().filter(has_it).collect();
        let servers: Quorum = moment.servers.keys().copied().collect();
        (!servers.is_majority(&holders)).then(|| {
            format!(
                "{} takes entry {index} of term {term} for committed, but only {} of {} servers have it on disk",
                step.id(),
                holders.len(),
                moment.servers.len()
            )
        })
    }
}

fn tells_of_disk(record: &Record) -> bool {
    matches!(record.event, Event::Io(Io::Saved { .. } | Io::Restored { .. }))
}
