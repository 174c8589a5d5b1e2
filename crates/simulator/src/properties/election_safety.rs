use super::{Property, Step, Violation};
use consensus::{NodeId, RoleKind, Term};
use std::collections::BTreeMap;

/// Election safety (§5.2, Figure 3): a term has at most one leader, ever.
#[derive(Debug, Default)]
pub(crate) struct ElectionSafety {
    leaders: BTreeMap<Term, NodeId>,
}

impl Property for ElectionSafety {
    fn check(&mut self, step: &Step<'_>) -> Option<Violation> {
        if step.role != RoleKind::Leader {
            return None;
        }
        let leader = *self.leaders.entry(step.term).or_insert(step.node);
        (leader != step.node).then(|| Violation {
            property: "election safety (§5.2, Figure 3)",
            what_happened: format!("term {} has two leaders, {leader} and {}", step.term, step.node),
        })
    }
}
