use super::{Moment, Promise, Property, Step};
use consensus::event::What;
use trace::{Event, english};

/// Servers that follow the protocol never have to throw away each other's messages.
#[derive(Debug, Default)]
pub(crate) struct NothingImpossible;

static PROMISE: Promise = Promise {
    name: "nobody says the impossible",
    meaning: "A server throws away what no server that follows Raft could have said. If all follow it, that never \
              happens.",
};

impl Property for NothingImpossible {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
        step.records.iter().find_map(|record| match &record.event {
            Event::Decision(decision) if matches!(decision.what, What::Rejected { .. }) => {
                Some(format!("{} had to {}", step.id(), english::sentence(record)))
            }
            _ => None,
        })
    }
}
