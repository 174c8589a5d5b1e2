use super::{Breach, Machine, Moment, Promise, Property, Step, is_part_of, is_truncation};
use crate::rules::RulesOfWorld;
use consensus::event::What;
use consensus::{Index, Node, NodeId, RoleKind};
use std::collections::BTreeMap;
use trace::{EventId, Record};

/// What a leader takes a follower to have, the follower has, as long as it follows.
#[derive(Debug, Default)]
pub(crate) struct MatchIndexIsTrue {
    /// For each leader and each follower, the event in which the leader last learned how far their logs match.
    matched: BTreeMap<(NodeId, NodeId), EventId>,
}

static PROMISE: Promise = Promise {
    name: "acknowledged entries stay (§5.3, Figure 2)",
    meaning: "A follower keeps the entries that it has acknowledged to its leader. The leader counts on \
              them: it commits what a majority holds, so that no single failure can lose it.",
};

impl<M: Machine> Property<M> for MatchIndexIsTrue {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        for record in step.records {
            if let (Some(What::Matched { follower, .. }), Some(id)) = (record.decision(), record.id()) {
                self.matched.insert((step.id(), *follower), id);
            }
        }
        let term = step.term();
        let mut same_term = moment.running().filter(|node| node.hard_state().current_term == term);
        let leader = same_term.find(|node| node.role() == RoleKind::Leader)?;
        let followers = leader.progress().into_iter().flatten();
        let found = followers.filter(|(id, _)| step.id() == leader.id() || step.id() == **id).find(
            |(id, progress)| {
                let follower = moment.servers.get(id).and_then(|server| server.node());
                let follower = follower.filter(|follower| {
                    follower.hard_state().current_term == term
                        && is_part_of(follower, leader.membership())
                        && progress.incarnation() == follower.origin().incarnation()
                        && !moment.servers[*id].is_set_back()
                });
                follower.is_some_and(|follower| !has(follower, leader, progress.match_index()))
            },
        );
        let (follower, progress) = found?;
        let (leader, index) = (leader.id(), progress.match_index());
        let what_happened =
            format!("{follower} acknowledged {leader}'s entries up to {index}, and no longer has them all");
        let done = step.last(is_reason);
        let contradicts = self.matched.get(&(leader, *follower)).copied().filter(|id| Some(*id) != done);
        Some(Breach { what_happened, done, contradicts })
    }
}

/// Has the follower the leader's entry at this index?
fn has(follower: &Node<RulesOfWorld>, leader: &Node<RulesOfWorld>, index: Index) -> bool {
    let covered = follower.log().begins_after().index.max(leader.log().begins_after().index);
    index < covered || follower.log().term_at(index) == leader.log().term_at(index)
}

/// Can an acknowledged entry be missing because of this? It went from the follower's log, perhaps in a crash; or the leader
/// counts what was never there.
fn is_reason(record: &Record) -> bool {
    is_truncation(record)
        || matches!(
            record.decision(),
            Some(What::SnapshotInstalled { .. } | What::Role { was: None, .. } | What::Matched { .. })
        )
}
