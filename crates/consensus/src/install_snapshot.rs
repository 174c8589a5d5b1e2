//! Snapshots (§7): the beginning of the log is removed once a snapshot covers it, and a follower that needs
//! the removed entries gets the snapshot, chunk by chunk.
//!
//! The core never sees a snapshot's contents. It knows which entries the newest one covers, says which of its
//! chunks must be read, sent and stored, and is told when that is done.

use crate::event::{Problem, What};
use crate::progress::Progress;
use crate::{
    Append, Chunk, ChunkWanted, Index, InstallSnapshot, InstallSnapshotReply, Instant, LogPosition,
    Membership, Message, Node, NodeId, Output, RoleKind, Rule, Rules, SnapshotOutcome,
};
use std::sync::Arc;

/// A snapshot from a leader, received so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incoming {
    last_included: LogPosition,
    /// Number of its bytes on disk.
    stored: u64,
    /// A chunk is on its way to the disk.
    is_storing: bool,
}

impl Incoming {
    /// Does it cover more than what is committed here by now?
    pub(crate) fn is_still_needed(&self, commit_index: Index) -> bool {
        self.is_storing || self.last_included.index > commit_index
    }
}

impl<R: Rules> Node<R> {
    /// A snapshot of this server's state machine is on disk. The entries that it covers are removed from the
    /// log, except for some that followers may still need: sending those is less work than sending a
    /// snapshot.
    pub(crate) fn on_snapshot_taken(&mut self, last_included: LogPosition, output: &mut Output) {
        if last_included.index <= self.snapshot.index {
            return;
        }
        self.snapshot = last_included;
        self.memberships.cover(last_included.index);
        let begins_after = self.last_to_compact(last_included.index);
        if begins_after.index > self.log.begins_after().index {
            self.log.compact_to(begins_after);
            output.save.begins_after = Some(begins_after);
        }
        output.decided(Rule::SnapshotOnlyApplied, What::SnapshotTaken { last_included, begins_after });
    }

    /// The entry up to which the log can be removed if a snapshot covers it up to `covered`. A follower that
    /// has just got a snapshot can continue with the log after it.
    fn last_to_compact(&self, covered: Index) -> LogPosition {
        let limits = &self.config.limits;
        // On a full disk the log must go first.
        let kept = if self.disk_is_full { 0 } else { limits.bytes_behind_snapshot };
        let index = self.first_within(covered, kept);
        let keeps = self.rules.hold(Rule::KeepSnapshotBeingSent) && !self.disk_is_full;
        let followers = self.progress().into_iter().flat_map(|progress| progress.values());
        let needed = followers.filter_map(Progress::has_since_snapshot).filter(|has| *has < index).min();
        let index = match needed {
            Some(has) if keeps && self.first_within(covered, limits.bytes_while_sending) <= has => has,
            _ => index,
        };
        let term = self.log.term_at(index).expect("the log reaches up to its snapshot");
        LogPosition { index, term }
    }

    /// The entry after which the log, up to `last`, has at most this many bytes.
    fn first_within(&self, last: Index, bytes: usize) -> Index {
        let mut index = last;
        let mut left = bytes;
        while let Some(rest) = self.log.get(index).and_then(|entry| left.checked_sub(entry.size())) {
            left = rest;
            index = index.previous();
        }
        index
    }

    /// Is a snapshot being sent to a follower that makes progress? A newer one would replace it on disk, and
    /// the follower would have to start again.
    pub fn is_sending_snapshot(&self) -> bool {
        self.progress().is_some_and(|progress| progress.values().any(Progress::is_taking_snapshot))
    }

    /// The follower needs entries that are gone.
    pub(crate) fn begin_snapshot_for(&mut self, follower: NodeId, output: &mut Output) {
        let (last_included, next) = (self.snapshot, self.progress_of(follower).next_index());
        self.progress_of_mut(follower).begin_snapshot(last_included);
        output.noted(What::SnapshotNeeded { follower, next, last_included });
        self.want_chunk(follower, output);
    }

    /// Asks for the chunk that the follower needs next.
    pub(crate) fn want_chunk(&self, follower: NodeId, output: &mut Output) {
        if let Some((last_included, offset)) = self.progress_of(follower).snapshot() {
            let at_most = self.config.limits.bytes_per_message;
            output.read_chunks.push(ChunkWanted { to: follower, last_included, offset, at_most });
        }
    }

    /// A chunk for a follower was read.
    pub(crate) fn on_chunk_read(&mut self, to: NodeId, chunk: Option<Chunk>, output: &mut Output) {
        let progress = self.progress().and_then(|progress| progress.get(&to));
        if progress.is_none_or(|progress| progress.snapshot().is_none()) {
            return;
        }
        let Some(chunk) = chunk else {
            // There is a newer snapshot by now.
            return self.begin_snapshot_for(to, output);
        };
        if self.progress_of_mut(to).record_chunk_sent(&chunk) {
            let term = self.hard_state.current_term;
            self.send(to, Message::InstallSnapshot(InstallSnapshot { term, chunk }), output);
        }
    }

    /// A leader sends a chunk of its snapshot. Terms have been compared already: the request's is not newer
    /// than the server's.
    pub(crate) fn receive_install_snapshot(
        &mut self,
        now: Instant,
        leader: NodeId,
        request: InstallSnapshot,
        output: &mut Output,
    ) {
        let InstallSnapshot { term, chunk } = request;
        let is_current = term >= self.hard_state.current_term;
        if !self.rules.allow(Rule::RejectStaleTerm, is_current) {
            output.decided(Rule::RejectStaleTerm, What::Refused { leader, stale_term: term });
            let outcome = SnapshotOutcome::Refused;
            return self.answer_chunk(leader, chunk.last_included, chunk.offset, outcome, output);
        }
        self.follow(now, leader, output);
        self.promise_to_stay(now);
        if let Some(outcome) = self.take_chunk(leader, &chunk, output) {
            self.answer_chunk(leader, chunk.last_included, chunk.offset, outcome, output);
        }
        if self.rules.hold(Rule::ResetTimerOnLeader) {
            self.restart_election_timer(now, Rule::ResetTimerOnLeader, output);
        }
    }

    /// Stores the chunk if it is the next one. Returns the reply if it need not wait for the disk.
    fn take_chunk(&mut self, from: NodeId, chunk: &Chunk, output: &mut Output) -> Option<SnapshotOutcome> {
        let last_included = chunk.last_included;
        if self.knows_all_of(last_included) {
            output.decided(Rule::NoGoingBack, What::SnapshotNotNeeded { last_included });
            return Some(SnapshotOutcome::Installed);
        }
        let stored = match &self.incoming {
            // The reply follows once the chunk is saved.
            Some(Incoming { is_storing: true, .. }) => return None,
            Some(incoming) if incoming.last_included == last_included => incoming.stored,
            _ => 0,
        };
        if chunk.offset != stored {
            return Some(SnapshotOutcome::Received { bytes: stored });
        }
        self.incoming = Some(Incoming { last_included, stored, is_storing: true });
        output.store_chunk = Some((from, chunk.clone()));
        None
    }

    /// Does this server have everything that the snapshot covers?
    fn knows_all_of(&self, last_included: LogPosition) -> bool {
        let is_new = self.rules.allow(Rule::NoGoingBack, last_included.index > self.commit_index);
        !is_new || last_included.index <= self.snapshot.index
    }

    /// A chunk of a leader's snapshot is on disk. The reply goes to the current leader: it can continue where
    /// the previous one stopped.
    pub(crate) fn on_chunk_stored(
        &mut self,
        now: Instant,
        last_included: LogPosition,
        end: u64,
        whole: Option<Arc<Membership>>,
        output: &mut Output,
    ) {
        let offset = self.incoming.take().expect("what was stored has come").stored;
        let outcome = match whole {
            Some(membership) => {
                self.install(last_included, membership, output);
                self.update_membership(now, output);
                SnapshotOutcome::Installed
            }
            None => {
                self.incoming = Some(Incoming { last_included, stored: end, is_storing: false });
                SnapshotOutcome::Received { bytes: end }
            }
        };
        if let Some(leader) = self.leader().filter(|leader| *leader != self.id()) {
            self.answer_chunk(leader, last_included, offset, outcome, output);
        }
    }

    /// The whole snapshot is on disk: it replaces everything that it covers (Figure 13, 6–8).
    fn install(&mut self, last_included: LogPosition, membership: Arc<Membership>, output: &mut Output) {
        let last = self.log.last().index;
        let keeps = self.log.contains(last_included) && self.rules.hold(Rule::KeepSuffix);
        if !keeps {
            self.memberships.truncate_from(Index(0));
        }
        self.memberships.install(last_included.index, membership);
        if keeps {
            self.log.compact_to(last_included);
            self.persisted_log = self.persisted_log.max(last_included.index);
        } else {
            self.log.reset_to(last_included);
            self.persisted_log = last_included.index;
            output.save.append = Some(Append { first: last_included.index.next(), entries: Vec::new() });
        }
        self.snapshot = last_included;
        self.commit_index = self.commit_index.max(last_included.index);
        output.save.begins_after = Some(last_included);
        output.install = Some(last_included);
        let removed = if keeps { None } else { Some(last).filter(|last| *last > last_included.index) };
        output.decided(Rule::KeepSuffix, What::SnapshotInstalled { last_included, removed });
    }

    /// What was received is not a valid snapshot. It is discarded; the leader may send it once more.
    pub(crate) fn give_up_snapshot(&mut self, from: NodeId, output: &mut Output) {
        self.incoming = None;
        output.noted(What::Rejected { from, problem: Problem::BrokenSnapshot });
    }

    fn answer_chunk(
        &self,
        leader: NodeId,
        last_included: LogPosition,
        offset: u64,
        outcome: SnapshotOutcome,
        output: &mut Output,
    ) {
        let reply =
            InstallSnapshotReply { term: self.hard_state.current_term, last_included, offset, outcome };
        self.send(leader, Message::InstallSnapshotReply(reply), output);
    }

    /// A follower replied. If it knew a newer term, the leader has stepped down by now.
    pub(crate) fn receive_install_snapshot_reply(
        &mut self,
        now: Instant,
        from: NodeId,
        reply: InstallSnapshotReply,
        output: &mut Output,
    ) {
        let InstallSnapshotReply { term, last_included, offset, outcome } = reply;
        if term != self.hard_state.current_term || self.role() != RoleKind::Leader {
            return self.ignore_answer(from, term, output);
        }
        match outcome {
            SnapshotOutcome::Refused => {}
            SnapshotOutcome::Received { bytes } => {
                if self.progress_of_mut(from).record_chunk_received(last_included, offset, bytes) {
                    self.want_chunk(from, output);
                }
            }
            SnapshotOutcome::Installed => {
                self.record_match(now, from, last_included.index, output);
                self.record_catching_up(now, from, output);
                if self.role() == RoleKind::Leader {
                    self.replicate_to(from, output);
                }
            }
        }
    }
}
