//! Saves that complete after the state in memory has changed.

use consensus::{
    AppendEntries, Entry, EveryRule, HardState, Index, Input, Instant, Log, LogPosition, Membership, Message,
    Node, NodeId, Origin, Output, Payload, Term,
};

fn step(node: &mut Node, input: Input) {
    node.step(Instant::START, input, &mut Output::default());
}

/// The leader of this term, n2 or n3, sends its first entry.
fn first_entry(from: u64, term: u64) -> Input {
    let entries = vec![Entry { term: Term(term), payload: Payload::NoOp }];
    let (prev_log_index, prev_log_term, leader_commit) = (Index(0), Term(0), Index(0));
    let request =
        AppendEntries { term: Term(term), prev_log_index, prev_log_term, entries, leader_commit, round: 0 };
    Input::Message { from: NodeId(from), origin: Origin::default(), message: Message::AppendEntries(request) }
}

/// The disk had begun to save an entry when another one replaced it. That the first is saved says nothing
/// about the second.
#[test]
fn a_late_report_of_a_save_says_nothing_about_what_replaced_it() {
    let config = crate::common::config(NodeId(1), Membership::of_voters((1..=3).map(NodeId)));
    let mut output = Output::default();
    let mut node = Node::start(config, HardState::default(), Log::default(), EveryRule, &mut output);
    step(&mut node, first_entry(2, 1));
    let (hard_state, old) = (node.hard_state(), node.log().last());
    step(&mut node, first_entry(3, 2));
    assert_eq!(node.log().last(), LogPosition { index: Index(1), term: Term(2) });

    step(&mut node, Input::Persisted { memory: 0, hard_state, log: old });
    assert_eq!(node.persisted_log(), Index(0));
    let (hard_state, new) = (node.hard_state(), node.log().last());
    step(&mut node, Input::Persisted { memory: 0, hard_state, log: new });
    assert_eq!(node.persisted_log(), Index(1));
}
