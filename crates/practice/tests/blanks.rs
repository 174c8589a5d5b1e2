//! Each blank with the right answer, with typical wrong ones, and with answers that fail.

use raft_for_beginners_practice::{Blank, Fate, Fault, Grading, OUT_OF, Outcomes};
use simulator::{Question, Substitute, Verdict};
use std::sync::atomic::{AtomicU64, Ordering};

const SEEDS: std::ops::Range<u64> = 0..60;

fn blank(id: &str) -> &'static Blank {
    id.parse().unwrap()
}

fn grade(blank: &'static Blank, substitute: Substitute) -> Outcomes {
    let mut grading = Grading::new(blank, substitute, SEEDS);
    while !grading.is_over() {
        grading.advance(10_000);
    }
    grading.outcomes()
}

fn grade_words(id: &str, words: &str) -> Outcomes {
    grade(blank(id), Substitute::in_words(blank(id).condition, words).unwrap())
}

/// The checks that have failed.
fn failed(outcomes: &Outcomes) -> Vec<&str> {
    let faults = outcomes.0.iter().filter(|outcome| matches!(outcome.fate, Fate::Failed(_)));
    faults.map(|outcome| outcome.name).collect()
}

fn fault(outcomes: &Outcomes, place: usize) -> &Fault {
    match &outcomes.0[place].fate {
        Fate::Failed(fault) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn rafts_own_answers_get_full_points() {
    for blank in Blank::ALL {
        let raft = Substitute::new(blank.condition, |question| Ok(question.answer_of_raft()));
        let outcomes = grade(blank, raft);
        assert!(outcomes.is_full(), "{blank}: {outcomes:#?}");
    }
}

#[test]
fn right_expressions_get_full_points() {
    for (id, words) in [
        ("may-vote", "voted_for == none || voted_for == candidate"),
        ("restarts-timer", "granted"),
        (
            "up-to-date",
            "candidate.term > own.term || candidate.term == own.term && candidate.index >= own.index",
        ),
        ("fits", "own == prev.term"),
        ("first-conflict", "own != new"),
        ("commit-of-follower", "min(leader_commit, last_new)"),
        ("reached-by-majority", "count >= voters / 2 + 1"),
        ("reached-by-majority", "2 * count > voters"),
        ("may-commit", "entry == current"),
    ] {
        let outcomes = grade_words(id, words);
        assert!(outcomes.is_full(), "{id}, {words}: {outcomes:#?}");
    }
}

#[test]
fn wrong_answers_lose_the_points_of_what_they_got_wrong() {
    for (id, words, wrong) in [
        ("may-vote", "true", &["second-vote"][..]),
        ("may-vote", "false", &["second-vote", "first-vote", "same-candidate"]),
        ("may-vote", "voted_for == none", &["same-candidate"]),
        ("may-vote", "voted_for == candidate", &["second-vote", "first-vote", "same-candidate"]),
        ("restarts-timer", "true", &["after-a-refusal"]),
        ("restarts-timer", "false", &["after-a-grant"]),
        ("restarts-timer", "!granted", &["after-a-refusal", "after-a-grant"]),
        ("up-to-date", "true", &["later-term", "longer-log"]),
        ("up-to-date", "false", &["later-term", "longer-log", "equal-logs"]),
        ("up-to-date", "candidate.index >= own.index", &["later-term"]),
        ("up-to-date", "candidate.term >= own.term", &["longer-log"]),
        (
            "up-to-date",
            "candidate.term > own.term || candidate.term == own.term && candidate.index > own.index",
            &["equal-logs"],
        ),
        ("up-to-date", "candidate.term >= own.term && candidate.index >= own.index", &["later-term"]),
        ("fits", "true", &["other-term", "no-entry"]),
        ("fits", "false", &["other-term", "no-entry", "it-fits"]),
        ("fits", "own != none", &["other-term"]),
        ("fits", "own == none || own == prev.term", &["no-entry"]),
        ("first-conflict", "false", &["late-request", "conflict", "missing-entries"]),
        ("first-conflict", "own == none", &["conflict"]),
        ("first-conflict", "own != none && own != new", &["late-request", "missing-entries"]),
        ("first-conflict", "true", &["late-request"]),
        ("commit-of-follower", "leader_commit", &["own-old-entries"]),
        ("commit-of-follower", "min(leader_commit, last)", &["own-old-entries"]),
        ("commit-of-follower", "last_new", &["not-yet-committed"]),
        ("commit-of-follower", "last", &["own-old-entries", "not-yet-committed"]),
        ("commit-of-follower", "0", &["own-old-entries", "not-yet-committed", "followers-commit"]),
        ("reached-by-majority", "true", &["a-minority", "half"]),
        ("reached-by-majority", "count == voters", &["a-majority"]),
        ("reached-by-majority", "count >= voters / 2", &["a-minority", "half"]),
        ("reached-by-majority", "2 * count >= voters", &["half"]),
        ("may-commit", "true", &["figure-8"]),
        ("may-commit", "false", &["figure-8", "own-term"]),
        ("may-commit", "entry < current", &["figure-8", "own-term"]),
    ] {
        let outcomes = grade_words(id, words);
        let failed = failed(&outcomes);
        for name in wrong {
            assert!(failed.contains(name), "{id}, {words}: {name} in {failed:?}");
        }
        let points = outcomes.points();
        assert!(points < OUT_OF, "{id}, {words}");
        if matches!(words, "false" | "0") {
            assert!(points <= 4, "{id}, {words}: {points} points for nothing");
        }
    }
}

/// Each lost point has a run that shows it.
#[test]
fn what_is_wrong_is_shown() {
    let outcomes = grade_words("up-to-date", "candidate.index >= own.index");
    let fault = fault(&outcomes, 0);
    assert!(fault.records().count() > 5);
    assert!(fault.what_happened.contains("leader completeness"), "{}", fault.what_happened);
    assert!(!fault.scenes[0].prose.is_empty());
}

/// Right in all directed scenarios, and yet wrong: the random runs find it.
#[test]
fn random_runs_find_what_no_directed_scenario_shows() {
    let blank = blank("reached-by-majority");
    let wrong_for_three = Substitute::new(blank.condition, |question| match question {
        Question::ReachedByMajority { reached }
            if reached.len() == 3 && reached.contains(&consensus::Index(4)) =>
        {
            Ok(Verdict::Index(*reached.iter().max().unwrap()))
        }
        _ => Ok(question.answer_of_raft()),
    });
    let outcomes = grade(blank, wrong_for_three);
    assert_eq!(failed(&outcomes), ["random-runs"], "{outcomes:#?}");
    let fault = fault(&outcomes, outcomes.0.len() - 1);
    assert!(fault.meaning.is_some());
    assert!(fault.scenes.len() < 30, "it was made short: {} scenes", fault.scenes.len());
    assert!(fault.records().any(trace::Record::is_violation));
}

/// Nothing breaks where a follower commits a little later, but it must not depend on how often it was asked.
#[test]
fn inconsistent_answers_get_no_points() {
    let blank = blank("commit-of-follower");
    let asked = AtomicU64::new(0);
    let whimsical = Substitute::new(blank.condition, move |question| {
        // The directed scenarios ask less often.
        let is_late = matches!(asked.fetch_add(1, Ordering::Relaxed), count if count > 500 && count % 7 == 0);
        Ok(match question.answer_of_raft() {
            Verdict::Index(index) if is_late => Verdict::Index(consensus::Index(index.0.saturating_sub(1))),
            answer => answer,
        })
    });
    let outcomes = grade(blank, whimsical);
    assert_eq!(failed(&outcomes), ["random-runs"], "{outcomes:#?}");
    let fault = fault(&outcomes, outcomes.0.len() - 1);
    assert!(fault.what_happened.contains("went differently the second time"), "{}", fault.what_happened);
}

#[test]
fn an_answer_that_fails_is_a_panic_of_a_server() {
    for blank in Blank::ALL {
        let broken = Substitute::new(blank.condition, |_| Err("it does not know".to_owned()));
        let outcomes = grade(blank, broken);
        assert_eq!(outcomes.points(), 0, "{blank}");
        let fault = fault(&outcomes, 0);
        assert!(fault.what_happened.contains("panicked: it does not know"), "{}", fault.what_happened);
    }
}

#[test]
fn what_can_t_be_an_answer_is_refused() {
    let told = |id: &str, verdict: Verdict| {
        let outcomes = grade(blank(id), Substitute::new(blank(id).condition, move |_| Ok(verdict)));
        let fault = fault(&outcomes, 0);
        fault.what_happened.clone()
    };
    assert!(told("first-conflict", Verdict::Place(Some(9))).contains("there is no new entry at place 9"));
    assert!(
        told("reached-by-majority", Verdict::Index(consensus::Index(99))).contains("no voter has reached 99")
    );
    assert!(told("may-commit", Verdict::Place(None)).contains("an answer of another kind"));
}

#[test]
fn points_of_each_blank_add_up() {
    for blank in Blank::ALL {
        let of_checks: u32 = blank.checks().iter().map(|check| check.points).sum();
        assert_eq!(of_checks + 2, OUT_OF, "{blank}: two points are for random runs");
    }
}
