use super::{Breach, Machine, Moment, Promise, Property, Step};
use consensus::event::What;
use trace::Event;

/// A server that is asked to become leader has all entries that the leader has.
#[derive(Debug, Default)]
pub(crate) struct HeirsHaveItAll;

static PROMISE: Promise = Promise {
    name: "the next leader has the whole log (thesis §3.10)",
    meaning: "A leader hands over only to a server that has its whole log. Otherwise that server's \
              election fails, and meanwhile there is no leader: worse than no handover at all.",
};

impl<M: Machine> Property<M> for HeirsHaveItAll {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        let asked = step.records.iter().find_map(|record| match &record.event {
            Event::Decision(decision) => match decision.what {
                What::AsksToTakeOver { to } => Some(to),
                _ => None,
            },
            _ => None,
        })?;
        // A leader that has stepped down in the same step has looked before.
        let has = step.node.progress()?.get(&asked)?.match_index();
        let last = step.node.log().last().index;
        (has < last).then(|| {
            let what_happened = format!(
                "{} asks {asked} to become leader, which has only entries up to {has} of {last}",
                step.id()
            );
            let done = step.last_decision(|what| matches!(what, What::AsksToTakeOver { .. }));
            Breach::by(done, what_happened)
        })
    }
}
