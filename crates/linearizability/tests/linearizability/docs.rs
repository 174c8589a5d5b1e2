//! What docs/linearizability.md shows is true.

use crate::notation::history;
use linearizability::{Answer, History, Request, Verdict, check};

const DOCS: &str = include_str!("../../../../docs/linearizability.md");

#[test]
fn the_good_history_is_good() {
    let good = "1  0..10 put 1
                2 20..90 put 2
                3 30..40 get => 1
                3 50..60 get => 2";
    assert_eq!(check(&history(good)), Verdict::Ok);
}

#[test]
fn the_bad_history_is_bad_and_looks_like_this() {
    let bad = "1  0..10 put 1
               2 20..90 put 2
               3 30..40 get => 2
               4 50..60 get => 1";
    let Verdict::Violation(bad) = check(&history(bad)) else { panic!("it is bad") };
    assert!(DOCS.contains(&bad.to_string()), "{bad}");
}

/// Why a client got no answer.
enum Failed {
    Timeout,
    NotSent,
}
use Failed::{NotSent, Timeout};

/// A write of `client`, as the document has clients record it.
fn recorded(client: u64, answer: Result<u64, Failed>) -> Verdict {
    let [called, now] = [10, 20];
    // The document shows what follows.
    let mut history = History::default();
    let request = Request::Write { value: "1".into(), if_version: Some(17) };
    let pending = history.call(client, "x", request, called);
    match answer {
        Ok(version) => history.returned(pending, Answer::Done { version: Some(version) }, now),
        Err(Timeout) => history.uncertain(pending), // perhaps done, perhaps not
        Err(NotSent) => history.did_not_happen(pending), // certainly not done
    }
    check(&history)
}

#[test]
fn what_clients_record_can_be_checked() {
    for answer in [Err(Timeout), Err(NotSent)] {
        assert_eq!(recorded(1, answer), Verdict::Ok);
    }
    assert_ne!(recorded(1, Ok(18)), Verdict::Ok, "version 17 was never there");
}
