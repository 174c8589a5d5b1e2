use super::{Breach, Machine, Moment, Promise, Property, Step, is_commit};
use consensus::{Entry, Index, NodeId};
use std::collections::BTreeMap;
use trace::EventId;

/// State machine safety: no two servers ever mark different entries as committed at one index.
#[derive(Debug, Default)]
pub(crate) struct StateMachineSafety {
    /// Each committed entry, with the commit in which it was first.
    committed: Vec<(Entry, Option<EventId>)>,
    /// Highest index up to which each server's committed entries were compared.
    compared: BTreeMap<NodeId, Index>,
}

static PROMISE: Promise = Promise {
    name: "state machine safety (§5.4.3, Figure 3)",
    meaning: "If one server has marked an entry as committed at some index, no other server ever marks a \
              different one there. Otherwise the servers' states differ, and what a client was told is no \
              longer true.",
};

impl<M: Machine> Property<M> for StateMachineSafety {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        let compared = self.compared.entry(step.id()).or_default();
        let end = step.node.commit_index();
        if end <= *compared {
            // A restarted server has to find out again what is committed.
            *compared = end;
            return None;
        }
        let covered = step.node.log().begins_after().index;
        let from = std::mem::replace(compared, end).max(covered);
        if covered.0 as usize > self.committed.len() {
            let what_happened =
                format!("{} has a snapshot up to entry {covered}, which no server has committed", step.id());
            return Some(what_happened.into());
        }
        let done = step.last(is_commit);
        for (offset, entry) in step.node.log().after(from).iter().enumerate() {
            let index = from.0 as usize + offset;
            if index >= end.0 as usize {
                break;
            }
            match self.committed.get(index) {
                None => self.committed.push((entry.clone(), done)),
                Some((earlier, _)) if earlier == entry => {}
                Some((earlier, contradicts)) => {
                    let what_happened = format!(
                        "{} marked entry {} (term {}) as committed, but at that index one of term {} was committed \
                         before",
                        step.id(),
                        index + 1,
                        entry.term,
                        earlier.term
                    );
                    return Some(Breach { what_happened, done, contradicts: *contradicts });
                }
            }
        }
        None
    }
}
