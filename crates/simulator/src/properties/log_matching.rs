use super::{Breach, Machine, Moment, Promise, Property, Step};
use consensus::event::What;
use consensus::{Index, Payload, Term};
use std::collections::BTreeMap;
use trace::{Event, EventId, Record};

/// Log matching: entries of one index and one term are the same everywhere, and so is all before them.
///
/// It is enough to compare each new entry, and the term of the one before: the rest follows by induction.
#[derive(Debug, Default)]
pub(crate) struct LogMatching {
    /// The term before each entry and what the entry says, with the event in which it was first seen.
    seen: BTreeMap<(Index, Term), (Term, Payload, Option<EventId>)>,
}

static PROMISE: Promise = Promise {
    name: "log matching (§5.3, Figure 3)",
    meaning: "If two logs have an entry with the same index and the same term, they are the same up to \
              that entry. Everything that servers tell each other about their logs relies on this.",
};

impl<M: Machine> Property<M> for LogMatching {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        let first = step.records.iter().filter_map(first_appended).min()?;
        let done = step.last(|record| first_appended(record).is_some());
        let log = step.node.log();
        let mut before = log.term_at(first.previous())?;
        for (entry, index) in log.after(first.previous()).iter().zip(first.0..) {
            let (index, term) = (Index(index), entry.term);
            let fresh = || (before, entry.payload.clone(), done);
            let (elsewhere, payload, contradicts) = &*self.seen.entry((index, term)).or_insert_with(fresh);
            let node = step.id();
            let what_happened = if before != *elsewhere {
                Some(format!(
                    "on {node} entry {index} (term {term}) follows an entry of term {before}; on another server it follows \
                     one of term {elsewhere}"
                ))
            } else if *payload != entry.payload {
                Some(format!("entry {index} (term {term}) on {node} differs from the one on another server"))
            } else {
                None
            };
            if let Some(what_happened) = what_happened {
                return Some(Breach { what_happened, done, contradicts: *contradicts });
            }
            before = entry.term;
        }
        None
    }
}

fn first_appended(record: &Record) -> Option<Index> {
    match &record.event {
        Event::Decision(decision) => match decision.what {
            What::Appended { first, .. } => Some(first),
            _ => None,
        },
        _ => None,
    }
}
