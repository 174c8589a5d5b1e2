use super::{Moment, Promise, Property, Step};
use crate::clients::Answered;

/// A read sees all that was committed when it was asked for.
#[derive(Debug, Default)]
pub(crate) struct FreshReads;

static PROMISE: Promise = Promise {
    name: "reads are fresh (§8)",
    meaning: "A client that reads sees every command that was committed before it asked: its own, and \
              those that it may have heard about from others. Otherwise a client can read an old value \
              after it has seen a newer one.",
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
                    "{} let a client read its state up to entry {sees}, but entry {must_see} was committed when the \
                     client asked",
                    step.id()
                )
            })
        })
    }
}
