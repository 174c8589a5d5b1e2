//! What a person sees after a typing error, a request for the impossible, or a request for help: a clear
//! error that says what, why and what to do; never a panic.

use crate::common::raft;
use std::net::TcpListener;
use std::process::Output;

fn run(arguments: &[&str]) -> Output {
    raft().args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Asserts that the command fails with this status and says all of this.
fn assert_refused(arguments: &[&str], status: i32, said: &[&str]) {
    let output = run(arguments);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {stderr}");
    assert!(stderr.starts_with("error: "), "{arguments:?}: {stderr}");
    for words in said {
        assert!(stderr.contains(words), "{arguments:?}: \"{words}\" is missing in:\n{stderr}");
    }
    assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}: standard output is for data");
}

#[test]
fn timing_is_validated() {
    let help = "help: choose 0 < --heartbeat < MIN < MAX";
    assert_refused(
        &["--heartbeat", "0ms"],
        2,
        &["a heartbeat interval of zero", help, "timeout-above-broadcast"],
    );
    assert_refused(&["up", "--heartbeat", "150ms"], 2, &["heartbeat only every 150ms", help]);
    assert_refused(&["--election-timeout", "300ms..150ms"], 2, &["300ms..150ms", help, "randomised-timeout"]);
    assert_refused(&["--election-timeout", "200ms..200ms"], 2, &["is not a range", help]);
    assert_refused(&["--election-timeout", "150ms..2days"], 2, &["longer than 86400s"]);
    assert_refused(&["--latency", "2days"], 2, &["--latency is longer than a day", "help:"]);
    assert_refused(
        &["node", "--id", "1", "--data", "/nowhere", "--heartbeat", "1s"],
        2,
        &["heartbeat only every 1s", help],
    );
}

#[test]
fn units_and_numbers_are_checked() {
    assert_refused(&["--heartbeat", "15"], 2, &["--heartbeat", "a number and a unit, such as 15ms"]);
    assert_refused(&["--heartbeat=-5ms"], 2, &["--heartbeat", "is not a time"]);
    assert_refused(&["--heartbeat", "99999999999999999999ms"], 2, &["--heartbeat", "is not a time"]);
    assert_refused(&["--election-timeout", "150ms"], 2, &["two times with .. between them: 150ms..300ms"]);
    assert_refused(&["--election-timeout", "150..300"], 2, &["a number and a unit"]);
    assert_refused(&["--nodes", "0"], 2, &["--nodes", "at least one server"]);
    assert_refused(&["--nodes", "99"], 2, &["99 processes with 9702 connections", "write 15 or fewer"]);
    assert_refused(&["--nodes", "many"], 2, &["--nodes"]);
    assert_refused(&["--speed", "0"], 2, &["a speed is a number from 0.001"]);
    assert_refused(&["--speed", "NaN"], 2, &["a speed is a number from 0.001"]);
    assert_refused(&["--base-port", "65535", "--nodes", "3"], 2, &["beyond the last port, 65535", "help:"]);
    assert_refused(&["--base-port", "70000"], 2, &["--base-port"]);
    assert_refused(&["--plain", "--json"], 2, &["--plain", "--json"]);
    assert_refused(&["frobnicate"], 2, &["frobnicate"]);
}

#[test]
fn a_nodes_peers_must_make_sense() {
    let node = |more: &[&str], said: &[&str]| {
        let mut arguments = vec!["node", "--id", "1", "--data", "/nowhere", "--listen", "127.0.0.1:4001"];
        arguments.extend(more);
        assert_refused(&arguments, 2, said);
    };
    node(&["--peer", "1=127.0.0.1:4002"], &["n1 is this server itself", "help: name only the other servers"]);
    node(&["--peer", "2=a:1", "--peer", "2=b:1"], &["n2 is named twice", "help:"]);
    node(&["--peer", "2=127.0.0.1:4001"], &["n1 and n2 have the same address, 127.0.0.1:4001", "help:"]);
    node(&["--peer", "2=h:1", "--peer", "3=h:1"], &["n2 and n3 have the same address"]);
    node(&["--peer", "2"], &["the peer n2 has no address", "--peer 2=HOST:PORT"]);
    node(&["--peer", "0=h:1"], &["an ID from 1"]);
    node(&["--peer", "2=h"], &["is not HOST:PORT"]);
    node(&["--peer", "2=h:0"], &["is not HOST:PORT"]);
    node(&["--peer", "2=h:99999"], &["is not HOST:PORT"]);
    node(&["--cluster", ""], &["--cluster needs a name", "help:"]);
    assert_refused(&["node", "--data", "/nowhere"], 2, &["--id"]);
    assert_refused(&["node", "--id", "0", "--data", "/nowhere"], 2, &["--id"]);
}

#[test]
fn a_port_in_use_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let said = [&format!("can't listen on {address}"), "help: another program listens there"];
    assert_refused(&["node", "--id", "1", "--data", data, "--listen", &address], 1, &said);

    let port = taken.local_addr().unwrap().port().to_string();
    let said = ["n1 did not start: can't listen on", "help: another program listens there"];
    assert_refused(&["up", "--plain", "--nodes", "1", "--base-port", &port], 1, &said);
}

#[test]
fn an_address_that_is_not_ours_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let said = ["can't listen on 203.0.113.1:4001", "help: the address must be one of this machine's"];
    assert_refused(
        &["node", "--id", "1", "--data", data, "--listen", "203.0.113.1:4001", "--insecure"],
        1,
        &said,
    );
}

#[test]
fn a_folder_that_cant_be_used_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "I am no folder").unwrap();
    let below = file.join("below").to_str().unwrap().to_owned();
    assert_refused(&["node", "--id", "1", "--data", &below], 1, &[&below, "help:"]);
    assert_refused(&["up", "--plain", "--data", &below], 1, &[&below, "help:"]);
}

#[test]
fn rules_are_listed_in_the_order_to_learn_in() {
    let list = text(&run(&["rules"]).stdout);
    let place = |words: &str| list.find(words).unwrap_or_else(|| panic!("{words} is missing in {list}"));
    for rule in consensus::Rule::ALL {
        place(&format!("\n  {rule}  ("));
    }
    let in_order = ["\n3. ", "\n  one-vote-per-term  (", "\n9. ", "\n  commit-current-term-only  ("];
    assert!(in_order.map(place).is_sorted(), "{list}");
    assert_eq!(list.lines().find(|line| line.chars().count() > 80), None);
}

#[test]
fn a_rule_is_explained_with_its_stories_and_its_code() {
    let one = text(&run(&["rules", "one-vote-per-term"]).stdout);
    for part in [
        "one-vote-per-term  (§5.2; thesis §3.4; protects safety)",
        "\nWithout it:\n",
        "  raft replay elections/one-vote-per-term\n",
        "  raft replay without/one-vote-per-term\n",
        "  raft sim --without one-vote-per-term\n",
        "  raft sim --without one-vote-per-term --search\n",
        "crates/consensus/src/request_vote.rs: fn ",
    ] {
        assert!(one.contains(part), "{part} is missing in {one}");
    }
    assert_refused(
        &["rules", "one-vote-per-trem"],
        2,
        &["'one-vote-per-term'", "`raft rules` lists all rules"],
    );
    assert_refused(&["sim", "--without", "one-vote"], 2, &["a similar value exists: 'one-vote-per-term'"]);
    assert_refused(&["sim", "--without", "vote"], 2, &["'one-vote-per-term'", "'pre-vote'"]);
    for unshown in ["never-truncate-committed", "only-mismatch-backs-up"] {
        let explained = text(&run(&["rules", unshown]).stdout);
        assert!(explained.contains("No scenario shows what breaks"), "{explained}");
        assert!(!explained.contains("raft replay"), "{explained}");
    }
    let json: serde_json::Value =
        serde_json::from_slice(&run(&["rules", "--json", "one-vote-per-term"]).stdout).unwrap();
    assert_eq!((&json["chapter"], &json["counterexample"]), (&3.into(), &"without/one-vote-per-term".into()));
}

#[test]
fn a_word_is_explained_with_the_rules_and_scenarios_about_it() {
    let about = |words: &[&str]| text(&run(&[&["rules"][..], words].concat()).stdout);
    let word = about(&["heartbeat"]);
    assert!(word.starts_with("heartbeat: an AppendEntries message without entries"), "{word}");
    assert!(
        word.contains("\n  heartbeat-at-once\n") && word.contains("  raft replay elections/heartbeats\n")
    );
    // First what has the words in its title or rules, then what has them in its chapter and mentions them.
    let first_of_matched = about(&["matchIndex"]);
    let scenarios = first_of_matched.split_once("Scenarios:\n").unwrap().1;
    assert!(scenarios.starts_with("  raft replay replication/next-index-too-high\n"), "{scenarios}");
    // Words next to each other come before the same words apart, and a word is not found within another.
    assert!(!about(&["Figure", "8"]).contains("persist-before-answer"));
    assert!(!about(&["read"]).contains("only-mismatch-backs-up"));
    assert!(about(&["lastApplied"]).contains("raft replay durability/commit-index-after-a-crash\n"));
    assert!(about(&["one-vote"]).contains("\n  one-vote-per-term\n"));
    assert_refused(&["rules", "phlogiston"], 2, &["no rule, no scenario and no word of the glossary"]);
}

#[test]
fn scenarios_are_listed_and_played_by_their_names() {
    let list = text(&run(&["replay", "--plain"]).stdout);
    assert_eq!(list, text(&run(&["replay"]).stdout), "it is no terminal");
    let places = ["1. ", "  elections/first-election ", "12. "].map(|words| list.find(&format!("\n{words}")));
    assert!(places.is_sorted() && places[0].is_some(), "{list}");
    let elsewhere = tempfile::tempdir().unwrap();
    let story = |name: &str| raft().current_dir(elsewhere.path()).args(["replay", name]).output().unwrap();
    let by_name = story("elections/first-election");
    assert!(text(&by_name.stdout).starts_with("The first election"), "{by_name:?}");
    assert_eq!(story("scenarios/elections/first-election.txt").stdout, by_name.stdout);
    assert_eq!(story("first-election").stdout, by_name.stdout);
    assert_refused(
        &["replay", "elections/last-election"],
        1,
        &["help: did you mean elections/first-election?", "`raft replay --plain` lists"],
    );
}

#[test]
fn completions_are_printed_for_each_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(text(&run(&["completions", shell]).stdout).contains("election-timeout"), "{shell}");
    }
    assert_refused(&["completions", "abacus"], 2, &["abacus", "bash"]);
}

#[test]
fn status_says_when_there_is_nobody_to_ask() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    assert_refused(&["status", "--data", data], 1, &["no cluster runs on", "help: start one with `raft up`"]);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let output = run(&["status", &silent]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("does not respond: connection refused"),
        "{}",
        text(&output.stdout)
    );
    assert!(text(&output.stderr).contains("help: start a cluster"), "{}", text(&output.stderr));
}

/// The results of a bench, as JSON.
fn measured(arguments: &[&str]) -> serde_json::Value {
    let output = run(&[&["bench"], arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["bench"].as_str(), Some(arguments[0]));
    assert!(!report["about"].as_str().unwrap().is_empty());
    report
}

#[test]
fn a_bench_counts_what_clients_got_done() {
    for kind in ["writes", "reads"] {
        let report = measured(&[kind, "--clients", "2", "--duration", "500ms", "--runs", "2"]);
        let row = &report["rows"][0];
        assert_eq!(row["clients"].as_u64(), Some(2));
        let [least, most] = ["per_second_least", "per_second_most"].map(|key| row[key].as_f64().unwrap());
        assert!(0.0 < least && least <= most, "{row}");
        let syncs = row["leader_syncs_per_operation"].as_f64().unwrap();
        // Among many reads, the mark of the last save before them may be synced.
        assert_eq!(syncs > 0.1, kind == "writes", "only what is written must be on disk: {row}");
    }
    assert_refused(&["bench", "writes", "--clients", "0"], 2, &["--clients"]);
    assert_refused(&["bench", "reads", "--duration", "0s"], 2, &["--duration", "from 10ms to 3600s"]);
}

#[test]
fn a_lone_client_is_told_what_the_machine_allows() {
    let report = measured(&["writes", "--clients", "1", "--duration", "500ms"]);
    assert!(report["remarks"].as_str().unwrap().contains("of what bare writes would be"), "{report}");
}

#[test]
fn an_open_load_asks_as_often_as_it_is_told() {
    let report = measured(&["writes", "--clients", "4", "--rate", "100", "--duration", "1s"]);
    let per_second = report["rows"][0]["per_second"].as_f64().unwrap();
    assert!(0.0 < per_second && per_second <= 101.0, "{report}");
}

/// The median of this figure of a report whose rows are figures.
fn median_of(report: &serde_json::Value, key: &str) -> f64 {
    let rows = report["rows"].as_array().unwrap();
    rows.iter().find(|row| row["key"] == key).unwrap()["median"].as_f64().unwrap()
}

#[test]
fn a_server_with_a_long_log_starts_again() {
    for (snapshot_after, by_snapshot) in [("1MiB", false), ("4KiB", true)] {
        let arguments = ["recovery", "--entries", "300", "--runs", "2", "--snapshot-after", snapshot_after];
        let report = measured(&arguments);
        assert_eq!(median_of(&report, "snapshot_mib") > 0.0, by_snapshot, "{report}");
        assert!(median_of(&report, "serves_ms") > median_of(&report, "listens_ms"), "{report}");
    }
}

#[test]
fn a_follower_that_was_away_catches_up() {
    for (snapshot_after, way) in [("1MiB", "by the log"), ("4KiB", "by a snapshot and the log")] {
        let arguments = ["catch-up", "--entries", "300", "--clients", "2", "--duration", "500ms"];
        let report = measured(&[&arguments[..], &["--snapshot-after", snapshot_after]].concat());
        assert!(report["about"].as_str().unwrap().contains(&format!("caught up {way}")), "{report}");
        assert!(report["rows"][2]["per_second"].as_f64().unwrap() > 0.0, "{report}");
    }
}

#[test]
fn leaders_fail_under_a_client_that_writes() {
    let report = measured(&["failover", "--trials", "1", "--settings", "paper-150-300"]);
    let rows = report["rows"].as_array().unwrap();
    let leaders: Vec<_> = rows.iter().map(|row| row["leader"].as_str()).collect();
    assert_eq!(leaders, [Some("killed"), Some("frozen")]);
    for row in rows {
        assert_eq!((row["setting"].as_str(), row["trials"].as_u64()), (Some("paper-150-300"), Some(1)));
        assert_eq!(row["gaps_ms"][0], row["gap_max_ms"], "there is only one: {row}");
        assert!(row["leads_after_median_ms"].as_f64().unwrap() > 0.0, "{row}");
        assert!(
            row["elections_most"].as_f64().unwrap() >= 1.0,
            "another server must have been elected: {row}"
        );
    }
}

#[test]
fn the_figure_of_the_paper_is_measured_again_in_all_its_forms() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let [csv, svg, page] = ["e.csv", "e.svg", "e.html"].map(file);
    let arguments = ["elections", "--trials", "20", "--csv", &csv, "--svg", &svg, "--report", &page];
    let report = measured(&arguments);
    assert_eq!(measured(&["elections", "--trials", "20"])["rows"], report["rows"], "chance has a seed");
    let rows = report["rows"].as_array().unwrap();
    let lines: Vec<_> = rows.iter().map(|row| row["timeouts_ms"].as_str().unwrap()).collect();
    assert_eq!((lines.len(), lines[0], lines[6]), (10, "150-150", "12-24"));
    let median = |line: &str| {
        let row = rows.iter().find(|row| row["timeouts_ms"] == line).unwrap();
        row["median_ms"].as_f64().unwrap_or(f64::INFINITY)
    };
    // What the figure shows: some randomness ends the split votes, and shorter timeouts end sooner.
    assert!(median("150-300") < median("150-155") && median("150-155") < median("150-151"), "{report}");
    assert!(median("12-24") < median("25-50") && median("25-50") < median("150-300"), "{report}");
    let read = |file: &str| std::fs::read_to_string(file).unwrap();
    assert_eq!(read(&csv).lines().count(), 1 + 10 * 20);
    assert_eq!(read(&svg).matches("<svg").count(), 3, "two plots in one image");
    assert!(read(&page).contains("<td>12-24</td>"));

    let real = measured(&["elections", "--real", "--trials", "1", "--lines", "150-300"]);
    assert!(real["about"].as_str().unwrap().contains("all logs have different lengths"), "{real}");
    assert!(real["rows"][0]["median_ms"].as_f64().unwrap() > 0.0, "{real}");
    let arguments = ["elections", "--real", "--trials", "1", "--lines", "150-150", "--patience", "2s"];
    let in_vain = &measured(&arguments)["rows"][0];
    let elections = in_vain["elections_most"].as_f64().unwrap();
    assert!(
        in_vain["median_ms"].is_number() || elections > 1.0,
        "elections without a winner count, too: {in_vain}"
    );
}

#[test]
fn the_core_and_the_simulator_are_measured_too() {
    let core = measured(&["core", "--duration", "10ms", "--runs", "2", "--batch", "1,64"]);
    assert_eq!(core["rows"].as_array().unwrap().len(), 2);
    for row in core["rows"].as_array().unwrap() {
        assert!(row["ns_per_entry_least"].as_f64().unwrap() > 0.0, "{row}");
    }
    let sim = measured(&["sim", "--seeds", "5", "--runs", "2"]);
    for key in ["seeds_per_second", "steps_per_second", "times_as_fast_as_life"] {
        assert!(median_of(&sim, key) > 0.0, "{sim}");
    }
    let search = measured(&["search", "--rules", "majority-wins,found-together"]);
    let [row] = &search["rows"].as_array().unwrap()[..] else { panic!("{search}") };
    assert_eq!((row["rule"].as_str(), row["steps"].as_f64()), (Some("majority-wins"), Some(2.0)), "{row}");
    assert!(search["remarks"].as_str().unwrap().contains("found-together"), "{search}");
}

#[test]
fn an_election_that_was_measured_can_be_looked_at() {
    let output = run(&["bench", "elections", "--lines", "150-155", "--show", "7"]);
    let told = text(&output.stdout);
    for part in ["150-155 ms, trial 7: a new leader after", "killed (SIGKILL)", "become the leader of term"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    for (arguments, said) in [
        (["--nodes", "2"], "--nodes"),
        (["--latency", "6ms..2ms"], "shorter time first"),
        (["--lines", "1-2"], "150-155"),
    ] {
        assert_refused(&[&["bench", "elections"], &arguments[..]].concat(), 2, &[said]);
    }
}

#[test]
fn a_failover_that_would_say_nothing_is_refused() {
    let refused = [
        (["--trials", "0"], "--trials"),
        (["--by", "frost"], "kill, freeze, both"),
        (["--settings", "paper-12-42"], "paper-12-24"),
        (["--probing-interval", "0ms"], "above 0ms"),
        (["--probing-interval", "2s"], "1s at most"),
        // Of two servers none is left to lead.
        (["--nodes", "2"], "--nodes"),
    ];
    for (arguments, said) in refused {
        assert_refused(&[&["bench", "failover"], &arguments[..]].concat(), 2, &[said]);
    }
}

#[test]
fn each_command_explains_itself() {
    let list = text(&run(&["--help"]).stdout);
    assert_eq!(list, text(&run(&["help"]).stdout));
    let names =
        list.lines().filter_map(|line| line.strip_prefix("  ")?.split_once("  ").map(|(names, _)| names));
    for name in names.flat_map(|names| names.split(", ")).filter(|name| !name.is_empty()) {
        let help = run(&[name, "--help"]);
        assert!(help.status.success() && text(&help.stdout).contains("Usage: raft"), "{name}");
    }
    assert!(!list.contains("--election-timeout"), "the options of up are told by its own help");
    assert!(text(&run(&["up", "--help"]).stdout).contains("--election-timeout"));
    for (name, words) in
        [("get", "The longest time that this may take"), ("watch", "How long to look for a server")]
    {
        let help = text(&run(&[name, "--help"]).stdout);
        assert!(help.contains(words), "{help}");
    }
    let put = text(&run(&["put", "--help"]).stdout);
    assert!(put.contains("3 uncertain"), "{put}");
}
