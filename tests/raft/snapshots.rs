//! Real servers that remove what their snapshots cover from their logs.

use crate::common::{Up, ask, await_some};
use consensus::NodeId;
use consensus::event::What;
use rustix::process::{Pid, Signal, kill_process};
use trace::Event;

/// Small enough that some dozen writes lead to a snapshot.
const OPTIONS: [&str; 2] = ["--snapshot-after", "2KiB"];

fn address_of(up: &Up, id: NodeId) -> String {
    up.view.server(id).unwrap().address.clone().unwrap()
}

/// Writes these values to the leader.
fn put(up: &Up, leader: NodeId, values: std::ops::Range<u32>) {
    let address = address_of(up, leader);
    for value in values {
        let (request, value) = (format!("PUT /kv/key{}", value % 5), format!("{value:0>100}"));
        let answer = await_some("an answer", || ask(&address, &request, &value));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

fn status(address: &str) -> serde_json::Value {
    let answer = await_some("a status", || ask(address, "GET /status", ""));
    serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
}

#[test]
fn a_cluster_goes_on_from_its_snapshots() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap().to_owned();
    let options = [&OPTIONS[..], &["--data", &data]].concat();
    let mut up = Up::start(&options, 3);
    let leader = up.wait_for_leader();
    put(&up, leader, 0..100);
    let address = address_of(&up, leader);
    let covered = || status(&address)["snapshot"]["index"].as_u64().unwrap();
    await_some("a snapshot of nearly all", || (covered() > 80).then_some(()));
    up.signal(Signal::INT);
    up.wait_for_end();

    let mut up = Up::start(&options, 3);
    let leader = up.wait_for_leader();
    let address = address_of(&up, leader);
    assert!(status(&address)["snapshot"]["index"].as_u64().unwrap() > 80);
    let answer = await_some("a read", || {
        ask(&address, "GET /kv/key4", "").filter(|answer| answer.starts_with("HTTP/1.1 200"))
    });
    assert!(answer.ends_with("99"), "{answer}");
}

#[test]
fn a_server_that_was_away_for_long_gets_a_snapshot() {
    let mut up = Up::start(&OPTIONS, 3);
    let leader = up.wait_for_leader();
    let away = [1, 2, 3].map(NodeId).into_iter().find(|id| *id != leader).unwrap();
    let pid = up.view.server(away).unwrap().pid.unwrap();
    kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::STOP).unwrap();
    put(&up, leader, 0..200);
    kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::CONT).unwrap();
    let address = address_of(&up, away);
    await_some("all of the leader's log", || {
        let applied = status(&address)["last_applied"].as_u64().unwrap();
        (applied > 200).then_some(())
    });
    let installed =
        |up: &Up| up.records.iter().any(|record| record.node == away && is_installed(&record.event));
    up.wait_until("an installed snapshot", installed);
    let stale = ask(&address, "GET /kv/key4?read=stale", "").unwrap();
    assert!(stale.ends_with("199"), "{stale}");
}

fn is_installed(event: &Event) -> bool {
    matches!(event, Event::Decision(decision) if matches!(decision.what, What::SnapshotInstalled { .. }))
}
