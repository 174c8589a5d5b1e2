use super::{Breach, Machine, Moment, Promise, Property, Step};
use consensus::NodeId;
use consensus::event::What;
use std::collections::{BTreeMap, BTreeSet};
use trace::EventId;

/// A server that knows that it was removed starts no election, not even after a restart.
#[derive(Debug, Default)]
pub(crate) struct RemovedStayQuiet {
    /// Those that have learned it, in which event, and those of them that have had the time to save it.
    told: BTreeMap<NodeId, Option<EventId>>,
    removed: BTreeSet<NodeId>,
}

static PROMISE: Promise = Promise {
    name: "removed servers stay quiet (§6)",
    meaning: "A server that knows that its removal is committed never starts an election again, unless it \
              is added again. Otherwise it deposes the leader of a cluster that it does not belong to.",
};

impl<M: Machine> Property<M> for RemovedStayQuiet {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn forget(&mut self, server: NodeId) {
        self.told.remove(&server);
        self.removed.remove(&server);
    }

    fn check(&mut self, _moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        let id = step.id();
        if let Some(learns) = step.last_decision(|what| matches!(what, What::Removed { .. })) {
            self.told.insert(id, Some(learns));
        }
        let starts = step.last_decision(|what| matches!(what, What::Role { was: None, .. })).is_some();
        if starts && !self.removed.contains(&id) {
            // It crashed before that was on its disk.
            self.told.remove(&id);
        }
        if self.told.contains_key(&id) && step.node.is_memory_persisted() {
            self.removed.insert(id);
        }
        if step.node.membership().contains(id) && step.node.is_membership_committed() {
            self.told.remove(&id);
            self.removed.remove(&id);
        }
        let done = step.last_decision(|what| matches!(what, What::Timeout { .. }));
        (done.is_some() && self.removed.contains(&id)).then(|| {
            let what_happened =
                format!("{id} knew that its removal was committed, and still starts an election");
            Breach { what_happened, done, contradicts: self.told.get(&id).copied().flatten() }
        })
    }
}
