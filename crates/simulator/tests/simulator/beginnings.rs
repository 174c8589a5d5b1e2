//! Servers that begin with logs.

use consensus::{Entry, HardState, Log, LogPosition, NodeId, Payload, Term};
use simulator::{Action, AllBut, World, WorldOptions};
use std::time::Duration;

fn log(terms: &[u64]) -> Log {
    let entry = |&term: &u64| Entry { term: Term(term), payload: Payload::NoOp };
    Log::new(LogPosition::default(), terms.iter().map(entry).collect())
}

/// The same where servers remember other terms, and votes.
#[test]
fn no_promise_breaks_on_possible_memories() {
    let logs: [&[u64]; 3] = [&[1, 3], &[1], &[]];
    let memories: Vec<Option<HardState>> = [None]
        .into_iter()
        .chain((1..=4).flat_map(|term| [0, 1, 2, 3].map(|vote| (term, vote))).map(|(term, vote)| {
            Some(HardState { current_term: Term(term), voted_for: Some(NodeId(vote)).filter(|id| id.0 > 0) })
        }))
        .collect();
    let (mut possible, mut all) = (0, 0);
    for one in &memories {
        for other in &memories {
            for third in &memories {
                all += 1;
                let logs = (1..).map(NodeId).zip(logs.map(log)).collect();
                let memory = |(id, memory): (u64, &Option<HardState>)| Some((NodeId(id), (*memory)?));
                let memories = (1..).zip([one, other, third]).filter_map(memory).collect();
                let options = WorldOptions { logs, memories, ..WorldOptions::default() };
                if options.problem_with_beginning().is_some() {
                    continue;
                }
                possible += 1;
                let mut world = World::new(options.clone());
                for id in [3, 2, 1, 2].map(NodeId) {
                    for action in [Action::Timeout(id), Action::Run(Duration::from_millis(20))] {
                        world.perform(&action).unwrap();
                    }
                }
                let violation = world.violations().first().map(ToString::to_string);
                assert_eq!(violation, None, "{:?}", options.memories);
            }
        }
    }
    assert!(possible > 500 && possible < all / 2, "{possible} of {all}");
}

/// With all rules on, what begins with possible logs keeps every promise.
#[test]
fn no_promise_breaks_on_possible_logs() {
    let few: [&[u64]; 10] = [&[], &[1], &[2], &[3], &[1, 1], &[1, 2], &[1, 3], &[2, 2], &[2, 3], &[3, 3]];
    let (mut possible, mut all) = (0, 0);
    for one in few {
        for other in few {
            for third in few {
                all += 1;
                let logs = (1..).map(NodeId).zip([one, other, third].map(log)).collect();
                let options = WorldOptions { logs, rules: AllBut(None), ..WorldOptions::default() };
                if options.problem_with_beginning().is_some() {
                    continue;
                }
                possible += 1;
                let mut world = World::new(options);
                for id in (1..=3).map(NodeId) {
                    for action in [Action::Timeout(id), Action::Run(Duration::from_millis(20))] {
                        world.perform(&action).unwrap();
                    }
                }
                let violation = world.violations().first().map(ToString::to_string);
                assert_eq!(violation, None, "{one:?} {other:?} {third:?}");
            }
        }
    }
    assert!(possible > 50 && possible < all / 2, "{possible} of {all}");
}
