use super::disks::Disks;
use super::{Moment, Promise, Property, Step};
use consensus::{NodeId, Quorum, RoleKind};

/// What a leader commits is on the disks of a majority at that moment.
#[derive(Debug, Default)]
pub(crate) struct MajorityHasIt {
    disks: Disks,
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
        self.disks.note(step);
        let index = step.node.commit_index();
        let term = step.node.log().term_at(index)?;
        if step.node.role() != RoleKind::Leader || term != step.term() || index.0 == 0 {
            return None;
        }
        let servers: Quorum = moment.servers.keys().copied().collect();
        let has_it = |id: &NodeId| self.disks.has(*id, index, term);
        let holders: Vec<NodeId> = moment.servers.keys().copied().filter(has_it).collect();
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
