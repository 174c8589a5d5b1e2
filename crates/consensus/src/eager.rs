//! Eager elections (ours): a server with a reason to think that there is no leader soon asks whether others
//! would vote for it, instead of waiting for an election timeout.

use crate::event::What;
use crate::types::micros;
use crate::{Instant, Node, NodeId, Origin, Output, RoleKind, Rule, Rules};
use std::time::Duration;

impl<R: Rules> Node<R> {
    /// The connection to another server broke. If that is the leader, it may have died: a process that dies
    /// closes its connections. So the server soon asks whether the others have lost the leader too. If they
    /// have not, nothing changes.
    pub(crate) fn on_connection_lost(&mut self, now: Instant, peer: NodeId, output: &mut Output) {
        if self.role() != RoleKind::Follower || self.leader() != Some(peer) || !self.asks_eagerly() {
            return;
        }
        if self.config.lease.is_none() {
            self.sticky_until = now;
        }
        let timeout_us = self.shorten_timer(now);
        output.noted(What::ConnectionLost { leader: peer, timeout_us });
    }

    /// Another voter connected. If this server waits for a leader, perhaps there were too few servers to
    /// elect one: after a start, or while others were away. If there is a leader, it is heard within a
    /// heartbeat interval. If not, nothing is gained by waiting longer. A candidate does wait: its next
    /// election would raise the term once more.
    pub(crate) fn on_connection_made(
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

    /// Does it ask for pre-votes as soon as that may help, instead of waiting for an election timeout?
    pub(crate) fn asks_eagerly(&self) -> bool {
        self.config.profile.eager_election && self.uses_pre_vote() && self.may_campaign()
    }

    /// The server that asks has lost the leader too, perhaps only just now. If its log lacks what this server
    /// has, it can't win, but this server may, even if it asked too early before.
    pub(crate) fn ask_again_soon(&mut self, now: Instant, output: &mut Output) {
        if self.role() == RoleKind::PreCandidate && self.asks_eagerly() {
            let timeout_us = self.shorten_timer(now);
            output.decided(Rule::PreVote, What::Timer { timeout_us });
        }
    }

    /// Shortens the election timer to a small random delay: random, so that one of the servers that have lost
    /// the leader is first, and small but long enough for the others to notice by then. Returns how long it
    /// runs, in microseconds.
    fn shorten_timer(&mut self, now: Instant) -> u64 {
        let interval = self.config.timing.heartbeat_interval();
        self.shorten_timer_to(now, interval / 10, interval / 2)
    }

    /// Sets the election timer to a random time between these bounds, counted from now or from the end of a
    /// promise, but never later than it is set to. Returns how long it runs, in microseconds.
    pub(crate) fn shorten_timer_to(&mut self, now: Instant, min: Duration, max: Duration) -> u64 {
        let delay = self.random.duration_between(min, max);
        let deadline = (now.max(self.sticky_until) + delay).min(self.next_deadline());
        self.set_election_deadline(deadline);
        micros(deadline.since(now))
    }
}
