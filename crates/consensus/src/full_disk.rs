//! A server whose disk is full keeps running: it follows the leader, and clients can read from it. But it can
//! save neither a vote nor an entry, so it should not lead. The paper's servers have working disks; this is
//! ours.

use crate::{Instant, Node, NodeId, Output, RoleKind, Rule, Rules};

impl<R: Rules> Node<R> {
    /// Is the disk full, so that nothing can be saved?
    pub fn is_disk_full(&self) -> bool {
        self.disk_is_full
    }

    pub(crate) fn on_disk_full(&mut self, now: Instant, output: &mut Output) {
        self.disk_is_full = true;
        self.hand_over_if_full(now, output);
    }

    /// A server that can't save its own vote can't be elected. If it tried, it would only raise its term in
    /// memory, and depose a leader as soon as there was space.
    pub(crate) fn must_not_run(&self) -> bool {
        self.disk_is_full && self.rules.hold(Rule::FullDiskDoesNotLead)
    }

    /// The others may commit without this leader what its full disk can't save: a majority of disks is
    /// enough. Then one of them should lead. Nobody would need this server's disk then, while here all
    /// unsaved entries would pile up in memory. If nothing can be committed without this disk, another leader
    /// would be no better, and this one stays, so that clients can read.
    pub(crate) fn hand_over_if_full(&mut self, now: Instant, output: &mut Output) {
        let is_outrun = self.commit_index > self.persisted_log;
        if self.role() != RoleKind::Leader || !self.must_not_run() || !is_outrun || self.is_handing_over() {
            return;
        }
        let has_all = |id: &NodeId| {
            let progress = self.progress_of(*id);
            progress.match_index() >= self.commit_index
                && now.since(progress.heard()) < self.config.timing.election_timeout_max()
        };
        let voters = self.peers.iter().copied().filter(|id| self.membership.voters.contains(*id));
        let fit: Vec<NodeId> = voters.filter(has_all).collect();
        // Not always the same one: its disk may be full too.
        if let Some(place) = self.random.place_in(fit.len()) {
            self.begin_transfer(now, fit[place], Rule::FullDiskDoesNotLead, output);
        }
    }
}
