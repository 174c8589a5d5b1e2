use super::{Moment, Promise, Property, Step};
use consensus::{Index, NodeId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Every state machine is given the same commands, in the same order, each once.
#[derive(Debug, Default)]
pub(crate) struct AppliedOnce {
    /// The commands, as the first server to apply each was given it.
    applied: Vec<(Index, Arc<[u8]>)>,
    /// How many of its commands were compared, for each server.
    compared: BTreeMap<NodeId, usize>,
}

static PROMISE: Promise = Promise {
    name: "applied in order, once (§5.3, §5.4.3)",
    meaning: "All state machines are given the same commands in the same order, each of them once. Only then \
              do they go through the same states, so that it does not matter which server a client asks.",
};

impl Property for AppliedOnce {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
        let compared = self.compared.entry(step.id()).or_default();
        if step.applied.len() < *compared {
            // A restarted server begins with an empty state machine.
            *compared = 0;
        }
        let from = std::mem::replace(compared, step.applied.len());
        for (place, own) in step.applied.iter().enumerate().skip(from) {
            match self.applied.get(place) {
                None => self.applied.push(own.clone()),
                Some(first) if first == own => {}
                Some((index, _)) => {
                    return Some(format!(
                        "the {}th command that {} applies is that of entry {}; elsewhere it was another, of entry {index}",
                        place + 1,
                        step.id(),
                        own.0,
                    ));
                }
            }
        }
        None
    }
}
