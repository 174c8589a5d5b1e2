//! Linearizable reads without the log (§8; thesis §6.4): before a leader lets a client read, it makes certain
//! that no other leader can have committed anything that it does not know.

use crate::event::What;
use crate::role::Role;
use crate::types::micros;
use crate::{Index, Instant, Lease, Node, Output, ReadBy, ReadOutcome, RoleKind, Rule, Rules};
use std::time::Duration;

/// The reads that wait until the leader is certain.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Reads {
    /// Number of the latest round, in which the leader asks whether it still leads.
    round: u64,
    /// The reads that this round is for; if there are none, the replies do not matter.
    asked: Vec<u64>,
    /// commitIndex when the round began.
    read_index: Index,
    /// Reads that have arrived since. They need a round that begins after them.
    waiting: Vec<u64>,
    /// When the round began.
    round_began: Instant,
    /// Until this time no other server can be elected: a majority has promised it.
    lease_until: Instant,
    /// Set once a transfer has begun: no lease for the rest of this term.
    has_no_lease: bool,
}

impl Reads {
    /// Stops relying on promises for as long as this server leads.
    pub(crate) fn give_up_lease(&mut self) {
        self.lease_until = Instant::START;
        self.has_no_lease = true;
    }
}

impl<R: Rules> Node<R> {
    /// A client wants to read.
    pub(crate) fn read(&mut self, now: Instant, id: u64, by: ReadBy, output: &mut Output) {
        let (leader, knows_all) = (self.leader(), self.knows_all_committed());
        let Role::Leader(role) = &mut self.role else {
            return output.reads.push((id, ReadOutcome::NotLeader { leader }));
        };
        let has_lease = now < role.reads.lease_until;
        if by == ReadBy::Lease && has_lease && knows_all {
            let index = self.commit_index;
            output.reads.push((id, ReadOutcome::At(index)));
            return output.decided(Rule::LeaseNeedsBoundedClocks, What::LeaseRead { index });
        }
        role.reads.waiting.push(id);
        if !knows_all {
            output.decided(Rule::ReadAfterCommitInTerm, What::ReadWaits);
        }
        self.serve_reads(now, output);
    }

    /// Has this leader committed an entry of its own term? Before that, it may not know everything that
    /// earlier leaders have committed.
    fn knows_all_committed(&self) -> bool {
        self.rules.allow(Rule::ReadAfterCommitInTerm, self.has_committed_in_term())
    }

    /// The number of the round that the leader's messages belong to.
    pub(crate) fn round(&self) -> u64 {
        match &self.role {
            Role::Leader(leader) => leader.reads.round,
            _ => 0,
        }
    }

    /// Serves the reads that the leader is certain about, and starts a round for the others.
    pub(crate) fn serve_reads(&mut self, now: Instant, output: &mut Output) {
        self.end_round(now, output);
        if self.may_begin_round() {
            self.begin_round(now, output);
            self.end_round(now, output);
        }
    }

    /// Number of reads that wait until this server is certain that it leads.
    pub fn waiting_reads(&self) -> usize {
        match &self.role {
            Role::Leader(leader) => leader.reads.asked.len() + leader.reads.waiting.len(),
            _ => 0,
        }
    }

    /// Before heartbeats are sent, a leader starts a round to renew its lease, unless it still waits for
    /// replies to the last one.
    pub(crate) fn renew_lease(&mut self, now: Instant, output: &mut Output) {
        if self.config.lease.is_none() || !self.has_won_round() {
            return;
        }
        let Role::Leader(leader) = &mut self.role else { unreachable!("only a leader has a lease") };
        leader.reads.round += 1;
        leader.reads.round_began = now;
        self.end_round(now, output);
    }

    fn may_begin_round(&self) -> bool {
        let Role::Leader(leader) = &self.role else { return false };
        let Reads { asked, waiting, .. } = &leader.reads;
        asked.is_empty() && !waiting.is_empty() && self.knows_all_committed()
    }

    fn begin_round(&mut self, now: Instant, output: &mut Output) {
        let Role::Leader(leader) = &mut self.role else { unreachable!("only a leader asks") };
        let reads = &mut leader.reads;
        reads.round += 1;
        reads.round_began = now;
        reads.read_index = self.commit_index;
        std::mem::swap(&mut reads.asked, &mut reads.waiting);
        let what = What::RoundBegun { round: reads.round, index: reads.read_index, reads: reads.asked.len() };
        output.decided(Rule::ReadConfirmsLeadership, what);
        if self.rules.hold(Rule::ReadConfirmsLeadership) {
            self.ask_all(output);
        }
    }

    /// If a majority has replied to the round, no other server led when it began, and its reads may take
    /// place. Where leaders have leases, the majority has also promised that no other server will lead for a
    /// while.
    fn end_round(&mut self, now: Instant, output: &mut Output) {
        if !self.waits_for_round() || !self.has_won_round() {
            return;
        }
        let promised = self.config.lease.map(|lease| self.lasts(lease));
        let Role::Leader(leader) = &mut self.role else { unreachable!("only a leader asks") };
        let reads = &mut leader.reads;
        if !reads.asked.is_empty() {
            let (round, index) = (reads.round, reads.read_index);
            output.reads.extend(reads.asked.drain(..).map(|id| (id, ReadOutcome::At(index))));
            output.decided(Rule::ReadConfirmsLeadership, What::RoundWon { round, index });
        }
        if let Some(promised) = promised.filter(|_| !reads.has_no_lease) {
            let had_one = now < reads.lease_until;
            reads.lease_until = reads.round_began + promised;
            if !had_one && now < reads.lease_until {
                let lasts_us = micros(reads.lease_until.since(now));
                output.decided(Rule::LeaseNeedsBoundedClocks, What::LeaseGained { lasts_us });
            }
        }
    }

    /// Does anything depend on the latest round?
    fn waits_for_round(&self) -> bool {
        let Role::Leader(leader) = &self.role else { return false };
        let reads = &leader.reads;
        !reads.asked.is_empty() || (reads.round > 0 && self.config.lease.is_some())
    }

    /// Has a majority replied to the latest round? If there was no round, nothing waits for one.
    fn has_won_round(&self) -> bool {
        let own_round = self.round();
        let answered = self.membership().voters.reached_by_majority(|id| {
            if id == self.config.id { own_round } else { self.progress_of(id).replied_round() }
        });
        self.rules.allow(Rule::ReadConfirmsLeadership, answered >= own_round)
    }

    /// How long a leader may rely on the others' promise, from the time at which it asked.
    fn lasts(&self, lease: Lease) -> Duration {
        let promised = self.config.timing.election_timeout_min();
        if self.rules.hold(Rule::LeaseNeedsBoundedClocks) { lease.duration(promised) } else { promised }
    }

    /// A server that no longer leads can't confirm that anything is up to date.
    pub(crate) fn refuse_reads(&mut self, output: &mut Output) {
        if let Role::Leader(leader) = &mut self.role {
            let reads = std::mem::take(&mut leader.reads);
            let all = reads.asked.into_iter().chain(reads.waiting);
            output.reads.extend(all.map(|id| (id, ReadOutcome::NotLeader { leader: None })));
        }
    }

    /// A follower replied: it still followed when that round began.
    pub(crate) fn record_round(
        &mut self,
        now: Instant,
        from: crate::NodeId,
        round: u64,
        output: &mut Output,
    ) {
        debug_assert_eq!(self.role(), RoleKind::Leader);
        if round <= self.round() {
            self.progress_of_mut(from).record_reply(round);
            self.serve_reads(now, output);
        }
    }
}
