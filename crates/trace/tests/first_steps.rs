//! What a learner tries first, in a recorded run. crates/web/page/test/unit/first-steps.test.ts reads the
//! same one.

extern crate raft_for_beginners_trace as trace;

use trace::FirstStep::{self, KillTheLeader, SplitTheVote, WriteWithoutMajority};
use trace::{ClusterView, Record};

/// The time of each first step in these records.
fn steps<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<(u64, FirstStep)> {
    let mut view = ClusterView::new((1..=3).map(consensus::NodeId));
    let mut steps = Vec::new();
    for record in records {
        steps.extend(FirstStep::of(&view, record).map(|step| (record.t, step)));
        view.apply(record);
    }
    steps
}

fn recorded() -> Vec<Record> {
    let lines = include_str!("first-steps.jsonl").lines();
    lines.map(|line| Record::from_json(line).unwrap()).collect()
}

#[test]
fn each_is_seen_when_it_is_done() {
    let expected = [
        (1479859, KillTheLeader),
        (4005329, SplitTheVote),
        (4006434, SplitTheVote),
        (6541384, WriteWithoutMajority),
    ];
    assert_eq!(steps(&recorded()), expected);
}

#[test]
fn what_only_looks_like_one_is_none() {
    let records = recorded();
    let without = |event: &str| {
        let name = format!("\"event\":\"{event}\"");
        let left = records.iter().filter(|record| !record.to_json().contains(&name));
        let mut steps: Vec<FirstStep> = steps(left).into_iter().map(|(_, step)| step).collect();
        steps.dedup();
        steps
    };
    // The server that dies does not lead, nobody votes for itself, no timer is made to run out, or no link is cut.
    assert_eq!(without("role"), []);
    assert_eq!(without("vote"), [KillTheLeader, WriteWithoutMajority]);
    assert_eq!(without("timer"), [KillTheLeader, WriteWithoutMajority]);
    assert_eq!(without("links_cut"), [KillTheLeader, SplitTheVote]);
}
