use super::{Moment, Promise, Property, Step};
use consensus::RoleKind;

/// Leader completeness: what is committed is in the log of every later leader.
#[derive(Debug, Default)]
pub(crate) struct LeaderCompleteness;

static PROMISE: Promise = Promise {
    name: "leader completeness (§5.4, Figure 3)",
    meaning: "What is committed is in the log of every later leader. A leader that lacked it would make the \
              others erase it, although a client was told that it is safe.",
};

impl Property for LeaderCompleteness {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn check(&mut self, moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
        let committed = moment.committed;
        let lacks_it = step.node.role() == RoleKind::Leader && !step.node.log().contains(committed);
        lacks_it.then(|| {
            format!(
                "{} leads term {} without entry {} of term {}, which is committed",
                step.id(),
                step.term(),
                committed.index,
                committed.term
            )
        })
    }
}
