//! A server that asks for pre-votes and never starts an election does not delay the others for long.

use crate::common::heartbeat;
use consensus::{
    Config, EveryRule, HardState, Index, Input, Instant, Log, Membership, Message, Node, NodeId, Origin,
    Output, PreVote, Profile, RoleKind, Term, Timing,
};
use std::time::Duration;

/// n1 of five servers, at its first term.
struct Server {
    node: Node,
    now: Instant,
}

impl Server {
    fn start() -> Server {
        let config = Config {
            profile: Profile::PRODUCTION,
            ..crate::common::config(NodeId(1), Membership::of_voters((1..=5).map(NodeId)))
        };
        let node =
            Node::start(config, HardState::default(), Log::default(), EveryRule, &mut Output::default());
        Server { node, now: Instant::START }
    }

    /// It receives this a millisecond later.
    fn receive(&mut self, from: u64, message: Message) -> Output {
        self.now = self.now + Duration::from_millis(1);
        let mut output = Output::default();
        let input = Input::Message { from: NodeId(from), origin: Origin::default(), message };
        self.node.step(self.now, input, &mut output);
        output
    }

    /// A server asks for a pre-vote in the node's own term. The node says yes; does it reset its election
    /// timer?
    fn waits_for(&mut self, candidate: u64) -> bool {
        self.waits_for_one_in(candidate, self.node.hard_state().current_term)
    }

    fn waits_for_one_in(&mut self, candidate: u64, term: Term) -> bool {
        let before = self.node.next_deadline();
        let request = PreVote { term, last_log_index: Index(0), last_log_term: Term(0) };
        let output = self.receive(candidate, Message::PreVote(request));
        let says_yes =
            |message: &Message| matches!(message, Message::PreVoteReply(reply) if reply.would_vote);
        assert!(output.messages.iter().any(|sent| says_yes(&sent.message)), "{:?}", output.messages);
        self.node.next_deadline() != before
    }

    fn hear_leader(&mut self, leader: u64, term: u64) {
        self.receive(leader, Message::AppendEntries(heartbeat(term)));
        // The leader is silent for so long that it counts as lost.
        self.now = self.now + Timing::default().election_timeout_min();
    }

    fn time_out(&mut self) {
        self.now = self.node.next_deadline();
        self.node.step(self.now, Input::Tick, &mut Output::default());
        assert_eq!(self.node.role(), RoleKind::PreCandidate);
    }
}

#[test]
fn a_server_waits_for_each_candidate_once() {
    let mut server = Server::start();
    assert_eq!(
        [5, 5, 4, 5, 4].map(|candidate| server.waits_for(candidate)),
        [true, false, true, false, false]
    );
    // With a term of its own it is still the same candidate.
    assert!(!server.waits_for_one_in(5, Term(7)));
}

#[test]
fn a_server_waits_again_when_it_has_heard_a_leader_or_of_a_new_term() {
    let mut server = Server::start();
    assert!(server.waits_for(5) && !server.waits_for(5));
    server.hear_leader(2, 1);
    assert!(server.waits_for(5) && !server.waits_for(5));
    server.hear_leader(2, 1);
    assert!(server.waits_for(5), "the same leader was heard again");
    let newer = consensus::RequestVoteReply { term: Term(3), vote_granted: false };
    server.receive(4, Message::RequestVoteReply(newer));
    assert_eq!(server.node.hard_state().current_term, Term(3));
    assert!(server.waits_for(5) && !server.waits_for(5));
}

#[test]
fn a_leader_of_the_past_is_no_leader_that_is_heard() {
    let mut server = Server::start();
    server.hear_leader(2, 3);
    assert!(server.waits_for(5));
    server.hear_leader(4, 2);
    assert!(!server.waits_for(5));
}

#[test]
fn a_pre_candidate_steps_back_for_each_other_one_once() {
    let mut server = Server::start();
    server.time_out();
    let request = PreVote { term: Term(0), last_log_index: Index(1), last_log_term: Term(0) };
    server.receive(5, Message::PreVote(request.clone()));
    assert_eq!(server.node.role(), RoleKind::Follower, "its log is ahead");
    server.time_out();
    let deadline = server.node.next_deadline();
    server.receive(5, Message::PreVote(request));
    assert_eq!((server.node.role(), server.node.next_deadline()), (RoleKind::PreCandidate, deadline));
}

#[test]
fn strangers_together_count_as_one() {
    let mut server = Server::start();
    assert_eq!(
        [7, 8, 9, 7, 5].map(|candidate| server.waits_for(candidate)),
        [true, false, false, false, true]
    );
}
