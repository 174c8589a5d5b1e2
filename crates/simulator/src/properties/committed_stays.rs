use super::{Moment, Promise, Property, Step};
use consensus::{Entry, Index, NodeId};
use std::collections::BTreeMap;

/// State machine safety: no two servers ever take different entries for committed at one index.
#[derive(Debug, Default)]
pub(crate) struct StateMachineSafety {
    committed: Vec<Entry>,
    /// As far as this each server's committed entries were compared.
    compared: BTreeMap<NodeId, Index>,
}

static PROMISE: Promise = Promise {
    name: "state machine safety (§5.4.3, Figure 3)",
    meaning: "If one server has marked an entry as committed at some index, no other server ever marks a \
              different one there. Otherwise the servers' states differ, and what a client was told is no \
              longer true.",
};

impl Property for StateMachineSafety {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
        let compared = self.compared.entry(step.id()).or_default();
        let end = step.node.commit_index();
        if end <= *compared {
            // A restarted server finds out anew what is committed.
            *compared = end;
            return None;
        }
        let covered = step.node.log().begins_after().index;
        let from = std::mem::replace(compared, end).max(covered);
        if covered.0 as usize > self.committed.len() {
            return Some(format!(
                "{} has a snapshot up to entry {covered}, which no server has committed",
                step.id()
            ));
        }
        for (offset, entry) in step.node.log().after(from).iter().enumerate() {
            let index = from.0 as usize + offset;
            if index >= end.0 as usize {
                break;
            }
            match self.committed.get(index) {
                None => self.committed.push(entry.clone()),
                Some(earlier) if earlier == entry => {}
                Some(earlier) => {
                    return Some(format!(
                        "{} marked entry {} (term {}) as committed, but at that index one of term {} was committed \
                         before",
                        step.id(),
                        index + 1,
                        entry.term,
                        earlier.term
                    ));
                }
            }
        }
        None
    }
}
