//! What is wrong with a message whose sender is who it claims to be. A peer is never trusted: it may be
//! broken, or hostile.

use crate::event::Problem;
use crate::{
    AppendEntries, AppendOutcome, Chunk, Entry, Index, InstallSnapshot, LogPosition, Message, Node, NodeId,
    RoleKind, Rule, Rules, SnapshotOutcome, Term,
};

impl<R: Rules> Node<R> {
    /// What no server that follows the protocol would send. A peer may be broken or hostile; its
    /// messages must not be able to crash this server.
    pub(crate) fn problem_with(&self, from: NodeId, message: &Message) -> Option<Problem> {
        // A server without a cluster can't tell what is too far ahead.
        let is_new = self.membership.is_empty() && self.log.last() == LogPosition::default();
        let own = if is_new { Term(u64::MAX / 2) } else { self.hard_state.current_term };
        // Nobody adopts the term of a server that only asks.
        let is_question = matches!(message, Message::PreVote(_));
        if !is_question && !message.term().is_believed_at(own) {
            return Some(Problem::TermTooHigh);
        }
        match message {
            Message::AppendEntries(request) => self.problem_with_entries(from, request),
            Message::AppendEntriesReply(reply) => match reply.outcome {
                AppendOutcome::Matched { match_index } => self.problem_with_match(reply.term, match_index),
                _ => None,
            },
            Message::InstallSnapshot(request) => self.problem_with_chunk(from, request),
            Message::InstallSnapshotReply(reply) => match reply.outcome {
                SnapshotOutcome::Installed => self.problem_with_match(reply.term, reply.last_included.index),
                _ => None,
            },
            Message::TimeoutNow(request) => self.second_leader(from, request.term),
            Message::PreVote(_)
            | Message::PreVoteReply(_)
            | Message::RequestVote(_)
            | Message::RequestVoteReply(_)
            | Message::Found(_)
            | Message::Refusal(_) => None,
        }
    }

    /// Does the sender claim to lead a term that another server leads, or even this one?
    fn second_leader(&self, from: NodeId, term: Term) -> Option<Problem> {
        let is_second =
            term == self.hard_state.current_term && self.leader().is_some_and(|leader| leader != from);
        let problem = if self.role() == RoleKind::Leader { Problem::OwnTerm } else { Problem::SecondLeader };
        is_second.then_some(problem)
    }

    fn problem_with_entries(&self, from: NodeId, request: &AppendEntries) -> Option<Problem> {
        if let Some(problem) = self.second_leader(from, request.term) {
            return Some(problem);
        }
        let terms = request.entries.iter().map(|entry| entry.term);
        let terms = [request.prev_log_term].into_iter().chain(terms).chain([request.term]);
        if !terms.is_sorted() || request.prev_log_index.0 > u64::MAX / 2 {
            return Some(Problem::ImpossibleEntries);
        }
        let place = |place: usize| Index(request.prev_log_index.0 + 1 + place as u64);
        let contradicts = |(offset, entry): (usize, &Entry)| {
            self.contradicts_committed(LogPosition { index: place(offset), term: entry.term })
        };
        let contradicts = request.term >= self.hard_state.current_term
            && (self.contradicts_committed(request.prev_log())
                || request.entries.iter().enumerate().any(contradicts));
        (!self.rules.allow(Rule::NeverTruncateCommitted, !contradicts))
            .then_some(Problem::ContradictsCommitted)
    }

    /// Is another entry committed there?
    fn contradicts_committed(&self, entry: LogPosition) -> bool {
        let own = self.log.term_at(entry.index).filter(|_| entry.index <= self.commit_index);
        own.is_some_and(|own| own != entry.term)
    }

    fn problem_with_chunk(&self, from: NodeId, request: &InstallSnapshot) -> Option<Problem> {
        let Chunk { last_included, offset, bytes, is_last } = &request.chunk;
        if let Some(problem) = self.second_leader(from, request.term) {
            return Some(problem);
        }
        if last_included.term > request.term || last_included.index.0 > u64::MAX / 2 {
            return Some(Problem::ImpossibleEntries);
        }
        if offset.checked_add(bytes.len() as u64).is_none() || (bytes.is_empty() && !is_last) {
            return Some(Problem::BrokenSnapshot);
        }
        (request.term >= self.hard_state.current_term && self.contradicts_committed(*last_included))
            .then_some(Problem::ContradictsCommitted)
    }

    /// No follower can match entries that this leader does not have.
    fn problem_with_match(&self, term: Term, match_index: Index) -> Option<Problem> {
        let leads_that_term = self.role() == RoleKind::Leader && term == self.hard_state.current_term;
        (leads_that_term && match_index > self.log.last().index).then_some(Problem::ImpossibleMatch)
    }
}
