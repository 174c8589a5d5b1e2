//! Elections (§5.2, §5.4.1): from the timeout, through the votes, to the majority.

use crate::event::{Check, What};
use crate::role::Role;
use crate::{
    HardState, Instant, LogPosition, Message, Node, NodeId, Output, RequestVote, RequestVoteReply, RoleKind,
    Rule, Rules,
};

impl<R: Rules> Node<R> {
    /// Raises the term, votes for itself, and asks all others.
    pub(crate) fn start_election(
        &mut self,
        now: Instant,
        rule: Rule,
        by_transfer: bool,
        output: &mut Output,
    ) {
        let was = self.hard_state.current_term;
        let current_term = if self.rules.hold(Rule::CandidateIncrementsTerm) { was.next() } else { was };
        let voted_for = self.rules.hold(Rule::CandidateVotesForItself).then_some(self.id());
        self.set_hard_state(HardState { current_term, voted_for }, output);
        output.decided(Rule::CandidateIncrementsTerm, What::Term { was });

        self.become_candidate(rule, output);
        if self.rules.hold(Rule::CandidateRestartsTimer) {
            self.restart_election_timer(now, Rule::CandidateRestartsTimer, output);
        }

        let own_vote = What::Vote { candidate: self.id(), granted: true };
        output.decided(Rule::CandidateVotesForItself, own_vote);
        let LogPosition { index: last_log_index, term: last_log_term } = self.log.last();
        let request = RequestVote { term: current_term, last_log_index, last_log_term, by_transfer };
        self.send_to_voters(Message::RequestVote(request), output);
    }

    pub(crate) fn send_to_voters(&self, message: Message, output: &mut Output) {
        let membership = self.membership();
        for &peer in self.peers.iter().filter(|peer| membership.voters.contains(**peer)) {
            self.send(peer, message.clone(), output);
        }
    }

    /// A candidate's own vote counts once it can no longer be forgotten.
    pub(crate) fn count_own_vote(&mut self, now: Instant, output: &mut Output) {
        let waits_for_it =
            matches!(&self.role, Role::Candidate(candidate) if !candidate.votes.contains(&self.config.id));
        if waits_for_it {
            self.count_vote(now, self.id(), true, output);
        }
    }

    /// Another server asks for this server's vote. Terms have been compared already: the request's is not
    /// newer than the server's.
    pub(crate) fn receive_request_vote(
        &mut self,
        now: Instant,
        candidate: NodeId,
        request: RequestVote,
        output: &mut Output,
    ) {
        let objection = self.objection_to(candidate, &request, output);
        let granted = objection.is_none();
        if granted {
            self.set_hard_state(HardState { voted_for: Some(candidate), ..self.hard_state }, output);
        }
        output.decided(objection.unwrap_or(Rule::PersistBeforeAnswer), What::Vote { candidate, granted });

        let reply = RequestVoteReply { term: self.hard_state.current_term, vote_granted: granted };
        self.send(candidate, Message::RequestVoteReply(reply), output);

        let restarts_timer =
            self.rules.allow(Rule::ResetTimerOnGrantOnly, self.rules.restarts_timer(granted));
        if restarts_timer && self.role() != RoleKind::Leader {
            self.restart_election_timer(now, Rule::ResetTimerOnGrantOnly, output);
        }
    }

    /// Another server asks for this server's vote, but gets none while this server hears from a leader. This
    /// server does not even adopt the candidate's term, which would part it from its leader (§6).
    pub(crate) fn refuse_to_leave(&mut self, now: Instant, candidate: NodeId, output: &mut Output) {
        output.decided(Rule::LeaderStickiness, What::Vote { candidate, granted: false });
        let reply = RequestVoteReply { term: self.hard_state.current_term, vote_granted: false };
        self.send(candidate, Message::RequestVoteReply(reply), output);
        self.catch_up_non_member(now, candidate, output);
    }

    /// The first rule that forbids voting for this candidate, if any does.
    fn objection_to(&self, candidate: NodeId, request: &RequestVote, output: &mut Output) -> Option<Rule> {
        let is_current = request.term >= self.hard_state.current_term;
        if !self.rules.allow(Rule::RejectStaleTerm, is_current) {
            let check = Check::TermIsCurrent { requested: request.term };
            output.decided(Rule::RejectStaleTerm, What::Check { check, holds: false });
            return Some(Rule::RejectStaleTerm);
        }

        let voted_for = self.hard_state.voted_for;
        let is_free = self.rules.allow(Rule::OneVotePerTerm, self.rules.may_vote(voted_for, candidate));
        let check = Check::NoOtherVote { voted_for };
        output.decided(Rule::OneVotePerTerm, What::Check { check, holds: is_free });
        if !is_free {
            return Some(Rule::OneVotePerTerm);
        }

        self.objection_to_log(request.last_log(), output)
    }

    /// The rule by which a candidate whose log ends there can't get this server's vote, if there is one.
    pub(crate) fn objection_to_log(&self, candidate_log: LogPosition, output: &mut Output) -> Option<Rule> {
        let own_log = self.log.last();
        let rule = self.rule_that_compares(candidate_log, own_log);
        let is_up_to_date = self.rules.is_up_to_date(candidate_log, own_log);
        let is_up_to_date = self.rules.allow(Rule::UpToDateLog, is_up_to_date);
        let check = Check::LogUpToDate { candidate: candidate_log, own: own_log };
        output.decided(rule, What::Check { check, holds: is_up_to_date });
        (!is_up_to_date).then_some(rule)
    }

    fn rule_that_compares(&self, candidate: LogPosition, own: LogPosition) -> Rule {
        if candidate.term == own.term { Rule::UpToDateLog } else { Rule::CompareTermBeforeLength }
    }

    /// Another server replies to a request for its vote.
    pub(crate) fn receive_request_vote_reply(
        &mut self,
        now: Instant,
        voter: NodeId,
        reply: RequestVoteReply,
        output: &mut Output,
    ) {
        let answers_this_term = reply.term == self.hard_state.current_term;
        if !self.rules.allow(Rule::IgnoreStaleAnswers, answers_this_term)
            || self.role() != RoleKind::Candidate
        {
            return self.ignore_answer(voter, reply.term, output);
        }
        self.count_vote(now, voter, reply.vote_granted, output);
    }

    pub(crate) fn ignore_answer(&self, from: NodeId, answer_term: crate::Term, output: &mut Output) {
        output.decided(Rule::IgnoreStaleAnswers, What::Ignored { from, answer_term });
    }

    fn count_vote(&mut self, now: Instant, voter: NodeId, granted: bool, output: &mut Output) {
        let Role::Candidate(candidate) = &mut self.role else {
            unreachable!("only a candidate counts votes")
        };
        let is_first_answer = !candidate.votes.contains(&voter);
        if granted && self.rules.allow(Rule::CountEachVoterOnce, is_first_answer) {
            candidate.votes.push(voter);
        }
        let has_majority = self.membership.voters.is_majority(&candidate.votes);
        let ((votes, needed), of_new) = self.membership.voters.tally(&candidate.votes);
        let rule = if is_first_answer { Rule::MajorityWins } else { Rule::CountEachVoterOnce };
        output.decided(rule, What::Tally { voter, granted, votes, needed, of_new });
        if self.rules.allow(Rule::MajorityWins, has_majority) {
            self.become_leader(now, has_majority.then_some(Rule::MajorityWins), output);
        }
    }
}
