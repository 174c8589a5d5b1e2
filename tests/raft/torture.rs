//! `raft torture`: a few rounds of it, and how it ends.

use crate::common::{await_gone, await_some, raft};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A run whose data is in this folder.
fn torture(data: &Path) -> Command {
    let mut command = raft();
    command.args(["torture", "--json", "--clients", "6", "--data"]).arg(data);
    command
}

/// The processes whose command line names this folder.
fn servers_on(data: &Path) -> Vec<u32> {
    let names_it = |pid: &u32| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let text = String::from_utf8_lossy(&command);
        text.contains("\0node\0") && text.contains(data.to_str().unwrap())
    };
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(names_it).collect()
}

#[test]
fn real_servers_keep_their_promises_while_they_are_killed_and_paused() {
    let summary = three_rounds("1");
    assert_eq!(summary["lease_reads"], 0, "{summary}");
}

#[test]
fn servers_that_come_and_go_keep_theirs_too() {
    let summary = rounds(&["--rounds", "6", "--seed", "3", "--members"]);
    for figure in ["joined", "left"] {
        assert!(summary[figure].as_u64().unwrap() > 0, "{figure} in {summary}");
    }
}

#[test]
fn servers_that_lose_their_data_take_no_part() {
    let summary = rounds(&["--rounds", "6", "--seed", "5", "--lose-disks"]);
    assert!(summary["disks_lost"].as_u64().unwrap() > 0, "{summary}");
}

#[test]
fn leaders_with_leases_keep_theirs_too() {
    let summary = three_rounds("2");
    assert!(summary["lease_reads"].as_u64().unwrap() > 0, "{summary}");
}

/// Three rounds in which nothing is found.
fn three_rounds(seed: &str) -> serde_json::Value {
    let summary = rounds(&["--rounds", "3", "--seed", seed]);
    for figure in ["kills", "pauses"] {
        assert!(summary[figure].as_u64().unwrap() > 0, "{figure} in {summary}");
    }
    summary
}

/// Some rounds in which nothing is found.
fn rounds(arguments: &[&str]) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let output = torture(&data).args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["rounds"].as_u64().unwrap().to_string(), arguments[1], "{summary}");
    assert_eq!(summary["violation"], serde_json::Value::Null);
    assert_eq!(summary["undecided_rounds"], 0, "{summary}");
    for figure in ["elections", "done"] {
        assert!(summary[figure].as_u64().unwrap() > 0, "{figure} in {summary}");
    }
    assert!(told.contains(&format!("round {}: ", arguments[1])), "{told}");
    await_gone(&servers_on(&data));
    summary
}

#[test]
fn ctrl_c_ends_it_with_a_summary_and_without_servers() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = torture(&data);
    let mut run = command.args(["--for", "1h"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let servers = await_some("three servers", || {
        let servers = servers_on(&data);
        (servers.len() == 3).then_some(servers)
    });
    kill_process(Pid::from_child(&run), Signal::INT).unwrap();
    let status = await_some("the end", || run.try_wait().unwrap());
    assert_eq!(status.code(), Some(130));
    let summary: serde_json::Value = serde_json::from_reader(run.stdout.take().unwrap()).unwrap();
    assert_eq!(summary["violation"], serde_json::Value::Null);
    await_gone(&servers);
    await_gone(&servers_on(&data));
}

#[test]
fn a_folder_with_something_in_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), "").unwrap();
    let output = torture(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("is not empty\nhelp: name a new folder"), "{told}");
}
