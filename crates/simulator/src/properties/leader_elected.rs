use super::{Breach, Machine, Moment, Promise, Property, Step};
use consensus::NodeId;
use std::time::Duration;

/// Progress: in a calm there is soon a leader.
#[derive(Debug, Default)]
pub(crate) struct LeaderElected {
    last_led: Duration,
    was_told: bool,
}

/// How long an election may take if it can succeed at all, in longest election timeouts.
const PATIENCE: u32 = 200;

static PROMISE: Promise = Promise {
    name: "a leader is elected (§5.2, §5.6)",
    meaning: "Once no messages are lost and a majority is running, there is soon a leader. Without one the \
              cluster does nothing for its clients: it is as good as down.",
};

impl LeaderElected {
    fn is_overdue<M: Machine>(&mut self, moment: &Moment<'_, M>) -> Option<String> {
        if moment.leader().is_some() {
            self.last_led = moment.now;
        }
        let Some(calm) = moment.calm else {
            self.was_told = false;
            return None;
        };
        let without = moment.now.saturating_sub(calm.since.max(self.last_led));
        let is_overdue = without >= moment.timing.election_timeout_max() * PATIENCE;
        (is_overdue && !std::mem::replace(&mut self.was_told, true))
            .then(|| format!("nothing prevents an election, but there has been no leader for {without:.0?}"))
    }
}

impl<M: Machine> Property<M> for LeaderElected {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, moment: &Moment<'_, M>, _step: &Step<'_>) -> Option<Breach> {
        self.is_overdue(moment).map(Breach::from)
    }

    fn check_time(&mut self, moment: &Moment<'_, M>) -> Option<(NodeId, String)> {
        let somebody = moment.running().next()?.id();
        self.is_overdue(moment).map(|how| (somebody, how))
    }
}
