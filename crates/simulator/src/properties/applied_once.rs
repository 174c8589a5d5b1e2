use super::{Breach, Machine, Moment, Promise, Property, Step};
use consensus::{Index, NodeId};
use std::collections::BTreeMap;
use std::sync::Arc;
use trace::{Event, EventId, Io, Record};

/// Every state machine is given the same commands, in the same order, each once.
#[derive(Debug, Default)]
pub(crate) struct AppliedOnce {
    /// The commands, as the first server to apply each was given it, and the event in which it applied it.
    applied: Vec<(Index, Arc<[u8]>, Option<EventId>)>,
    /// How many of its commands were compared, for each server.
    compared: BTreeMap<NodeId, usize>,
    /// Up to where each life of a server has said to have applied, and the event in which it did.
    reached: BTreeMap<(NodeId, u64), (Index, Option<EventId>)>,
}

static PROMISE: Promise = Promise {
    name: "commands are applied in order, once (§5.3, §5.4.3)",
    meaning: "All state machines apply the same commands in the same order, each of them once. Only then \
              do they go through the same states, and it does not matter which server a client asks.",
};

impl<M: Machine> Property<M> for AppliedOnce {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        let id = step.id();
        let life = step.records.last().map_or(0, |record| record.life);
        let (_, applied_before) = self.reached.get(&(id, life)).copied().unwrap_or_default();
        let done = step.last(|record| applied_up_to(record).is_some());
        if let Some(again) = self.applied_again(step, life) {
            let what_happened = format!(
                "{id} goes back in time: its state machine had applied entries up to {again}, and has lost some since"
            );
            return Some(Breach { what_happened, done, contradicts: applied_before });
        }
        let compared = self.compared.entry(id).or_default();
        if step.applied.len() < *compared {
            // A restarted server begins with the state machine of its snapshot.
            *compared = 0;
        }
        let from = std::mem::replace(compared, step.applied.len());
        for (place, own) in step.applied.iter().enumerate().skip(from) {
            let (index, _) = own;
            if let Some((before, _)) = place.checked_sub(1).map(|before| &step.applied[before])
                && before >= index
            {
                let what_happened = match before == index {
                    true => format!("{id} applies the command of entry {index} twice"),
                    false => {
                        format!("{id} applies the command of entry {index} after that of entry {before}")
                    }
                };
                return Some(Breach { what_happened, done, contradicts: applied_before });
            }
            match self.applied.get(place) {
                None => self.applied.push((*index, own.1.clone(), done)),
                Some((first, command, _)) if (first, command) == (index, &own.1) => {}
                Some((elsewhere, _, contradicts)) => {
                    let number = place + 1;
                    let what_happened = format!(
                        "command number {number} on {id} is that of entry {index}; on another server it was that of \
                         entry {elsewhere}"
                    );
                    return Some(Breach { what_happened, done, contradicts: *contradicts });
                }
            }
        }
        None
    }
}

impl AppliedOnce {
    /// If a server says to have applied up to an index that it had said before: which.
    fn applied_again(&mut self, step: &Step<'_>, life: u64) -> Option<Index> {
        let reached = self.reached.entry((step.id(), life)).or_default();
        for record in step.records {
            let Some(index) = applied_up_to(record) else { continue };
            if index <= reached.0 {
                return Some(reached.0);
            }
            *reached = (index, record.id());
        }
        None
    }
}

fn applied_up_to(record: &Record) -> Option<Index> {
    match record.event {
        Event::Io(Io::Applied { index }) => Some(index),
        _ => None,
    }
}
