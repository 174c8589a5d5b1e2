use super::{Breach, Machine, Moment, Promise, Property, Step};
use consensus::{Message, NodeId, Term};
use std::collections::BTreeMap;
use trace::{Event, EventId, Io, Record};

/// Terms never fall: a server never speaks in an older term than it has spoken in before, not even after
/// a crash.
#[derive(Debug, Default)]
pub(crate) struct TermsNeverFall {
    /// The newest term in which each server has spoken, and the event in which it did first.
    latest: BTreeMap<NodeId, (Term, Option<EventId>)>,
}

static PROMISE: Promise = Promise {
    name: "terms never fall (§5.1)",
    meaning: "A server's term only rises, even across crashes. A server whose term falls forgets what it \
              has seen and whom it voted for, and can do it all again, differently.",
};

impl<M: Machine> Property<M> for TermsNeverFall {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn forget(&mut self, server: NodeId) {
        self.latest.remove(&server);
    }

    fn check(&mut self, _moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        let latest = self.latest.entry(step.id()).or_default();
        step.records.iter().find_map(|record| {
            let term = term_told(record)?;
            let (before, contradicts) = *latest;
            if term > before {
                *latest = (term, record.id());
            }
            (term < before).then(|| {
                let what_happened = format!("{} spoke in term {before}, and now in term {term}", step.id());
                Breach { what_happened, done: record.id(), contradicts }
            })
        })
    }
}

/// The term in which this record tells that the server spoke. It may have gone on to a later one meanwhile,
/// while an answer waited for the disk.
fn term_told(record: &Record) -> Option<Term> {
    match &record.event {
        // Those are no messages of Raft, and have no term.
        Event::Io(Io::Sent { message: Message::Found(_) | Message::Refusal(_), .. }) => None,
        Event::Io(Io::Sent { message, .. }) => Some(message.term()),
        _ => None,
    }
}
