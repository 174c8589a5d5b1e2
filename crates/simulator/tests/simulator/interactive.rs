//! Scenarios that are played command by command, and gone back in.

use crate::scenarios::scenarios;
use simulator::{Action, Scenario, SearchOptions, draw};
use std::time::Duration;
use trace::{Event, Laboratory, Record};

/// A run that was played command by command.
#[derive(Default)]
struct Played {
    scenario: Scenario,
    records: Vec<Record>,
    /// The commands that could be done, each with the number of records and the time after it.
    commands: Vec<(String, usize, Duration)>,
}

impl Played {
    fn play(&mut self, command: &str) -> bool {
        let Ok(scene) = self.scenario.command(command) else { return false };
        if command.starts_with("cluster") {
            *self = Played { scenario: std::mem::take(&mut self.scenario), ..Played::default() };
        }
        self.records.extend(scene.records);
        let now = self.scenario.world().map(simulator::World::now).unwrap_or_default();
        self.commands.push((command.to_owned(), self.records.len(), now));
        true
    }
}

/// Runs that seeds draw: of their actions, those that can be done.
fn drawn(seed: u64) -> Played {
    let mut played = Played::default();
    let script = draw(seed, &SearchOptions::default()).to_string();
    for line in script.lines().filter(|line| *line != "---") {
        played.play(line);
    }
    played
}

fn of_film(script: &str) -> Vec<Record> {
    Scenario::film(script).unwrap().scenes.into_iter().flat_map(|scene| scene.records).collect()
}

#[test]
fn scenarios_go_the_same_way_command_by_command() {
    let mut refused = 0;
    for (path, script) in scenarios() {
        let mut played = Played::default();
        for scene in Scenario::film(&script).unwrap().scenes {
            let Some(command) = scene.command else { continue };
            let before = if command.starts_with("cluster") { 0 } else { played.records.len() };
            if played.play(&command) {
                assert_eq!(played.records[before..], scene.records, "{}: {command}", path.display());
            } else {
                assert!(scene.said.contains("refused: "), "{}: {command}", path.display());
                refused += 1;
            }
        }
        let script = played.scenario.script().map(|script| script.to_string()).unwrap_or_default();
        assert_eq!(of_film(&script), played.records, "{}:\n{script}", path.display());
    }
    assert!(refused > 2, "{refused}");
}

#[test]
fn a_drawn_run_goes_on_from_every_fork_as_it_did() {
    let mut inside = 0;
    for seed in 0..15 {
        let played = drawn(seed);
        for part in 1..6 {
            inside += usize::from(goes_on_as_it_did(&played, played.records.len() * part / 6));
        }
        goes_on_as_it_did(&played, played.records.len());
        goes_on_as_it_did(&played, 0);
    }
    assert!(inside > 40, "{inside}");
}

#[test]
fn a_scenario_goes_on_from_every_fork_as_it_did() {
    for (number, (_, script)) in scenarios().into_iter().enumerate() {
        let mut played = Played::default();
        for command in Scenario::film(&script).unwrap().scenes.into_iter().filter_map(|scene| scene.command) {
            played.play(&command);
        }
        if played.scenario.world().is_some() {
            // Somewhere else in each scenario.
            goes_on_as_it_did(&played, played.records.len() * (number % 10 + 1) / 11);
            goes_on_as_it_did(&played, number % 50);
        }
    }
}

/// Forks the run there and does the rest of it. Returns whether a command was cut in two.
fn goes_on_as_it_did(played: &Played, position: usize) -> bool {
    let position = position.min(played.records.len());
    let (mut fork, mut more) = played.scenario.fork(position).unwrap();
    let script = fork.script().unwrap().to_string();
    let why = |what: &str| format!("{what} of a fork at {position}:\n{script}");
    let expected = &played.records[..position + more.len()];
    assert_eq!(of_film(&script), expected, "{}", why("the script"));
    assert_eq!(more, expected[position..], "{}", why("the records"));

    let cut = played.commands.iter().position(|(_, recorded, _)| *recorded >= position).unwrap();
    let (command, recorded, end) = &played.commands[cut];
    let happened = position + more.len();
    let now = fork.world().unwrap().now();
    let mut do_it = |command: &str| more.extend(fork.command(command).unwrap().records);
    if command.starts_with("run") {
        do_it(&Action::Run(*end - now).to_string());
    } else if command == "settle" {
        do_it("settle");
    } else if happened < *recorded {
        return true;
    }
    played.commands[cut + 1..].iter().for_each(|(command, ..)| do_it(command));
    // When it is noticed that something is overdue depends on how time is cut.
    let is_calm = played.commands.iter().any(|(command, ..)| command == "calm");
    let but_overdue = |records: &[Record]| -> Vec<Record> {
        records.iter().filter(|record| !(is_calm && record.is_violation())).cloned().collect()
    };
    assert_eq!(but_overdue(&more), but_overdue(&played.records[position..]), "{}", why("the rest"));
    happened < *recorded
}

#[test]
fn a_fork_goes_another_way_and_leaves_the_run_as_it_is() {
    let (scenario, film) = Scenario::open("cluster 3\nrun 300ms\ncrash n1\n(run 1s)\n---\n").unwrap();
    assert_eq!(film.scenes.len(), 4);
    let position = film.scenes[..2].iter().map(|scene| scene.records.len()).sum();
    let (mut fork, more) = scenario.fork(position).unwrap();
    assert_eq!(more, []);
    let crash = fork.command("crash n2").unwrap();
    assert_eq!((crash.records.len(), crash.command.as_deref()), (1, Some("crash n2")));
    // Until the last of those records, and no longer.
    assert_eq!(fork.script().unwrap().to_string(), "cluster 3\nrun 298ms647us713ns\ncrash n2\n---\n");
    let all = scenario.world().unwrap().recorded();
    assert_eq!(scenario.fork(all).unwrap().0.script(), scenario.script());
    assert_eq!(scenario.script().unwrap().to_string(), "cluster 3\nrun 300ms\ncrash n1\nrun 1s\n---\n");
    let happened = scenario.world().unwrap().recorded();
    let refused = scenario.fork(happened + 1).unwrap_err();
    assert_eq!(refused, format!("{} records have not happened yet, but {happened}", happened + 1));
}

#[test]
fn time_that_passes_in_pieces_is_one_command() {
    let (mut scenario, _) = Scenario::open("cluster 3\n---\n").unwrap();
    for _ in 0..60 {
        scenario.run(Duration::from_millis(16)).unwrap();
    }
    scenario.command("run 40ms").unwrap();
    // What only looks is no part of the run.
    scenario.command("logs").unwrap();
    scenario.command("expect some-leader").unwrap();
    scenario.command("run 9 minutes").unwrap_err();
    scenario.command("run 9m").unwrap();
    assert_eq!(scenario.script().unwrap().to_string(), "cluster 3\nrun 9m1s\n---\n");
}

#[test]
fn time_stops_where_a_promise_breaks() {
    let script = "cluster 3 without=majority-wins\n---\n";
    let (mut scenario, _) = Scenario::open(script).unwrap();
    scenario.command("partition n1").unwrap();
    let records = scenario.run(Duration::from_secs(9)).unwrap();
    let world = scenario.world().unwrap();
    assert_eq!(world.violations().len(), 1);
    assert!(world.now() < Duration::from_secs(9), "{:?}", world.now());
    let last = records.iter().rfind(|record| record.is_violation()).unwrap();
    assert_eq!(u128::from(last.t), world.now().as_micros());
    let script = scenario.script().unwrap().to_string();
    let film: Vec<Record> = of_film(&script);
    assert!(film.ends_with(&records), "{script}");
}

#[test]
fn what_can_not_be_done_is_explained() {
    let mut scenario = Scenario::default();
    let mut refused = |command: &str| scenario.command(command).unwrap_err();
    assert_eq!(refused("run 1s"), "there is no cluster yet: begin with `cluster 3`");
    assert!(refused("cluster 0").contains("1 to 99 servers"));
    assert!(refused("dance").starts_with("there is no command \"dance\"; there are: "));
    assert_eq!(refused("kill n1\nkill n2"), "write one command at a time");
    assert_eq!(refused(""), "\"\" is not a command");
    assert_eq!(refused("# words"), "\"# words\" is not a command");
    assert_eq!(refused("kill n1 ="), "\"kill n1 =\" is not a command");
    scenario.command("cluster 3").unwrap();
    assert_eq!(scenario.command("kill n1 n1").unwrap_err(), "n1 is dead: restart it first");
    // The first of both was done.
    assert_eq!(scenario.script().unwrap().to_string(), "cluster 3\nkill n1\n---\n");
}

#[test]
fn a_link_that_seldom_loses_a_message_is_seen_to_be_lossy() {
    let (mut scenario, _) = Scenario::open("cluster 3\n---\n").unwrap();
    let scene = scenario.command("link n1 n2 loss=0.004").unwrap();
    let lossy = |record: &Record| {
        matches!(&record.event, Event::Laboratory(Laboratory::LinksLossy { percent: 1, .. }))
    };
    assert!(scene.records.iter().any(lossy), "{:?}", scene.records);
}

#[test]
fn why_a_number_is_refused_is_said_in_plain_words() {
    let large = "99999999999999999999999";
    let commands = [
        ("deliver last=", "the number is too large"),
        ("forget n1 entries=", "the number is too large"),
        ("put c1 x ", "is no value: the number is too large"),
        ("set-next n1 n2 ", "is no index: the number is too large"),
        ("cluster ", "is no number of servers: the number is too large"),
        ("cluster 3 spares=", "is no number of spare servers: the number is too large"),
        ("cluster 3 seed=", "is no seed: the number is too large"),
        ("cluster 3 batch=", "the number is too large"),
        ("cluster 3 keep=", "is no number of bytes: the number is too large"),
    ];
    let (mut scenario, _) = Scenario::open("cluster 3\n---\n").unwrap();
    for (command, said) in commands {
        let refused = scenario.command(&format!("{command}{large}")).unwrap_err();
        assert!(refused.contains(said) && refused.contains(large), "{command}: {refused}");
        let refused = scenario.command(&format!("{command}many")).unwrap_err();
        assert!(refused.contains("write a whole number"), "{command}: {refused}");
    }
}

/// A link or a script may be from anyone.
#[test]
fn no_script_takes_the_machine_for_hours_or_breaks_the_simulator() {
    let doubled = format!("cluster 3\ntimeout n1\n{}---\n", "duplicate\n".repeat(40));
    let scripts = [
        ("cluster 3 batch=0\n---\n", "batch=0: nothing could be sent"),
        ("cluster 3 window=0\n---\n", "window=0: nothing could be sent"),
        ("cluster 3 window=4294967296\n---\n", "window=4294967296: "),
        ("cluster 3 spares=18446744073709551615\n---\n", "at most 99 spare servers"),
        ("cluster 3 heartbeat=1ns\n---\n", "at least 1ms"),
        ("memory n1 term=18446744073709551615\ncluster 3\n---\n", "1099511627776"),
        ("log n1 1 18446744073709551615\ncluster 3\n---\n", "1099511627776"),
        ("cluster 3 latency=18446744073709551615s\n---\n", "is the most"),
        ("cluster 3\ntimeout n1\ndelay by=500000days\n---\n", "is the most"),
        ("cluster 3\nrun 6m\nrun 5m\n---\n", "10m is the most"),
        (&doubled, "10000 messages in flight are the most"),
    ];
    for (script, said) in scripts {
        let error = Scenario::film(script).unwrap_err().to_string();
        assert!(error.contains(said), "{script}: {error}");
    }
    let (mut scenario, _) = Scenario::open("cluster 3\nrun 6m\n---\n").unwrap();
    assert!(scenario.run(Duration::from_mins(5)).unwrap_err().contains("10m is the most"));
    assert!(scenario.command("run 1m").is_ok());
}

#[test]
fn nothing_is_done_by_a_command_that_has_too_much() {
    let (mut scenario, _) = Scenario::open("cluster 3\n---\n").unwrap();
    let before = scenario.world().unwrap().recorded();
    for command in ["kill n1 y=1", "cut n1 n2 n3", "run 1s x=1", "!kill n1"] {
        assert!(scenario.command(command).is_err(), "{command}");
        let world = scenario.world().unwrap();
        assert_eq!((world.recorded(), world.now()), (before, Duration::ZERO), "{command}");
    }
}

#[test]
fn the_logs_can_be_shown_before_a_cluster_starts_with_them() {
    let mut scenario = Scenario::default();
    assert!(scenario.command("logs").unwrap_err().contains("there is no cluster yet"));
    scenario.command("log n1 1 1 2").unwrap();
    scenario.command("log n3 1 3").unwrap();
    assert_eq!(
        scenario.command("logs").unwrap().said,
        "index   1   2   3\nn1      1   1   2\nn2\nn3      1   3\n"
    );
    scenario.command("log n99999999999 1").unwrap();
    assert_eq!(scenario.command("logs").unwrap().said.lines().count(), 100);
}
