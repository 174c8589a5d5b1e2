use super::{Moment, Promise, Property, Step};
use consensus::{NodeId, RoleKind, Term};
use std::collections::BTreeMap;

/// Whom a server follows was elected in the server's own term.
#[derive(Debug, Default)]
pub(crate) struct LeaderIsElectedOne {
    leaders: BTreeMap<Term, NodeId>,
}

static PROMISE: Promise = Promise {
    name: "only elected leaders are followed (§5.1, §5.2)",
    meaning: "A server follows only the elected leader of its own current term. A server that follows a \
              leader of another term lets it overwrite what later leaders wrote.",
};

impl Property for LeaderIsElectedOne {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
        if step.node.role() == RoleKind::Leader {
            self.leaders.entry(step.term()).or_insert(step.id());
            return None;
        }
        let followed = step.node.leader()?;
        let elected = self.leaders.get(&step.term()).copied();
        (elected != Some(followed)).then(|| {
            let (node, term) = (step.id(), step.term());
            match elected {
                Some(elected) => {
                    format!("in term {term} {node} follows {followed}, but {elected} was elected")
                }
                None => {
                    format!("in term {term} {node} follows {followed}, which was not elected in that term")
                }
            }
        })
    }
}
