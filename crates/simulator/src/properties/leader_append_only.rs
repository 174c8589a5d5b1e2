use super::{Moment, Promise, Property, Step};
use consensus::{LogPosition, NodeId, RoleKind};
use std::collections::BTreeMap;

/// Leader append-only: a leader never removes or changes what is in its log.
#[derive(Debug, Default)]
pub(crate) struct LeaderAppendOnly {
    /// Where each server's log ended after its last step.
    ends: BTreeMap<NodeId, LogPosition>,
}

static PROMISE: Promise = Promise {
    name: "leader append-only (§5.3, Figure 3)",
    meaning: "A leader never removes or changes entries in its own log; it only appends. Other servers \
              already have copies of these entries.",
};

impl Property for LeaderAppendOnly {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
        let before = self.ends.insert(step.id(), step.node.log().last()).unwrap_or_default();
        let lacks = step.node.role() == RoleKind::Leader && !step.node.log().contains(before);
        lacks.then(|| {
            let LogPosition { index, term } = before;
            format!(
                "{} leads term {}, and no longer has its entry {index} (term {term})",
                step.id(),
                step.term()
            )
        })
    }
}
