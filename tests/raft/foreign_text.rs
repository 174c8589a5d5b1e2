//! Foreign text on its way to a terminal: nothing that a terminal would obey gets there.

use crate::common::{Up, ended, raft};
use consensus::{NodeId, Term};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use trace::{Event, Laboratory, Process, Record};

/// Renames the window, clears it, and reads backwards.
const EVIL: &str = "a\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}b\rc";
/// The same, as it is shown.
const SHOWN: &str = r"a\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}b\rc";

fn assert_nothing_is_obeyed(told: &[u8]) {
    let told = str::from_utf8(told).unwrap();
    let obeyed = told.chars().find(|&letter| trace::is_obeyed(letter) && letter != '\n');
    assert_eq!(obeyed, None, "{told:?}");
}

fn assert_harmless(told: &[u8]) {
    assert_nothing_is_obeyed(told);
    let told = str::from_utf8(told).unwrap();
    assert!(told.contains(SHOWN), "{told:?}");
}

fn record(seq: u64, event: Event) -> Record {
    Record {
        t: seq,
        node: NodeId(1),
        life: 1,
        seq: Some(seq),
        cause: None,
        term: Term(0),
        event,
        content: None,
    }
}

#[test]
fn a_trace_is_told_without_what_a_terminal_would_obey() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(format!("{}.jsonl", EVIL.replace('/', "")));
    let started = Process::Started { pid: 1, address: EVIL.to_owned() };
    let died =
        Laboratory::Died { signal: Some(9), status: None, power_cut: None, last_words: EVIL.to_owned() };
    let records = [record(1, Event::Process(started)), record(2, Event::Laboratory(died))];
    fs::write(&file, records.map(|record| record.to_json() + "\n").concat()).unwrap();
    let told = ended(raft().arg("replay").arg(&file).arg("--plain"));
    assert!(told.status.success(), "{told:?}");
    assert_harmless(&told.stdout);
    assert_harmless(&ended(raft().arg("why").arg(&file).arg("n1:1")).stdout);
    assert_harmless(&ended(raft().arg("why").arg(&file).arg("n9:1")).stderr);
}

#[test]
fn a_scenario_is_told_without_what_a_terminal_would_obey() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.txt");
    fs::write(&file, format!("# {}\n\ncluster 1\nrun 1s\n---\n", EVIL.replace('\r', "\u{7}"))).unwrap();
    let told = ended(raft().arg("replay").arg(&file).arg("--plain"));
    let told = String::from_utf8(told.stdout).unwrap();
    let title = told.lines().next().unwrap();
    assert!(title.contains(r"\u{1b}]0;owned") && !title.contains('\u{1b}'), "{title:?}");
}

#[test]
fn names_of_files_and_addresses_are_told_without_what_a_terminal_would_obey() {
    for arguments in [["replay", EVIL], ["log", EVIL], ["export", EVIL]] {
        assert_harmless(&ended(raft().args(arguments)).stderr);
    }
    for arguments in [&["status", EVIL][..], &["get", "x", "--servers", EVIL], &["up", "--nodes", EVIL]] {
        let refused = ended(raft().args(arguments));
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert_nothing_is_obeyed(&refused.stderr);
    }
}

#[test]
fn what_a_server_says_is_told_without_what_a_terminal_would_obey() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let body = serde_json::json!({"error": EVIL, "help": EVIL, "outcome": "not done"}).to_string();
        let answer = format!(
            "HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let get = ended(raft().args(["get", "x", "--timeout", "5s", "--servers", &address]));
    assert_harmless(&get.stderr);
    assert!(String::from_utf8(get.stderr).unwrap().contains(&format!("help: {SHOWN}")));
}

/// The output of a command on a terminal of its own.
fn on_a_terminal(arguments: &[&str], temporary: &Path) -> String {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_raft"));
    command.args(arguments);
    command.env("TMPDIR", temporary);
    command.env_remove("XDG_RUNTIME_DIR");
    let size = PtySize { rows: 24, cols: 200, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut written = Vec::new();
    let mut buffer = [0; 4096];
    // A terminal reports an error at its end.
    while let Ok(count @ 1..) = reader.read(&mut buffer) {
        written.extend_from_slice(&buffer[..count]);
    }
    child.wait().unwrap();
    String::from_utf8(written).unwrap()
}

#[test]
fn values_are_exact_in_a_pipe_and_harmless_on_a_terminal() {
    let temporary = tempfile::tempdir().unwrap();
    let here = |arguments: &[&str]| {
        let mut command = raft();
        command.args(arguments).env("TMPDIR", temporary.path());
        command
    };
    let mut up = Up::start_command(here(&["up", "--json", "--no-web", "--nodes", "1"]), 1);
    up.wait_for_leader();
    assert!(ended(&mut here(&["put", EVIL, EVIL])).status.success());
    assert_eq!(ended(&mut here(&["get", EVIL])).stdout, EVIL.as_bytes());
    assert_harmless(&ended(&mut here(&["list"])).stdout);
    for arguments in [&["get", EVIL][..], &["list"]] {
        let written = on_a_terminal(arguments, temporary.path());
        assert_harmless(written.replace("\r\n", "\n").as_bytes());
    }
}
