//! Eager elections (ours): a server that has a reason to think that there is no leader asks soon whether others would vote
//! for it, instead of waiting for an election timeout.

use crate::event::What;
use crate::types::micros;
use crate::{Instant, Node, NodeId, Origin, Output, RoleKind, Rule, Rules};
use std::time::Duration;

impl<R: Rules> Node<R> {
    /// The connection to another server broke. If that is the leader, it may have died: a process that dies closes
    /// its connections. So the server asks soon whether others miss the leader too. If they do not, nothing comes of
    /// it.
    pub(crate) fn note_connection_lost(&mut self, now: Instant, peer: NodeId, output: &mut Output) {
        if self.role() != RoleKind::Follower || self.leader() != Some(peer) || !self.asks_eagerly() {
            return;
        }
        if self.config.lease.is_none() {
            self.sticky_until = now;
        }
        let timeout_us = self.shorten_timer(now);
        output.noted(What::ConnectionLost { leader: peer, timeout_us });
    }

    /// Another voter has connected. If this server waits for a leader, that may be since there were too few to elect one:
    /// after a start, or while others were gone. If there is one, it is heard within a heartbeat interval. If not, nothing is
    /// gained by waiting for longer. A candidate does wait: its next election would raise the term once more.
    pub(crate) fn note_connection_made(
        &mut self,
        now: Instant,
        peer: NodeId,
        origin: Origin,
        output: &mut Output,
    ) {
        if !self.meets(now, peer, origin, output) {
            return;
        }
        let waits =
            matches!(self.role(), RoleKind::Follower | RoleKind::PreCandidate) && self.leader().is_none();
        let interval = self.config.timing.heartbeat_interval();
        let asks_soon = self.next_deadline() <= now.max(self.sticky_until) + 2 * interval;
        if !waits || asks_soon || !self.asks_eagerly() || !self.membership.voters.contains(peer) {
            return;
        }
        let timeout_us = self.shorten_timer_to(now, interval, 2 * interval);
        output.noted(What::ConnectionMade { peer, timeout_us });
    }

    /// Does it ask who would vote for it as soon as that may help, instead of waiting for an election timeout?
    pub(crate) fn asks_eagerly(&self) -> bool {
        self.config.profile.eager_election && self.uses_pre_vote() && self.may_campaign()
    }

    /// Whoever asks misses the leader, perhaps only by now. If it lacks what this server has, it can't win, but this server may,
    /// although it asked too early.
    pub(crate) fn ask_again_soon(&mut self, now: Instant, output: &mut Output) {
        if self.role() == RoleKind::PreCandidate && self.asks_eagerly() {
            let timeout_us = self.shorten_timer(now);
            output.decided(Rule::PreVote, What::Timer { timeout_us });
        }
    }

    /// Lets the election timer run out after a small delay: a random one, so that one of those who have noticed that the leader
    /// is missing is first, and the rest have noticed by then. Returns how long it runs, in microseconds.
    fn shorten_timer(&mut self, now: Instant) -> u64 {
        let interval = self.config.timing.heartbeat_interval();
        self.shorten_timer_to(now, interval / 10, interval / 2)
    }

    /// Sets the election timer to a random time between these, from now or from the end of a promise on, but never beyond what
    /// it is set to. Returns how long it runs, in microseconds.
    pub(crate) fn shorten_timer_to(&mut self, now: Instant, min: Duration, max: Duration) -> u64 {
        let delay = self.random.duration_between(min, max);
        let deadline = (now.max(self.sticky_until) + delay).min(self.next_deadline());
        self.set_election_deadline(deadline);
        micros(deadline.since(now))
    }
}
