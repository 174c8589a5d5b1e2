//! Plays every scenario. `UPDATE_GOLDEN=1` writes the outputs again.

use consensus::Rule;
use simulator::{Scenario, UNSHOWN};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

/// All scenarios, their paths and texts, as they were when the first test read them: one of them may rewrite them.
static SCENARIOS: LazyLock<Vec<(PathBuf, String)>> = LazyLock::new(read_scenarios);

pub(crate) fn scenarios() -> Vec<(PathBuf, String)> {
    SCENARIOS.clone()
}

fn read_scenarios() -> Vec<(PathBuf, String)> {
    let mut scenarios = Vec::new();
    let mut folders = vec![folder()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "txt") {
                let script = fs::read_to_string(&path).unwrap();
                scenarios.push((path, script));
            }
        }
    }
    scenarios.sort();
    scenarios
}

fn play(script: &str) -> Result<String, String> {
    goldenscript::generate(&mut Scenario::default(), script).map_err(|error| error.to_string())
}

/// The first line in which two texts differ, with what each has there.
fn first_difference(expected: &str, found: &str) -> String {
    let mut lines = expected.lines().chain(["(end)"]).zip(found.lines().chain(["(end)"])).enumerate();
    match lines.find(|(_, (expected, found))| expected != found) {
        Some((number, (expected, found))) => {
            format!("line {}:\n  expected: {expected}\n  found:    {found}", number + 1)
        }
        None => "they differ in their line ends only".to_owned(),
    }
}

#[test]
fn every_scenario_goes_as_it_is_written() {
    let mut failures = Vec::new();
    for (path, script) in scenarios() {
        match play(&script) {
            Err(error) => failures.push(format!("{}: {error}", path.display())),
            Ok(played) if played == script => {}
            Ok(played) if std::env::var_os("UPDATE_GOLDEN").is_some() => fs::write(&path, played).unwrap(),
            Ok(played) => {
                failures.push(format!("{}: {}", path.display(), first_difference(&script, &played)));
            }
        }
    }
    assert!(failures.is_empty(), "UPDATE_GOLDEN=1 writes the outputs anew.\n{}", failures.join("\n"));
}

#[test]
fn a_scenario_goes_the_same_way_every_time() {
    for (path, script) in scenarios() {
        assert_eq!(play(&script), play(&script), "{}", path.display());
    }
}

#[test]
fn every_rule_is_seen_in_a_scenario() {
    let scenarios = scenarios();
    for rule in Rule::ALL {
        let is_output = |line: &&str| !line.starts_with('#') && !line.starts_with("cluster");
        let is_shown = |(_, script): &(PathBuf, String)| {
            script.lines().filter(is_output).any(|line| line.contains(rule.id()))
        };
        let reason = UNSHOWN.iter().find(|(unshown, _)| unshown == rule);
        assert_eq!(scenarios.iter().any(is_shown), reason.is_none(), "{rule}: {reason:?}");
    }
}

#[test]
fn every_rule_has_a_counterexample_that_is_about_it() {
    for &rule in Rule::ALL {
        let path = folder().join(format!("without/{rule}.txt"));
        if let Some((_, reason)) = UNSHOWN.iter().find(|(unshown, _)| *unshown == rule) {
            assert!(!path.exists(), "{rule} has a counterexample, although it should have none: {reason}");
            continue;
        }
        let script = fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!(
                "{rule} has no counterexample ({error}): raft sim --without {rule} --search --save {}",
                path.display()
            )
        });
        let option = format!(" without={rule}");
        assert!(script.contains(&option), "{rule} is on in its counterexample");
        assert!(script.contains("\nVIOLATED: "), "nothing breaks without {rule}");

        // The same with the rule on must do no harm. What is refused then is no mistake of the script.
        let mut with_rule = script.replace(&option, "").replace("expect violation", "expect no-violation");
        if rule == Rule::TimeoutAboveBroadcast {
            // The servers can't keep this one: it is about the network.
            with_rule = with_rule.replace("latency=172ms", "");
        }
        if let Err(error) = play(&with_rule) {
            assert!(!error.contains("expected no-violation"), "{rule} makes no difference: {error}");
        }
    }
}

#[test]
fn every_scenario_begins_with_a_title_and_prose() {
    for (path, script) in scenarios() {
        let prose: Vec<&str> = script.lines().take_while(|line| line.starts_with('#')).collect();
        assert!(prose.len() >= 4, "{}: tell a beginner what this is about", path.display());
        assert_eq!(prose[1], "#", "{}: a title, then an empty line", path.display());
    }
}

/// A longer line would push the rule out of its column, or be cut off in a terminal.
#[test]
fn lines_leave_room_for_their_rule() {
    let is_exception = |line: &str| line.contains("accept it anyway") || line.contains(": majorities of ");
    for (path, script) in scenarios() {
        for line in script.lines().filter(|line| !line.starts_with('#') && !is_exception(line)) {
            let (text, last) = line.rsplit_once("  ").unwrap_or((line, ""));
            if last.parse::<Rule>().is_ok() {
                assert!(text.trim_end().chars().count() <= 73, "{}: {line}", path.display());
            }
        }
    }
}

#[test]
fn every_scenario_names_the_rules_that_it_is_about() {
    for (path, script) in scenarios() {
        let file = path.display();
        let head: Vec<&str> = script.lines().map_while(|line| line.strip_prefix('#')).collect();
        let head = head.join("");
        let parts: Vec<&str> = head.split(" Rules: ").collect();
        let [_, ids] = parts[..] else {
            panic!("{file}: end its head with one list of rules, # Rules: id, id")
        };
        let rules: Vec<Rule> =
            ids.split(", ").map(|id| id.parse().unwrap_or_else(|error| panic!("{file}: {error}"))).collect();
        if let Some(id) = file.to_string().rsplit_once("/without/").map(|(_, name)| name.replace(".txt", ""))
        {
            assert_eq!(rules[0].id(), id, "{file}: the rule that is off comes first");
        }
        let film = Scenario::film(&script).unwrap();
        for rule in rules {
            // What is done in parentheses is not shown in the file, but anyone who plays it sees it.
            let decides =
                film.scenes.iter().flat_map(|scene| &scene.records).any(|record| record.rule() == Some(rule));
            let is_told = |line: &str| !line.starts_with('#') && line.contains(rule.id());
            assert!(
                decides || script.lines().any(is_told),
                "{file} names {rule}, which decides nothing in it"
            );
        }
    }
}

#[test]
fn what_is_refused_is_part_of_the_film() {
    let script = "# T\n\n# Can this be?\n\nlog n1 1 1 2 4\nlog n2 1 1 1 4\ncommitted 1 1\n!cluster 3\n!log n1 2 1\n---\n\ncluster 3\n---\n";
    let film = Scenario::film(script).unwrap();
    let said: Vec<&str> =
        film.scenes.iter().map(|scene| scene.said.as_str()).filter(|said| !said.is_empty()).collect();
    let expected = [
        "index   1   2   3   4\n\
         n1      1   1   2   4\n\
         n2      1   1   1   4\n\
         n3\n\
         claimed: entry 1 of term 1 is committed\n\
         refused: n1 and n2 both have an entry 4 of\n\
         term 4, but differ in entry 3: logs with the\n\
         same entry have the same entries before it\n\
         (log matching)\n",
        "log n1 2 1\nrefused: terms never fall along a log\n",
    ];
    assert_eq!(said, expected);
}

#[test]
fn mistakes_in_a_script_are_explained() {
    let said = |script: &str| play(script).unwrap_err();
    assert!(
        said("dance\n---\n")
            .contains("there is no command \"dance\"; there are: log, committed, memory, cluster")
    );
    assert!(said("run 1s\n---\n").contains("begin with `cluster 3`"));
    assert!(said("cluster 3\nrun 1\n---\n").contains("\"1\" is no time"));
    assert!(said("cluster 3\ncrash 1\n---\n").contains("servers are n1, n2"));
    assert!(said("cluster 3\ncrash n4\n---\n").contains("there is no n4"));
    assert!(said("cluster 3\nrestart n1\n---\n").contains("n1 is alive: crash it first"));
    assert!(said("cluster 3\ncrash n1 n1\n---\n").contains("n1 is dead: restart it first"));
    assert!(said("cluster 3\nexpect leader n1\n---\n").contains("expected leader: n1, found: nobody"));
    assert!(
        said("cluster 3\nexpect violation\n---\n").contains("expected violation: a violation, found: none")
    );
    assert!(said("cluster 3\nexpect log n1 1 2\n---\n").contains("expected log: 1 2, found: an empty log"));
    assert!(said("cluster 3\nexpect log n1 one\n---\n").contains("\"one\" is no term"));
    assert!(said("cluster 3\nexpect commit n1 2\n---\n").contains("expected commit: 2, found: 0"));
    assert!(said("cluster 3\ncrash n1\nexpect commit n1 2\n---\n").contains("found: dead"));
    assert!(said("cluster 3\nexpect log n4\n---\n").contains("there is no n4"));
    assert!(said("logs\n---\n").contains("begin with `cluster 3`"));
    assert!(said("cluster 3\npropose 7\n---\n").contains("nobody leads"));
    assert!(said("cluster 3\npropose x\n---\n").contains("\"x\" is no number to propose"));
    assert!(said("cluster 3\nput c1 v 1\n---\n").contains("v is the key of `propose`: choose another one"));
    assert!(said("cluster 3\ndeliver answer=maybe\n---\n").contains("yes, no"));
    assert!(said("cluster 3\ncrash-in-save n1 1 unsynced=eaten\n---\n").contains("lost, kept, torn"));
    assert!(said("log n1 2 1\n---\n").contains("terms never fall along a log"));
    assert!(said("log n1 1 _ 2\n---\n").contains("a log has no holes, but entry 2 is missing"));
    assert!(said("log n1 0\ncluster 3\n---\n").contains("the first term is 1"));
    assert!(said("log n4 1\ncluster 3\n---\n").contains("there is no n4 that could begin with a log"));
    assert!(said("log n1 2 3\nlog n2 1 3\ncluster 3\n---\n").contains("(log matching)"));
    assert!(said("log n1 2\nlog n2 1 2\ncluster 3\n---\n").contains("a term has one leader"));
    let nobody = said("log n1 1\nlog n2 1\nlog n3 2\ncluster 3\n---\n");
    assert!(nobody.contains("no server can have been elected in term 2: the logs of n1, n2"), "{nobody}");
    let lost = said("log n1 1\nlog n2 1\nlog n3 1 1\ncommitted 2 1\ncluster 3\n---\n");
    assert!(lost.contains("in the logs of a majority"), "{lost}");
    let memory = said("log n1 2\nmemory n1 term=1\ncluster 3\n---\n");
    assert!(memory.contains("n1 can't remember only term 1: its log has an entry of term 2"), "{memory}");
    assert!(said("memory n4 term=1\ncluster 3\n---\n").contains("there is no n4 that could remember a term"));
    assert!(
        said("memory n1 term=1 voted-for=n4\ncluster 3\n---\n")
            .contains("there is no n4 that could have been")
    );
    assert!(said("memory n1 term=0\ncluster 3\n---\n").contains("the first term is 1"));
    assert!(said("memory n1\ncluster 3\n---\n").contains("say which term, as in term=3"));
    assert!(said("cluster 3\nmemory n1 term=1\n---\n").contains("write it before the cluster"));
    assert!(said("cluster 0\n---\n").contains("1 to 99 servers"));
    assert!(said("cluster 3 color=red\n---\n").contains("invalid argument 'color'"));
    assert!(said("cluster 3 latency=3ms..1ms\n---\n").contains("\"3ms..1ms\" is no range"));
    assert!(said("cluster 3 loss=5\n---\n").contains("\"5\" is no share"));
    assert!(said("committed 1 1\ncluster 3\n---\n").contains("in the logs of a majority"));
    assert!(said("cluster 3\ndeliver kind=letter\n---\n").contains("\"letter\" is no kind of message"));
    assert!(said("cluster 3\ncrash n1 unsynced=eaten\n---\n").contains("lost, kept, torn"));
    assert!(said("cluster 3\ncut n1 n4\n---\n").contains("there is no n4"));
    assert!(said("cluster 3\npause n2\ncalm\n---\n").contains("n2 is paused: a calm begins when"));
    assert!(said("cluster 3\ncrash n1 n2\ncalm\n---\n").contains("1 of 3 servers run"));
    assert!(said("cluster 3\nforget n1 vote\n---\n").contains("n1 is alive: crash it first"));
    let dead = "cluster 3\ntimeout n1\nsettle\ncrash n1 n2\n";
    let forget = |what: &str| said(&format!("{dead}forget n2 vote\nforget {what}\n---\n"));
    assert!(forget("n2 vote").contains("n2: it has no vote in term 1 that could be forgotten"));
    assert!(forget("n2 entries=0").contains("n2: its log has 1 entry, and it can't forget 0 of them"));
    assert!(forget("n2 entries=2").contains("n2: its log has 1 entry, and it can't forget 2 of them"));
    assert!(forget("n2 entries=some").contains("entries=some: "));
    assert!(forget("n2 term").contains("a disk can't forget \"term\": say vote, entries=1 or all"));
    assert!(forget("n2").contains("say what it forgets: vote, entries=1 or all"));
    let set_next = |what: &str| said(&format!("cluster 3\ntimeout n1\nsettle\nset-next {what}\n---\n"));
    assert!(set_next("n2 n1 1").contains("n2 does not lead: it has no nextIndex"));
    assert!(set_next("n1 n1 1").contains("n1 has no nextIndex for n1"));
    assert!(set_next("n1 n4 1").contains("n1 has no nextIndex for n4"));
    assert!(set_next("n1 n2 0").contains("the log of n1 ends with entry 1: its nextIndex can be 1 to 2"));
    assert!(set_next("n1 n2 3").contains("the log of n1 ends with entry 1: its nextIndex can be 1 to 2"));
    assert!(set_next("n1 n2 next").contains("\"next\" is no index"));
    assert!(said("cluster 3 without=fun\n---\n").contains("there is no rule \"fun\""));
}

/// Also after restarts, and where a snapshot has replaced the log.
#[test]
fn whoever_watches_knows_what_each_store_holds() {
    let mut stores = 0;
    for (path, script) in scenarios() {
        let mut scenario = Scenario::default();
        goldenscript::generate(&mut scenario, &script).unwrap();
        let Some(world) = scenario.world() else { continue };
        for (id, server) in world.view().servers() {
            let seen = server.store.as_ref();
            let seen: BTreeMap<&str, &str> = seen.iter().flat_map(|store| store.known()).collect();
            let held = world.store(id).map(|store| store.held).unwrap_or_default();
            let held = held.iter().map(|(key, value)| (&**key, value.as_deref().unwrap()));
            assert_eq!(seen, held.collect(), "{id} in {}", path.display());
            stores += usize::from(!seen.is_empty());
        }
    }
    assert!(stores > 100, "only {stores} stores held anything");
}
