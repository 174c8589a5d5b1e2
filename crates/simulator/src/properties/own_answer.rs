use super::{Breach, Machine, Moment, Promise, Property, Step};
use crate::clients::Answered;
use trace::{Answer, Event, Io, Record};

/// What a client is told is about its own command.
#[derive(Debug, Default)]
pub(crate) struct OwnAnswer;

static PROMISE: Promise = Promise {
    name: "clients are told the truth (§8)",
    meaning: "When a client hears that its command is done, that very command was applied. Otherwise it \
              relies on something that never happened.",
};

impl<M: Machine> Property<M> for OwnAnswer {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        step.answers.iter().find_map(|answer| {
            let Answered::Written { command, index } = answer else { return None };
            let applied = step.applied.iter().find(|(place, _)| place == index).map(|(_, applied)| applied);
            (applied != Some(command)).then(|| {
                let what_happened = format!(
                    "{} tells a client that its command \"{}\" is done, but entry {index} holds \"{}\"",
                    step.id(),
                    M::words(command),
                    applied.map_or("none".to_owned(), |applied| M::words(applied)),
                );
                let tells = |record: &Record| match record.event {
                    Event::Io(Io::Answered { answer: Answer::Done { index: told }, .. }) => told == *index,
                    _ => false,
                };
                let applies = |record: &Record| match record.event {
                    Event::Io(Io::Applied { index: last }) => last >= *index,
                    _ => false,
                };
                Breach { what_happened, done: step.last(tells), contradicts: step.last(applies) }
            })
        })
    }
}
