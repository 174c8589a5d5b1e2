//! The election timer (§5.2), and the time for which a server stays with its leader (§6).

use crate::event::What;
use crate::role::Role;
use crate::types::micros;
use crate::{Instant, Node, Output, RoleKind, Rule, Rules};
use std::time::Duration;

impl<R: Rules> Node<R> {
    /// When the election timer runs out; a leader has none.
    pub(crate) fn election_deadline(&self) -> Option<Instant> {
        match &self.role {
            Role::Follower(follower) => Some(follower.election_deadline),
            Role::PreCandidate(candidate) => Some(candidate.election_deadline),
            Role::Candidate(candidate) => Some(candidate.election_deadline),
            Role::Leader(_) => None,
        }
    }

    /// Draws a new timeout and starts the timer with it, for the reason that `rule` gives.
    pub(crate) fn restart_election_timer(&mut self, now: Instant, rule: Rule, output: &mut Output) {
        let timeout = self.draw_election_timeout();
        self.set_election_deadline(now + timeout);
        output.decided(rule, What::Timer { timeout_us: micros(timeout) });
    }

    pub(crate) fn set_election_deadline(&mut self, deadline: Instant) {
        match &mut self.role {
            Role::Follower(follower) => follower.election_deadline = deadline,
            Role::PreCandidate(candidate) => candidate.election_deadline = deadline,
            Role::Candidate(candidate) => candidate.election_deadline = deadline,
            Role::Leader(_) => unreachable!("a leader has no election timer"),
        }
    }

    fn draw_election_timeout(&mut self) -> Duration {
        let timing = &self.config.timing;
        let (min, max) = (timing.election_timeout_min(), timing.election_timeout_max());
        if self.rules.hold(Rule::RandomisedTimeout) { self.random.duration_between(min, max) } else { min }
    }

    pub(crate) fn set_election_timer(&mut self, now: Instant, deadline: Instant, output: &mut Output) {
        if self.role.kind() == RoleKind::Leader {
            self.become_follower(now, None, None, output);
        }
        // A promise is kept under the lab's commands too.
        let is_bound = self.config.lease.is_some() && self.rules.hold(Rule::LeaderStickiness);
        let deadline = if is_bound { deadline.max(self.sticky_until) } else { deadline };
        self.set_election_deadline(deadline);
        output.noted(What::Timer { timeout_us: micros(deadline.since(now)) });
    }

    /// It has heard from the leader of its term: where leaders have leases, it votes for nobody for a while.
    pub(crate) fn promise_to_stay(&mut self, now: Instant) {
        self.sticky_until = now + self.config.timing.election_timeout_min();
    }

    /// Does this server hear from a leader, or lead itself?
    pub(crate) fn hears_leader(&self, now: Instant) -> bool {
        self.role() == RoleKind::Leader || now < self.sticky_until
    }
}
