use super::{Moment, Promise, Property, Step};
use consensus::NodeId;
use consensus::event::What;
use std::collections::BTreeSet;
use trace::Event;

/// A server that knows that it was removed starts no election, not even after a restart.
#[derive(Debug, Default)]
pub(crate) struct RemovedStayQuiet {
    /// Those that have learned it, and those of them that have had the time to save it.
    told: BTreeSet<NodeId>,
    removed: BTreeSet<NodeId>,
}

static PROMISE: Promise = Promise {
    name: "removed servers stay quiet (§6)",
    meaning: "A server that knows that its removal is committed never starts an election again, unless it \
              is added again. Otherwise it deposes the leader of a cluster that it does not belong to.",
};

impl Property for RemovedStayQuiet {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn forget(&mut self, server: NodeId) {
        self.told.remove(&server);
        self.removed.remove(&server);
    }

    fn check(&mut self, _moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
        let id = step.id();
        let decides = |wanted: fn(&What) -> bool| {
            step.records
                .iter()
                .any(|record| matches!(&record.event, Event::Decision(decision) if wanted(&decision.what)))
        };
        if decides(|what| matches!(what, What::Removed { .. })) {
            self.told.insert(id);
        }
        if decides(|what| matches!(what, What::Role { was: None, .. })) && !self.removed.contains(&id) {
            // It crashed before that was on its disk.
            self.told.remove(&id);
        }
        if self.told.contains(&id) && step.node.is_memory_persisted() {
            self.removed.insert(id);
        }
        if step.node.membership().contains(id) && step.node.is_membership_committed() {
            self.told.remove(&id);
            self.removed.remove(&id);
        }
        let runs = decides(|what| matches!(what, What::Timeout { .. }));
        (runs && self.removed.contains(&id))
            .then(|| format!("{id} knew that its removal was committed, and still starts an election"))
    }
}
