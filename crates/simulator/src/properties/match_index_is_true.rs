use super::{Moment, Promise, Property, Step, is_part_of};
use crate::rules::AllBut;
use consensus::{Index, Node, NodeId, RoleKind};

/// What a leader takes a follower to have, the follower has, as long as it follows.
#[derive(Debug, Default)]
pub(crate) struct MatchIndexIsTrue;

static PROMISE: Promise = Promise {
    name: "acknowledged entries stay (§5.3, Figure 2)",
    meaning: "A follower keeps the entries that it has acknowledged to its leader. The leader counts on \
              them: it commits what a majority holds, so that no single failure can lose it.",
};

impl Property for MatchIndexIsTrue {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn check(&mut self, moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
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
        Some(told(leader.id(), *follower, progress.match_index()))
    }
}

/// Has the follower the leader's entry at this index?
fn has(follower: &Node<AllBut>, leader: &Node<AllBut>, index: Index) -> bool {
    let covered = follower.log().begins_after().index.max(leader.log().begins_after().index);
    index < covered || follower.log().term_at(index) == leader.log().term_at(index)
}

fn told(leader: NodeId, follower: NodeId, index: Index) -> String {
    format!("{follower} acknowledged {leader}'s entries up to {index}, and no longer has them all")
}
