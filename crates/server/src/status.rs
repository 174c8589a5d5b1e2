//! How a server is, as the runtime shows it.

use crate::machine::Machine;
use crate::trouble;
use api::{SnapshotBeingSent, Status, Trouble};
use consensus::{Membership, Node, NodeId, Progress};
use runtime::View;

/// The status of a server of this cluster.
pub(crate) fn status_of(cluster: String, view: &View<'_, Machine>) -> Status {
    let View { driver, now, health } = view;
    let node = driver.node();
    let contradicted = health.contradicted_by.map(trouble::of_contradiction);
    let not_ready = match &contradicted {
        Some(Trouble { what, .. }) => Some(what.clone()),
        None => trouble::why_not_ready(node, driver.last_applied()),
    };
    Status {
        node: node.id(),
        cluster,
        cluster_id: node.memory().cluster,
        start: node.config().credentials.start,
        trouble: trouble::of_itself(node).or(contradicted),
        not_ready,
        peers: trouble::of_others(node, *now),
        contradictions: health.contradictions,
        membership: Membership::clone(node.membership()),
        is_membership_committed: node.is_membership_committed(),
        profile: node.config().profile,
        role: node.role(),
        term: node.hard_state().current_term,
        voted_for: node.hard_state().voted_for,
        leader: node.leader(),
        snapshot: node.snapshot(),
        last_log: node.log().last(),
        commit_index: node.commit_index(),
        last_applied: driver.last_applied(),
        waiting: health.waiting as u64,
        leader_changes: health.leader_changes,
        failed: health.replaced,
        life: node.config().credentials.start.map_or(0, |start| start.number),
        rejected: health.rejected,
        disk_full: health.disk_full.clone(),
        slow_disk: health.slow_disk,
        snapshots_being_sent: snapshots_being_sent(node),
        bytes_since_snapshot: driver.applied_bytes() as u64,
        most_bytes_while_sending: node.config().limits.bytes_while_sending as u64,
    }
}

fn snapshots_being_sent(node: &Node) -> Vec<SnapshotBeingSent> {
    let progress = node.progress().into_iter().flatten();
    let being_sent = |(&to, progress): (&NodeId, &Progress)| {
        let (last_included, bytes) = progress.snapshot()?;
        Some(SnapshotBeingSent { to, last_included, bytes })
    };
    progress.filter_map(being_sent).collect()
}
