use super::{Moment, Promise, Property, Step};
use consensus::event::What;
use trace::Event;

/// Who is asked to take over has all that the leader has.
#[derive(Debug, Default)]
pub(crate) struct HeirsHaveItAll;

static PROMISE: Promise = Promise {
    name: "heirs have it all (thesis §3.10)",
    meaning: "Whom a leader asks to take over has the whole of its log. Otherwise its election fails, and in the \
              meantime nobody leads: worse than not to hand over at all.",
};

impl Property for HeirsHaveItAll {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
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
            format!("{} asks {asked} to take over, which has its log only up to {has} of {last}", step.id())
        })
    }
}
