use super::disks::Disks;
use super::{Breach, Machine, Moment, Promise, Property, Step, is_commit};
use crate::server::Server;
use consensus::{Index, NodeId, RoleKind};
use std::collections::BTreeMap;

/// Once a leader has committed an entry, no server that lacks it can win an election.
#[derive(Debug, Default)]
pub(crate) struct CommittedCantBeLost {
    disks: Disks,
    committed: BTreeMap<NodeId, Index>,
}

static PROMISE: Promise = Promise {
    name: "committed entries can't be lost (§5.4.2, Figure 8)",
    meaning: "When a leader marks an entry as committed, no server without that entry can win an election \
              any longer. Otherwise such a server could become leader and erase the entry, although a \
              client was told that it is safe.",
};

impl<M: Machine> Property<M> for CommittedCantBeLost {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        self.disks.note(step);
        let index = step.node.commit_index();
        let is_news = self.committed.insert(step.id(), index) < Some(index);
        if step.node.role() != RoleKind::Leader || !is_news || index.0 == 0 {
            return None;
        }
        let term = step.node.log().term_at(index)?;
        let could_win = |id: &NodeId| {
            // Who is dead knows what is on its disk, and who was rolled back knew more than it does now: the leader's
            // configuration is near enough.
            let server = moment.servers.get(id).filter(|server| !server.is_set_back());
            let node = server.and_then(Server::node).unwrap_or(step.node);
            let membership = node.membership();
            let voters = &membership.voters;
            let end = |id: NodeId| self.disks.end(membership, id);
            let votes = moment.servers.keys().filter(|voter| end(**voter) <= end(*id));
            voters.contains(*id) && voters.is_majority(&votes.copied().collect::<Vec<NodeId>>())
        };
        let lacks_it =
            |id: &&NodeId| **id != step.id() && !self.disks.has(step.node.membership(), **id, index, term);
        let danger = moment.servers.keys().filter(lacks_it).copied().find(could_win)?;
        let what_happened = format!(
            "{} marked entry {index} (term {term}) as committed, but {danger} does not have it and could still win an \
             election",
            step.id()
        );
        Some(Breach::by(step.last(is_commit), what_happened))
    }
}
