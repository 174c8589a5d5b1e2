use super::{Moment, Promise, Property, Step};
use consensus::{Message, NodeId, Term};
use std::collections::BTreeMap;
use trace::{Event, Io, Record};

/// Terms never fall: a server never speaks in an older term than it has spoken in before, not even after
/// a crash.
#[derive(Debug, Default)]
pub(crate) struct TermsNeverFall {
    latest: BTreeMap<NodeId, Term>,
}

static PROMISE: Promise = Promise {
    name: "terms never fall (§5.1)",
    meaning: "A server's term only rises, even across crashes. A server whose term falls forgets what it \
              has seen and whom it voted for, and can do it all again, differently.",
};

impl Property for TermsNeverFall {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn forget(&mut self, server: NodeId) {
        self.latest.remove(&server);
    }

    fn check(&mut self, _moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
        let latest = self.latest.entry(step.id()).or_default();
        step.records.iter().filter_map(term_told).find_map(|term| {
            let before = std::mem::replace(latest, term.max(*latest));
            (term < before).then(|| format!("{} spoke in term {before}, and now in term {term}", step.id()))
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
