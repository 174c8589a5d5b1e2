//! What the views make of one recorded run, in which a client does not learn the outcome of its command.
//!
//! The run and the states of the cluster in it are in tests/lost-entry. The tests of the terminal and of the page read them
//! there, so all views are tested on the same records. `UPDATE_GOLDEN=1` writes them again.

use consensus::{Index, NodeId};
use serde_json::{Value, json};
use simulator::Scenario;
use std::fs;
use std::path::{Path, PathBuf};
use trace::{ClusterView, OutcomeKind, Record};

const SCENARIO: &str = "../../scenarios/clients/an-uncommitted-entry-is-lost.txt";
/// After this many records each, the state is kept.
const APART: usize = 20;

fn in_package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn records() -> Vec<Record> {
    let film = Scenario::film(&fs::read_to_string(in_package(SCENARIO)).unwrap()).unwrap();
    film.scenes.into_iter().flat_map(|scene| scene.records).collect()
}

fn beginning() -> ClusterView {
    ClusterView::new((1..=3).map(NodeId))
}

fn is_told(name: &str, found: &str) {
    let path = in_package("tests/lost-entry").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return fs::write(path, found).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == found, "{name} is not what comes of the scenario: write it again with UPDATE_GOLDEN=1");
}

#[test]
fn the_run_that_other_views_are_tested_on_is_this_one() {
    let lines: String = records().iter().flat_map(|record| [record.to_json(), "\n".to_owned()]).collect();
    is_told("records.jsonl", &lines);

    let mut view = beginning();
    let mut states = Vec::new();
    for (place, record) in records().iter().enumerate() {
        view.apply(record);
        if (place + 1).is_multiple_of(APART) {
            states.push(json!({ "after": place + 1, "view": view }));
        }
    }
    is_told("views.json", &format!("{:#}\n", Value::Array(states)));
}

/// The words of the entry at this index of each log that has it.
fn commands(view: &ClusterView, index: u64) -> Vec<(u64, String)> {
    let command = |server: &trace::ServerView| server.log.command_at(Index(index)).map(str::to_owned);
    view.servers().filter_map(|(id, server)| Some((id.0, command(server)?))).collect()
}

#[test]
fn a_lost_entry_stands_in_one_log_and_reaches_no_store() {
    let mut view = beginning();
    let mut logs_with_it = Vec::new();
    for record in records() {
        view.apply(&record);
        logs_with_it.extend(commands(&view, 3).into_iter().filter(|(_, command)| command == "x = 9"));
        for (id, server) in view.servers() {
            let mut known = server.store.iter().flat_map(|store| store.known());
            assert!(!known.any(|held| held == ("x", "9")), "{id} applied what was never committed");
        }
    }
    logs_with_it.dedup();
    assert_eq!(logs_with_it, [(1, "x = 9".to_owned())]);
    assert_eq!(commands(&view, 3), [1, 2, 3].map(|id| (id, "no-op".to_owned())));

    let told = |what: &str| {
        let request = view.requests().iter().find(|request| *request.what == *what).unwrap();
        let outcome = request.outcome.as_ref().unwrap();
        (request.client, outcome.kind, outcome.words.to_string())
    };
    assert_eq!(told("x = 9"), (Some(1), OutcomeKind::Unknown, "n1 died before it replied".to_owned()));
    assert_eq!(told("x = 2"), (Some(2), OutcomeKind::Done, "written, version 4".to_owned()));
    for (_, server) in view.servers() {
        let store = server.store.as_ref().unwrap();
        assert_eq!((store.keys(), store.known().collect::<Vec<_>>()), (1, vec![("x", "2")]));
    }
}
