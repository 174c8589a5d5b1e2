//! Pre-vote (thesis §9.6): before a server raises its term, it asks the others whether they would vote for
//! it. A server that was cut off can't win, so it stays quiet, and deposes no leader when it comes back.

use crate::event::{Check, What};
use crate::role::Role;
use crate::{
    Instant, LogPosition, Message, Node, NodeId, Output, PreVote, PreVoteReply, RoleKind, Rule, Rules,
};

impl<R: Rules> Node<R> {
    /// Does this server ask before it starts an election?
    pub(crate) fn uses_pre_vote(&self) -> bool {
        self.config.profile.pre_vote && self.rules.hold(Rule::PreVote)
    }

    /// The election timer has run out: ask all others whether an election could be won.
    pub(crate) fn start_pre_vote(&mut self, now: Instant, output: &mut Output) {
        self.become_pre_candidate(output);
        self.restart_election_timer(now, Rule::PreVote, output);
        let term = self.hard_state.current_term;
        let LogPosition { index: last_log_index, term: last_log_term } = self.log.last();
        let request = PreVote { term, last_log_index, last_log_term };
        self.send_to_voters(Message::PreVote(request), output);
        // Its own reply is no vote, so it need not be saved.
        self.count_pre_vote(now, self.id(), true, output);
    }

    /// Another server asks whether it would get this server's vote. That changes nothing here, not even the
    /// term.
    pub(crate) fn receive_pre_vote(
        &mut self,
        now: Instant,
        candidate: NodeId,
        request: &PreVote,
        output: &mut Output,
    ) {
        let objection = self.objection_to_pre_vote(now, request, output);
        let granted = objection.is_none();
        output.decided(objection.unwrap_or(Rule::PreVote), What::PreVote { candidate, granted });
        let term = self.hard_state.current_term;
        let reply = PreVoteReply { term, asked_in: request.term, would_vote: granted };
        self.send(candidate, Message::PreVoteReply(reply), output);
        self.catch_up_non_member(now, candidate, output);
        if matches!(objection, Some(Rule::UpToDateLog | Rule::CompareTermBeforeLength)) {
            self.ask_again_soon(now, output);
        }
        if !granted || self.role() == RoleKind::Leader {
            return;
        }
        if !self.may_let_go_first(candidate, output) {
            return;
        }
        // The other one wins the tie: two elections at the same time could split the votes.
        if self.role() == RoleKind::PreCandidate && !self.wins_tie(candidate, request, output) {
            self.become_follower(now, None, Some(Rule::PreVote), output);
        }
        self.restart_election_timer(now, Rule::ResetTimerOnGrantOnly, output);
    }

    /// May a yes reset this server's election timer? A pre-candidate that never starts an election, perhaps
    /// because no message reaches it, could ask again and again. So each one may do so only once, until a
    /// leader is heard or a new term begins. Non-members can use any number, so all of them together count as
    /// one.
    fn may_let_go_first(&mut self, candidate: NodeId, output: &mut Output) -> bool {
        let membership = &self.membership;
        let is_stranger = |id: &NodeId| !membership.contains(*id);
        let is_new = if is_stranger(&candidate) {
            !self.let_go_first.iter().any(is_stranger)
        } else {
            !self.let_go_first.contains(&candidate)
        };
        if is_new {
            self.let_go_first.insert(candidate);
        }
        let holds = self.rules.allow(Rule::ResetTimerOnGrantOnly, is_new);
        if !holds {
            let check = Check::NotYetLetGoFirst { candidate };
            output.decided(Rule::ResetTimerOnGrantOnly, What::Check { check, holds });
        }
        holds
    }

    /// Two servers that ask at the same time could both get enough yeses from the others. So one of them
    /// steps back: the one whose log is behind or, if the logs are equal, the one with the higher number.
    fn wins_tie(&self, candidate: NodeId, request: &PreVote, output: &mut Output) -> bool {
        let equal_logs = request.last_log() == self.log.last();
        let holds = equal_logs && self.id() < candidate;
        output.decided(
            Rule::PreVote,
            What::Check { check: Check::GoesBefore { candidate, equal_logs }, holds },
        );
        holds
    }

    /// The first rule that forbids voting for it, if any does.
    fn objection_to_pre_vote(&self, now: Instant, request: &PreVote, output: &mut Output) -> Option<Rule> {
        if !self.rules.allow(Rule::LeaderStickiness, !self.hears_leader(now)) {
            return Some(Rule::LeaderStickiness);
        }
        // It would start an election in the next term, so its own must be at least this server's.
        let is_current = request.term >= self.hard_state.current_term;
        if !self.rules.allow(Rule::RejectStaleTerm, is_current) {
            let check = Check::TermIsCurrent { requested: request.term };
            output.decided(Rule::RejectStaleTerm, What::Check { check, holds: false });
            return Some(Rule::RejectStaleTerm);
        }
        self.objection_to_log(request.last_log(), output)
    }

    /// Another server replies whether it would vote for this one.
    pub(crate) fn receive_pre_vote_reply(
        &mut self,
        now: Instant,
        voter: NodeId,
        reply: &PreVoteReply,
        output: &mut Output,
    ) {
        let answers_this_term = reply.asked_in == self.hard_state.current_term;
        if !answers_this_term || self.role() != RoleKind::PreCandidate {
            return self.ignore_answer(voter, reply.asked_in, output);
        }
        self.count_pre_vote(now, voter, reply.would_vote, output);
    }

    fn count_pre_vote(&mut self, now: Instant, voter: NodeId, granted: bool, output: &mut Output) {
        let Role::PreCandidate(candidate) = &mut self.role else {
            unreachable!("only a pre-candidate counts these")
        };
        if granted && !candidate.votes.contains(&voter) {
            candidate.votes.push(voter);
        }
        let ((votes, needed), of_new) = self.membership.voters.tally(&candidate.votes);
        let has_majority = self.membership.voters.is_majority(&candidate.votes);
        output.decided(Rule::PreVote, What::PreTally { voter, granted, votes, needed, of_new });
        if has_majority {
            self.start_election(now, Rule::PreVote, false, output);
        }
    }
}
