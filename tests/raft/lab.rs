//! The lab: served, saved, and the runs that its links hold.

use crate::common::page::Page;
use crate::common::{TIMEOUT, await_some, lines_of, raft};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const SCRIPT: &str = "# Mine\n\ncluster 3 seed=4\nrun 1s\n---\n\nkill n1\nrun 1s\n---\n";
/// The link that the page makes of this script.
const LINK: &str = "#lab=U1bwzcxL5eJKziktLkktUjBWKE5NTbE14SoqzVMwLObS1dXl4srOzMlRyDNEFgMA";

/// A `raft lab` that runs. Dropping it leaves no process.
struct Lab {
    child: Child,
    page: Page,
}

impl Lab {
    fn start(arguments: &[&str]) -> Lab {
        let mut child = raft().arg("lab").args(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let said = lines_of(child.stderr.take().unwrap());
        let line = said.recv_timeout(TIMEOUT).unwrap();
        let address = line.strip_prefix("The lab is at http://").and_then(|rest| rest.strip_suffix('/'));
        let address = address.unwrap_or_else(|| panic!("{line}")).to_owned();
        assert_eq!(said.recv_timeout(TIMEOUT).unwrap(), "Ctrl+C ends it.");
        Lab { child, page: Page { address, token: String::new() } }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn output(arguments: &[&str]) -> Output {
    raft().args(arguments).output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = output(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The data in a page.
fn embedded(page: &str) -> Value {
    let (_, rest) = page.split_once(r#"id="raft-embedded">"#).unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// A file with the script, in a folder of its own.
fn saved_script() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.txt");
    fs::write(&file, SCRIPT).unwrap();
    let file = file.to_str().unwrap().to_owned();
    (folder, file)
}

#[test]
fn a_lab_serves_the_page_and_the_engine_and_runs_no_cluster() {
    let mut lab = Lab::start(&[]);
    let page = lab.page.get("/");
    assert_eq!((page.status, embedded(&page.body)), (200, json!({ "lab": "" })));
    let policy = page.head.lines().find(|line| line.starts_with("content-security-policy: ")).unwrap();
    assert!(policy.contains("'wasm-unsafe-eval'") && policy.contains("worker-src blob:"), "{policy}");
    assert!(policy.contains("default-src 'none'") && !policy.contains("http"), "{policy}");

    let (head, engine) = lab.page.engine();
    assert!(head.contains("200 OK") && !head.contains("content-encoding"), "{head}");
    assert_eq!(engine, include_bytes!("../../crates/web/page/dist/engine.wasm.gz"));

    assert_eq!(lab.page.get("/api/setup").status, 404);
    let foreign = lab.page.ask("GET /", &[("host", "evil.example")], "");
    assert_eq!(foreign.status, 403, "{}", foreign.body);

    kill_process(Pid::from_child(&lab.child), Signal::INT).unwrap();
    let status = await_some("the end", || lab.child.try_wait().unwrap());
    assert_eq!(status.code(), Some(130));
}

#[test]
fn a_lab_begins_with_what_it_is_given() {
    let (_folder, file) = saved_script();
    let link = format!("https://example.org/raft/{LINK}&at=40");
    let from_file = embedded(&Lab::start(&[&file]).page.get("/").body)["lab"].as_str().unwrap().to_owned();
    for (arguments, begins_with) in [
        (&["--servers", "7"][..], "#lab=&servers=7".to_owned()),
        (&["#lab"], "#lab".to_owned()),
        (&["elections/first-election"], "#scenario=elections/first-election".to_owned()),
        (&[&link], format!("{LINK}&at=40")),
    ] {
        let page = Lab::start(arguments).page.get("/").body;
        assert_eq!(embedded(&page), json!({ "lab": begins_with }), "{arguments:?}");
    }
    assert_eq!(printed(&["replay", "--json", &from_file]), printed(&["replay", "--json", &file]));
}

#[test]
fn a_link_plays_the_same_run_as_the_file_that_it_came_from() {
    let (_folder, file) = saved_script();
    for form in [&["--json"][..], &["--hash"], &["--plain", "--script", "--verbose"]] {
        let replay = |what: &str| printed(&[&["replay", what], form].concat());
        let address = format!("file:///tmp/lab.html{LINK}&at=40");
        assert_eq!(replay(&address), replay(&file), "{form:?}");
        assert_eq!(replay(LINK), replay(&file), "{form:?}");
    }
    let hash = printed(&["replay", "--hash", LINK]);
    assert!(hash.trim_end().len() == 16 && hash.trim_end().chars().all(|digit| digit.is_ascii_hexdigit()));
    assert_ne!(hash, printed(&["replay", "--hash", "elections/first-election"]));
    let scenario = "http://127.0.0.1:8000/?token=abc#scenario=elections%2Ffirst-election";
    assert_eq!(
        printed(&["replay", "--json", scenario]),
        printed(&["replay", "--json", "elections/first-election"])
    );
}

/// The engine is native here; crates/engine/test/same.mjs compares it with the one in the page.
#[test]
fn a_link_is_the_same_run_in_the_lab_and_in_the_terminal() {
    let mut engine = engine::Engine::default();
    let mut ask = |request: Value| -> Value {
        let told: Value = serde_json::from_str(&engine.ask(&request.to_string())).unwrap();
        told.get("ok").unwrap_or_else(|| panic!("{request}: {told}")).clone()
    };
    let told = ask(json!({ "ask": "open", "script": SCRIPT }));
    let records = told["records"].as_array().unwrap();
    let lines = printed(&["replay", "--json", LINK]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(*records, lines);
    let hash = ask(json!({ "ask": "run_hash" }))["hash"].as_str().unwrap().to_owned();
    assert_eq!(printed(&["replay", "--hash", LINK]).trim_end(), hash);
}

/// The lab has one cluster, and so has a link to it.
#[test]
fn of_a_script_with_two_clusters_a_link_plays_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("two.txt");
    fs::write(&file, "cluster 3\nrun 1s\n---\n\ncluster 3 seed=4\nrun 1s\n---\n\nkill n1\nrun 1s\n---\n")
        .unwrap();
    let page = Lab::start(&[file.to_str().unwrap()]).page.get("/").body;
    let link = embedded(&page)["lab"].as_str().unwrap().to_owned();
    assert_eq!(printed(&["replay", "--hash", &link]), printed(&["replay", "--hash", LINK]));
}

#[test]
fn a_link_to_a_moment_is_explained_as_of_that_moment() {
    let records = printed(&["replay", "--json", LINK]);
    let is_won = |line: &str| line.contains("become the leader of term 1");
    let won = records.lines().position(is_won).unwrap();
    let until = |position: usize| output(&["why", &format!("{LINK}&at={position}")]);
    let told = String::from_utf8(until(won + 1).stdout).unwrap();
    assert!(told.trim_end().lines().last().unwrap().contains("become the leader of term 1"), "{told}");
    let before = until(won);
    assert_eq!(before.status.code(), Some(1));
    assert!(String::from_utf8(before.stderr).unwrap().contains("no server becomes leader"));
    let of_kind = output(&["why", &format!("{LINK}&at={won}"), "--last", "leader"]);
    let stderr = String::from_utf8(of_kind.stderr).unwrap();
    assert!(stderr.contains("the link has no event of that kind by its moment"), "{stderr}");
    let not = printed(&["why", &format!("{LINK}&at={won}"), "--not", "leader", "n2"]);
    assert!(not.contains("n2 has not become leader"), "{not}");
    let event = printed(&["why", "#scenario=elections/first-election&at=n1:10"]);
    assert_eq!(event, printed(&["why", "elections/first-election", "n1:10"]));
}

#[test]
fn a_bad_link_is_refused_with_the_reason() {
    let nothing_there = format!("{LINK}&at=1000000");
    for (link, said) in [
        ("#lab=U1bwzcxL5eJKzik", "error: the link is damaged"),
        ("#lab=%%%", "error: the link is damaged"),
        ("https://example.org/", "error: no run is in this link"),
        ("#run=3%20servers&at=1.5", "error: no run is in this link"),
        ("#scenario=../Cargo", "error: the link leads to ../Cargo, which is no scenario of this program"),
        (
            "#scenario=elections/first-election&at=n9:1",
            "the link leads to event n9:1, and the run has no such moment",
        ),
        (&nothing_there, "the link leads to position 1000000, and the run has no such moment"),
    ] {
        for command in ["lab", "export", "replay"] {
            let output = output(&[command, link]);
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{command} {link}: {stderr}");
            assert!(stderr.contains(said) && stderr.contains("\nhelp: "), "{command} {link}: {stderr}");
        }
    }
}

#[test]
fn a_lab_in_one_file_holds_the_engine() {
    let (folder, script) = saved_script();
    let file = folder.path().join("lab.html");
    let said = output(&["export", "--lab", &script, "-o", file.to_str().unwrap()]).stderr;
    let page = fs::read_to_string(&file).unwrap();
    let size = format!("({} kB)", page.len().div_ceil(1000));
    assert!(String::from_utf8(said).unwrap().contains(&size));
    assert!(page.len() <= 1_200_000, "it can be mailed: {size}");
    // It is for others: what they may do with it is for the user's umask to say.
    let open = folder.path().join("open.html");
    let export = r#"umask 022; exec "$0" export --lab -o "$1""#;
    let exported =
        Command::new("sh").args(["-c", export, env!("CARGO_BIN_EXE_raft")]).arg(&open).output().unwrap();
    assert!(exported.status.success(), "{exported:?}");
    assert_eq!(fs::metadata(&open).unwrap().permissions().mode() & 0o777, 0o644);
    for id in ["raft-page", "raft-engine"] {
        let (_, rest) = page.split_once(&format!(r#"id="{id}">"#)).unwrap();
        assert!(rest.find("</script>").unwrap() > 50_000, "{id}");
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_site_is_a_folder_for_any_web_server() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("public/raft");
    let export = |more: &[&str]| output(&[&["export", "--site", site.to_str().unwrap()], more].concat());
    let first = export(&[]);
    assert!(first.status.success(), "{first:?}");
    assert_eq!(names_in(&site), [".nojekyll", "engine.wasm.gz", "index.html"]);
    let page = || fs::read_to_string(site.join("index.html")).unwrap();
    assert_eq!(embedded(&page()), json!({ "lab": "#learn" }));
    assert!(!page().contains(r#"id="raft-engine""#), "the engine is beside it");
    let engine = fs::read(site.join("engine.wasm.gz")).unwrap();
    assert_eq!(engine, include_bytes!("../../crates/web/page/dist/engine.wasm.gz"));
    for name in names_in(&site) {
        let mode = fs::metadata(site.join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "{name} is for everyone to read");
    }
    // An earlier site is replaced.
    assert!(export(&["elections/first-election"]).status.success());
    assert_eq!(embedded(&page()), json!({ "lab": "#scenario=elections/first-election" }));
}

#[test]
fn a_folder_that_holds_other_things_is_left_alone() {
    for (name, content) in
        [("thesis.txt", "years of work"), ("index.html", "<!doctype html><title>Mine</title>")]
    {
        let folder = tempfile::tempdir().unwrap();
        let mine = folder.path().join(name);
        fs::write(&mine, content).unwrap();
        let refused = output(&["export", "--site", folder.path().to_str().unwrap()]);
        let stderr = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(name) && stderr.contains("\nhelp: "), "{stderr}");
        assert_eq!(names_in(folder.path()), [name]);
        assert_eq!(fs::read_to_string(&mine).unwrap(), content);
    }
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("mine");
    fs::write(&target, "mine").unwrap();
    let site = folder.path().join("site");
    fs::create_dir(&site).unwrap();
    std::os::unix::fs::symlink(&target, site.join("engine.wasm.gz")).unwrap();
    assert_eq!(output(&["export", "--site", site.to_str().unwrap()]).status.code(), Some(1));
    assert_eq!(fs::read_to_string(&target).unwrap(), "mine", "links are not followed");
}

#[test]
fn a_lab_is_for_this_machine_and_plays_scripts() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("run.jsonl");
    fs::write(&trace, printed(&["replay", "--json", "elections/first-election"])).unwrap();
    let trace = trace.to_str().unwrap();
    for (arguments, status, said) in [
        (&["lab", "--web", "0.0.0.0:0"][..], 2, "`raft lab` is for this machine only"),
        (&["lab", trace], 1, "is a recorded run, and the lab plays scripts"),
        (&["export", "--lab", trace], 1, "is a recorded run, and the lab plays scripts"),
        (&["lab", "elections/nope"], 1, "or a file with a script, as docs/scenarios.md describes it"),
        (&["replay", "#lab"], 1, "open it in the lab: raft lab '#lab'"),
        (&["lab", "--web", "8000"], 2, "such as 127.0.0.1:8000"),
        (&["lab", "--servers", "3", "elections/first-election"], 2, "raft lab [OPTIONS] --servers <N>"),
        (&["lab", "--servers", "16"], 2, "16 is not in 1..=15"),
        (&["lab", "--servers", "3", "elections/first-election"], 2, "cannot be used with"),
        (&["export"], 2, "<SCENARIO|FILE|LINK>"),
    ] {
        let output = output(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
}

/// The test of the documents lets such numbers vary: elsewhere they are names of clusters.
#[test]
fn the_hash_in_the_document_is_that_of_its_link() {
    let (_, rest) = include_str!("../../docs/lab.md").split_once("$ raft replay --hash '").unwrap();
    let (link, rest) = rest.split_once("'\n").unwrap();
    let hash = rest.lines().next().unwrap();
    assert_eq!(printed(&["replay", "--hash", link]).trim_end(), hash);
}
