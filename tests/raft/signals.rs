//! Signals to `raft up`: SIGQUIT kills the leader, SIGINT and SIGTERM stop all, and not even SIGKILL
//! leaves a server behind.

use crate::common::{Up, assert_one_leader_per_term, await_gone};
use rustix::process::Signal;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use trace::{Condition, Event, Laboratory, Process, Record};

fn is_killed(record: &Record) -> bool {
    matches!(record.event, Event::Laboratory(Laboratory::Died { signal: Some(9), .. }))
}

#[test]
fn sigquit_kills_the_leader_and_another_is_elected() {
    let mut up = Up::start(&[], 3);
    let first = up.wait_for_leader();
    up.signal(Signal::QUIT);
    up.wait_until("another leader", |up| up.view.leader().is_some_and(|leader| leader != first));
    assert_eq!(up.view.server(first).unwrap().condition, Condition::Dead);
    let killed: Vec<_> =
        up.records.iter().filter(|record| is_killed(record)).map(|record| record.node).collect();
    assert_eq!(killed, [first]);
    assert_one_leader_per_term(&up.records);
}

#[test]
fn sigquit_without_a_leader_kills_nobody() {
    let mut up = Up::start(&[], 2);
    up.wait_for_leader();
    up.signal(Signal::QUIT);
    // One of two is no majority: from here on there is no leader.
    up.wait_until("a death", |up| up.records.iter().any(is_killed));
    let elections =
        |up: &Up| up.records.iter().filter(|record| record.t > 0 && record.rule().is_some()).count();
    let before = elections(&up);
    up.wait_until("a lone candidate", |up| elections(up) > before);
    up.signal(Signal::QUIT);
    let before = up.records.len();
    up.wait_until("the survivor to go on", |up| up.records.len() > before + 20);
    assert_eq!(up.records.iter().filter(|record| is_killed(record)).count(), 1);
    assert_eq!(up.view.to_string(), "no leader: 1 of 2 running, an election needs 2");
}

#[test]
fn sigint_and_sigterm_stop_all() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut up = Up::start(&[], 3);
        up.wait_for_leader();
        let pids = up.pids();
        assert_eq!(pids.len(), 3);
        up.signal(signal);
        assert_eq!(up.wait_for_end().code(), Some(status));
        let stopped = |record: &&Record| matches!(record.event, Event::Process(Process::Stopped));
        assert_eq!(up.records.iter().filter(stopped).count(), 3, "each server says goodbye");
        await_gone(&pids);
    }
}

/// A start that can't finish, since no server makes progress.
#[test]
fn a_signal_ends_a_start_too() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = crate::common::raft();
    command.args(["up", "--plain", "--no-web", "--nodes", "15"]).env("TMPDIR", temporary.path());
    let mut up = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let children = format!("/proc/{0}/task/{0}/children", up.id());
    let mut halted: Vec<u32> = Vec::new();
    while halted.len() < 15 {
        assert_eq!(up.try_wait().unwrap(), None, "it ended before it was asked to");
        let started = std::fs::read_to_string(&children).unwrap_or_default();
        for pid in started.split_whitespace().map(|pid| pid.parse().unwrap()) {
            // Creating a process waits until it has become another program.
            let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            if !halted.contains(&pid) && command.contains("--laboratory") {
                let server = rustix::process::Pid::from_raw(pid as i32).unwrap();
                rustix::process::kill_process(server, Signal::STOP).unwrap();
                halted.push(pid);
            }
        }
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&up), Signal::TERM).unwrap();
    let status = crate::common::await_some("the end of the command", || up.try_wait().unwrap());
    assert_eq!(status.code(), Some(143));
    await_gone(&halted);
}

#[test]
fn a_killed_parent_leaves_no_server_behind() {
    let mut up = Up::start(&[], 3);
    let leader = up.wait_for_leader();
    let pids = up.pids();
    // A halted process can't notice that its parent is gone.
    let halted = up.view.server(leader).unwrap().pid.unwrap();
    let halted = rustix::process::Pid::from_raw(halted as i32).unwrap();
    rustix::process::kill_process(halted, Signal::STOP).unwrap();
    up.signal(Signal::KILL);
    up.wait_for_end();
    await_gone(&pids);
}

#[test]
fn a_second_signal_ends_a_command_whose_reader_does_not_read() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = crate::common::raft();
    command.args(["up", "--json", "--nodes", "15"]).env("TMPDIR", temporary.path());
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut first = String::new();
    let mut stdout = BufReader::with_capacity(1, child.stdout.take().unwrap());
    stdout.read_line(&mut first).unwrap();
    // From here on nobody reads. Whether the pipe is full by now or not: two signals must be enough.
    let pid = rustix::process::Pid::from_child(&child);
    let status = crate::common::await_some("the end of the command", || {
        let _ = rustix::process::kill_process(pid, Signal::TERM);
        child.try_wait().unwrap()
    });
    assert_eq!(status.code(), Some(143));
}

#[test]
fn a_reader_that_goes_away_ends_the_cluster() {
    // In the story, unlike in the JSON, nothing is written while nothing changes.
    for (form, last_line) in [("--json", r#""role":"leader""#), ("--plain", "── leader n")] {
        let mut command = crate::common::raft();
        command.args(["up", form]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.lines().map(Result::unwrap).find(|line| line.contains(last_line)).unwrap();
        let status = crate::common::await_some("the end of the command", || child.try_wait().unwrap());
        assert_eq!(status.code(), Some(0));
    }
}
