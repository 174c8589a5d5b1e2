//! docs/linearizability.md shows what is true.

use crate::notation::history;
use simulator::linearizability::{Verdict, check};

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
