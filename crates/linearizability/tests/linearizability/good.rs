//! Histories that are linearizable, though some look as if they were not.

use crate::notation::{history, history_on};
use linearizability::{History, Verdict, check};

fn assert_good(text: &str) {
    let verdict = check(&history(text));
    assert_eq!(verdict, Verdict::Ok, "{text}\n{verdict}");
}

#[test]
fn nothing_at_all() {
    assert_eq!(check(&History::default()), Verdict::Ok);
}

#[test]
fn one_after_the_other() {
    assert_good(
        "1  0..10  get => nothing
         1 20..30  put 1
         2 40..50  get => 1
         1 60..70  delete
         2 80..90  get => nothing",
    );
}

#[test]
fn readers_during_a_write_may_find_the_old_value_and_then_the_new() {
    assert_good(
        "1  0..10 put 1
         2 20..90 put 2
         3 30..40 get => 1
         4 50..60 get => 2",
    );
}

#[test]
fn what_ends_when_another_begins_counts_as_concurrent() {
    assert_good(
        "1  0..10 put 1
         2 10..20 get => nothing",
    );
}

#[test]
fn an_uncertain_write_may_take_effect_late() {
    assert_good(
        "1  0..   put 1
         2 10..20 put 2
         3 30..40 get => 2
         3 50..60 get => 1",
    );
}

#[test]
fn an_uncertain_write_may_never_take_effect() {
    assert_good(
        "1  0..   put 1
         2 10..20 put 2
         3 30..40 get => 2
         3 50..60 cas 2 3
         3 70..80 get => 3",
    );
}

#[test]
fn uncertain_swaps_may_explain_each_other() {
    assert_good(
        "1  0..   put 1 if 0
         2 10..   cas 1 2
         3 20..   cas 2 3
         4 30..40 get => 3",
    );
}

#[test]
fn an_uncertain_write_may_be_why_a_swap_was_refused_though_nobody_read_it() {
    assert_good(
        "1  0..10 put 1
         2 20..   put 2
         3 30..40 cas 1 3 => differs",
    );
}

#[test]
fn what_did_not_happen_was_not_there_to_be_read() {
    assert_good(
        "1  0..x  put 1
         2 10..20 get => nothing",
    );
}

#[test]
fn an_uncertain_read_says_nothing() {
    assert_good(
        "1  0..10 put 1
         2 20..   get
         3 30..40 get => 1",
    );
}

#[test]
fn a_swap_that_is_refused_is_a_read() {
    assert_good(
        "1  0..10 put 1
         2 20..30 cas 2 3 => 1
         2 40..50 cas 3 3 => differs
         2 60..70 cas 1 3",
    );
}

#[test]
fn a_value_may_come_back_if_it_was_written_again() {
    assert_good(
        "1  0..10 put 1
         1 20..30 put 2
         2 40..50 get => 2
         1 45..   put 1
         2 60..70 get => 1",
    );
}

#[test]
fn each_key_is_a_register_of_its_own() {
    let mut x = history_on("x", "1 0..10 put 1\n 1 40..50 get => 1");
    let y = history_on("y", "2 20..30 put 2\n 2 60..70 get => 2");
    let mut lines = Vec::new();
    x.write(&mut lines).unwrap();
    y.write(&mut lines).unwrap();
    x = History::read(&lines[..], "both").unwrap();
    assert_eq!(x.operations().len(), 4);
    assert_eq!(check(&x), Verdict::Ok);
}

#[test]
fn an_uncertain_write_appears_late_with_its_version() {
    assert_good(
        "1  0..   put 1
         2 10..20 put 2 => done v5
         3 30..40 get => 2 v5
         3 50..60 get => 1 v9",
    );
}

#[test]
fn a_version_is_the_condition_of_the_next() {
    assert_good(
        "1  0..10 put 1 if 0 => done v5
         2  0..10 put 2 if 0 => differs v5
         2 20..30 put 2 if 5 => done v6
         1 20..30 cas 1 3 if 5 => 2 v6
         1 40..50 delete if 6
         2 60..70 get => nothing
         2 80..90 put 2 if 6 => nothing",
    );
}

#[test]
fn concurrent_writes_take_effect_in_the_order_of_their_versions() {
    assert_good(
        "1  0..50 put 1 => done v7
         2  0..50 put 2 => done v6
         3  0..50 delete
         4 10..20 get => 2 v6
         4 60..70 get => 1 v7",
    );
}

#[test]
fn a_version_may_be_that_of_an_uncertain_write_that_nobody_read() {
    assert_good(
        "1  0..   put 1
         2 10..20 put 2 if 0 => differs v5
         2 30..40 put 2 if 5 => done v6",
    );
}
