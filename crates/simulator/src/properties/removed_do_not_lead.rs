use super::{Moment, Promise, Property, Step};
use consensus::RoleKind;

/// Nobody goes on leading a cluster that it does not belong to.
#[derive(Debug, Default)]
pub(crate) struct RemovedDoNotLead;

static PROMISE: Promise = Promise {
    name: "removed leaders step down (§6)",
    meaning: "A leader that is no longer a member leads until its removal is committed, and no longer. An \
              operator who removes a server wants to switch it off.",
};

impl Property for RemovedDoNotLead {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
        let node = step.node;
        let still_leads = node.role() == RoleKind::Leader
            && node.is_membership_committed()
            && !node.membership().voters.contains(node.id());
        still_leads.then(|| format!("{} keeps leading, although its removal is committed", node.id()))
    }
}
