use super::{Breach, Machine, Moment, Promise, Property, Step};
use crate::server::Server;
use consensus::event::What;
use consensus::{NodeId, RoleKind, Term};
use std::time::Duration;

/// In a calm nobody runs against a leader whose heartbeats arrive, however slow the disks are.
#[derive(Debug, Default)]
pub(crate) struct LeaderInHealthStays {
    /// Who leads, in which term and since when, as it was after the step before.
    leader: Option<(NodeId, Term, Duration)>,
}

static PROMISE: Promise = Promise {
    name: "a healthy leader stays (§5.2, §5.6)",
    meaning: "As long as a leader's heartbeats arrive, no server starts an election against it. During \
              every needless election the cluster does nothing for its clients.",
};

impl<M: Machine> Property<M> for LeaderInHealthStays {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        let still_leads = |(id, term, _): &(NodeId, Term, Duration)| {
            let mut leaders = moment.running().filter(|node| node.role() == RoleKind::Leader);
            leaders.any(|node| node.id() == *id && node.hard_state().current_term == *term)
        };
        // A server that was removed and does not know it may disturb the others (§6).
        let is_member = |leader: &(NodeId, Term, Duration)| {
            let leader = moment.servers.get(&leader.0).and_then(Server::node);
            leader.is_none_or(|leader| leader.membership().contains(step.id()))
        };
        let challenge = step.last_decision(|what| matches!(what, What::Timeout { .. }));
        let challenged = self.leader.filter(|it| challenge.is_some() && still_leads(it) && is_member(it));
        let leader = moment.leader().map(|leader| (leader.id(), leader.hard_state().current_term));
        if self.leader.map(|(id, term, _)| (id, term)) != leader {
            self.leader = leader.map(|(id, term)| (id, term, moment.now));
        }

        let (leader, term, since) = challenged?;
        let calm = moment.calm_network?;
        // Its first heartbeats may still be in flight, and one more may have been lost before the calm.
        let first_heartbeats = moment.timing.heartbeat_interval() + calm.latency * 2;
        let in_health = moment.now.saturating_sub(since.max(calm.since));
        (in_health > first_heartbeats).then(|| {
            let what_happened = format!(
                "{} starts an election against {leader}, which has led term {term} in good health for {in_health:.0?}",
                step.id()
            );
            Breach::by(challenge, what_happened)
        })
    }
}
