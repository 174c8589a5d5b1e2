use super::{Moment, Promise, Property, Step};
use consensus::NodeId;
use consensus::event::What;
use std::collections::BTreeSet;
use trace::Event;

/// A server that knows that it was removed does not run in elections, not even after a restart.
#[derive(Debug, Default)]
pub(crate) struct RemovedStayQuiet {
    removed: BTreeSet<NodeId>,
}

static PROMISE: Promise = Promise {
    name: "removed servers stay quiet (§6)",
    meaning: "A server that knows that its removal is committed never runs in an election again, unless it is added \
              again. Otherwise it deposes the leader of a cluster that it does not belong to.",
};

impl Property for RemovedStayQuiet {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn forget(&mut self, server: NodeId) {
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
            self.removed.insert(id);
        }
        if step.node.membership().contains(id) && step.node.is_membership_committed() {
            self.removed.remove(&id);
        }
        let runs = decides(|what| matches!(what, What::Timeout { .. }));
        (runs && self.removed.contains(&id)).then(|| {
            format!("{id} knew that its removal was committed, and runs in an election all the same")
        })
    }
}
