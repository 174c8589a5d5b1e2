use super::{Breach, Machine, Moment, Promise, Property, Step};
use consensus::{NodeId, RoleKind};
use std::collections::BTreeMap;
use std::time::Duration;

/// A leader that can't save what the others commit hands over.
#[derive(Debug, Default)]
pub(crate) struct FullDisksDoNotLead {
    /// When each server last had no reason to hand over, or not yet.
    last_fit: BTreeMap<NodeId, Duration>,
}

/// How long it may take to find another leader, in longest election timeouts.
const PATIENCE: u32 = 8;

static PROMISE: Promise = Promise {
    name: "a full disk does not lead",
    meaning: "A leader with a full disk hands over leadership if the others have free space and commit \
              without it. Otherwise everything that it can't save piles up in its memory, until it runs \
              out of memory.",
};

impl<M: Machine> Property<M> for FullDisksDoNotLead {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, moment: &Moment<'_, M>, _step: &Step<'_>) -> Option<Breach> {
        self.check_time(moment).map(|(_, how)| how.into())
    }

    fn check_time(&mut self, moment: &Moment<'_, M>) -> Option<(NodeId, String)> {
        let calm = moment.calm_network?;
        let patience = moment.timing.election_timeout_max() * PATIENCE;
        moment.servers.iter().find_map(|(&id, server)| {
            let node = server.node()?;
            let works = |voter: NodeId| {
                let other = moment.member(node, voter).filter(|_| voter != id);
                other.is_some_and(|(other, _)| !other.lacks_room() && !other.holds_saves)
            };
            let should_hand_over = server.lacks_room()
                && node.role() == RoleKind::Leader
                && node.commit_index() > node.persisted_log()
                && node.membership().voters.counts(works).all(|(count, needed)| count >= needed);
            if !should_hand_over {
                self.last_fit.insert(id, moment.now);
            }
            let since = self.last_fit.get(&id).copied().unwrap_or_default().max(calm.since);
            (moment.now.saturating_sub(since) >= patience).then(|| {
                (
                    id,
                    format!(
                        "{id} keeps leading with a full disk, although the others have free space and commit without it"
                    ),
                )
            })
        })
    }
}
