//! `raft sim` as a person uses it.

use crate::common::raft;
use std::process::{Command, Output};

fn sim(folder: &std::path::Path, arguments: &[&str]) -> Output {
    let mut command: Command = raft();
    command.current_dir(folder).arg("sim").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn with_all_rules_it_tells_what_it_has_tried() {
    let folder = tempfile::tempdir().unwrap();
    let output = sim(folder.path(), &["--seeds", "0..200"]);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(told.starts_with("200 seeds, ") && told.contains("every promise was kept"), "{told}");
    for what in ["terms with split votes", "power cuts within a save", "clock jumps", "elections"] {
        assert!(told.contains(what), "{what}: {told}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");

    let quiet = text(&sim(folder.path(), &["--seeds", "0..20", "--faults", "none", "--nodes", "5"]).stdout);
    assert!(quiet.contains("every promise was kept") && !quiet.contains("power cuts"), "{quiet}");
    let timed = sim(folder.path(), &["--for", "200ms", "--faults", "network,clock"]);
    assert!(timed.status.success() && text(&timed.stderr).contains("searching from seed "), "{timed:?}");
}

#[test]
fn without_a_rule_it_tells_the_stored_story_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let told = |arguments: &[&str]| {
        let output = sim(folder.path(), arguments);
        assert!(output.status.success(), "{output:?}");
        text(&output.stdout)
    };
    let story = told(&["--without", "one-vote-per-term"]);
    assert!(story.starts_with("A server votes for both candidates: without one-vote-per-term\n"), "{story}");
    for part in [
        "\n    cluster 2 without=one-vote-per-term\n",
        "\n    timeout n2\n    timeout n1\n",
        "\n    deliver from=n1 to=n2\n",
        "The promise that breaks: one vote per term (§5.2): n2 voted in term 1 for n2 and\nfor n1\n",
        "raft replay without/one-vote-per-term\n",
        "raft sim --without one-vote-per-term --search\n",
    ] {
        assert!(story.contains(part), "{part} is missing in {story}");
    }
    // Searching for these would be in vain.
    for arguments in [&["--without", "found-together"][..], &["--without", "found-together", "--search"]] {
        let story = told(arguments);
        assert!(story.contains("raft replay without/found-together\n"), "{story}");
        let words = story.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("Random search does not find one: a disk must be lost while"), "{story}");
    }
    for arguments in
        [&["--without", "never-truncate-committed"][..], &["--without", "only-mismatch-backs-up", "--search"]]
    {
        let reason = told(arguments);
        assert!(reason.starts_with("No story shows what breaks without "), "{reason}");
    }
}

#[test]
fn without_a_rule_it_finds_writes_and_replays_a_short_run() {
    let folder = tempfile::tempdir().unwrap();
    let output = sim(
        folder.path(),
        &["--without", "one-vote-per-term", "--search", "--save", "without-one-vote-per-term.txt"],
    );
    let told = text(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(told.contains("The promise: A server votes for at most one candidate per term"), "{told}");
    assert!(told.contains("raft replay without-one-vote-per-term.txt"), "{told}");

    let mut replay = raft();
    let replay = replay.current_dir(folder.path()).args(["replay", "without-one-vote-per-term.txt"]).output();
    let story = text(&replay.unwrap().stdout);
    assert!(story.contains("\none-vote-per-term is OFF\n"), "{story}");
    assert!(story.contains("VIOLATED: one vote per term"), "{story}");

    // The command that it names finds the same again, and writes nothing that was not asked for.
    let again = told.lines().find_map(|line| line.trim().strip_prefix("find it again")).unwrap();
    let again: Vec<&str> = again.split_whitespace().skip(2).collect();
    let found = text(&sim(folder.path(), &again).stdout);
    let (story, how) = found.split_once("\n  find it again").unwrap();
    assert_eq!(told.split_once("\nSaved, with").unwrap().0, story);
    assert!(how.contains("the same with --save without-one-vote-per-term.txt"), "{found}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn mistakes_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], words: &str| {
        let output = sim(folder.path(), arguments);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    };
    refused(&["--seeds", "5"], "write two numbers with .. between them");
    refused(&["--seeds", "9..3"], "the second number must be above the first");
    refused(&["--faults", "fire"], "choose none, all, or some of network,crash,disk,clock");
    refused(&["--search"], "--without <RULE>");
    refused(&["--without", "gravity"], "invalid value 'gravity'");
    refused(&["--nodes", "0"], "--nodes");
    refused(&["--for", "soon"], "is not a time");
    let nothing = sim(folder.path(), &["--without", "count-each-voter-once", "--seeds", "0..1"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(text(&nothing.stderr).contains("without count-each-voter-once nothing broke"), "{nothing:?}");
    let unwritable = sim(folder.path(), &["--without", "majority-wins", "--save", "no/such/folder.txt"]);
    assert!(text(&unwritable.stderr).contains("can't write no/such/folder.txt"), "{unwritable:?}");
}

#[test]
fn a_server_cant_be_started_with_a_rule_off() {
    for command in ["up", "node"] {
        let output = raft().args([command, "--without", "one-vote-per-term"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("unexpected argument '--without'"), "{output:?}");
    }
}

#[test]
fn it_says_where_logs_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let told = |arguments: &[&str]| {
        let output = sim(folder.path(), arguments);
        assert!(output.status.success(), "{output:?}");
        text(&output.stdout)
    };
    let run = told(&["--logs", "1 1 3", "1 2", "", "--save", "run.txt"]);
    assert!(run.starts_with("Yes: a run leads to these logs, with 3 elections.\n"), "{run}");
    assert!(run.contains("\nn1      1   1   3\nn2      1   2\nn3\n"), "{run}");
    assert!(run.contains("\n    timeout n2\n    deliver kind=request-vote\n"), "{run}");
    assert!(run.contains("raft replay run.txt"), "{run}");
    let replayed = raft().current_dir(folder.path()).args(["replay", "--plain", "run.txt"]).output().unwrap();
    let story = text(&replayed.stdout);
    assert!(story.contains("In term 2, n2 is elected, and appends an entry."), "{story}");
    assert!(story.contains("n1      1   1   3"), "{story}");
    for (logs, why) in [
        (["1 2 1", "1"], "terms never fall along a log"),
        (["1 _ 2", "1"], "a log has no holes, but entry 2"),
        (["1 1", "2"], "no server can have been elected in term 2"),
    ] {
        let answer = told(&[&["--logs"], &logs[..]].concat());
        assert!(
            answer.starts_with("No run of Raft leads to these logs: ") && answer.contains(why),
            "{answer}"
        );
    }
    assert!(told(&["--logs", "1 1", "2", "--nodes", "3"]).starts_with("Yes: "));
    for (arguments, why) in [
        (&["--logs", "1 x"][..], "\"x\" is no term: write a log as in '1 1 3'"),
        (&["--logs", "1 99"], "the latest term that is tried here is 30"),
        (&["--logs", "1", "1", "--nodes", "1"], "give 1 to 9 logs, for no more servers"),
        (&["--logs", "1", "--seeds", "0..9"], "cannot be used with"),
        (&["--claim", "1"], "--logs"),
        (&["--logs", "1", "1", "--claim", "2"], "no log has an entry 2"),
    ] {
        let refused = sim(folder.path(), arguments);
        assert!(!refused.status.success() && text(&refused.stderr).contains(why), "{refused:?}");
    }
}

#[test]
fn it_refutes_a_claim_or_says_why_it_can_not() {
    let folder = tempfile::tempdir().unwrap();
    let figure_8 = ["--logs", "1 2 4", "1 2", "1 2", "1", "1 3", "--claim"];
    let refuted = sim(folder.path(), &[&figure_8[..], &["2", "--save", "lost.txt"]].concat());
    let told = text(&refuted.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("It can be lost: n5 can be elected for term 5 with the votes of n2, n3 and n4"),
        "{told}"
    );
    let replayed =
        raft().current_dir(folder.path()).args(["replay", "--plain", "lost.txt"]).output().unwrap();
    let story = text(&replayed.stdout);
    assert!(story.contains("Entry 2 of term 2 is lost") && story.contains("n1      1   3   5"), "{story}");
    let safe = sim(folder.path(), &[&figure_8[..], &["1"]].concat());
    assert!(text(&safe.stdout).contains("It can't be lost:"), "{safe:?}");
}
