use super::{Property, Step, Violation};
use consensus::{NodeId, Term};
use std::collections::BTreeMap;
use trace::{Event, Io};

/// Terms never fall (§5.1): a server never speaks in an older term than it has spoken in before, not
/// even after a crash.
#[derive(Debug, Default)]
pub(crate) struct TermsNeverFall {
    latest: BTreeMap<NodeId, Term>,
}

impl Property for TermsNeverFall {
    fn check(&mut self, step: &Step<'_>) -> Option<Violation> {
        let speaks = |record: &trace::Record| matches!(record.event, Event::Io(Io::Sent { .. }));
        let term = step.records.iter().filter(|record| speaks(record)).map(|record| record.term).min()?;
        let latest = self.latest.entry(step.node).or_default();
        let before = *latest;
        *latest = before.max(step.term);
        (term < before).then(|| Violation {
            property: "terms never fall (§5.1)",
            what_happened: format!("{} spoke in term {before}, and now in term {term}", step.node),
        })
    }
}
