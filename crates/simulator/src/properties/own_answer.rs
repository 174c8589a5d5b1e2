use super::{Moment, Promise, Property, Step};
use crate::clients::Answered;

/// What a client is told is about its own command.
#[derive(Debug, Default)]
pub(crate) struct OwnAnswer;

static PROMISE: Promise = Promise {
    name: "clients are told the truth (§8)",
    meaning: "When a client hears that its command is done, that very command was applied. Otherwise it \
              relies on something that never happened.",
};

impl Property for OwnAnswer {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
        step.answers.iter().find_map(|answer| {
            let Answered::Written { command, index } = answer else { return None };
            let applied = step.applied.iter().find(|(place, _)| place == index).map(|(_, applied)| applied);
            (applied != Some(command)).then(|| {
                format!(
                    "{} tells a client that its command {} is done, but entry {index} holds {}",
                    step.id(),
                    command.escape_ascii(),
                    applied.map_or("none".to_owned(), |applied| applied.escape_ascii().to_string()),
                )
            })
        })
    }
}
