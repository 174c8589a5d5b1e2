//! Random histories: the checker agrees with the definition, and what it shows is true.

use crate::draw::{self, Mix};
use crate::oracle::is_linearizable;
use fastrand::Rng;
use linearizability::{Answer, BadHistory, History, Kind, Operation, Outcome, Request, Verdict, check};
use std::collections::BTreeSet;

#[test]
fn the_checker_agrees_with_the_definition() {
    let mut random = Rng::with_seed(1);
    let (mut good, mut bad) = (0, 0);
    for number in 0..60_000 {
        let history = draw::anything(4 + number % 4, &mut random);
        let operations = history.operations();
        let verdict = check(&history);
        match &verdict {
            Verdict::Ok => good += 1,
            Verdict::Violation(_) => bad += 1,
            Verdict::Undecided { .. } => panic!("{operations:#?}"),
        }
        assert_eq!(verdict == Verdict::Ok, is_linearizable(operations), "{verdict}\n{operations:#?}");
    }
    assert!(good > 20_000 && bad > 20_000, "{good} good, {bad} bad");
}

#[test]
fn what_a_register_did_is_linearizable() {
    for seed in 0..1_000 {
        let mut random = Rng::with_seed(seed);
        let mix = Mix {
            clients: random.u64(1..20),
            operations: random.usize(1..300),
            writes: random.u32(0..40),
            deletes: random.u32(0..20),
            swaps: random.u32(0..40),
            uncertain: 0.1 * random.f64() * random.f64(),
            values: random.bool().then(|| random.usize(1..6)),
            versions: random.bool(),
            keys: random.usize(1..4),
        };
        let history = draw::linearizable(&mix, &mut random);
        assert_eq!(check(&history), Verdict::Ok, "seed {seed}");
    }
}

#[test]
fn one_wrong_answer_is_found_if_it_matters() {
    let mut random = Rng::with_seed(2);
    let mix = Mix { clients: 3, operations: 7, values: Some(3), ..Mix::USUAL };
    let (mut good, mut bad) = (0, 0);
    for _ in 0..20_000 {
        let history = draw::linearizable(&mix, &mut random);
        let Some(history) = draw::with_a_wrong_answer(&history, &mut random) else { continue };
        let is_good = check(&history) == Verdict::Ok;
        assert_eq!(is_good, is_linearizable(history.operations()), "{:#?}", history.operations());
        if is_good { good += 1 } else { bad += 1 }
    }
    assert!(good > 1_000 && bad > 1_000, "{good} good, {bad} bad");
}

#[test]
fn the_checker_agrees_with_the_definition_where_versions_are_told() {
    let mut random = Rng::with_seed(4);
    let (mut good, mut bad) = (0, 0);
    for number in 0..60_000 {
        let history = draw_mutated(number, None, &mut random);
        let operations = history.operations();
        let verdict = check(&history);
        let is_good = verdict == Verdict::Ok;
        if is_good && is_untraced(operations) {
            continue;
        }
        assert_eq!(is_good, is_linearizable(operations), "{verdict}\n{operations:#?}");
        if is_good { good += 1 } else { bad += 1 }
    }
    assert!(good > 10_000 && bad > 10_000, "{good} good, {bad} bad");
}

/// If values are shared, it can't always be known who wrote a version. Then the checker accepts more.
#[test]
fn the_checker_accuses_nobody_wrongly_where_versions_are_told() {
    let mut random = Rng::with_seed(5);
    let (mut found, mut missed) = (0, 0);
    for number in 0..60_000 {
        let history = draw_mutated(number, Some(2), &mut random);
        let operations = history.operations();
        let verdict = check(&history);
        match (verdict == Verdict::Ok, is_linearizable(operations)) {
            (true, true) => {}
            (true, false) => missed += 1,
            (false, false) => found += 1,
            (false, true) => panic!("{verdict}\n{operations:#?}"),
        }
    }
    assert!(found > 10_000 && missed < found / 50, "{found} found, {missed} missed");
}

fn draw_mutated(number: u64, values: Option<usize>, random: &mut Rng) -> History {
    let mix = Mix {
        clients: 2 + number % 4,
        operations: 3 + number as usize % 5,
        writes: 40,
        deletes: 10,
        swaps: 20,
        uncertain: 0.2,
        values,
        versions: true,
        keys: 1,
    };
    draw::mutated(&draw::linearizable(&mix, random), random)
}

/// Is there a version in an answer whose value is unknown?
fn is_untraced(operations: &[Operation]) -> bool {
    let answers = || {
        operations.iter().filter_map(|operation| match &operation.outcome {
            Outcome::Returned { answer, .. } => Some(answer),
            _ => None,
        })
    };
    let traced: BTreeSet<u64> = answers()
        .filter_map(|answer| match answer {
            Answer::Done { version } | Answer::Found { version, .. } => *version,
            Answer::NotFound | Answer::Differs { .. } => None,
        })
        .collect();
    let refusals = answers().filter_map(|answer| match answer {
        Answer::Differs { version } => *version,
        _ => None,
    });
    let conditions = operations.iter().filter_map(|operation| match &operation.request {
        Request::Read => None,
        Request::Write { if_version, .. }
        | Request::Delete { if_version }
        | Request::CompareAndSwap { if_version, .. } => *if_version,
    });
    refusals.chain(conditions).any(|version| version > 0 && !traced.contains(&version))
}

#[test]
fn of_a_bad_history_a_few_operations_remain_that_are_bad_too() {
    let mut random = Rng::with_seed(3);
    let mut bad_ones = 0;
    for _ in 0..20_000 {
        let history = draw::anything(7, &mut random);
        if let Verdict::Violation(bad) = check(&history) {
            assert!(bad.operations().iter().all(|operation| history.operations().contains(operation)));
            assert!(!is_linearizable(&as_told(&bad)), "{bad}");
            assert_tells_of_writes(&bad, history.operations());
            bad_ones += 1;
        }
    }
    assert!(bad_ones > 5_000, "{bad_ones}");
}

#[test]
fn of_a_bad_history_with_versions_a_few_operations_remain_that_are_bad_too() {
    let mut random = Rng::with_seed(6);
    let mut bad_ones = 0;
    for number in 0..30_000 {
        let history = draw_mutated(number, None, &mut random);
        if let Verdict::Violation(bad) = check(&history) {
            assert!(bad.operations().iter().all(|operation| history.operations().contains(operation)));
            // The oracle can't know what the client of a write did not know.
            if !bad.picture(100).contains("found as v") {
                assert!(!is_linearizable(&as_told(&bad)), "{bad}");
                bad_ones += 1;
            }
        }
    }
    assert!(bad_ones > 5_000, "{bad_ones}");
}

#[test]
fn of_a_long_bad_history_a_few_operations_remain() {
    let mut bad_ones = 0;
    for seed in 0..40 {
        let mut random = Rng::with_seed(seed);
        let history = draw::linearizable(&Mix::USUAL, &mut random);
        let Some(history) = draw::with_a_wrong_answer(&history, &mut random) else { continue };
        if let Verdict::Violation(bad) = check(&history) {
            assert!(bad.operations().len() <= 5, "seed {seed}\n{bad}");
            assert!(!is_linearizable(&as_told(&bad)), "seed {seed}\n{bad}");
            assert_tells_of_writes(&bad, history.operations());
            bad_ones += 1;
        }
    }
    assert!(bad_ones > 30, "{bad_ones}");
}

/// What remains, as the picture has it: of some compare-and-swaps only what they wrote.
fn as_told(bad: &BadHistory) -> Vec<Operation> {
    let picture = bad.picture(100);
    let mut told = bad.operations().to_vec();
    for operation in told.iter_mut().filter(|operation| *operation != bad.unexplained()) {
        let client = format!("client {} ", operation.client);
        let shows =
            |label: &str| picture.lines().any(|line| line.starts_with(&client) && line.contains(label));
        match &mut operation.request {
            Request::CompareAndSwap { new, .. } if shows(&format!("cas … → {new}")) => {
                operation.request = Request::write(new.clone());
            }
            Request::Write { value, if_version } if shows(&format!("put {value} if …")) => {
                *if_version = None
            }
            Request::Delete { if_version } if shows("delete if …") => *if_version = None,
            _ => {}
        }
    }
    told
}

/// If the answer is a value that was written, what remains shows that: every write of it that was asked for
/// by then is there, except those after which it was written again before anyone looked.
fn assert_tells_of_writes(bad: &BadHistory, whole: &[Operation]) {
    let answer = bad.unexplained();
    let Outcome::Returned { at, answer: Answer::Found { value: found, .. } } = &answer.outcome else {
        return;
    };
    if bad.kind() == Kind::Nonsense {
        return;
    }
    let is_write = |operation: &&Operation| writes(operation) == Some(found);
    let is_told = |write: &Operation| bad.operations().contains(write);
    let is_rewritten = |write: &Operation| {
        let is_between = |other: &Operation| is_before(write, other) && is_before(other, answer);
        whole.iter().filter(is_write).any(is_between)
    };
    for write in whole.iter().filter(is_write).filter(|write| write.called <= *at) {
        assert!(is_told(write) || is_rewritten(write), "{bad}\n{write:?}");
    }
    let is_somewhere = bad.operations().iter().any(|operation| is_write(&operation));
    assert_eq!(is_somewhere, whole.iter().any(|operation| is_write(&operation)), "{bad}");
    if bad.explanation().contains("nobody ever wrote") {
        assert!(!is_somewhere, "{bad}");
    }
}

fn is_before(one: &Operation, other: &Operation) -> bool {
    matches!(one.outcome, Outcome::Returned { at, .. } if at < other.called)
}

fn sets(operation: &Operation) -> bool {
    match &operation.outcome {
        Outcome::Returned { answer, .. } => matches!(answer, Answer::Done { .. }),
        Outcome::Uncertain => true,
        Outcome::DidNotHappen => false,
    }
}

/// The value that the operation may have written.
fn writes(operation: &Operation) -> Option<&String> {
    match &operation.request {
        Request::Write { value: new, .. } | Request::CompareAndSwap { new, .. } if sets(operation) => {
            Some(new)
        }
        _ => None,
    }
}
