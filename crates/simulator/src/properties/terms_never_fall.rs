use super::{Moment, Promise, Property, Step};
use consensus::{NodeId, Term};
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
    meaning: "A server's term only rises, crashes or not. One that falls back forgets what it has seen and \
              whom it has voted for, and can do it all again, differently.",
};

impl Property for TermsNeverFall {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
        let speaks = |record: &&Record| matches!(record.event, Event::Io(Io::Sent { .. }));
        let term = step.records.iter().filter(speaks).map(|record| record.term).min()?;
        let latest = self.latest.entry(step.id()).or_default();
        let before = *latest;
        *latest = before.max(step.term());
        (term < before).then(|| format!("{} spoke in term {before}, and now in term {term}", step.id()))
    }
}
