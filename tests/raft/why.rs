//! Why something happened, and why it did not: over scenarios that show each case.

use crate::common::raft;
use consensus::event::What;
use consensus::{NodeId, Rule};
use simulator::{Promise, Scenario};
use std::collections::BTreeMap;
use std::fs;
use trace::why::{Causes, Kind};
use trace::why_not::{Omission, WhyNot, why_not};
use trace::{ClusterView, Event, EventId, Io, Laboratory, Record, Wish};

/// No records are missing in a scenario.
static COMPLETE: BTreeMap<usize, ClusterView> = BTreeMap::new();

/// Everything that happens in a scenario.
fn played(scenario: &str) -> Vec<Record> {
    let script = fs::read_to_string(format!("scenarios/{scenario}.txt")).unwrap();
    Scenario::film(&script).unwrap().scenes.into_iter().flat_map(|scene| scene.records).collect()
}

/// What happens in a scenario up to the first such event.
fn played_until(scenario: &str, is_last: impl Fn(&Record) -> bool) -> Vec<Record> {
    let mut records = played(scenario);
    let last = records.iter().position(is_last).unwrap_or_else(|| panic!("no such event in {scenario}"));
    records.truncate(last + 1);
    records
}

/// What prevented something on a server at the end of these records: each sentence, with the rule.
fn obstacles(past: &[Record], server: u64, omission: Omission) -> Vec<(String, Option<Rule>)> {
    match why_not(past, &COMPLETE, past.last().unwrap().t, NodeId(server), omission) {
        WhyNot::Because(obstacles) => {
            obstacles.into_iter().map(|obstacle| (obstacle.sentence, obstacle.rule)).collect()
        }
        WhyNot::ItDid(record) => panic!("it did: {}", record.to_json()),
    }
}

/// Asserts that these were the obstacles, one after another, each with its rule.
fn assert_obstacles(past: &[Record], server: u64, omission: Omission, expected: &[(&str, Option<Rule>)]) {
    let found = obstacles(past, server, omission);
    let found: Vec<(&str, Option<Rule>)> = found.iter().map(|(text, rule)| (text.as_str(), *rule)).collect();
    assert_eq!(found, expected);
}

fn decides(record: &Record, node: u64, is_it: impl Fn(&What) -> bool) -> bool {
    record.node == NodeId(node) && record.decision().is_some_and(is_it)
}

fn asks(wish: Wish) -> impl Fn(&Record) -> bool {
    move |record| matches!(record.event, Event::Io(Io::Asked { wish: asked, .. }) if asked == wish)
}

/// Why an event happened, from the first cause on, as the kinds of the events: their names in JSON.
fn chain(records: &[Record], kind: Kind) -> Vec<String> {
    let causes = Causes::new(records);
    let chain = causes.chain(causes.last(kind).unwrap());
    chain.iter().map(|record| event_name(record)).collect()
}

fn event_name(record: &Record) -> String {
    let json: serde_json::Value = serde_json::from_str(&record.to_json()).unwrap();
    json["event"].as_str().unwrap().to_owned()
}

#[test]
fn a_response_leads_back_to_the_request() {
    let path = [
        ["asked", "appended", "sent", "received", "appended"].as_slice(),
        &["sent", "received", "committed", "applied", "answered"],
    ]
    .concat();
    assert_eq!(chain(&played("replication/agreement-in-order"), Kind::Reply)[..1], ["asked"]);
    let records = played("clients/a-client-is-told-who-leads");
    let refused = chain(&records, Kind::Reply);
    assert_eq!(refused.first().unwrap(), "asked", "{refused:?}");
    let records = played_until("replication/agreement-in-order", |record| {
        matches!(record.event, Event::Io(Io::Answered { .. }))
    });
    assert_eq!(chain(&records, Kind::Reply), path);
    assert_eq!(chain(&records, Kind::Apply), path[..9]);
    assert_eq!(chain(&records, Kind::Commit), path[..8]);
    let read = chain(&played("clients/a-read-asks-who-leads"), Kind::Reply);
    assert!(read.ends_with(&["round_won".to_owned(), "answered".to_owned()]), "{read:?}");
    assert_eq!(read.first().unwrap(), "asked", "{read:?}");
}

/// In all scenarios, only what comes from outside, a start, and the time for heartbeats have no cause.
#[test]
fn only_beginnings_have_no_cause() {
    for path in walk("scenarios") {
        for record in played(&path).iter().filter(|record| record.cause.is_none() && record.seq.is_some()) {
            let is_beginning = match &record.event {
                Event::Io(io) => matches!(io, Io::Asked { .. } | Io::Restored { .. }),
                Event::Decision(decision) => match decision.what {
                    What::Role { was: None, .. } | What::Heartbeat => true,
                    What::ConnectionLost { .. } | What::ConnectionMade { .. } | What::Profile { .. } => true,
                    // The scenario sets a nextIndex, or the timer of a server, or of a leader, which steps down then.
                    What::BackedUp { .. } | What::Timer { .. } | What::Role { .. } => decision.rule.is_none(),
                    _ => false,
                },
                Event::Process(_) | Event::Laboratory(_) => true,
            };
            assert!(is_beginning, "{path}: {}", record.to_json());
        }
    }
}

/// The scenarios in a folder, without the end of their names.
fn walk(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = entries.flat_map(|path| {
        let name = path.to_str().unwrap().to_owned();
        if path.is_dir() { walk(&name) } else { vec![name] }
    });
    let scenario = |name: String| match name.strip_prefix("scenarios/") {
        Some(path) => path.strip_suffix(".txt").map(str::to_owned),
        None => Some(name),
    };
    paths.filter_map(scenario).collect()
}

#[test]
fn a_broken_promise_has_two_chains_and_its_meaning() {
    let records = played("without/one-vote-per-term");
    let causes = Causes::new(&records);
    let violations = records.iter().filter_map(|record| match &record.event {
        Event::Laboratory(Laboratory::Violated { property, meaning, .. }) => {
            Some((record, property, meaning))
        }
        _ => None,
    });
    let mut count = 0;
    for (violated, property, meaning) in violations {
        count += 1;
        let promise = Promise::all().find(|promise| promise.name == property).unwrap();
        assert_eq!(meaning, promise.meaning);
        let done = causes.find(violated.cause.unwrap()).unwrap();
        let contradicted = causes.contradicted(violated).unwrap();
        assert_ne!(done.id(), contradicted.id(), "{property}");
        assert_eq!(event_name(done), event_name(contradicted), "{property}");
        assert!(causes.chain(done).len() > 1 && causes.chain(contradicted).len() > 1, "{property}");
    }
    assert!(count > 0);

    let output = raft().args(["why", "scenarios/without/one-vote-per-term.txt"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["Broken promise: ", "A server votes for at most one", "What was done", "What it contradicts"]
    {
        assert!(text.contains(part), "\"{part}\" is missing in:\n{text}");
    }
    assert_eq!(text.matches('⇒').count(), 2, "{text}");
    assert!(text.starts_with("one-vote-per-term is OFF\n"), "{text}");
}

#[test]
fn a_rule_that_is_off_is_marked_where_it_would_have_decided() {
    let output = raft().args(["why", "elections/answer-before-saving"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let votes: Vec<&str> = text.lines().filter(|line| line.contains("grant my vote")).collect();
    assert_eq!(votes.len(), 2, "{text}");
    for vote in votes {
        assert!(vote.ends_with(" persist-before-answer (OFF)"), "{text}");
    }
    assert_eq!(text.matches("(OFF)").count(), 2, "{text}");
}

#[test]
fn a_violation_of_an_earlier_version_is_still_read() {
    let line = r#"{"t":5,"node":2,"life":1,"cause":{"node":2,"life":1,"seq":9},"term":1,"event":"violated",
        "property":"one vote per term (§5.2)","what_happened":"n2 voted twice"}"#;
    let violated = Record::from_json(&line.replace('\n', "")).unwrap();
    assert_eq!(violated.cause, Some(EventId { node: NodeId(2), life: 1, seq: 9 }));
    let records = [violated];
    assert_eq!(Causes::new(&records).contradicted(&records[0]), None);
}

#[test]
fn a_server_does_not_become_leader() {
    use Omission::Lead;
    assert_obstacles(
        &played("elections/one-vote-per-term"),
        2,
        Lead,
        &[
            (
                "n2 heard from n1 just now, so its election timer (272 ms) still runs",
                Some(Rule::ResetTimerOnLeader),
            ),
            ("n2 stepped down from candidate just now", Some(Rule::RecogniseLeader)),
            ("n2 got 1 of 2 votes needed in term 1, from n2", Some(Rule::MajorityWins)),
            ("n1 refused: \"my vote in term 1 went to n1\"", Some(Rule::OneVotePerTerm)),
            ("n3 refused: \"my vote in term 1 went to n1\"", Some(Rule::OneVotePerTerm)),
        ],
    );
    assert_obstacles(
        &played_until("elections/no-quorum-no-leader", |record| {
            decides(record, 1, |what| matches!(what, What::Tally { .. }))
        }),
        1,
        Lead,
        &[
            ("n1 got 1 of 2 votes needed in term 1, from n1", Some(Rule::MajorityWins)),
            ("n2 is dead: power lost: everything not yet synced to disk is gone", None),
            ("n3 is dead: power lost: everything not yet synced to disk is gone", None),
        ],
    );
    let pauses = |record: &Record| matches!(record.event, Event::Laboratory(Laboratory::Paused));
    assert_obstacles(
        &played_until("elections/leader-pauses", pauses),
        1,
        Lead,
        &[("n1 is paused: paused (SIGSTOP): it does nothing, and messages wait", None)],
    );
    let starts = |record: &Record| decides(record, 1, |what| matches!(what, What::Timer { .. }));
    assert_obstacles(
        &played_until("elections/first-election", starts),
        1,
        Lead,
        &[(
            "the election timer of n1 (266 ms) was set just now and still runs",
            Some(Rule::RandomisedTimeout),
        )],
    );
    let end = played("elections/first-election");
    let heard = obstacles(&end, 1, Lead);
    assert!(heard[0].0.starts_with("n1 heard from n3 1 ms ago, so its election timer"), "{heard:?}");

    let leads = why_not(&end, &COMPLETE, end.last().unwrap().t, NodeId(3), Lead);
    assert!(matches!(leads, WhyNot::ItDid(record) if record.comes_to_lead()), "{leads:?}");
}

#[test]
fn a_server_does_not_vote() {
    use Omission::Vote;
    assert_obstacles(
        &played("elections/one-vote-per-term"),
        3,
        Vote,
        &[
            ("n3 refused n2 its vote just now: \"my vote in term 1 went to n1\"", Some(Rule::OneVotePerTerm)),
            ("n3 voted for n1 in term 1", Some(Rule::OneVotePerTerm)),
        ],
    );
    assert_obstacles(
        &played("elections/longer-but-older-log-refused"),
        2,
        Vote,
        &[(
            "n2 refused n3 its vote just now: \"its log (entry 4, term 1) is behind mine (entry 2, term 2)\"",
            Some(Rule::CompareTermBeforeLength),
        )],
    );
    let asks_n5 =
        |record: &Record| decides(record, 5, |what| matches!(what, What::PreVote { granted: false, .. }));
    let sticks =
        obstacles(&played_until("together/a-leader-that-keeps-others-from-leading", asks_n5), 5, Vote);
    assert_eq!(sticks[0].1, Some(Rule::LeaderStickiness), "{sticks:?}");
    assert!(sticks[1].0.starts_with("n5 heard from n1 "), "{sticks:?}");

    let decides_on_slow_disk =
        |record: &Record| decides(record, 3, |what| matches!(what, What::Vote { granted: true, .. }));
    assert_obstacles(
        &played_until("elections/crash-between-voting-and-saving", decides_on_slow_disk),
        3,
        Vote,
        &[("the vote of n3 for n1 is not on disk yet, so it can't reply", Some(Rule::PersistBeforeAnswer))],
    );
    assert_obstacles(
        &played("replication/figure-8"),
        2,
        Vote,
        &[("nobody has asked n2 for its vote in term 5", None), ("n2 voted for n1 in term 4", None)],
    );
    let end = played("elections/first-election");
    let voted = why_not(&end, &COMPLETE, end.last().unwrap().t, NodeId(1), Vote);
    assert!(matches!(voted, WhyNot::ItDid(record) if Kind::Vote.is(&record.event)), "{voted:?}");
}

#[test]
fn a_server_does_not_commit() {
    use Omission::Commit;
    let alone = played_until("replication/no-majority-no-commit", |record| {
        decides(record, 1, |what| matches!(what, What::Matched { index, .. } if index.0 == 2))
    });
    let dead = |id: u64| format!("n{id} is dead: power lost: everything not yet synced to disk is gone");
    let dead = [dead(2), dead(3)];
    let lacks = [
        ("entry 2 is on disk at n1: 1 of 2 needed", Some(Rule::CommitByMajority)),
        (dead[0].as_str(), None),
        (dead[1].as_str(), None),
    ];
    assert_obstacles(&alone, 1, Commit, &lacks);
    let of_request = ("entry 2, for request 1, is not committed", Some(Rule::AnswerForThisEntry));
    let waits: Vec<_> = [of_request].into_iter().chain(lacks).collect();
    assert_obstacles(&alone, 1, Omission::Reply, &waits);

    let of_older_term = played_until("replication/figure-8", |record| {
        decides(record, 1, |what| matches!(what, What::Waits { entry } if entry.index.0 == 2))
    });
    let older = obstacles(&of_older_term, 1, Commit);
    assert_eq!(older[0].1, Some(Rule::CommitCurrentTermOnly), "{older:?}");
    assert!(older[1].0.starts_with("entry 3 is on disk at"), "{older:?}");

    let behind = played_until("replication/a-heartbeat-to-a-follower-that-lacks-an-entry", |record| {
        decides(record, 1, |what| matches!(what, What::Committed { index } if index.0 == 2))
    });
    let behind = obstacles(&behind, 3, Commit);
    assert_eq!(behind[0].1, Some(Rule::CommitToLastNew), "{behind:?}");
    assert_eq!(behind[1].0, "n1 has committed entry 2 since", "{behind:?}");
}

#[test]
fn a_server_does_not_reply() {
    use Omission::Reply;
    let unconfirmed = played_until("clients/a-deposed-leader-answers-no-read", |record| {
        decides(record, 1, |what| matches!(what, What::RoundBegun { .. }))
    });
    assert_obstacles(
        &unconfirmed,
        1,
        Reply,
        &[
            (
                "read 3 waits: no majority has confirmed yet that n1 still leads",
                Some(Rule::ReadConfirmsLeadership),
            ),
            ("no messages get through from n1 to n2", None),
            ("no messages get through from n1 to n3", None),
        ],
    );
    let deposed = obstacles(&played("clients/a-deposed-leader-answers-no-read"), 1, Reply);
    assert!(deposed[0].0.ends_with("\"respond to request 3: I am not the leader\""), "{deposed:?}");

    let in_new_term = played_until("clients/a-read-after-an-election-waits", |record| {
        decides(record, 2, |what| matches!(what, What::ReadWaits))
    });
    let waits = obstacles(&in_new_term, 2, Reply);
    assert_eq!(waits[0].1, Some(Rule::ReadAfterCommitInTerm), "{waits:?}");
    assert!(waits.len() > 1, "{waits:?}");

    let unapplied = played_until("clients/a-read-waits-for-a-slow-state-machine", |record| {
        decides(record, 1, |what| matches!(what, What::RoundWon { .. }))
    });
    let unapplied = obstacles(&unapplied, 1, Reply);
    assert_eq!(unapplied[0].1, Some(Rule::ApplyInOrderOnce), "{unapplied:?}");

    let nothing = obstacles(&played("elections/first-election"), 1, Reply);
    assert_eq!(nothing, [("no client has asked n1 for anything since it started".to_owned(), None)]);
    let unasked = played_until("replication/agreement-in-order", asks(Wish::Write));
    let begun = obstacles(&unasked, 1, Reply);
    assert_eq!(begun[0].0, "n1 has begun nothing for request 1 yet", "{begun:?}");
    let end = played("replication/agreement-in-order");
    let replied = why_not(&end, &COMPLETE, end.last().unwrap().t, NodeId(1), Reply);
    assert!(matches!(replied, WhyNot::ItDid(record) if Kind::Reply.is(&record.event)), "{replied:?}");
}

#[test]
fn what_the_command_prints_and_refuses() {
    let run = |arguments: &[&str]| {
        let output = raft().arg("why").args(arguments).output().unwrap();
        let (stdout, stderr) = (output.stdout, output.stderr);
        (output.status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    };
    let scenario = "elections/first-election";
    let (_, leader, _) = run(&[scenario]);
    assert_eq!(leader, run(&[scenario, "--last", "leader"]).1);
    let (_, led, _) = run(&[scenario, "--not", "leader", "n3"]);
    assert!(led.starts_with("By 0.389s, n3 has become leader:\n"), "{led}");
    let (_, before, _) = run(&[scenario, "--not", "leader", "n3", "--at", "n3:2"]);
    assert!(before.starts_with("By 0.000s, n3 has not become leader:\n- the election timer"), "{before}");
    let (_, at, _) = run(&[scenario, "--not", "leader", "n3", "--at", "0.1s"]);
    assert!(at.contains("was set 100 ms ago and still runs\n"), "{at}");

    let refused = [
        (&["--not", "leader", "n9"][..], 1, "the servers there are n1, n2, n3"),
        (&["--not", "leader", "nobody"], 2, "\"nobody\" is not a server"),
        (&["--not", "sleep", "n1"], 2, "--not leader, vote, commit or reply"),
        (&["--not", "leader", "n1", "--at", "noon"], 2, "such as 1.250s"),
        (&["--not", "leader", "n1", "--at", "n1:999"], 1, "there is no event n1:999"),
        (&["--not", "leader"], 2, "--not"),
    ];
    for (arguments, status, said) in refused {
        let arguments: Vec<&str> = [scenario].into_iter().chain(arguments.iter().copied()).collect();
        let (code, _, stderr) = run(&arguments);
        assert_eq!(code, Some(status), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
}
