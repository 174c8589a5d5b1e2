use super::{Breach, Machine, Moment, Promise, Property, Step};
use crate::rules::RulesOfWorld;
use consensus::event::What;
use consensus::{Node, NodeId, RoleKind};
use std::collections::BTreeMap;
use std::time::Duration;

/// A follower whose disk is slow or full is heard all the same.
#[derive(Debug, Default)]
pub(crate) struct SlowDisksAreHeard {
    /// When each server last led no majority that could reply to it, or not yet.
    last_unheard: BTreeMap<NodeId, Duration>,
    /// When each server last had no read waiting that it owes a reply, or not yet.
    last_free: BTreeMap<NodeId, Duration>,
}

/// How long a reply may take, in longest election timeouts.
const PATIENCE: u32 = 2;

static PROMISE: Promise = Promise {
    name: "slow disks don't silence servers (thesis §6.2, §6.4)",
    meaning: "A follower does not have to wait for its disk before it tells the leader that it is alive, or \
              confirms a read. So while the disks \
              of a cluster are slow or full, its leader stays, and clients can read.",
};

impl<M: Machine> Property<M> for SlowDisksAreHeard {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        let id = step.id();
        let was_heard = self.is_overdue(moment, &self.last_unheard, id);
        let deposed = step.last_decision(|what| matches!(what, What::QuorumLost { .. }));
        if deposed.is_some() && was_heard && can_reply(moment, step.node) {
            let what_happened =
                format!("{id} steps down, although a majority could have replied to it all the time");
            return Some(Breach::by(deposed, what_happened));
        }
        self.check_time(moment).map(|(_, how)| how.into())
    }

    fn check_time(&mut self, moment: &Moment<'_, M>) -> Option<(NodeId, String)> {
        moment.calm_network?;
        for node in moment.running() {
            let (id, leads) = (node.id(), node.role() == RoleKind::Leader);
            if !leads || !can_reply(moment, node) {
                self.last_unheard.insert(id, moment.now);
            }
            let is_sure = node.log().term_at(node.commit_index()) == Some(node.hard_state().current_term);
            if !leads || !is_sure || node.waiting_reads() == 0 {
                self.last_free.insert(id, moment.now);
            }
        }
        let is_late = |id: &NodeId| {
            self.is_overdue(moment, &self.last_unheard, *id) && self.is_overdue(moment, &self.last_free, *id)
        };
        let late = moment.running().map(Node::id).find(is_late)?;
        Some((late, format!("{late} leads a majority that can reply, and its reads still wait")))
    }
}

impl SlowDisksAreHeard {
    /// Has it been so for long enough, in a calm network?
    fn is_overdue<M: Machine>(
        &self,
        moment: &Moment<'_, M>,
        last: &BTreeMap<NodeId, Duration>,
        id: NodeId,
    ) -> bool {
        let Some(calm) = moment.calm_network else { return false };
        let since = last.get(&id).copied().unwrap_or_default().max(calm.since);
        moment.now.saturating_sub(since) >= moment.timing.election_timeout_max() * PATIENCE
    }
}

/// Are there enough voters to make a majority that may say something in its term? That must be on their disks. Those
/// that lost data have no say.
fn can_reply<M: Machine>(moment: &Moment<'_, M>, leader: &Node<RulesOfWorld>) -> bool {
    let term = leader.hard_state().current_term;
    let may_reply = |id: NodeId| {
        moment.member(leader, id).is_some_and(|(_, node)| {
            node.hard_state().current_term == term && node.persisted_hard_state() == node.hard_state()
        })
    };
    leader.membership().voters.counts(may_reply).all(|(count, needed)| count >= needed)
}
