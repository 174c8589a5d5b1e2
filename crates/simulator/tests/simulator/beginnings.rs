//! Servers that begin with logs.

use consensus::{Entry, HardState, Index, Log, LogPosition, NodeId, Payload, Term};
use simulator::{Action, AllBut, SearchOptions, World, WorldOptions, draw};
use std::collections::BTreeMap;
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

fn logs(all: &[&[u64]]) -> BTreeMap<NodeId, Log> {
    (1..).map(NodeId).zip(all.iter().map(|terms| log(terms))).collect()
}

fn problem_with(all: &[&[u64]], (index, term): (u64, u64)) -> Option<String> {
    let committed = LogPosition { index: Index(index), term: Term(term) };
    let servers = all.len() as u64;
    WorldOptions { servers, logs: logs(all), committed, ..WorldOptions::default() }.problem_with_beginning()
}

fn problem(all: &[&[u64]]) -> String {
    problem_with(all, (0, 0)).unwrap_or_default()
}

#[test]
fn terms_begin_with_1() {
    assert!(problem(&[&[0, 1], &[], &[]]).contains("the log of n1 begins with term 0"));
}

#[test]
fn logs_with_the_same_entry_have_the_same_before_it() {
    assert!(
        problem(&[&[1, 3], &[2, 3], &[]])
            .contains("n1 and n2 both have an entry 2 of term 3, but differ in entry 1")
    );
    assert_eq!(problem(&[&[1, 1, 3], &[1, 2], &[1]]), "");
}

#[test]
fn a_term_has_one_leader_and_that_one_log() {
    assert!(problem(&[&[2], &[1, 2], &[]]).contains("begin at 1 in the log of n1, but at 2 in that of n2"));
    assert!(problem(&[&[1, 1, 2], &[1, 2], &[]]).contains("the entries of term 2 begin at"));
}

#[test]
fn the_leader_of_a_term_had_a_majority_of_votes() {
    // n1 to n3 had an entry each before term 2, and have appended nothing from its leader since.
    let refused = problem(&[&[1], &[1], &[1], &[2], &[]]);
    assert!(refused.contains("elected in term 2: the logs of n1, n2, n3 were more up to date"), "{refused}");
    assert_eq!(problem(&[&[1], &[1], &[], &[2], &[]]), "");
    // A leader of term 3 may have given them the entry of term 1.
    assert_eq!(problem(&[&[1, 3], &[1], &[1], &[2], &[]]), "");
    // There may have been one, of which no entry is left.
    assert_eq!(problem(&[&[1], &[1], &[1], &[2, 4], &[2]]), "");
}

#[test]
fn what_is_committed_stays() {
    let lost = |all: &[&[u64]], committed| problem_with(all, committed).unwrap_or_default();
    assert!(lost(&[&[1], &[], &[]], (1, 1)).contains("in the logs of a majority"));
    // The paper's Figure 8: entry 2 of term 2 is in a majority of the logs, and is not committed all the same.
    let figure_8: [&[u64]; 5] = [&[1, 2, 4], &[1, 2], &[1, 2], &[1], &[1, 3]];
    assert_eq!(problem(&figure_8), "");
    assert!(lost(&figure_8, (2, 2)).contains("can't be lost, but the leader of term 3"));
    assert_eq!(lost(&figure_8, (1, 1)), "");
    // An entry of term 4 after it has committed it.
    assert_eq!(lost(&[&[1, 2, 4], &[1, 2, 4], &[1, 2, 4], &[1], &[1, 3]], (2, 2)), "");
}

/// Of each server its log, the term that it remembers (0 if nothing is said of it) and the vote in it (0: none).
fn problem_with_memories(all: &[(&[u64], u64, u64)]) -> String {
    let terms: Vec<&[u64]> = all.iter().map(|(log, ..)| *log).collect();
    let memory = |(id, (_, term, vote)): (u64, &(&[u64], u64, u64))| {
        let voted_for = (*vote > 0).then_some(NodeId(*vote));
        (*term > 0).then_some((NodeId(id), HardState { current_term: Term(*term), voted_for }))
    };
    let memories = (1..).zip(all).filter_map(memory).collect();
    let servers = all.len() as u64;
    let options = WorldOptions { servers, logs: logs(&terms), memories, ..WorldOptions::default() };
    options.problem_with_beginning().unwrap_or_default()
}

#[test]
fn servers_know_the_terms_of_their_entries() {
    let refused = problem_with_memories(&[(&[1, 2], 1, 0), (&[1], 0, 0), (&[], 0, 0)]);
    assert!(refused.contains("n1 can't remember only term 1: its log has an entry of term 2"), "{refused}");
    assert_eq!(problem_with_memories(&[(&[1, 2], 2, 0), (&[1], 0, 0), (&[], 0, 0)]), "");
    assert_eq!(problem_with_memories(&[(&[1, 2], 7, 3), (&[1], 5, 0), (&[], 9, 1)]), "");
}

#[test]
fn a_term_that_had_a_leader_has_no_other_one() {
    let forgotten = problem_with_memories(&[(&[1, 3], 0, 0), (&[1], 0, 0), (&[1], 2, 0)]);
    assert!(forgotten.contains("n3 remembers only term 2, so it could be elected in term 3"), "{forgotten}");
    assert!(forgotten.contains("`memory n2 term=3 voted-for=n3`"), "{forgotten}");
    assert_eq!(problem_with_memories(&[(&[1, 3], 3, 1), (&[1], 3, 1), (&[1], 2, 0)]), "");
    assert_eq!(problem_with_memories(&[(&[1, 3], 3, 1), (&[1], 4, 0), (&[1], 2, 0)]), "");
    let split = problem_with_memories(&[(&[1, 3], 3, 1), (&[1], 3, 2), (&[1], 3, 3)]);
    assert!(split.contains("no server can have been elected in term 3"), "{split}");
}

#[test]
fn what_terms_of_raft_leave_is_possible() {
    let drawn = (0..3_000).map(|seed| draw(seed, &SearchOptions::default()).options);
    let mut looked_at = 0;
    for options in drawn.filter(|options| !options.logs.is_empty()) {
        assert_eq!(options.problem_with_beginning(), None, "seed {}: {:?}", options.seed, options.logs);
        looked_at += 1;
    }
    assert!(looked_at > 300, "{looked_at}");
}
