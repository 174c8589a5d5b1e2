//! A learner's answer in the place of one of Raft's conditions.

use consensus::event::What;
use consensus::{Index, NodeId, Rule};
use simulator::hunt::{Round, Search, Shortening};
use simulator::{Condition, Question, Scenario, SearchOptions, Substitute, Verdict, quietly};
use std::collections::BTreeMap;
use trace::why_not::{Omission, WhyNot, why_not};
use trace::{Record, english};

/// Votes for every candidate.
fn generous() -> Substitute {
    Substitute::new(Condition::MayVote, |_| Ok(Verdict::Bool(true)))
}

fn violation(scenario: &Scenario) -> Option<String> {
    scenario.world().unwrap().violations().first().map(ToString::to_string)
}

fn played(substitute: Option<Substitute>, commands: &[&str]) -> Scenario {
    let mut scenario = Scenario::with_substitute(substitute);
    for command in commands {
        scenario.command(command).unwrap();
    }
    scenario
}

const TWO_CANDIDATES: [&str; 4] = ["cluster 2", "timeout n2", "timeout n1", "deliver from=n1 to=n2"];

#[test]
fn all_servers_ask_it_and_other_conditions_stay_rafts() {
    assert_eq!(violation(&played(None, &TWO_CANDIDATES)), None);
    let found = violation(&played(Some(generous()), &TWO_CANDIDATES)).unwrap();
    assert!(found.starts_with("one vote per term"), "{found}");
    let behind = ["log n1 1", "log n2 1 1", "cluster 2", "timeout n1", "settle", "expect no-leader"];
    assert_eq!(violation(&played(Some(generous()), &behind)), None);
}

/// What happens in a run.
fn records(substitute: Substitute, commands: &[&str]) -> Vec<Record> {
    let mut scenario = Scenario::with_substitute(Some(substitute));
    let mut play = |command: &&str| quietly(|| scenario.command(command));
    commands.iter().flat_map(|command| play(command).unwrap().records).collect()
}

fn told(substitute: Substitute, commands: &[&str]) -> Vec<String> {
    records(substitute, commands).iter().map(english::sentence).collect()
}

#[test]
fn where_it_differs_from_raft_is_recorded_and_leads_to_what_rests_on_it() {
    let records = records(generous(), &TWO_CANDIDATES);
    let differs: Vec<&Record> =
        records.iter().filter(|record| matches!(record.decision(), Some(What::OtherAnswer { .. }))).collect();
    let [differs] = differs[..] else { panic!("it is asked once with another vote: {differs:?}") };
    assert_eq!(english::sentence(differs), "your answer says yes where Raft says no");
    assert_eq!(differs.rule(), Some(Rule::OneVotePerTerm));
    let vote = |record: &&Record| matches!(record.decision(), Some(What::Vote { granted: true, .. }));
    let vote = records.iter().rev().find(vote).unwrap();
    assert_eq!((vote.cause, vote.rule()), (differs.id(), None));
    assert!(differs.cause.is_some(), "the request led to it");
}

#[test]
fn raft_s_reasons_are_not_given_for_a_learner_s_decisions() {
    let any = Substitute::new(Condition::ReachedByMajority, |question| match question {
        Question::ReachedByMajority { reached } => Ok(Verdict::Index(*reached.iter().max().unwrap())),
        _ => unreachable!(),
    });
    let told = told(any, &["cluster 3", "timeout n1", "settle"]);
    assert!(told.iter().any(|line| line == "your answer says entry 1 where Raft says no entry"), "{told:?}");
    assert!(told.iter().any(|line| line == "mark entry 1 as committed"), "{told:?}");
    assert!(!told.iter().any(|line| line.contains("a majority has entry 1")), "{told:?}");
}

/// Commits nothing.
fn timid() -> Substitute {
    Substitute::new(Condition::ReachedByMajority, |_| Ok(Verdict::Index(Index(0))))
}

#[test]
fn why_nothing_is_committed_is_the_answer() {
    let records = records(timid(), &["cluster 3", "timeout n1", "settle"]);
    let resumed = BTreeMap::new();
    let why = why_not(&records, &resumed, 0, NodeId(1), Omission::Commit);
    let WhyNot::Because(obstacles) = why else { panic!("{why:?}") };
    assert_eq!(obstacles[0].sentence, "n1: \"your answer says no entry where Raft says entry 1\"");
}

#[test]
fn the_same_index_again_is_no_news() {
    let told = told(timid(), &["cluster 3", "timeout n1", "run 2s"]);
    let differs = told.iter().filter(|line| line.starts_with("your answer says")).count();
    assert!((1..=2).contains(&differs), "{differs} times");
}

#[test]
fn where_a_server_panics_for_it_the_answer_is_recorded_first() {
    let all = Substitute::new(Condition::FirstConflict, |question| match question {
        Question::FirstConflict { new, .. } => Ok(Verdict::Place((!new.is_empty()).then_some(0))),
        _ => unreachable!(),
    });
    let late = [
        "cluster 2",
        "timeout n1",
        "settle",
        "run 20ms",
        "lose",
        "propose 7",
        "duplicate from=n1 to=n2",
        "deliver from=n1 to=n2 count=1",
        "deliver from=n2 to=n1",
        "tick n1",
        "deliver from=n1 to=n2 commit=2",
        "deliver from=n1 to=n2",
    ];
    let told = told(all, &late);
    let [.., answer, panicked] = &told[..] else { panic!("{told:?}") };
    assert!(panicked.contains("n2 panicked: what is committed is never removed"), "{panicked}");
    assert_eq!(answer, "your answer says place 0 where Raft says none");
}

#[test]
fn a_run_goes_another_way_with_the_same_answers() {
    let scenario = played(Some(generous()), &TWO_CANDIDATES[..3]);
    let happened = scenario.world().unwrap().recorded();
    let (mut fork, _) = scenario.fork(happened).unwrap();
    fork.command(TWO_CANDIDATES[3]).unwrap();
    assert!(violation(&fork).is_some());
    // A cluster of the fork's own has them, too.
    for command in TWO_CANDIDATES {
        fork.command(command).unwrap();
    }
    assert!(violation(&fork).is_some());
}

#[test]
fn what_is_found_is_made_short_with_the_same_answers() {
    let options =
        SearchOptions { servers: Some(3), substitute: Some(generous()), ..SearchOptions::default() };
    let mut search = Search::new(vec![Round { options, seeds: 0..1_000 }], 0);
    search.advance(u64::MAX);
    let finding = search.examined().finding.clone().unwrap();
    let mut shortening = Shortening::new(&finding);
    shortening.advance(u64::MAX);
    let shortest = &shortening.best().script;
    assert!(shortest.actions.len() <= 5, "{shortest}");
    // No script can name a function: written down, the run is one of Raft, and breaks nothing.
    let text = shortest.to_string();
    let film = Scenario::film(&text.replace("---", "expect no-violation\n---"));
    assert!(film.is_ok(), "{film:?}");
    assert!(shortest.to_scenario("With such answers it does").contains("VIOLATED: "));
}

#[test]
fn where_it_fails_a_server_panics_and_says_why() {
    let told = |condition, answer: Result<Verdict, String>| {
        let substitute = Substitute::new(condition, move |_| answer.clone());
        quietly(|| violation(&played(Some(substitute), &TWO_CANDIDATES))).unwrap()
    };
    let ended = Err("it has ended".to_owned());
    assert_eq!(told(Condition::MayVote, ended), "no server panics: n2 panicked: it has ended");
    let found = told(Condition::MayVote, Ok(Verdict::Place(None)));
    assert!(found.contains("Place(None) is an answer of another kind"), "{found}");
}

#[test]
fn each_condition_has_a_rule_that_rests_on_it() {
    let question = Question::RestartsTimer { granted: true };
    assert_eq!(question.condition().rule(), Rule::ResetTimerOnGrantOnly);
    assert_eq!(question.answer_of_raft(), Verdict::Bool(true));
}

/// A learner's expression: every candidate may have the vote.
const GENEROUS: &str = r#"cluster 2 may-vote="voted_for == none || candidate > 0""#;

#[test]
fn a_script_can_name_an_expression() {
    let commands = [&[GENEROUS], &TWO_CANDIDATES[1..]].concat();
    let scenario = played(None, &commands);
    assert!(violation(&scenario).unwrap().starts_with("one vote per term"));
    let script = scenario.script().unwrap();
    assert_eq!(script.commands().collect::<Vec<_>>(), commands);
    let (again, film) = Scenario::open(&script.to_string()).unwrap();
    assert_eq!((violation(&again), again.script()), (violation(&scenario), Some(script)));
    assert_eq!(film.scenes[0].command.as_deref(), Some(GENEROUS));
    // It goes before the answers that the scenario has otherwise.
    let refuses = Substitute::new(Condition::MayVote, |_| Ok(Verdict::Bool(false)));
    assert!(violation(&played(Some(refuses), &commands)).is_some());
}

#[test]
fn an_expression_that_makes_no_sense_is_refused() {
    let refused = |command: &str| Scenario::default().command(command).unwrap_err();
    assert_eq!(
        refused(r#"cluster 2 may-vote="1 +""#),
        "may-vote, column 4: expected a name, a number or (, and here it ends"
    );
    assert_eq!(
        refused(r#"cluster 2 may-vote="true" fits="true""#),
        "only one condition can have another answer than Raft's"
    );
}
