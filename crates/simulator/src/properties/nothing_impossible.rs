use super::{Breach, Machine, Moment, Promise, Property, Step};
use consensus::event::{Decision, What};
use trace::{Event, english};

/// Servers that follow the protocol never have to drop each other's messages.
#[derive(Debug, Default)]
pub(crate) struct NothingImpossible;

static PROMISE: Promise = Promise {
    name: "no impossible messages",
    meaning: "A server drops messages that no server following Raft could have sent. If all servers follow \
              it, that never happens.",
};

impl<M: Machine> Property<M> for NothingImpossible {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        step.records.iter().find_map(|record| match &record.event {
            // Who comes from elsewhere is not of those that follow it.
            Event::Decision(Decision { what: What::Rejected { problem, .. }, .. })
                if problem.rule().is_none() =>
            {
                let what_happened = format!("{} says \"{}\"", step.id(), english::sentence(record));
                Some(Breach::by(record.id(), what_happened))
            }
            _ => None,
        })
    }
}
