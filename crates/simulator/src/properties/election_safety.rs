use super::{Breach, Machine, Moment, Promise, Property, Step};
use consensus::{NodeId, RoleKind, Term};
use std::collections::BTreeMap;
use trace::{EventId, Record};

/// Election safety: a term has at most one leader, ever.
#[derive(Debug, Default)]
pub(crate) struct ElectionSafety {
    /// Each term's leader, and the event in which it became that.
    leaders: BTreeMap<Term, (NodeId, Option<EventId>)>,
}

static PROMISE: Promise = Promise {
    name: "election safety (§5.2, Figure 3)",
    meaning: "A term has at most one leader, ever. With two leaders, each would accept commands and \
              confirm them, and each would overwrite the other's.",
};

impl<M: Machine> Property<M> for ElectionSafety {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        if step.node.role() != RoleKind::Leader {
            return None;
        }
        let done = step.last(Record::comes_to_lead);
        let (leader, contradicts) = *self.leaders.entry(step.term()).or_insert((step.id(), done));
        (leader != step.id()).then(|| {
            let what_happened = format!("term {} has two leaders, {leader} and {}", step.term(), step.id());
            Breach { what_happened, done, contradicts }
        })
    }
}
