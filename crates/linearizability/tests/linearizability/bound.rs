//! The search ends, even if it can't decide.

use crate::draw::{self, Mix};
use crate::notation::{history, history_on};
use fastrand::Rng;
use linearizability::{Verdict, check, check_within};

#[test]
fn what_takes_too_many_steps_is_not_decided() {
    let history = draw::linearizable(&Mix::USUAL, &mut Rng::with_seed(1));
    assert_eq!(check(&history), Verdict::Ok);
    let verdict = check_within(&history, 1_000);
    let Verdict::Undecided { key, explained, most_steps: 1_000 } = &verdict else { panic!("{verdict}") };
    assert_eq!(key, "x0");
    assert!((1..999).contains(explained), "{explained}");
    let told = verdict.to_string();
    assert!(told.starts_with("gave up after 1000 steps on key x0."), "{told}");
}

/// Sixteen clients, 20,000 operations on fifty keys, one of a hundred uncertain: no key takes more than
/// a hundred steps for each of its operations.
#[test]
fn a_long_history_takes_few_steps() {
    for versions in [false, true] {
        let mix = Mix { operations: 20_000, keys: 50, versions, ..Mix::USUAL };
        let mut random = Rng::with_seed(1);
        let history = draw::linearizable(&mix, &mut random);
        let for_each_key = 20_000 / 50 * 100;
        assert_eq!(check_within(&history, for_each_key), Verdict::Ok);
        let bad = draw::with_a_wrong_answer(&history, &mut random).expect("somebody reads");
        let Verdict::Violation(bad) = check_within(&bad, 20 * for_each_key) else { panic!("it is wrong") };
        assert!(bad.operations().len() <= 5, "{bad}");
    }
}

#[test]
fn what_is_hard_ends_with_a_verdict() {
    let mix = Mix { values: Some(4), swaps: 40, uncertain: 0.1, ..Mix::USUAL };
    let history = draw::linearizable(&mix, &mut Rng::with_seed(1));
    let verdict = check_within(&history, 100_000);
    assert!(matches!(verdict, Verdict::Undecided { .. }), "{verdict}");
}

#[test]
fn a_violation_counts_even_if_another_key_is_not_decided() {
    let mut lines = Vec::new();
    draw::linearizable(&Mix::USUAL, &mut Rng::with_seed(1)).write(&mut lines).unwrap();
    let bad = history_on("y", "1 0..10 put 1\n 2 20..30 get => nothing");
    bad.write(&mut lines).unwrap();
    let both = linearizability::History::read(&lines[..], "both").unwrap();
    let Verdict::Violation(bad) = check_within(&both, 1_000) else { panic!("x0 can't be decided, y can") };
    assert_eq!(bad.key(), "y");
}

#[test]
fn where_there_are_no_steps_left_a_violation_stays_long() {
    let text = "1 0..10 put 1\n 1 11..12 put 2\n 1 13..14 get => 2\n 2 20..30 get => 1";
    let length = |most_steps| match check_within(&history(text), most_steps) {
        Verdict::Violation(bad) => bad.operations().len(),
        _ => 0,
    };
    let lengths: Vec<usize> = (1..200).map(length).collect();
    assert!(lengths.contains(&0) && lengths.contains(&3), "{lengths:?}");
    let found: Vec<usize> = lengths.into_iter().skip_while(|&length| length == 0).collect();
    assert!(found.iter().all(|&length| length >= 3) && found.last() == Some(&3), "{found:?}");
}
