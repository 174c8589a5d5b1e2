//! Heartbeats (§5.2): how a leader stays in office, and how the others learn who it is.

use crate::event::What;
use crate::role::Role;
use crate::{
    AppendEntries, AppendEntriesReply, Instant, LogPosition, Message, Node, NodeId, Output, RoleKind, Rule,
    Rules,
};

impl<R: Rules> Node<R> {
    /// Sends a heartbeat to every other server and sets the time for the next ones.
    pub(crate) fn send_heartbeats(&mut self, now: Instant, output: &mut Output) {
        let Role::Leader(leader) = &mut self.role else { unreachable!("only a leader sends heartbeats") };
        leader.heartbeat_deadline = now + self.config.timing.heartbeat_interval();
        output.decided(Rule::HeartbeatAtOnce, What::Heartbeat);

        let LogPosition { index: prev_log_index, term: prev_log_term } = self.log.last();
        let heartbeat = AppendEntries {
            term: self.hard_state.current_term,
            prev_log_index,
            prev_log_term,
            entries: Vec::new(),
            leader_commit: self.commit_index(),
        };
        for &peer in &self.peers {
            self.send(peer, Message::AppendEntries(heartbeat.clone()), output);
        }
    }

    /// A leader gives a sign of life. Terms have been compared already: the request's is not newer
    /// than the server's.
    pub(crate) fn receive_append_entries(
        &mut self,
        now: Instant,
        leader: NodeId,
        request: AppendEntries,
        output: &mut Output,
    ) {
        let is_current = request.term >= self.hard_state.current_term;
        if !self.rules.allow(Rule::RejectStaleTerm, is_current) {
            output.decided(Rule::RejectStaleTerm, What::Refused { leader, stale_term: request.term });
            return self.answer_append_entries(leader, false, output);
        }
        if self.role() == RoleKind::Candidate && !self.rules.hold(Rule::RecogniseLeader) {
            return self.answer_append_entries(leader, false, output);
        }
        self.follow(now, leader, output);
        self.answer_append_entries(leader, self.log.contains(request.prev_log()), output);
        if self.rules.hold(Rule::ResetTimerOnLeader) {
            self.restart_election_timer(now, Rule::ResetTimerOnLeader, output);
        }
    }

    fn follow(&mut self, now: Instant, leader: NodeId, output: &mut Output) {
        if self.leader() != Some(leader) {
            self.become_follower(now, Some(leader), Some(Rule::RecogniseLeader), output);
            output.decided(Rule::RecogniseLeader, What::Leader { leader });
        }
    }

    fn answer_append_entries(&self, leader: NodeId, success: bool, output: &mut Output) {
        let reply = AppendEntriesReply { term: self.hard_state.current_term, success };
        self.send(leader, Message::AppendEntriesReply(reply), output);
    }

    /// A follower has answered a heartbeat. If it knew a newer term, the leader has stepped down by
    /// now; otherwise there is nothing to do about it.
    pub(crate) fn receive_append_entries_reply(
        &self,
        from: NodeId,
        reply: AppendEntriesReply,
        output: &mut Output,
    ) {
        if reply.term != self.hard_state.current_term || self.role() != RoleKind::Leader {
            self.ignore_answer(from, reply.term, output);
        }
    }
}
