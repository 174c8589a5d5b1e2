//! What reads cost the servers that are asked.

use consensus::{
    AppendEntries, AppendEntriesReply, AppendOutcome, EveryRule, HardState, Index, Input, Instant, Log,
    Membership, Message, Node, NodeId, Origin, Output, ReadBy, RequestVoteReply, RoleKind, Term,
};

const LEADER: NodeId = NodeId(1);
const FOLLOWER: NodeId = NodeId(2);
const SILENT: NodeId = NodeId(3);

fn step(node: &mut Node, input: Input) -> Output {
    let mut output = Output::default();
    node.step(Instant::START, input, &mut output);
    if output.save.hard_state.is_some() || output.save.append.is_some() {
        let saved = Input::Persisted { memory: 0, hard_state: node.hard_state(), log: node.log().last() };
        node.step(Instant::START, saved, &mut output);
    }
    output
}

fn hear(node: &mut Node, from: NodeId, message: Message) -> Output {
    step(node, Input::Message { from, origin: Origin::default(), message })
}

/// A leader that one of its two followers has replied to.
fn leader() -> Node {
    let config = crate::common::config(LEADER, Membership::of_voters([LEADER, FOLLOWER, SILENT]));
    let log = Log::default();
    let mut node = Node::start(config, HardState::default(), log, EveryRule, &mut Output::default());
    step(&mut node, Input::SetElectionTimer { deadline: Instant::START });
    step(&mut node, Input::Tick);
    let vote = RequestVoteReply { term: Term(1), vote_granted: true };
    hear(&mut node, FOLLOWER, Message::RequestVoteReply(vote));
    assert_eq!(node.role(), RoleKind::Leader);
    let outcome = AppendOutcome::Matched { match_index: Index(1) };
    let reply = AppendEntriesReply { term: Term(1), outcome, round: 0 };
    hear(&mut node, FOLLOWER, Message::AppendEntriesReply(reply));
    assert_eq!(node.commit_index(), Index(1));
    node
}

fn requests_to(id: NodeId, output: &Output) -> impl Iterator<Item = &AppendEntries> {
    output.messages.iter().filter(move |outgoing| outgoing.to == id).filter_map(|outgoing| {
        match &outgoing.message {
            Message::AppendEntries(request) => Some(request),
            _ => None,
        }
    })
}

/// A follower that can't reply, because its disk is full, say, is asked with each read; but it is not sent
/// again what it was sent.
#[test]
fn reads_do_not_send_entries_again() {
    let mut node = leader();
    step(&mut node, Input::Propose { commands: vec![[7; 1000].as_slice().into()] });
    for id in 0..100 {
        let output = step(&mut node, Input::Read { id, by: ReadBy::Round });
        assert!(requests_to(SILENT, &output).all(|request| request.entries.is_empty()));
        let round = requests_to(FOLLOWER, &output).last().expect("a read asks").round;
        let outcome = AppendOutcome::Matched { match_index: Index(2) };
        let reply = AppendEntriesReply { term: Term(1), outcome, round };
        let output = hear(&mut node, FOLLOWER, Message::AppendEntriesReply(reply));
        assert_eq!(output.reads.len(), 1);
        assert!(requests_to(SILENT, &output).all(|request| request.entries.is_empty()));
    }
}

/// An endless stream of reads does not delay the heartbeats, with which lost messages are sent again.
#[test]
fn reads_do_not_put_heartbeats_off() {
    let mut node = leader();
    let next_heartbeat = node.next_deadline();
    step(&mut node, Input::Read { id: 1, by: ReadBy::Round });
    assert_eq!(node.next_deadline(), next_heartbeat);
}

/// A request of an earlier term, in which this server led too, is refused in the current one. Its round says
/// nothing about the rounds of this term.
#[test]
fn a_refusal_answers_no_round() {
    let mut node = leader();
    let asked = step(&mut node, Input::Read { id: 1, by: ReadBy::Round });
    let round = requests_to(FOLLOWER, &asked).last().expect("a read asks").round;
    let refused = AppendEntriesReply { term: Term(1), outcome: AppendOutcome::Refused, round };
    assert!(hear(&mut node, FOLLOWER, Message::AppendEntriesReply(refused)).reads.is_empty());
    let outcome = AppendOutcome::Matched { match_index: Index(1) };
    let matched = AppendEntriesReply { term: Term(1), outcome, round };
    assert_eq!(hear(&mut node, FOLLOWER, Message::AppendEntriesReply(matched)).reads.len(), 1);
}
