use super::{Breach, Machine, Moment, Promise, Property, Step};
use consensus::event::What;
use consensus::{Index, RoleKind};
use trace::Event;

/// Who becomes a voter has most of the log.
#[derive(Debug, Default)]
pub(crate) struct NewVotersKeepUp;

static PROMISE: Promise = Promise {
    name: "new voters have the log (§6)",
    meaning: "Before a server becomes a voter, it has shown that it has the log and keeps up with it. \
              Otherwise the cluster may be unable to commit anything until the new voter has received the \
              whole log.",
};

impl<M: Machine> Property<M> for NewVotersKeepUp {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        if step.node.role() != RoleKind::Leader {
            return None;
        }
        let changed = step.records.iter().find_map(|record| match &record.event {
            Event::Decision(decision) => match &decision.what {
                What::Membership { index, .. } => Some(*index),
                _ => None,
            },
            _ => None,
        })?;
        let before = step.node.membership_at(changed.previous());
        let progress = step.node.progress()?;
        let is_new = |id: &_| !before.voters.contains(*id) && *id != step.id();
        let has_nothing = |id: &_| progress.get(id).is_none_or(|it| it.match_index() == Index(0));
        let found =
            step.node.membership().voters.voters().into_iter().find(|id| is_new(id) && has_nothing(id));
        found.map(|id| {
            let what_happened = format!("{} makes {id} a voter, which has none of its log yet", step.id());
            let done = step.last_decision(|what| matches!(what, What::Membership { .. }));
            Breach::by(done, what_happened)
        })
    }
}
