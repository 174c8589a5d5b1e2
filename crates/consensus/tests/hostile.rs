//! Whatever a peer sends, a server throws it away or follows the rules; it never panics.

use consensus::event::{Event, Problem, What};
use consensus::{
    AppendEntries, AppendEntriesReply, AppendOutcome, Config, Entry, EveryRule, HardState, Index, Input,
    Instant, Limits, Log, LogPosition, Membership, Message, Node, NodeId, Output, Payload, Profile, ReadBy,
    RequestVote, RequestVoteReply, RoleKind, Term, Timing,
};

fn start(output: &mut Output) -> Node {
    let config = Config {
        id: NodeId(1),
        membership: Membership::of_voters((1..=3).map(NodeId)).into(),
        timing: Timing::default(),
        limits: Limits::default(),
        lease: None,
        profile: Profile::PAPER,
        seed: 1,
    };
    Node::start(config, HardState::default(), Log::default(), EveryRule, output)
}

fn receive(node: &mut Node, from: u64, message: Message) -> Output {
    let mut output = Output::default();
    node.step(Instant::START, Input::Message { from: NodeId(from), message }, &mut output);
    output
}

fn heartbeat(term: u64) -> AppendEntries {
    AppendEntries {
        term: Term(term),
        prev_log_index: Index(0),
        prev_log_term: Term(0),
        entries: Vec::new(),
        leader_commit: Index(0),
        round: 0,
    }
}

/// Asserts that the message is thrown away for this reason, without any other consequence.
fn assert_rejected(node: &mut Node, from: u64, message: Message, problem: Problem) {
    let before = (node.hard_state(), node.role(), node.leader());
    let output = receive(node, from, message);
    let rejected = Event { rule: None, what: What::Rejected { from: NodeId(from), problem } };
    assert_eq!(output.events, [rejected]);
    assert!(output.messages.is_empty() && output.hard_state.is_none());
    assert_eq!((node.hard_state(), node.role(), node.leader()), before);
}

#[test]
fn strangers_are_not_listened_to() {
    let mut node = start(&mut Output::default());
    for stranger in [0, 1, 4, u64::MAX] {
        assert_rejected(&mut node, stranger, Message::AppendEntries(heartbeat(9)), Problem::UnknownSender);
    }
}

#[test]
fn no_peer_can_make_the_term_overflow() {
    let mut node = start(&mut Output::default());
    let highest = Term::HIGHEST_BELIEVED.0;
    for term in [highest + 1, u64::MAX] {
        assert_rejected(&mut node, 2, Message::AppendEntries(heartbeat(term)), Problem::TermTooHigh);
    }
    receive(&mut node, 2, Message::AppendEntries(heartbeat(highest)));
    let mut output = Output::default();
    node.step(Instant::NEVER, Input::Tick, &mut output);
    assert_eq!(node.hard_state().current_term, Term(highest + 1), "a candidacy is still possible");
}

fn command(term: u64) -> Entry {
    Entry { term: Term(term), payload: Payload::Command(b"x = 1".as_slice().into()) }
}

#[test]
fn entries_that_no_log_holds_are_not_taken() {
    let mut node = start(&mut Output::default());
    for terms in [&[2, 1][..], &[4], &[1, 2, 1]] {
        let entries = terms.iter().map(|&term| command(term)).collect();
        let request = AppendEntries { entries, ..heartbeat(3) };
        assert_rejected(&mut node, 2, Message::AppendEntries(request), Problem::ImpossibleEntries);
    }
}

#[test]
fn what_is_committed_is_not_replaced_by_anybody() {
    let mut node = start(&mut Output::default());
    let request = AppendEntries { entries: vec![command(1)], leader_commit: Index(1), ..heartbeat(1) };
    receive(&mut node, 2, Message::AppendEntries(request));
    assert_eq!(node.commit_index(), Index(1));
    let request = AppendEntries { entries: vec![command(2)], ..heartbeat(2) };
    assert_rejected(&mut node, 3, Message::AppendEntries(request), Problem::ContradictsCommitted);
}

#[test]
fn nobody_agrees_with_entries_that_the_leader_does_not_have() {
    let mut output = Output::default();
    let mut node = start(&mut output);
    let term = lead(&mut node);
    let outcome = AppendOutcome::Matched { match_index: Index(2) };
    let reply = AppendEntriesReply { term, outcome, round: 0 };
    assert_rejected(&mut node, 2, Message::AppendEntriesReply(reply), Problem::ImpossibleMatch);
    assert_eq!(node.commit_index(), Index(0));
}

fn persisted(node: &Node) -> Input {
    Input::Persisted { hard_state: node.hard_state(), log: node.log().last() }
}

/// Lets the server win an election.
fn lead(node: &mut Node) -> Term {
    let mut output = Output::default();
    node.step(Instant::NEVER, Input::Tick, &mut output);
    node.step(Instant::NEVER, persisted(node), &mut output);
    let term = node.hard_state().current_term;
    receive(node, 2, Message::RequestVoteReply(RequestVoteReply { term, vote_granted: true }));
    assert_eq!(node.role(), RoleKind::Leader);
    term
}

#[test]
fn a_second_leader_of_a_term_is_not_believed() {
    let mut node = start(&mut Output::default());
    receive(&mut node, 2, Message::AppendEntries(heartbeat(1)));
    assert_rejected(&mut node, 3, Message::AppendEntries(heartbeat(1)), Problem::SecondLeader);

    let term = lead(&mut node);
    assert_rejected(&mut node, 3, Message::AppendEntries(heartbeat(term.0)), Problem::SecondLeader);
}

/// A source of numbers that are often small, sometimes huge.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }

    fn number(&mut self) -> u64 {
        match self.next() % 8 {
            0 => u64::MAX - self.next() % 3,
            1 => u64::MAX / 2 + self.next() % 3 - 1,
            _ => self.next() % 6,
        }
    }

    fn message(&mut self) -> Message {
        let term = Term(self.number());
        match self.next() % 4 {
            0 => Message::RequestVote(RequestVote {
                term,
                last_log_index: Index(self.number()),
                last_log_term: Term(self.number()),
                by_transfer: false,
            }),
            1 => Message::RequestVoteReply(RequestVoteReply { term, vote_granted: self.coin() }),
            2 => Message::AppendEntries(AppendEntries {
                term,
                prev_log_index: Index(self.number()),
                prev_log_term: Term(self.number()),
                entries: (0..self.next() % 3).map(|_| self.entry(term)).collect(),
                leader_commit: Index(self.number()),
                round: self.number(),
            }),
            _ => Message::AppendEntriesReply(AppendEntriesReply {
                term,
                outcome: self.outcome(),
                round: self.number(),
            }),
        }
    }

    fn entry(&mut self, term: Term) -> Entry {
        let term = if self.coin() { term } else { Term(self.number()) };
        Entry { term, payload: Payload::NoOp }
    }

    fn outcome(&mut self) -> AppendOutcome {
        match self.next() % 3 {
            0 => AppendOutcome::Refused,
            1 => AppendOutcome::Matched { match_index: Index(self.number()) },
            _ => AppendOutcome::Mismatch {
                prev_log_index: Index(self.number()),
                may_agree: LogPosition { index: Index(self.number()), term: Term(self.number()) },
            },
        }
    }
}

#[test]
fn no_message_makes_a_server_panic() {
    for seed in 0..2_000 {
        let mut noise = Noise(seed);
        let mut output = Output::default();
        let mut node = start(&mut output);
        for _ in 0..100 {
            let input = match noise.next() % 8 {
                0 => Input::Tick,
                1 => persisted(&node),
                2 => Input::Propose { commands: vec![b"x = 1".as_slice().into()] },
                3 => Input::Read { id: noise.next(), by: ReadBy::Lease },
                _ => Input::Message { from: NodeId(noise.number()), message: noise.message() },
            };
            let now = if noise.coin() { node.next_deadline() } else { Instant::START };
            let mut output = Output::default();
            node.step(now, input, &mut output);
        }
    }
}
