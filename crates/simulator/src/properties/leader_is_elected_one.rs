use super::{Breach, Machine, Moment, Promise, Property, Step, is_word_of_leader};
use consensus::{NodeId, RoleKind, Term};
use std::collections::BTreeMap;
use trace::{EventId, Record};

/// Whom a server follows was elected in the server's own term.
#[derive(Debug, Default)]
pub(crate) struct LeaderIsElectedOne {
    /// Each term's leader, and the event in which it became that.
    leaders: BTreeMap<Term, (NodeId, Option<EventId>)>,
}

static PROMISE: Promise = Promise {
    name: "only elected leaders are followed (§5.1, §5.2)",
    meaning: "A server follows only the elected leader of its own current term. A server that follows a \
              leader of another term lets it overwrite what later leaders wrote.",
};

impl<M: Machine> Property<M> for LeaderIsElectedOne {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        if step.node.role() == RoleKind::Leader {
            let elected_as = step.last(Record::comes_to_lead);
            self.leaders.entry(step.term()).or_insert((step.id(), elected_as));
            return None;
        }
        let followed = step.node.leader()?;
        let (elected, contradicts) = self.leaders.get(&step.term()).copied().unzip();
        (elected != Some(followed)).then(|| {
            let (node, term) = (step.id(), step.term());
            let what_happened = match elected {
                Some(elected) => {
                    format!("in term {term} {node} follows {followed}, but {elected} was elected")
                }
                None => {
                    format!("in term {term} {node} follows {followed}, which was not elected in that term")
                }
            };
            let done = step.last(is_word_of_leader);
            Breach { what_happened, done, contradicts: contradicts.flatten() }
        })
    }
}
