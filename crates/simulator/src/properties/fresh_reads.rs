use super::{Moment, Promise, Property, Step};
use crate::clients::Answered;

/// A read sees all that was committed when it was asked for.
#[derive(Debug, Default)]
pub(crate) struct FreshReads;

static PROMISE: Promise = Promise {
    name: "reads are fresh (§8)",
    meaning: "A client that reads sees every command that was committed before it asked: its own, and those \
              of which others may have told it. Otherwise the past comes back.",
};

impl Property for FreshReads {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
        step.answers.iter().find_map(|answer| {
            let Answered::Read { must_see, sees } = answer else { return None };
            (sees < must_see).then(|| {
                format!(
                    "{} lets a client read what it has up to entry {sees}, but {must_see} was committed when it asked",
                    step.id()
                )
            })
        })
    }
}
