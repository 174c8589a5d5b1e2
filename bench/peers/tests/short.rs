//! Each comparison in its shortest form: it runs to its end, and reports what it should. Nothing here checks
//! how fast anything is.
//!
//! They need etcd, and the project's program as built by `cargo build --release`.

use serde_json::Value;
use std::process::{Command, Output};

fn peers(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_peers")).args(arguments).output().expect("the program runs")
}

/// The rows of a comparison, each with this figure, which is above zero.
fn rows(arguments: &[&str], figure: &str) -> Vec<Value> {
    let output = peers(&[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let mut report: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(report["bench"].as_str(), Some(arguments[0]));
    let Value::Array(rows) = report["rows"].take() else { panic!("there are no rows") };
    for row in &rows {
        assert!(row[figure].as_f64().is_some_and(|figure| figure > 0.0), "{arguments:?}: {row}");
    }
    rows
}

fn systems(rows: &[Value]) -> Vec<&str> {
    rows.iter().filter_map(|row| row["system"].as_str()).collect()
}

#[test]
fn the_core_is_measured_beside_raft_rs() {
    let rows = rows(&["core", "--duration", "20ms", "--runs", "1"], "ns_per_entry");
    assert_eq!(systems(&rows)[..5], ["raft", "raft-rs", "raft", "raft-rs", "raft-rs"]);
    assert_eq!(systems(&rows)[5..], ["raft / raft-rs"; 3]);
}

#[test]
fn clusters_in_memory_are_measured_beside_openraft() {
    let rows = rows(&["memory", "--clients", "4", "--duration", "100ms", "--runs", "1"], "per_second");
    assert_eq!(
        systems(&rows),
        ["raft", "raft, library", "openraft", "raft / openraft", "raft, library / openraft"]
    );
}

#[test]
fn writes_and_reads_are_measured_beside_etcd() {
    for kind in ["writes", "reads"] {
        let rows = rows(&[kind, "--clients", "2", "--duration", "500ms", "--runs", "1"], "per_second");
        assert_eq!(
            systems(&rows),
            ["raft", "etcd", "etcd, on one connection", "raft / etcd", "raft / etcd, on one connection"]
        );
    }
}

#[test]
fn failovers_are_measured_beside_etcd() {
    let rows = rows(&["failover", "--trials", "1"], "gap_median_ms");
    let alone = "raft, by the timeout alone";
    assert_eq!(systems(&rows), ["raft", alone, "etcd", "raft / etcd", &format!("{alone} / etcd")]);
}

#[test]
fn starts_are_measured_beside_etcd() {
    let rows = rows(&["start", "--trials", "1"], "median_ms");
    let starts: Vec<&str> = rows.iter().filter_map(|row| row["start"].as_str()).collect();
    assert_eq!(starts, ["the first", "again"].repeat(3));
}

#[test]
fn a_program_that_is_not_there_is_told() {
    let output = peers(&["start", "--raft", "/nowhere/raft"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("can't run /nowhere/raft") && said.contains("--raft"), "{said}");
}
