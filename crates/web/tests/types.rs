//! The page's TypeScript types, its rules and its glossary match the Rust code. `UPDATE_TYPES=1` rewrites
//! them.

extern crate raft_for_beginners_web as web;

use cluster::{Action, SlowMotionState};
use course::{Mark, Results};
use engine::{
    AddedTold, AnswerTold, BrokenTold, ClaimTold, CourseTold, Explanation, Flying, GradesTold, Hunted,
    Judged, MysteryTold, OriginTold, PracticeTold, Refused, Request, RunHashTold, SavedTold, ScriptText,
    Shrunk, Told,
};
use page::{DefinitionTold, Headline, RuleTold, ScenarioTitle, Setup, WhyNotTold};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use trace::Record;
use ts_rs::{Config, TS};
use web::{ClientWish, Setting, Snapshot};

fn write_types(folder: &Path) {
    let config = Config::new().with_large_int("number").with_out_dir(folder);
    Record::export_all(&config).unwrap();
    Setup::export_all(&config).unwrap();
    Snapshot::export_all(&config).unwrap();
    Action::export_all(&config).unwrap();
    ClientWish::export_all(&config).unwrap();
    Setting::export_all(&config).unwrap();
    SlowMotionState::export_all(&config).unwrap();
    Headline::export_all(&config).unwrap();
    ScenarioTitle::export_all(&config).unwrap();
    RuleTold::export_all(&config).unwrap();
    DefinitionTold::export_all(&config).unwrap();
    WhyNotTold::export_all(&config).unwrap();
    Request::export_all(&config).unwrap();
    Told::export_all(&config).unwrap();
    Flying::export_all(&config).unwrap();
    Hunted::export_all(&config).unwrap();
    Shrunk::export_all(&config).unwrap();
    ScriptText::export_all(&config).unwrap();
    RunHashTold::export_all(&config).unwrap();
    Refused::export_all(&config).unwrap();
    CourseTold::export_all(&config).unwrap();
    OriginTold::export_all(&config).unwrap();
    ClaimTold::export_all(&config).unwrap();
    Mark::export_all(&config).unwrap();
    Judged::export_all(&config).unwrap();
    GradesTold::export_all(&config).unwrap();
    Results::export_all(&config).unwrap();
    PracticeTold::export_all(&config).unwrap();
    AnswerTold::export_all(&config).unwrap();
    MysteryTold::export_all(&config).unwrap();
    BrokenTold::export_all(&config).unwrap();
    SavedTold::export_all(&config).unwrap();
    AddedTold::export_all(&config).unwrap();
    Explanation::export_all(&config).unwrap();
    let glossary = serde_json::to_string_pretty(&DefinitionTold::all()).unwrap();
    fs::write(folder.join("glossary.json"), glossary + "\n").unwrap();
    let rules = serde_json::to_string_pretty(&RuleTold::all()).unwrap();
    fs::write(folder.join("rules.json"), rules + "\n").unwrap();
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn the_types_of_the_page_are_current() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("page/src/types");
    if std::env::var_os("UPDATE_TYPES").is_some() {
        fs::remove_dir_all(&committed).unwrap();
        write_types(&committed);
    }
    let fresh = tempfile::tempdir().unwrap();
    write_types(fresh.path());
    assert_eq!(
        files(&committed),
        files(fresh.path()),
        "write them anew: UPDATE_TYPES=1 cargo test -p raft-for-beginners-web --features ts --test types"
    );
}
