use super::{Breach, Machine, Moment, Promise, Property, Step};
use consensus::NodeId;
use std::time::Duration;

/// Progress: in a calm all logs soon agree, and all of them is committed.
#[derive(Debug, Default)]
pub(crate) struct LogsAgreeAtLast {
    last_agreed: Duration,
}

/// How long it may take to elect a leader, and the leader to bring all others up to date, in longest election
/// timeouts.
const PATIENCE: u32 = 300;

static PROMISE: Promise = Promise {
    name: "logs agree in the end (§5.3)",
    meaning: "Once no messages are lost and a majority is running, all running servers soon have the \
              leader's log, and all of it is committed. Otherwise clients wait forever, and one more \
              failure may be one too many.",
};

impl<M: Machine> Property<M> for LogsAgreeAtLast {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, moment: &Moment<'_, M>, _step: &Step<'_>) -> Option<Breach> {
        self.check_time(moment).map(|(_, how)| how.into())
    }

    fn check_time(&mut self, moment: &Moment<'_, M>) -> Option<(NodeId, String)> {
        let calm = moment.calm?;
        if moment.all_agree() {
            self.last_agreed = moment.now;
        }
        let without = moment.now.saturating_sub(calm.since.max(self.last_agreed));
        let is_overdue = without >= moment.timing.election_timeout_max() * PATIENCE;
        let leader = moment.leader().filter(|_| is_overdue)?;
        let mut members = moment.members(leader);
        let behind = members.find(|node| node.commit_index() < leader.log().last().index)?;
        Some((
            behind.id(),
            format!(
                "nothing prevents it, but after {without:.0?} {} has marked only {} of the leader's {} entries as committed",
                behind.id(),
                behind.commit_index(),
                leader.log().last().index
            ),
        ))
    }
}
