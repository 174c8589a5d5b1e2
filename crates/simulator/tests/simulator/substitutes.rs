//! A learner's answer in the place of one of Raft's conditions.

use consensus::Rule;
use simulator::hunt::{Round, Search, Shortening};
use simulator::{Condition, Question, Scenario, SearchOptions, Substitute, Verdict, quietly};

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
