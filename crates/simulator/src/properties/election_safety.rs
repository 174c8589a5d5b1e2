use super::{Moment, Promise, Property, Step};
use consensus::{NodeId, RoleKind, Term};
use std::collections::BTreeMap;

/// Election safety: a term has at most one leader, ever.
#[derive(Debug, Default)]
pub(crate) struct ElectionSafety {
    leaders: BTreeMap<Term, NodeId>,
}

static PROMISE: Promise = Promise {
    name: "election safety (§5.2, Figure 3)",
    meaning: "A term has at most one leader, ever. With two leaders, each would accept commands and \
              confirm them, and each would overwrite the other's.",
};

impl Property for ElectionSafety {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
        if step.node.role() != RoleKind::Leader {
            return None;
        }
        let leader = *self.leaders.entry(step.term()).or_insert(step.id());
        (leader != step.id())
            .then(|| format!("term {} has two leaders, {leader} and {}", step.term(), step.id()))
    }
}
