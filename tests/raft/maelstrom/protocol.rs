//! A node's messages, line by line.

use super::workbench::{Workbench, read, write};
use crate::common::raft;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Output, Stdio};

/// A whole run of one process with this input.
fn run(input: &[u8], data: &std::path::Path) -> Output {
    let mut command = raft();
    command.arg("maelstrom").env("NODE_DIR", data);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let stdout = str::from_utf8(&output.stdout).unwrap();
    stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const INIT: &str =
    r#"{"id":0,"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}"#;

#[test]
fn every_request_is_answered_before_the_process_ends_with_its_input() {
    let data = tempfile::tempdir().unwrap();
    let input = format!(
        "{INIT}\n{}\n",
        r#"{"id":1,"src":"c1","dest":"n1","body":{"type":"write","msg_id":7,"key":"k","value":1}}"#
    );
    let output = run(input.as_bytes(), data.path());
    assert_eq!(output.status.code(), Some(0));
    let expected = [
        json!({"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1}}),
        json!({"src": "n1", "dest": "c1", "body": {"type": "write_ok", "in_reply_to": 7}}),
    ];
    assert_eq!(lines(&output), expected);
    assert!(data.path().join("n1").is_dir(), "the log is where $NODE_DIR says");
}

#[test]
fn what_comes_before_the_introduction_is_not_done() {
    let data = tempfile::tempdir().unwrap();
    let input = [
        r#"{"src":"c9","dest":"n1","body":{"type":"write","msg_id":3,"key":1,"value":1}}"#,
        r#"{"src":"c9","dest":"n1","body":{"type":"write","key":1,"value":1}}"#,
        r#"{"src":"n2","dest":"n1","body":{"type":"request_vote","term":1}}"#,
        r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":4,"node_id":"one","node_ids":["one"]}}"#,
        r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":5,"node_id":"n1","node_ids":["n2"]}}"#,
    ];
    let output = run(input.join("\n").as_bytes(), data.path());
    let codes: Vec<(u64, u64)> = lines(&output)
        .iter()
        .map(|line| (line["body"]["in_reply_to"].as_u64().unwrap(), line["body"]["code"].as_u64().unwrap()))
        .collect();
    assert_eq!(codes, [(3, 11), (4, 12), (5, 12)]);
    assert_eq!(output.status.code(), Some(1), "it was never introduced");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("error: ") && stderr.contains("help: "), "{stderr}");
}

#[test]
fn nonsense_is_told_on_standard_error_and_the_node_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Workbench::start(1, folder.path(), &[]);
    let nonsense = [
        "",
        "no JSON",
        "{",
        "null",
        "[1]",
        r#"{"src":"c1","dest":"n0"}"#,
        r#"{"src":"c1","dest":"n0","body":"read"}"#,
        r#"{"src":"c1","dest":"n0","body":{"msg_id":1}}"#,
        r#"{"src":"c1","dest":"n0","body":{"type":"read","key":1}}"#,
        r#"{"src":"c1","dest":"n0","body":{"type":"read","msg_id":"x","key":1}}"#,
        r#"{"src":"c1","dest":"n7","body":{"type":"read","msg_id":1,"key":1}}"#,
        r#"{"src":"c1","dest":"n0","body":{"type":"read_ok","in_reply_to":1,"value":1}}"#,
        r#"{"src":"n1","dest":"n0","body":{"type":"append_entries","term":7}}"#,
        r#"{"src":"n0","dest":"n0","body":{"type":"forwarded","in_reply_to":1}}"#,
    ];
    for line in nonsense.into_iter().chain([&*"[".repeat(100_000)]) {
        bench.write_line(0, line);
    }
    bench.ask_until_done(0, &write(1, 2));
    let errors = bench.errors(0);
    for told in ["no JSON", "[1]", "msg_id", "n7", "append_entries", "[[["] {
        assert!(errors.contains(told), "{told}: {errors}");
    }
    assert!(!errors.contains("panicked"), "{errors}");
    assert_eq!(bench.end(0).code(), Some(0));
}

#[test]
fn peers_that_talk_nonsense_are_not_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Workbench::start(2, folder.path(), &[]);
    let leader = bench.await_leader();
    let (from, to) = (format!("n{}", 1 - leader), format!("n{leader}"));
    for body in [
        json!({"type": "append_entries", "term": 9, "sent_as": "n1:1"}),
        json!({"type": "request_vote", "term": -1, "last_log_index": 0, "last_log_term": 0, "sent_as": "n1:1"}),
        json!({"type": "forward", "msg_id": 3, "life": 1, "request": {"type": "delete", "key": 1}}),
        json!({"type": "forward", "life": 1, "request": read(1)}),
        json!({"type": "forward", "msg_id": 5, "life": 1, "request": read(1), "once": {"session": "x"}}),
        json!({"type": "forward", "msg_id": 6, "life": 1, "request": write(1, 1)}),
        json!({"type": "forwarded", "in_reply_to": 4, "life": 1, "answer": {"type": "error", "code": 99, "text": ""}}),
        json!({"type": "forwarded", "in_reply_to": 4, "life": 1, "answer": {"type": "write_ok"}}),
        json!({"type": "error", "in_reply_to": 5, "code": 10, "text": "what?"}),
        json!({"type": "read", "msg_id": 6, "key": 1}),
    ] {
        bench.write_line(leader, &json!({"src": from, "dest": to, "body": body}).to_string());
    }
    // The workbench would not accept an answer to any of it.
    bench.ask_until_done(leader, &write(1, 2));
    assert_eq!(bench.ask_until_done(1 - leader, &read(1))["value"], 2);
    let errors = bench.errors(leader);
    assert_eq!(errors.matches("can't be understood").count(), 9, "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
}

#[test]
fn errors_have_maelstroms_codes() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Workbench::start(1, folder.path(), &[]);
    bench.ask_until_done(0, &write("x", 1));
    let cas = |key: &str, from: u64| json!({"type": "cas", "key": key, "from": from, "to": 2});
    for (body, code) in [
        (read("y"), 20),
        (cas("y", 1), 20),
        (cas("x", 7), 22),
        (json!({"type": "read"}), 12),
        (json!({"type": "write", "key": 1}), 12),
        (json!({"type": "cas", "key": 1, "from": 1}), 12),
        (write("k".repeat(2000), 1), 12),
        (write("x", "v".repeat(2 << 20)), 12),
        (json!({"type": "txn", "txn": []}), 10),
        (json!({"type": "init", "node_id": "n1", "node_ids": ["n0", "n1"]}), 12),
    ] {
        let answer = bench.ask(0, body.clone());
        assert_eq!(answer["code"], code, "{body}: {answer}");
    }
    let again = bench.introduce(0);
    assert_eq!(bench.await_answer(&again)["type"], "init_ok", "it is who it was");
    assert_eq!(bench.ask(0, cas("x", 1))["type"], "cas_ok");
    assert_eq!(bench.ask(0, read("x"))["value"], 2);
}

#[test]
fn keys_and_values_are_any_json() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Workbench::start(3, folder.path(), &[]);
    bench.await_leader();
    let all = [
        json!(null),
        json!(true),
        json!(""),
        json!("1"),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(0.1 + 0.2),
        json!(u64::MAX),
        json!([]),
        json!([1, "a", null]),
        json!({}),
        json!({"b": {"c": [1, 2]}, "a": "é\u{0}\n😀"}),
        json!({"type": "error", "in_reply_to": 1}),
    ];
    for (number, value) in all.iter().enumerate() {
        let answer = bench.ask_until_done(number % 3, &write(value.clone(), value.clone()));
        assert_eq!(answer["type"], "write_ok");
    }
    for (number, value) in all.iter().enumerate() {
        let node = (number + 1) % 3;
        assert_eq!(bench.ask_until_done(node, &read(value.clone()))["value"], *value);
        let cas = json!({"type": "cas", "key": value, "from": value, "to": {"was": value}});
        assert_eq!(bench.ask_until_done(node, &cas)["type"], "cas_ok", "{value}");
    }
    // The same object, with its fields in another order.
    let (key, from) =
        (r#"{"a":"é\u0000\n😀","b":{"c":[1,2]}}"#, r#"{"was":{"a":"é\u0000\n😀","b":{"c":[1,2]}}}"#);
    let key: Value = serde_json::from_str(key).unwrap();
    let from: Value = serde_json::from_str(from).unwrap();
    let cas = json!({"type": "cas", "key": key, "from": from, "to": 0});
    assert_eq!(bench.ask_until_done(0, &cas)["type"], "cas_ok");
}

#[test]
fn people_can_read_what_raft_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Workbench::start(2, folder.path(), &[]);
    let leader = bench.await_leader();
    bench.network = Box::new(|message| match message["body"]["entries"].as_array() {
        Some(entries) if !entries.is_empty() => super::workbench::Fate::Held,
        _ => super::workbench::AT_ONCE,
    });
    bench.request(leader, write("x", [3]));
    let message = bench.await_some("the entry", |bench| bench.held.pop());
    assert_eq!(message["body"]["type"], "append_entries");
    assert_eq!(message["body"]["entries"][0]["command"]["says"], r#"put "\"x\"" = [3]"#);
}

#[test]
fn a_restarted_node_finds_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Workbench::start(1, folder.path(), &["--snapshot-after", "1KiB"]);
    bench.ask_until_done(0, &write("x", 1));
    bench.kill(0);
    bench.start_node(0);
    assert_eq!(bench.ask_until_done(0, &read("x"))["value"], 1, "after SIGKILL");
    for value in 2..200 {
        bench.ask_until_done(0, &write("x", value));
    }
    assert_eq!(bench.end(0).code(), Some(0));
    bench.start_node(0);
    assert_eq!(bench.ask_until_done(0, &read("x"))["value"], 199, "after the end of its input");
}

#[test]
fn another_nodes_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Workbench::start(1, folder.path(), &[]);
    assert_eq!(bench.end(0).code(), Some(0));
    bench.start_process(0);
    let answer = bench.ask(0, json!({"type": "init", "node_id": "n0", "node_ids": ["n0", "n1"]}));
    assert_eq!(answer["code"], 14);
    assert!(answer["text"].as_str().unwrap().contains("voters"), "{answer}");
    assert_eq!(bench.await_exit(0).code(), Some(1));
    let errors = bench.errors(0);
    assert!(errors.contains("error: ") && errors.contains("help: "), "{errors}");
}
