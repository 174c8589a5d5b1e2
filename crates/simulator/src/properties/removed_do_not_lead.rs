use super::{Breach, Machine, Moment, Promise, Property, Step, is_commit};
use consensus::{NodeId, RoleKind};
use std::collections::BTreeMap;
use trace::EventId;

/// Nobody goes on leading a cluster that it does not belong to.
#[derive(Debug, Default)]
pub(crate) struct RemovedDoNotLead {
    /// Each server's latest commit.
    commits: BTreeMap<NodeId, EventId>,
}

static PROMISE: Promise = Promise {
    name: "removed leaders step down (§6)",
    meaning: "A leader that is no longer a member leads until its removal is committed, and no longer. An \
              operator who removes a server wants to switch it off.",
};

impl<M: Machine> Property<M> for RemovedDoNotLead {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        let node = step.node;
        if let Some(commit) = step.last(is_commit) {
            self.commits.insert(step.id(), commit);
        }
        let still_leads = node.role() == RoleKind::Leader
            && node.is_membership_committed()
            && !node.membership().voters.contains(node.id());
        still_leads.then(|| {
            let what_happened = format!("{} keeps leading, although its removal is committed", node.id());
            Breach { what_happened, done: None, contradicts: self.commits.get(&node.id()).copied() }
        })
    }
}
