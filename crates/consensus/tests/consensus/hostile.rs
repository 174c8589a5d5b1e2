//! Whatever a peer sends, a server drops it or follows the rules; it never panics.

use crate::common::heartbeat;
use consensus::event::{Decision, Problem, What};
use consensus::{
    AppendEntries, AppendEntriesReply, AppendOutcome, Change, Chunk, ClusterId, Config, Credentials, Entry,
    EveryRule, Found, HardState, Incarnation, Index, Input, InstallSnapshot, InstallSnapshotReply, Instant,
    Log, LogPosition, Membership, Memory, Message, Node, NodeId, Origin, Output, Payload, PreVote,
    PreVoteReply, Profile, Quorum, ReadBy, Refusal, RequestVote, RequestVoteReply, RoleKind, SnapshotOutcome,
    Start, Term, TimeoutNow,
};
use std::collections::{BTreeMap, BTreeSet};

fn start(output: &mut Output) -> Node {
    start_as(1, output)
}

fn start_as(id: u64, output: &mut Output) -> Node {
    Node::start(config(id), HardState::default(), Log::default(), EveryRule, output)
}

fn config(id: u64) -> Config {
    crate::common::config(NodeId(id), Membership::of_voters((1..=3).map(NodeId)))
}

fn receive(node: &mut Node, from: u64, message: Message) -> Output {
    let mut output = Output::default();
    node.step(
        Instant::START,
        Input::Message { from: NodeId(from), origin: Origin::default(), message },
        &mut output,
    );
    output
}

/// Asserts that the message is dropped for this reason, without any other effect.
fn assert_rejected(node: &mut Node, from: u64, message: Message, problem: Problem) {
    let before = (node.hard_state(), node.role(), node.leader());
    let output = receive(node, from, message);
    let rejected = Decision::new(None, What::Rejected { from: NodeId(from), problem });
    assert_eq!(output.decisions, [rejected]);
    assert!(output.messages.is_empty() && output.save.hard_state.is_none());
    assert_eq!((node.hard_state(), node.role(), node.leader()), before);
}

#[test]
fn nobody_speaks_in_a_servers_own_name() {
    let mut node = start(&mut Output::default());
    assert_rejected(&mut node, 1, Message::AppendEntries(heartbeat(9)), Problem::SenderIsSelf);
}

/// A server that asks for something may know a newer configuration than this server (§6). One that replies
/// can't: only members are asked.
#[test]
fn strangers_are_heard_when_they_ask_and_not_when_they_answer() {
    for stranger in [0, 4, u64::MAX] {
        let mut node = start(&mut Output::default());
        receive(&mut node, stranger, Message::AppendEntries(heartbeat(9)));
        assert_eq!(node.leader(), Some(NodeId(stranger)));
        assert_eq!(node.hard_state().current_term, Term(9));
    }
    for (stranger, newer) in [(0, false), (4, false), (4, true), (u64::MAX, true)] {
        let mut node = start(&mut Output::default());
        let mut output = Output::default();
        node.step(Instant::NEVER, Input::Tick, &mut output);
        node.step(Instant::NEVER, persisted(&node), &mut output);
        let before = node.hard_state();
        let term = if newer { before.current_term.next() } else { before.current_term };
        for answer in answers(term) {
            let output = receive(&mut node, stranger, answer);
            assert!(output.messages.is_empty() && output.save.hard_state.is_none(), "{output:?}");
            assert_eq!((node.hard_state(), node.role()), (before, RoleKind::Candidate));
        }
    }
}

/// One reply of each kind, as favourable as it can be.
fn answers(term: Term) -> [Message; 4] {
    let outcome = AppendOutcome::Matched { match_index: Index(0) };
    let last_included = LogPosition::default();
    let installed = SnapshotOutcome::Installed;
    [
        Message::PreVoteReply(PreVoteReply { term, asked_in: term, would_vote: true }),
        Message::RequestVoteReply(RequestVoteReply { term, vote_granted: true }),
        Message::AppendEntriesReply(AppendEntriesReply { term, outcome, round: 0 }),
        Message::InstallSnapshotReply(InstallSnapshotReply {
            term,
            last_included,
            offset: 0,
            outcome: installed,
        }),
    ]
}

#[test]
fn no_peer_can_make_the_term_overflow() {
    let mut node = start(&mut Output::default());
    let highest = Term::FARTHEST_AHEAD;
    for term in [highest + 1, u64::MAX] {
        assert_rejected(&mut node, 9, Message::AppendEntries(heartbeat(term)), Problem::TermTooHigh);
    }
    receive(&mut node, 2, Message::AppendEntries(heartbeat(highest)));
    let mut output = Output::default();
    node.step(Instant::NEVER, Input::Tick, &mut output);
    assert_eq!(node.hard_state().current_term, Term(highest + 1), "a candidacy is still possible");
}

/// One message of a non-member must not part a server from the others for good.
#[test]
fn no_message_ends_elections() {
    let [mut misled, mut other] = [1, 2].map(|id| start_as(id, &mut Output::default()));
    receive(&mut misled, 9, Message::AppendEntries(heartbeat(Term::FARTHEST_AHEAD)));
    assert_eq!(misled.hard_state().current_term, Term(Term::FARTHEST_AHEAD));
    // The term of its election is further ahead than the other server believes at once.
    let mut votes = 0;
    for election in 0..3 {
        let mut output = Output::default();
        misled.step(Instant::NEVER, Input::SetElectionTimer { deadline: Instant::START }, &mut output);
        misled.step(Instant::NEVER, Input::Tick, &mut output);
        let saved = persisted(&misled);
        misled.step(Instant::NEVER, saved, &mut output);
        let to_other = output.messages.iter().filter(|outgoing| outgoing.to == NodeId(2));
        for request in to_other.map(|outgoing| outgoing.message.clone()) {
            let replies = receive(&mut other, 1, request);
            votes += replies
                .messages
                .iter()
                .filter(
                    |reply| matches!(&reply.message, Message::RequestVoteReply(reply) if reply.vote_granted),
                )
                .count();
        }
        assert!(votes > 0 || election < 2, "they never understand each other again");
    }
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
    Input::Persisted { memory: 0, hard_state: node.hard_state(), log: node.log().last() }
}

/// Lets the server win an election.
fn lead(node: &mut Node) -> Term {
    let (now, mut output) = (node.next_deadline(), Output::default());
    node.step(now, Input::Tick, &mut output);
    node.step(now, persisted(node), &mut output);
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
    assert_rejected(&mut node, 3, Message::AppendEntries(heartbeat(term.0)), Problem::OwnTerm);
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

    fn index(&mut self) -> Index {
        Index(self.number())
    }

    fn position(&mut self) -> LogPosition {
        LogPosition { index: self.index(), term: Term(self.number()) }
    }

    fn message(&mut self) -> Message {
        let term = Term(self.number());
        match self.next() % 9 {
            0 => Message::RequestVote(RequestVote {
                term,
                last_log_index: self.index(),
                last_log_term: Term(self.number()),
                by_transfer: self.coin(),
            }),
            1 => Message::RequestVoteReply(RequestVoteReply { term, vote_granted: self.coin() }),
            2 => Message::AppendEntries(AppendEntries {
                term,
                prev_log_index: self.index(),
                prev_log_term: Term(self.number()),
                entries: (0..self.next() % 3).map(|_| self.entry(term)).collect(),
                leader_commit: self.index(),
                round: self.number(),
            }),
            3 => Message::AppendEntriesReply(AppendEntriesReply {
                term,
                outcome: self.outcome(),
                round: self.number(),
            }),
            4 => Message::PreVote(PreVote {
                term,
                last_log_index: self.index(),
                last_log_term: Term(self.number()),
            }),
            5 => Message::PreVoteReply(PreVoteReply {
                term,
                asked_in: Term(self.number()),
                would_vote: self.coin(),
            }),
            6 => Message::TimeoutNow(TimeoutNow { term }),
            7 => Message::InstallSnapshot(InstallSnapshot { term, chunk: self.chunk() }),
            _ => Message::InstallSnapshotReply(InstallSnapshotReply {
                term,
                last_included: self.position(),
                offset: self.number(),
                outcome: self.snapshot_outcome(),
            }),
        }
    }

    fn chunk(&mut self) -> Chunk {
        let bytes = vec![7; self.next() as usize % 3].into();
        Chunk { last_included: self.position(), offset: self.number(), bytes, is_last: self.coin() }
    }

    fn snapshot_outcome(&mut self) -> SnapshotOutcome {
        match self.next() % 3 {
            0 => SnapshotOutcome::Refused,
            1 => SnapshotOutcome::Received { bytes: self.number() },
            _ => SnapshotOutcome::Installed,
        }
    }

    fn ids(&mut self) -> BTreeSet<NodeId> {
        (0..self.next() % 4).map(|_| NodeId(self.number())).collect()
    }

    fn membership(&mut self) -> Membership {
        let voters = match self.coin() {
            true => Quorum::Simple(self.ids()),
            false => Quorum::Joint { old: self.ids(), new: self.ids() },
        };
        Membership { voters, learners: self.ids(), ..Membership::default() }
    }

    fn change(&mut self) -> Change {
        let add = self.ids().into_iter().map(|id| (id, String::new())).collect();
        let relocate = self.ids().into_iter().map(|id| (id, "elsewhere".to_owned())).collect();
        Change { add, promote: self.ids(), remove: self.ids(), relocate }
    }

    fn profile(&mut self) -> Profile {
        Profile { pre_vote: self.coin(), check_quorum: self.coin(), eager_election: self.coin() }
    }

    fn entry(&mut self, term: Term) -> Entry {
        let term = if self.coin() { term } else { Term(self.number()) };
        let is_membership = self.next().is_multiple_of(4);
        let payload =
            if is_membership { Payload::Membership(self.membership().into()) } else { Payload::NoOp };
        Entry { term, payload }
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
    let mut roles = BTreeMap::<_, u32>::new();
    for seed in 0..2_000 {
        let mut noise = Noise(seed);
        let mut output = Output::default();
        let mut node = start(&mut output);
        if noise.coin() {
            lead(&mut node);
        }
        for _ in 0..100 {
            let input = match noise.next() % 13 {
                0 => Input::Tick,
                1 => persisted(&node),
                2 => Input::Propose { commands: vec![b"x = 1".as_slice().into()] },
                3 => Input::Read { id: noise.next(), by: ReadBy::Lease },
                4 => Input::ChangeMembership { change: noise.change() },
                5 => Input::TransferLeadership { to: NodeId(noise.number()) },
                6 => Input::ConnectionLost { peer: NodeId(noise.number()) },
                7 => Input::ConnectionMade { peer: NodeId(noise.number()), origin: Origin::default() },
                8 => Input::SetProfile(noise.profile()),
                _ => Input::Message {
                    from: NodeId(noise.number()),
                    origin: Origin::default(),
                    message: noise.message(),
                },
            };
            let now = if noise.coin() { node.next_deadline() } else { Instant::START };
            let mut output = Output::default();
            node.step(now, input, &mut output);
            *roles.entry(node.role().to_string()).or_default() += 1;
        }
    }
    for role in ["follower", "pre-candidate", "candidate", "leader"] {
        assert!(
            roles.get(role).is_some_and(|&steps| steps > 1_000),
            "the noise seldom meets a {role}: {roles:?}"
        );
    }
}

/// A server that waits to be added has no cluster. No server that has none either can make it give up.
#[test]
fn nobody_retires_a_server_that_waits_to_be_added() {
    let start = Start { incarnation: Incarnation(1), number: 1, run: 1 };
    let config = Config {
        membership: Membership::default().into(),
        credentials: Credentials { start: Some(start), ..Credentials::default() },
        ..config(1)
    };
    let mut node =
        Node::start(config, HardState::default(), Log::default(), EveryRule, &mut Output::default());
    receive(&mut node, 2, Message::Refusal(Refusal { start, problem: Problem::EarlierStart }));
    assert_eq!(node.memory().retired, None);
    assert_eq!(node.refused_by().get(&NodeId(2)), Some(&Problem::EarlierStart));
}

/// A server that is not a founder contacts others, and knows their numbers: a server that is founding with it
/// has no place for it, nor does a member of a cluster that was already founded.
#[test]
fn who_is_no_founder_founds_nothing() {
    let founders = [1, 2, 3].map(NodeId);
    let folder = |id: NodeId| Incarnation(id.0);
    let start = |id| Start { incarnation: Incarnation(id), number: 1, run: id };
    let founding = Credentials { founders: founders.into(), ..Credentials::default() };
    let founded = Memory {
        cluster: Some(ClusterId(7)),
        founders: founders.map(|id| (id, Some(folder(id)))).into(),
        ..Memory::default()
    };
    let founded = Credentials { memory: founded, ..Credentials::default() };
    for (credentials, is_saved) in
        [(&founding, false), (&founding, true), (&founded, false), (&founded, true)]
    {
        let credentials = Credentials { start: Some(start(1)), ..credentials.clone() };
        let config = Config { membership: Membership::default().into(), credentials, ..config(1) };
        let mut output = Output::default();
        let mut node = Node::start(config, HardState::default(), Log::default(), EveryRule, &mut output);
        let founders = founders.map(|id| (id, Some(folder(id)))).into();
        let message = Message::Found(Found { founders, is_saved, is_reply: false });
        let origin = Origin { start: Some(start(9)), ..Origin::default() };
        let mut output = Output::default();
        node.step(Instant::START, Input::Message { from: NodeId(9), origin, message }, &mut output);
        let rejected = What::Rejected { from: NodeId(9), problem: Problem::OtherFounders };
        assert!(output.decisions.iter().any(|event| event.what == rejected), "{:?}", output.decisions);
    }
}

/// A recording of a run can hold any input.
#[test]
fn a_next_index_that_makes_no_sense_does_no_harm() {
    let mut node = start(&mut Output::default());
    let set_next = |node: &mut Node, follower, next| {
        let mut output = Output::default();
        node.step(
            Instant::NEVER,
            Input::SetNextIndex { follower: NodeId(follower), next: Index(next) },
            &mut output,
        );
        output.decisions
    };
    assert_eq!(set_next(&mut node, 2, 1), [], "it does not lead");
    let mut output = Output::default();
    node.step(Instant::NEVER, Input::Tick, &mut output);
    let saved = persisted(&node);
    node.step(Instant::NEVER, saved, &mut output);
    receive(&mut node, 2, Message::RequestVoteReply(RequestVoteReply { term: Term(1), vote_granted: true }));
    assert_eq!(node.role(), RoleKind::Leader);
    assert_eq!(set_next(&mut node, 9, 1), [], "it has no such follower");
    for (asked, set) in [(0, 1), (u64::MAX, 2)] {
        let what = What::BackedUp { follower: NodeId(2), next: Index(set) };
        assert_eq!(set_next(&mut node, 2, asked), [Decision::new(None, what)]);
    }
}
