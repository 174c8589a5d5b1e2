//! A client is told that nothing was done only if that is certain.

use super::workbench::{AT_ONCE, Fate, Workbench, is_uncertain, read, write};
use serde_json::{Value, json};

fn is_from(message: &Value, node: usize) -> bool {
    message["src"] == format!("n{node}")
}

fn is_to(message: &Value, node: usize) -> bool {
    message["dest"] == format!("n{node}")
}

fn three_nodes(folder: &tempfile::TempDir) -> (Workbench, usize, usize) {
    // Long enough for a leader to stay the leader on a busy machine.
    let mut bench = Workbench::start(3, folder.path(), &["--election-timeout", "700ms..1400ms"]);
    let leader = bench.await_leader();
    let other = (leader + 1) % 3;
    // From here on it has a session for the requests that it passes on.
    bench.ask_until_done(other, &write("x", 1));
    (bench, leader, other)
}

/// A read may come before a write whose outcome is still unknown.
fn await_value(bench: &mut Workbench, node: usize, value: u64) {
    bench.await_some("the write to happen", |bench| {
        let answer = bench.ask_until_done(node, &read("x"));
        (answer["value"] == value).then_some(())
    });
}

#[test]
fn a_write_in_the_log_of_a_leader_that_is_cut_off_is_uncertain() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bench, leader, other) = three_nodes(&folder);
    bench.network =
        Box::new(
            move |message| {
                if is_from(message, leader) || is_to(message, leader) { Fate::Lost } else { AT_ONCE }
            },
        );
    let answer = bench.ask(leader, write("x", 2));
    assert!(is_uncertain(&answer), "{answer}");

    // The others have continued without it, and the network works again: this time it did not happen.
    bench.ask_until_done(other, &write("y", 1));
    bench.network = Box::new(|_| AT_ONCE);
    assert_eq!(bench.ask_until_done(leader, &read("x"))["value"], 1);
}

#[test]
fn a_write_that_the_others_have_and_the_leader_does_not_hear_of_is_uncertain() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bench, leader, other) = three_nodes(&folder);
    bench.network = Box::new(move |message| if is_to(message, leader) { Fate::Lost } else { AT_ONCE });
    let answer = bench.ask(leader, write("x", 2));
    assert!(is_uncertain(&answer), "{answer}");

    // It will happen as soon as the leader learns of it.
    bench.network = Box::new(|_| AT_ONCE);
    await_value(&mut bench, other, 2);
}

#[test]
fn a_write_that_was_passed_on_is_uncertain_when_the_answer_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bench, leader, other) = three_nodes(&folder);
    bench.network =
        Box::new(|message| if message["body"]["type"] == "forwarded" { Fate::Lost } else { AT_ONCE });
    let answer = bench.ask(other, write("x", 2));
    assert!(is_uncertain(&answer), "{answer}");
    assert_eq!(bench.ask_until_done(leader, &read("x"))["value"], 2, "it did happen");
}

#[test]
fn a_write_that_is_passed_on_and_arrives_twice_is_done_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bench, leader, other) = three_nodes(&folder);
    let is_forward = |message: &Value| message["body"]["type"] == "forward";
    bench.network =
        Box::new(move |message| if is_forward(message) { Fate::DeliveredAndHeld } else { AT_ONCE });
    bench.ask_until_done(other, &write("x", 2));
    bench.ask_until_done(other, &json!({"type": "cas", "key": "x", "from": 2, "to": 3}));
    bench.ask_until_done(leader, &write("x", 2));
    let copies = std::mem::take(&mut bench.held);
    assert_eq!(copies.len(), 2);
    bench.network =
        Box::new(|message| if message["body"]["type"] == "forwarded" { Fate::Held } else { AT_ONCE });
    for copy in copies {
        bench.deliver(&copy);
        bench.await_some("the answer to the copy", |bench| bench.held.pop());
        assert_eq!(bench.ask_until_done(leader, &read("x"))["value"], 2);
    }
}

/// The leader's refusal proves nothing: another copy may still arrive when it leads again.
#[test]
fn a_write_that_was_passed_on_and_refused_is_uncertain() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bench, leader, other) = three_nodes(&folder);
    let third = 3 - leader - other;
    bench.network = Box::new(move |message| match message["body"]["type"].as_str() {
        Some("forward" | "forwarded") => Fate::Held,
        _ => AT_ONCE,
    });
    let request = bench.request(other, write("x", 2));
    // Each try is delivered to a node that does not lead, and so is its refusal.
    let answer = bench.await_some("an answer", |bench| {
        while let Some(mut message) = bench.held.pop() {
            if message["body"]["type"] == "forward" {
                message["dest"] = format!("n{third}").into();
            } else {
                message["src"] = format!("n{leader}").into();
            }
            bench.deliver(&message);
        }
        bench.answer(&request)
    });
    assert!(is_uncertain(&answer), "{answer}");
}

#[test]
fn a_write_that_is_still_on_its_way_to_the_leader_is_uncertain() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bench, leader, other) = three_nodes(&folder);
    bench.network =
        Box::new(|message| if message["body"]["type"] == "forward" { Fate::Held } else { AT_ONCE });
    let answer = bench.ask(other, write("x", 2));
    assert!(is_uncertain(&answer), "{answer}");
    assert_eq!(bench.ask_until_done(leader, &read("x"))["value"], 1);
    let forward = bench.held.pop().unwrap();
    assert!(bench.held.is_empty(), "what may yet arrive is not tried again");
    bench.deliver(&forward);
    await_value(&mut bench, leader, 2);
}

#[test]
fn where_nobody_leads_nothing_is_done_and_that_is_certain() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Workbench::start(3, folder.path(), &[]);
    // The nodes get no messages from each other, so they do not even found their cluster.
    bench.network =
        Box::new(|message| if message["body"]["sent_as"].is_string() { Fate::Lost } else { AT_ONCE });
    for node in 0..3 {
        let answer = bench.ask(node, write("x", node));
        assert_eq!(answer["code"], 11, "{answer}");
        assert_eq!(bench.ask(node, read("x"))["code"], 11);
    }
}

#[test]
fn what_was_refused_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bench, leader, other) = three_nodes(&folder);
    let third = 3 - leader - other;
    // The client waits only 0.9 seconds, which a busy machine may need for less than this: then once more.
    let retried = (0..20).any(|_| is_tried_again(&mut bench, leader, other, third));
    assert!(retried);
    bench.network = Box::new(|_| AT_ONCE);
    let forward = bench.held.pop().unwrap();
    bench.deliver(&forward);
    bench.ask_until_done(leader, &read("x"));
}

/// A client's request is delivered to a node that does not lead instead of the leader, and so is the refusal.
fn is_tried_again(bench: &mut Workbench, leader: usize, other: usize, third: usize) -> bool {
    bench.held.clear();
    bench.network = Box::new(|message| match message["body"]["type"].as_str() {
        Some("forward" | "forwarded") => Fate::Held,
        _ => AT_ONCE,
    });
    let request = bench.request(other, write("x", 2));
    let mut forward = bench.await_some("a forward", |bench| bench.held.pop());
    forward["dest"] = format!("n{third}").into();
    bench.deliver(&forward);
    let mut refusal = bench.await_some("the refusal", |bench| bench.held.pop());
    assert_eq!(refusal["body"]["answer"]["code"], 11, "{refusal}");
    refusal["src"] = format!("n{leader}").into();
    bench.deliver(&refusal);
    bench.await_some("another forward, or an answer", |bench| {
        let is_answered = bench.answer(&request).is_some();
        (is_answered || !bench.held.is_empty()).then_some(())
    });
    bench.held.last().is_some_and(|message| message["body"]["msg_id"] != forward["body"]["msg_id"])
}

#[test]
fn an_answer_to_an_earlier_life_is_not_taken_for_anothers() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bench, leader, other) = three_nodes(&folder);
    bench.ask_until_done(leader, &write("y", "why"));
    bench.kill(other);
    bench.start_node(other);

    // An answer to the first request of this run waits in the network,
    bench.network =
        Box::new(|message| if message["body"]["type"] == "forwarded" { Fate::Held } else { AT_ONCE });
    bench.request(other, read("x"));
    let late = bench.await_some("the answer", |bench| bench.held.pop());
    assert_eq!(late["body"]["answer"]["value"], 1, "{late}");

    // and arrives while the next run waits for the answer to its first.
    bench.kill(other);
    bench.start_node(other);
    bench.network = Box::new(|message| match message["body"]["type"].as_str() {
        Some("forward") => Fate::Held,
        _ => AT_ONCE,
    });
    let request = bench.request(other, read("y"));
    let forward = bench.await_some("the next request", |bench| bench.held.pop());
    assert_eq!(late["body"]["in_reply_to"], forward["body"]["msg_id"], "or this shows nothing");
    bench.deliver(&late);
    bench.network = Box::new(|_| AT_ONCE);
    bench.deliver(&forward);
    let answer = bench.await_answer(&request);
    assert!(answer["value"] == "why" || answer["code"] == 0, "{answer}");
}
