use super::{Breach, Machine, Moment, Promise, Property, Step, is_append, is_truncation};
use consensus::{LogPosition, NodeId, RoleKind};
use std::collections::BTreeMap;
use trace::EventId;

/// Leader append-only: a leader never removes or changes what is in its log.
#[derive(Debug, Default)]
pub(crate) struct LeaderAppendOnly {
    /// Where each server's log ended after its last step, and the event in which it grew last.
    ends: BTreeMap<NodeId, (LogPosition, Option<EventId>)>,
}

static PROMISE: Promise = Promise {
    name: "leader append-only (§5.3, Figure 3)",
    meaning: "A leader never removes or changes entries in its own log; it only appends. Other servers \
              already have copies of these entries.",
};

impl<M: Machine> Property<M> for LeaderAppendOnly {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        let grows = step.last(is_append);
        let (before, contradicts) = self.ends.get(&step.id()).copied().unwrap_or_default();
        self.ends.insert(step.id(), (step.node.log().last(), grows.or(contradicts)));
        let lacks = step.node.role() == RoleKind::Leader && !step.node.log().contains(before);
        lacks.then(|| {
            let LogPosition { index, term } = before;
            let what_happened = format!(
                "{} leads term {}, and no longer has its entry {index} (term {term})",
                step.id(),
                step.term()
            );
            Breach { what_happened, done: step.last(is_truncation), contradicts }
        })
    }
}
