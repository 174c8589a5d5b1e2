//! Linearizable reads without the log (§8; thesis §6.4): before a leader lets a client read, it makes
//! sure that no other leader can have committed anything that it does not know.

use crate::event::What;
use crate::role::Role;
use crate::{Index, Instant, Node, Output, ReadOutcome, RoleKind, Rule, Rules};

/// The reads that wait for their leader to be sure.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Reads {
    /// The number of the latest round of questions.
    round: u64,
    /// The reads for which it is held; if there are none, it does not matter who answers.
    asked: Vec<u64>,
    /// What was committed when it began.
    read_index: Index,
    /// Reads that have come since. They need a round that begins after them.
    waiting: Vec<u64>,
}

impl<R: Rules> Node<R> {
    /// A client wants to read.
    pub(crate) fn read(&mut self, now: Instant, id: u64, output: &mut Output) {
        let leader = self.leader();
        let Role::Leader(role) = &mut self.role else {
            return output.reads.push((id, ReadOutcome::NotLeader { leader }));
        };
        role.reads.waiting.push(id);
        if !self.rules.allow(Rule::ReadAfterCommitInTerm, self.has_committed_in_term()) {
            output.decided(Rule::ReadAfterCommitInTerm, What::ReadWaits);
        }
        self.serve_reads(now, output);
    }

    /// Has this leader committed an entry of its own term? Before, it may not know all that earlier leaders
    /// have committed.
    fn has_committed_in_term(&self) -> bool {
        self.log.term_at(self.commit_index) == Some(self.hard_state.current_term)
    }

    /// The number of the round that the leader's messages belong to.
    pub(crate) fn round(&self) -> u64 {
        match &self.role {
            Role::Leader(leader) => leader.reads.round,
            _ => 0,
        }
    }

    /// Lets those reads take place of which the leader is sure, and asks on behalf of the others.
    pub(crate) fn serve_reads(&mut self, now: Instant, output: &mut Output) {
        self.end_round(output);
        if self.may_begin_round() {
            self.begin_round(now, output);
            self.end_round(output);
        }
    }

    fn may_begin_round(&self) -> bool {
        let Role::Leader(leader) = &self.role else { return false };
        let Reads { asked, waiting, .. } = &leader.reads;
        let knows_all = self.rules.allow(Rule::ReadAfterCommitInTerm, self.has_committed_in_term());
        asked.is_empty() && !waiting.is_empty() && knows_all
    }

    fn begin_round(&mut self, now: Instant, output: &mut Output) {
        let Role::Leader(leader) = &mut self.role else { unreachable!("only a leader asks") };
        let reads = &mut leader.reads;
        reads.round += 1;
        reads.read_index = self.commit_index;
        std::mem::swap(&mut reads.asked, &mut reads.waiting);
        let what = What::RoundBegun { round: reads.round, index: reads.read_index, reads: reads.asked.len() };
        output.decided(Rule::ReadConfirmsLeadership, what);
        if self.rules.hold(Rule::ReadConfirmsLeadership) {
            self.send_heartbeats(now, output);
        }
    }

    /// If a majority has answered the round, nobody else led when it began, and its reads may take place.
    fn end_round(&mut self, output: &mut Output) {
        let own_round = self.round();
        let answered = self.config.voters.reached_by_majority(|id| {
            if id == self.config.id { own_round } else { self.progress_of(id).answered_round() }
        });
        let is_sure = self.rules.allow(Rule::ReadConfirmsLeadership, answered >= own_round);
        let Role::Leader(leader) = &mut self.role else { unreachable!("only a leader asks") };
        let reads = &mut leader.reads;
        if is_sure && !reads.asked.is_empty() {
            let index = reads.read_index;
            output.reads.extend(reads.asked.drain(..).map(|id| (id, ReadOutcome::At(index))));
            output.decided(Rule::ReadConfirmsLeadership, What::RoundWon { round: own_round, index });
        }
    }

    /// Whoever leads no longer can't vouch for anything.
    pub(crate) fn refuse_reads(&mut self, output: &mut Output) {
        if let Role::Leader(leader) = &mut self.role {
            let reads = std::mem::take(&mut leader.reads);
            let all = reads.asked.into_iter().chain(reads.waiting);
            output.reads.extend(all.map(|id| (id, ReadOutcome::NotLeader { leader: None })));
        }
    }

    /// A follower has answered: it still followed when that round had begun.
    pub(crate) fn note_round(&mut self, now: Instant, from: crate::NodeId, round: u64, output: &mut Output) {
        debug_assert_eq!(self.role(), RoleKind::Leader);
        if round <= self.round() {
            self.progress_of_mut(from).note_answer(round);
            self.serve_reads(now, output);
        }
    }
}
