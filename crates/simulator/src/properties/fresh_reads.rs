use super::{Breach, Machine, Moment, Promise, Property, Step, is_commit};
use crate::clients::Answered;
use consensus::Index;
use std::collections::BTreeMap;
use trace::{Answer, Event, EventId, Io, Record};

/// A read sees all that was committed when it was asked for.
#[derive(Debug, Default)]
pub(crate) struct FreshReads {
    /// The first commit up to each index that one reached.
    commits: BTreeMap<Index, EventId>,
}

static PROMISE: Promise = Promise {
    name: "reads are fresh (§8)",
    meaning: "A client that reads sees every command that was committed before it asked: its own, and \
              those that it may have heard about from others. Otherwise a client can read an old value \
              after it has seen a newer one.",
};

impl<M: Machine> Property<M> for FreshReads {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        if let Some(commit) = step.last(is_commit) {
            self.commits.entry(step.node.commit_index()).or_insert(commit);
        }
        step.answers.iter().find_map(|answer| {
            let Answered::Read { must_see, sees } = answer else { return None };
            (sees < must_see).then(|| {
                let what_happened = format!(
                    "{} let a client read its state up to entry {sees}, but entry {must_see} was committed when the \
                     client asked",
                    step.id()
                );
                let answers = |record: &Record| {
                    matches!(&record.event, Event::Io(Io::Answered { answer: Answer::MayRead { .. }, .. }))
                };
                let contradicts = self.commits.range(must_see..).next().map(|(_, commit)| *commit);
                Breach { what_happened, done: step.last(answers), contradicts }
            })
        })
    }
}
