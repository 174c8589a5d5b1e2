use super::{Breach, Machine, Moment, Promise, Property, Step, is_part_of};
use consensus::event::What;
use consensus::{Message, NodeId, RoleKind};
use std::collections::BTreeMap;
use std::time::Duration;
use trace::{Event, Io, Record};

/// In a calm a server waits no longer than its election timeout for a leader.
#[derive(Debug, Default)]
pub(crate) struct PatienceHasAnEnd {
    /// When each server last had a reason to begin waiting again.
    waits_since: BTreeMap<NodeId, Duration>,
}

/// Clocks are read in whole nanoseconds, and their conversions round.
const ROUNDING: Duration = Duration::from_millis(1);

static PROMISE: Promise = Promise {
    name: "election timers run out (§5.2)",
    meaning: "A server that hears from no leader and grants no vote for a whole election timeout starts an \
              election. Otherwise the one server that can win may wait forever.",
};

impl<M: Machine> Property<M> for PatienceHasAnEnd {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        let since = self.waits_since.get(&step.id()).copied().unwrap_or_default();
        let membership = step.node.membership();
        let is_no_voter = !membership.voters.contains(step.id()) || !is_part_of(step.node, membership);
        let may_wait = step.node.role() == RoleKind::Leader
            || is_no_voter
            || step.records.iter().any(|record| is_reason_to_wait(record, step));
        if may_wait {
            self.waits_since.insert(step.id(), moment.now);
        }
        let waited = moment.now.saturating_sub(since.max(moment.calm?.since));
        let is_too_long = !may_wait && waited > moment.timing.election_timeout_max() + ROUNDING;
        is_too_long.then(|| {
            format!(
                "{} has heard from no leader and granted no vote for {waited:.0?}, and still waits",
                step.id()
            )
            .into()
        })
    }
}

fn is_reason_to_wait(record: &Record, step: &Step<'_>) -> bool {
    match &record.event {
        Event::Decision(decision) => matches!(
            decision.what,
            What::Timeout { .. }
                | What::Role { .. }
                | What::Leader { .. }
                | What::Vote { granted: true, .. }
                | What::PreVote { granted: true, .. }
        ),
        Event::Io(Io::Received { message: Message::AppendEntries(request), .. }) => {
            request.term == step.term()
        }
        _ => false,
    }
}
