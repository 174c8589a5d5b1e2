//! What a snapshot lets the log forget.

use crate::common::config;
use consensus::{
    Config, Entry, EveryRule, HardState, Index, Input, Instant, Limits, Log, LogPosition, Membership, Node,
    NodeId, Output, Payload, Term,
};

/// Where the log is to begin on disk after a snapshot that covers two of three entries, if that is to change.
fn begins_after(bytes_behind_snapshot: usize) -> Option<LogPosition> {
    let config = Config {
        limits: Limits { bytes_behind_snapshot, ..Limits::default() },
        ..config(NodeId(1), Membership::of_voters([NodeId(1)]))
    };
    let hard_state = HardState { current_term: Term(1), ..HardState::default() };
    let entry = Entry { term: Term(1), payload: Payload::Command(vec![7; 100].into()) };
    let log = Log::new(LogPosition::default(), vec![entry; 3]);
    let mut output = Output::default();
    let mut node = Node::start(config, hard_state, log, EveryRule, &mut output);
    let last_included = LogPosition { index: Index(2), term: Term(1) };
    output = Output::default();
    node.step(Instant::START, Input::SnapshotTaken { last_included }, &mut output);
    assert_eq!(node.snapshot(), last_included);
    output.save.begins_after
}

#[test]
fn the_log_keeps_as_many_bytes_as_it_may_and_nothing_is_saved_if_that_is_all() {
    let after = |index: u64| Some(LogPosition { index: Index(index), term: Term(1) });
    assert_eq!(begins_after(0), after(2));
    // An entry has 100 bytes, and 16 of its own.
    assert_eq!(begins_after(115), after(2));
    assert_eq!(begins_after(116), after(1));
    assert_eq!(begins_after(231), after(1));
    assert_eq!(begins_after(232), None);
}
