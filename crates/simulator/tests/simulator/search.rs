//! Random runs: every promise is kept with all rules on, and broken without any of them.

use consensus::{Change, NodeId, Profile, Rule};
use simulator::{
    Action, Faults, Kind, Scenario, Script, SearchOptions, UNSHOWN, Violation, World, WorldOptions, draw,
    shrink,
};
use std::fs;
use std::path::Path;

/// The first seed below `end` that breaks a promise.
fn first_violation(end: u64, options: &SearchOptions) -> Option<(u64, Script, Violation)> {
    (0..end).find_map(|seed| {
        let script = draw(seed, options);
        let violation = script.play().violation?;
        Some((seed, script, violation))
    })
}

fn shrunk(script: &Script, violation: &Violation) -> Script {
    shrink(script, violation.promise, 1_000_000, &mut |_, _| ()).script
}

#[test]
fn with_all_rules_every_promise_is_kept() {
    let found = first_violation(1_000, &SearchOptions::default());
    assert!(found.is_none(), "seed {}: {}", found.as_ref().unwrap().0, found.as_ref().unwrap().2);
}

#[test]
fn without_any_fault_there_is_always_a_leader() {
    for servers in 1..=9 {
        let options =
            SearchOptions { servers: Some(servers), faults: Faults::NONE, ..SearchOptions::default() };
        for seed in 0..30 {
            let ending = draw(seed, &options).play();
            assert_eq!(ending.violation, None, "{servers} servers, seed {seed}");
            assert!(ending.coverage.leaders > 0, "{servers} servers, seed {seed}");
            assert!(ending.coverage.faults.is_empty(), "{:?}", ending.coverage.faults);
        }
    }
}

#[test]
fn a_delivery_that_ends_in_a_panic_stays_in_the_shortest_run() {
    let options =
        SearchOptions { servers: Some(3), without: Some(Rule::ConsistencyCheck), ..SearchOptions::default() };
    let panics = |seed| {
        let script = draw(seed, &options);
        let violation = script.play().violation?;
        (violation.promise.name == "no server panics").then_some((script, violation))
    };
    for (script, violation) in (0..60).filter_map(panics) {
        let found = shrunk(&script, &violation).play().violation;
        assert_eq!(found.map(|violation| violation.promise), Some(violation.promise));
    }
}

#[test]
fn shrinking_ends_in_time_and_the_same_way_each_time() {
    let options = SearchOptions { without: Some(Rule::ConsistencyCheck), ..SearchOptions::default() };
    let (script, violation) = (1..).map(|seed| draw(seed, &options)).find_map(breaks).unwrap();
    let shrink = |most_steps| shrink(&script, violation.promise, most_steps, &mut |_, _| ());
    let done = shrink(1_000_000);
    assert!(done.is_done && done.effort.steps < 1_000_000, "{:?}", done.effort);
    assert_eq!(shrink(1_000_000).script, done.script);
    let cut_short = shrink(done.effort.steps / 10);
    assert!(!cut_short.is_done && cut_short.effort.runs < done.effort.runs, "{:?}", cut_short.effort);
    assert_eq!(cut_short.script.play().violation.map(|found| found.promise), Some(violation.promise));
}

/// The script with its violation, if it has one.
fn breaks(script: Script) -> Option<(Script, Violation)> {
    let violation = script.play().violation?;
    Some((script, violation))
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..40 {
        let hash = || draw(seed, &SearchOptions::default()).trace_hash();
        assert_eq!(hash(), hash(), "seed {seed}");
    }
    let hash = |seed| draw(seed, &SearchOptions::default()).trace_hash();
    assert_ne!(hash(1), hash(2));
}

/// Also on one of 32 bits: docs/simulator.md explains how to run this test there. A change of what servers do, or of what is
/// recorded of it, changes these numbers; a change of words does not.
#[test]
fn a_seed_is_the_same_run_on_every_machine() {
    let hashes = [0, 1, 2, 3, 5, 8, 13, 21].map(|seed| draw(seed, &SearchOptions::default()).trace_hash());
    let expected = [
        7_996_693_421_295_376_711,
        3_101_577_922_121_297_765,
        1_901_330_152_102_715_093,
        14_083_634_900_512_072_779,
        9_530_964_387_207_459_561,
        9_931_548_492_956_205_144,
        15_379_477_710_966_009_269,
        1_476_651_382_537_933_590,
    ];
    assert_eq!(hashes, expected);
}

#[test]
fn a_journal_leads_to_the_same_violation_without_chance() {
    let mut compared = 0;
    for rule in [
        Rule::OneVotePerTerm,
        Rule::PersistBeforeAnswer,
        Rule::MajorityWins,
        Rule::LeaderAppendOnly,
        Rule::ApplyInOrderOnce,
    ] {
        let options = SearchOptions { without: Some(rule), ..SearchOptions::default() };
        for seed in 0..200 {
            let script = draw(seed, &options);
            let Some(violation) = script.play().violation else { continue };
            // A journal has no time in it, and what is owed in the end takes time. So do leases, who hears
            // whom by the production profile, and whether a learner keeps up.
            let takes_time = ["logs agree in the end", "every client gets a response"];
            let is_about_time = takes_time.iter().any(|name| violation.promise.name.starts_with(name));
            let WorldOptions { lease, profile, spares, .. } = &script.options;
            let has_time = lease.is_some() || *profile != Profile::PAPER || *spares > 0;
            if is_about_time || has_time {
                continue;
            }
            let again = script.journal().play().violation;
            assert_eq!(again.as_ref(), Some(&violation), "{rule}, seed {seed}");
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn a_counterexample_becomes_a_scenario_that_plays_the_same() {
    let options = SearchOptions { without: Some(Rule::OneVotePerTerm), ..SearchOptions::default() };
    let (_, script, violation) = first_violation(100, &options).unwrap();
    let scenario = shrunk(&script, &violation).to_scenario("A title\n\nSome prose.");
    assert!(scenario.starts_with("# A title\n#\n# Some prose.\n\ncluster "), "{scenario}");
    assert!(scenario.contains("VIOLATED: one vote per term"), "{scenario}");
    let played = goldenscript::generate(&mut Scenario::default(), &scenario).unwrap();
    assert_eq!(played, scenario);
}

#[test]
fn all_that_can_go_wrong_does() {
    let mut coverage = simulator::Coverage::default();
    (0..300).for_each(|seed| coverage.add(&draw(seed, &SearchOptions::default()).play().coverage));
    let kinds = [
        "links cut, one way",
        "partitions",
        "power cuts",
        "power cuts within a save",
        "processes killed",
        "processes paused",
        "failed syncs",
        "damaged saves",
        "full disks",
        "disks lost",
        "disks replaced by an older copy",
        "addresses changed",
        "messages from another cluster",
        "clocks too fast or too slow",
        "clock jumps",
        "election timers made to run out",
    ];
    // A run whose disks are lost shows little else, so these are drawn seldom.
    let enough = |kind: &str| if kind.starts_with("disks ") { 3 } else { 10 };
    for kind in kinds {
        assert!(
            coverage.faults.get(kind).is_some_and(|&count| count > enough(kind)),
            "{kind}: {:?}",
            coverage.faults
        );
    }
    assert!(coverage.lost > 100 && coverage.doubled > 100 && coverage.split_votes > 100);
    let silent = Rule::ALL.iter().filter(|rule| !coverage.rules.contains_key(rule));
    let silent: Vec<&Rule> =
        silent.filter(|rule| UNSHOWN.iter().all(|(unshown, _)| unshown != *rule)).collect();
    // The one is a demand on the settings. The other is about a disk that forgets what only the leader remembers: where
    // that leader is gone, too, nobody could notice, so it is not drawn.
    assert_eq!(silent, [&Rule::TimeoutAboveBroadcast, &Rule::LostDataIsOut]);
}

#[test]
fn the_table_of_counterexamples_in_the_docs_names_every_rule() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/simulator.md");
    let docs = fs::read_to_string(docs).unwrap();
    for rule in Rule::ALL {
        assert!(docs.contains(&format!("| {rule} | ")), "raft sim --without-each prints the table: {rule}");
    }
}

#[test]
fn kinds_of_messages_and_faults_are_read_as_they_are_written() {
    for kind in Kind::ALL {
        assert_eq!(kind.to_string().parse(), Ok(kind));
    }
    for text in ["none", "all", "network", "crash,disk", "network,crash,clock"] {
        assert_eq!(text.parse::<Faults>().map(|faults| faults.to_string()), Ok(text.to_owned()));
    }
    assert!("fire".parse::<Faults>().unwrap_err().contains("choose none, all"));
}

#[test]
fn what_is_done_to_members_is_written_as_a_scenario_reads_it() {
    let ids = |numbers: &[u64]| numbers.iter().copied().map(NodeId).collect();
    let come = [4, 5].map(|id| (NodeId(id), String::new()));
    let change =
        Change { add: come.into(), promote: ids(&[4, 5]), remove: ids(&[2, 3]), ..Change::default() };
    let part = Profile { pre_vote: true, check_quorum: true, eager_election: false };
    let actions = [
        Action::ChangeMembers(change.clone(), Some(NodeId(1))),
        Action::ChangeMembers(
            Change { add: [(NodeId(4), String::new())].into(), ..Change::default() },
            Some(NodeId(1)),
        ),
        Action::Transfer(NodeId(2), Some(NodeId(1))),
        Action::LoseConnection(NodeId(2), NodeId(1)),
        Action::MakeConnection(NodeId(2), NodeId(1)),
        Action::SetProfile(NodeId(1), part),
        Action::SetProfile(NodeId(1), Profile::PRODUCTION),
    ];
    for (words, profile) in
        [("paper", Profile::PAPER), ("pre-vote/check-quorum", part), ("production", Profile::PRODUCTION)]
    {
        let options = WorldOptions { spares: 2, profile, ..WorldOptions::default() };
        let mut script = format!("cluster 3 spares=2 profile={words}\n---\n");
        let mut world = World::new(options);
        world.take_records();
        for action in &actions {
            world.perform(action).unwrap();
            script += &format!("\n{action}\n---\n");
        }
        let film = Scenario::film(&script).unwrap();
        let told: Vec<_> = film.scenes.into_iter().skip(1).flat_map(|scene| scene.records).collect();
        assert_eq!(told, world.take_records(), "{script}");
    }
}

/// No draw is as wide as the machine's words: neither here nor in the crates that this one drives.
#[test]
fn nothing_draws_as_many_bits_as_the_machine_has() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let sources = ["consensus", "driver", "kv", "linearizability", "simulator", "storage", "trace"];
    let mut folders: Vec<_> = sources.map(|name| crates.join(name).join("src")).into();
    let mut looked_at = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            // In two parts, so that they are not found here.
            for draw in ["usize(", "isize(", "choice(", "shuffle(", "choose_multiple("] {
                let call = [".", draw].concat();
                assert!(!text.contains(&call), "{} draws with {call}", path.display());
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 100, "{looked_at}");
}
