//! What the engine answers, asked as the page asks it.

extern crate raft_for_beginners_engine as engine;

use consensus::Rule;
use serde_json::{Value, json};
use simulator::{Scenario, why_in_vain};
use std::fs;
use std::path::Path;

/// The page, which has an engine.
#[derive(Default)]
struct Page(engine::Engine);

impl Page {
    /// The whole response.
    fn told(&mut self, request: &Value) -> Value {
        serde_json::from_str(&self.0.ask(&request.to_string())).unwrap()
    }

    fn ok(&mut self, request: &Value) -> Value {
        let told = self.told(request);
        assert!(told.get("ok").is_some(), "{request}: {told}");
        told["ok"].clone()
    }

    fn refused(&mut self, request: &Value) -> String {
        let told = self.told(request);
        told["refused"].as_str().unwrap_or_else(|| panic!("{request}: {told}")).to_owned()
    }

    fn opened(script: &str) -> (Page, Value) {
        let mut page = Page::default();
        let told = page.ok(&json!({"ask": "open", "script": script}));
        (page, told)
    }
}

fn records(told: &Value) -> &[Value] {
    told["records"].as_array().unwrap()
}

#[test]
fn nonsense_is_refused() {
    let mut page = Page::default();
    for nonsense in [
        "",
        "{",
        "\u{0}",
        "[]",
        "7",
        r#"{"ask":"conquer"}"#,
        r#"{"ask":"run","us":-1}"#,
        r#"{"ask":"run","us":1,"more":2}"#,
    ] {
        let told: Value = serde_json::from_str(&page.0.ask(nonsense)).unwrap();
        assert!(told["refused"].as_str().unwrap().starts_with("this is no request: "), "{nonsense}: {told}");
    }
    assert_eq!(page.refused(&json!({"ask": "run", "us": 1})), "there is no world yet");
}

#[test]
fn spare_servers_are_no_members_yet() {
    let (_, told) = Page::opened("cluster 3 spares=2\n---\n");
    assert_eq!(told["setup"]["servers"], json!([1, 2, 3]));
}

#[test]
fn a_world_goes_on_from_its_script() {
    let (mut page, told) = Page::opened(
        "# Two worlds\n\ncluster 3\nrun 1s\n---\n\n# The one on show.\n\ncluster 5 seed=3\n---\n",
    );
    let setup = &told["setup"];
    assert_eq!(
        (&setup["mode"], &setup["title"], &setup["seed"]),
        (&json!("simulated"), &json!("Two worlds"), &json!(3))
    );
    assert_eq!(setup["servers"], json!([1, 2, 3, 4, 5]));
    assert_eq!(setup["scenes"][0]["prose"], json!(["The one on show."]));
    assert!(records(&told).iter().all(|record| record["t"] == 0), "{told}");
    let before = records(&told).len();

    let told = page.ok(&json!({"ask": "run", "us": 1_000_000}));
    assert_eq!(told["now_us"], 1_000_000);
    assert!(told["next_us"].as_u64().unwrap() > 1_000_000);
    assert!(told.get("setup").is_none());
    let headlines = told["headlines"].as_array().unwrap();
    let won = headlines.iter().find(|headline| headline["is_won"] == true).unwrap();
    let election = &records(&told)[usize::try_from(won["after"].as_u64().unwrap()).unwrap() - before - 1];
    assert_eq!((&election["event"], &election["role"]), (&json!("role"), &json!("leader")));

    let leader = election["node"].as_u64().unwrap();
    let killed = page.ok(&json!({"ask": "do", "command": format!("kill n{leader}")}));
    assert_eq!(records(&killed).last().unwrap()["event"], "died");
    assert_eq!(killed["now_us"], 1_000_000);
    assert!(page.ok(&json!({"ask": "do", "command": "logs"}))["said"].as_str().unwrap().starts_with("index"));
}

#[test]
fn what_can_t_be_done_changes_nothing() {
    let (mut page, _) = Page::opened("cluster 3\n---\n");
    page.ok(&json!({"ask": "run", "us": 500_000}));
    for command in [
        "",
        "conquer n1",
        "kill n9",
        "kill",
        "run forever",
        "kill n1\nkill n2",
        "kill n1\n---\n",
        "# kill",
        "(",
        "cluster 5",
        "(cluster 5)",
        "\u{0}",
        "run 99999999999999999999s",
    ] {
        assert!(!page.refused(&json!({"ask": "do", "command": command})).is_empty(), "{command:?}");
    }
    let told = page.ok(&json!({"ask": "run", "us": 0}));
    assert_eq!((&told["records"], &told["now_us"]), (&json!([]), &json!(500_000)));
}

#[test]
fn scripts_that_can_t_be_opened_leave_the_world_that_there_is() {
    let (mut page, _) = Page::opened("cluster 3\n---\n");
    for script in ["", "run 1s\n---\n", "cluster 0\n---\n", "cluster 3\nkill n9\n---\n", "log n1 2 1\n---\n"]
    {
        assert!(!page.refused(&json!({"ask": "open", "script": script})).is_empty(), "{script:?}");
    }
    assert_eq!(page.ok(&json!({"ask": "run", "us": 7}))["now_us"], 7);
}

#[test]
fn a_run_stops_where_a_promise_breaks_and_goes_on_when_asked() {
    let (mut page, _) = Page::opened("cluster 3 without=majority-wins latency=50ms..100ms\n---\n");
    let told = page.ok(&json!({"ask": "run", "us": 60_000_000}));
    assert!(told["violation"]["promise"].as_str().unwrap().starts_with("election safety"), "{told}");
    let violated = records(&told).iter().find(|record| record["event"] == "violated").unwrap();
    assert_eq!(violated["t"], told["now_us"]);
    let stopped = told["now_us"].as_u64().unwrap();
    assert!(stopped < 60_000_000);
    assert_eq!(page.ok(&json!({"ask": "run", "us": 1_000}))["now_us"], stopped + 1_000);
}

#[test]
fn a_step_is_the_next_single_thing() {
    let (mut page, _) = Page::opened("cluster 3\n---\n");
    let due = page.ok(&json!({"ask": "run", "us": 0}))["next_us"].clone();
    let step = page.ok(&json!({"ask": "step"}));
    assert_eq!(step["now_us"], due);
    assert!(records(&step).iter().all(|record| record["node"] == records(&step)[0]["node"]), "{step}");
}

#[test]
fn a_message_in_flight_is_named_as_commands_name_it() {
    let (mut page, _) = Page::opened("cluster 3\ntimeout n1\n---\n");
    let messages = page.ok(&json!({"ask": "messages"}));
    let [vote, _] = messages.as_array().unwrap().as_slice() else { panic!("two requests: {messages}") };
    assert_eq!((&vote["from"], &vote["to"], &vote["due_us"]), (&json!(1), &json!(2), &json!(1_000)));
    assert!(vote["words"].as_str().unwrap().starts_with("RequestVote"), "{vote}");
    let select = vote["select"].as_str().unwrap();
    page.ok(&json!({"ask": "do", "command": format!("hold {select}")}));
    page.ok(&json!({"ask": "run", "us": 10_000}));
    let held = page.ok(&json!({"ask": "messages"}));
    assert!(
        held.as_array().unwrap().iter().any(|it| it["id"] == vote["id"] && it["due_us"].is_null()),
        "{held}"
    );
}

#[test]
fn a_fork_goes_another_way_from_a_moment_of_the_past() {
    let (mut page, opened) = Page::opened("cluster 3 seed=4\nrun 1s\n---\n");
    let all = records(&opened).to_vec();
    page.ok(&json!({"ask": "do", "command": "kill n1"}));
    for position in [all.len(), all.len() / 2, 7, 1, 0] {
        let fork = page.ok(&json!({"ask": "fork", "position": position}));
        let rest = records(&fork);
        assert_eq!(rest, &all[position..position + rest.len()], "{position}");
        let hash = page.ok(&json!({"ask": "run_hash"}));
        let script = page.ok(&json!({"ask": "script"}));
        let (mut again, told) = Page::opened(script["text"].as_str().unwrap());
        assert_eq!(records(&told), &all[..position + rest.len()], "{script}");
        assert_eq!(again.ok(&json!({"ask": "run_hash"})), hash);
        let known = json!({"ask": "why_not", "server": 2, "what": "leader", "position": position});
        assert_eq!(page.ok(&known), again.ok(&known));
    }
    assert!(page.refused(&json!({"ask": "fork", "position": all.len()})).starts_with("there are only "));
    assert!(page.refused(&json!({"ask": "fork", "position": u64::MAX})).starts_with("there are only "));
    let longer = page.ok(&json!({"ask": "run", "us": 1_000_000}));
    assert!(
        longer["headlines"].as_array().unwrap().iter().any(|headline| headline["is_won"] == true),
        "{longer}"
    );
}

#[test]
fn why_not_has_an_answer_for_each_moment_that_there_was() {
    let (mut page, told) = Page::opened("cluster 3\nkill n2\n---\n");
    let count = records(&told).len();
    let ask = |server, what, position| json!({"ask": "why_not", "server": server, "what": what, "position": position});
    let why = page.ok(&ask(2, "leader", count));
    assert_eq!(why["what"], "n2 has not become leader");
    assert_eq!(why["because"][0]["evidence"], count);
    assert_eq!(page.refused(&ask(2, "leader", count + 1)), format!("there are only {count} records so far"));
    assert_eq!(page.refused(&ask(9, "leader", count)), "there is no server n9");
    assert_eq!(page.refused(&ask(2, "king", count)), "that is not a question about a server");
}

/// build.rs leaves the outcomes of commands out of the scenarios.
#[test]
fn each_scenario_is_played_as_its_file_is() {
    let mut page = Page::default();
    let titles = page.ok(&json!({"ask": "scenarios"}));
    assert!(titles.as_array().unwrap().len() > 100);
    for title in titles.as_array().unwrap() {
        let path = title["path"].as_str().unwrap();
        let film = page.ok(&json!({"ask": "film", "path": path}));
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../scenarios/{path}.txt"));
        let text = fs::read_to_string(file).unwrap();
        let own = page.ok(&json!({"ask": "film", "script": text}));
        assert_eq!((&film["records"], &film["headlines"]), (&own["records"], &own["headlines"]), "{path}");
        assert_eq!(
            (&film["setup"]["scenes"], &film["setup"]["title"]),
            (&own["setup"]["scenes"], &title["title"]),
            "{path}"
        );
        assert_eq!(film["setup"]["scenario"], path);
        let played: usize =
            Scenario::film(&text).unwrap().scenes.iter().map(|scene| scene.records.len()).sum();
        assert_eq!(records(&film).len(), played, "{path}");
    }
    assert_eq!(page.refused(&json!({"ask": "film", "path": "../Cargo"})), "there is no scenario ../Cargo");
    assert!(page.refused(&json!({"ask": "film"})).starts_with("name a scenario"));
    assert_eq!(
        page.refused(&json!({"ask": "film", "script": "kill n1\n---\n"})),
        "line 1, `kill`: there is no cluster yet: begin with `cluster 3`"
    );
}

#[test]
fn spare_servers_do_not_vote_in_a_film() {
    let mut page = Page::default();
    let film = page.ok(&json!({"ask": "film", "path": "membership/a-server-is-added"}));
    assert_eq!(film["setup"]["servers"], json!([1, 2, 3]));
    let several = "cluster 2 spares=1\ntimeout n1\n---\n\ncluster 3\ntimeout n3\n---\n";
    let film = page.ok(&json!({"ask": "film", "script": several}));
    assert_eq!(film["setup"]["servers"], json!([1, 2, 3]));
}

#[test]
fn a_promise_that_breaks_is_told() {
    let (_, told) = Page::opened(include_str!("../../../scenarios/without/one-vote-per-term.txt"));
    assert_eq!(told["setup"]["without"], "one-vote-per-term");
    assert!(told["violation"]["promise"].as_str().unwrap().starts_with("one vote per term"), "{told}");
}

#[test]
fn a_trace_hash_tells_runs_apart() {
    let mut page = Page::default();
    let mut hash = |request: Value| page.ok(&request)["hash"].as_str().unwrap().to_owned();
    let one = hash(json!({"ask": "trace_hash", "seed": 1}));
    assert_eq!(one.len(), 16);
    assert_eq!(one, hash(json!({"ask": "trace_hash", "seed": 1})));
    assert_ne!(one, hash(json!({"ask": "trace_hash", "seed": 2})));
    assert_ne!(one, hash(json!({"ask": "trace_hash", "seed": 1, "without": "majority-wins"})));
}

#[test]
fn a_search_in_slices_finds_what_one_in_one_go_finds_and_makes_it_short() {
    let hunt = |page: &mut Page, from: u64, steps: u64| {
        page.ok(&json!({"ask": "hunt", "without": "majority-wins", "from": from, "steps": steps}))
    };
    let whole = hunt(&mut Page::default(), 0, u64::MAX);
    assert_eq!(whole["is_over"], true);
    let mut page = Page::default();
    let mut sliced = hunt(&mut page, 0, 1);
    while sliced["is_over"] == false {
        // A new instance, as after a trap, goes on as well.
        page = Page::default();
        sliced = hunt(&mut page, sliced["next"].as_u64().unwrap(), 1);
    }
    assert_eq!((&sliced["found"], &sliced["next"]), (&whole["found"], &whole["next"]));

    let mut shrunk = page.ok(&json!({"ask": "shrink", "steps": 1_000}));
    while shrunk["is_done"] == false {
        assert!(
            shrunk["steps"].as_u64().unwrap() > 0 && shrunk["most_steps"].as_u64().unwrap() > 0,
            "{shrunk}"
        );
        shrunk = page.ok(&json!({"ask": "shrink", "steps": 100_000}));
    }
    assert!(shrunk["lines"].as_u64().unwrap() < whole["found"]["lines"].as_u64().unwrap(), "{shrunk}");
    let (_, told) = Page::opened(shrunk["scenario"].as_str().unwrap());
    assert!(told["violation"]["promise"].is_string(), "{told}");
    assert_eq!(told["setup"]["without"], "majority-wins");
}

#[test]
fn a_search_for_nothing_is_refused() {
    let mut page = Page::default();
    assert_eq!(page.refused(&json!({"ask": "shrink", "steps": 1})), "there is no search yet");
    let hunt = json!({"ask": "hunt", "without": "figure-it-out", "from": 0, "steps": 1});
    assert!(page.refused(&hunt).starts_with("this is no request"));
    let vain = Rule::ALL.iter().find(|rule| why_in_vain(**rule).is_some()).unwrap();
    let hunt = json!({"ask": "hunt", "without": vain.id(), "from": 0, "steps": 1});
    assert!(page.refused(&hunt).starts_with("a search finds nothing without"));
    let last = json!({"ask": "hunt", "without": "majority-wins", "from": u64::MAX, "steps": 1});
    assert_eq!(page.ok(&last)["is_over"], true);
    assert_eq!(
        page.refused(&json!({"ask": "shrink", "steps": 1})),
        "nothing was found yet that could be made shorter"
    );
}

/// A card of the course whose world ends with time that passes.
const TASK: &str = "05-two-leaders/make-two-leaders";
const WORLD: &str = "cluster 3\ntimeout n1\nsettle\nrun 20ms\n---\n";

fn held(judged: &Value) -> Vec<bool> {
    judged["checks"].as_array().unwrap().iter().map(|check| check["holds"].as_bool().unwrap()).collect()
}

#[test]
fn the_course_comes_with_its_answers_mixed_in_the_same_way_each_time() {
    let mut page = Page::default();
    let course = page.ok(&json!({"ask": "course", "seed": 7}));
    assert_eq!(course["chapters"].as_array().unwrap().len(), 12);
    assert_eq!((&course["before"]["name"], &course["after"]["name"]), (&json!("before"), &json!("after")));
    assert_eq!(course, page.ok(&json!({"ask": "course", "seed": 7})));
    assert_ne!(course["mixed"], page.ok(&json!({"ask": "course", "seed": 8}))["mixed"]);
    assert_eq!(course["mixed"]["05-two-leaders/who-leads"], json!(["n1", "n2", "n3"]));
}

#[test]
fn a_response_is_marked() {
    let mut page = Page::default();
    let mark =
        |card: &str, chosen: &[&str]| json!({"ask": "mark", "card": card, "response": {"chosen": chosen}});
    let right = page.ok(&mark("05-two-leaders/who-leads", &["n2", "n1"]));
    assert_eq!((&right["share"], &right["mistakes"]), (&json!(1.0), &json!([])));
    let wrong = page.ok(&mark("05-two-leaders/who-leads", &["n1", "n3"]));
    assert_eq!(wrong["mistakes"][0]["answer"]["text"], "n3");
    assert_eq!(wrong["mistakes"][1]["was_chosen"], false);
    assert_eq!(page.refused(&mark("05-two-leaders/who-leads", &["n7"])), "\"n7\" is none of the answers");
    assert_eq!(page.refused(&mark(TASK, &["n1"])), format!("{TASK} is a task, not a question"));
    assert_eq!(
        page.refused(&mark("05-two-leaders/no-such", &["n1"])),
        "the course has no card 05-two-leaders/no-such"
    );
}

#[test]
fn a_task_is_judged_by_what_was_done_after_its_world() {
    let (mut page, _) = Page::opened(WORLD);
    let judge = json!({"ask": "judge", "card": TASK});
    let told = page.ok(&judge);
    assert_eq!((&told["commands"], held(&told)), (&json!([]), vec![false, false, false, true]));

    // Time that passes joins the last `run` of the world.
    page.ok(&json!({"ask": "run", "us": 5_000}));
    assert_eq!(page.ok(&judge)["commands"], json!(["run 5ms"]));
    for command in ["partition n1", "timeout n2", "settle"] {
        page.ok(&json!({"ask": "do", "command": command}));
    }
    assert_eq!(held(&page.ok(&judge)), [true, false, false, true]);
    for command in ["put c1 x 1 at=n1", "put c2 x 2 at=n2", "run 100ms"] {
        page.ok(&json!({"ask": "do", "command": command}));
    }
    assert_eq!(held(&page.ok(&judge)), [true; 4]);
    let question = json!({"ask": "judge", "card": "05-two-leaders/who-leads"});
    assert_eq!(page.refused(&question), "05-two-leaders/who-leads is a question, not a task");
}

#[test]
fn a_task_is_judged_in_its_own_world_only() {
    let (mut page, _) = Page::opened("cluster 5\ntimeout n1\n---\n");
    let judge = json!({"ask": "judge", "card": TASK});
    assert_eq!(page.told(&judge)["help"], "start the task again");
    page.ok(&json!({"ask": "open", "script": WORLD}));
    page.ok(&json!({"ask": "fork", "position": 4}));
    assert_eq!(page.refused(&judge), "this is no longer the cluster of the task");
    // Where the learner starts the cluster, that counts, too.
    page.ok(
        &json!({"ask": "open", "script": "cluster 3 latency=200ms election-timeout=2s..4s\nrun 20s\n---\n"}),
    );
    let told = page.ok(&json!({"ask": "judge", "card": "04-timers/a-cluster-around-the-world"}));
    assert_eq!(told["commands"], json!(["cluster 3 election-timeout=2s..4s latency=200ms", "run 20s"]));
    assert_eq!(held(&told), [true; 3]);
}

#[test]
fn each_task_is_done_by_its_solution() {
    let mut page = Page::default();
    for chapter in course::chapters() {
        for card in &chapter.cards {
            let course::Challenge::Task(task) = &card.challenge else { continue };
            let script = course::Attempt { world: &task.world, commands: &task.solution }.script();
            page.ok(&json!({"ask": "open", "script": script}));
            let place = chapter.place_of(card);
            let told = page.ok(&json!({"ask": "judge", "card": place}));
            assert!(held(&told).into_iter().all(|holds| holds), "{place}: {told}");
        }
    }
}

#[test]
fn results_are_graded_or_refused_with_the_reason() {
    let mut page = Page::default();
    let results =
        |cards: Value| json!({"form": "raft-course-results-1", "learner": "", "seed": 1, "cards": cards});
    let card = |chosen: &[&str]| json!({"first": {"chosen": chosen}, "tries": 1, "seconds": 9, "is_done": true, "commands": []});
    let graded = page.ok(&json!({"ask": "grade", "results": results(json!({}))}));
    assert_eq!(graded, json!({"shares": {}, "before": null, "after": null}));
    let cards = json!({"before/legal-logs": card(&["1 1 2 4", "1 2 1"])});
    let graded = page.ok(&json!({"ask": "grade", "results": results(cards)}));
    assert_eq!((&graded["shares"]["before/legal-logs"], &graded["before"]), (&json!(0.5), &json!(2.0)));
    let other = json!({"ask": "grade", "results": {"form": "another"}});
    assert!(page.refused(&other).starts_with("this is no request: unknown variant `another`"));
}

#[test]
fn logs_have_an_origin_or_a_reason_why_they_have_none() {
    let mut page = Page::default();
    let logs = json!(["1 1 3", "1 2", ""]);
    let mut origin = json!({"is": "open"});
    let mut slices = 0;
    while origin["is"] == "open" {
        origin = page.ok(&json!({"ask": "origin", "logs": logs, "moments": 1}));
        slices += 1;
    }
    assert!(slices > 1 && origin["is"] == "run", "{slices}: {origin}");
    assert_eq!(origin["story"].as_array().unwrap().len(), 3);
    let (mut opened, _) = Page::opened(origin["scenario"].as_str().unwrap());
    let table = opened.ok(&json!({"ask": "do", "command": "logs"}))["said"].clone();
    assert!(table.as_str().unwrap().contains("n1      1   1   3\nn2      1   2\nn3\n"), "{table}");

    let none = page.ok(&json!({"ask": "origin", "logs": ["1 1", "1 1", "2"], "moments": 1}));
    assert!(
        none["is"] == "impossible" && none["why"].as_str().unwrap().contains("elected in term 2"),
        "{none}"
    );
    let more = json!({"ask": "origin", "logs": ["1 1", "2"], "servers": 3, "moments": 1_000_000});
    assert_eq!(page.ok(&more)["is"], "run");
    let nonsense = json!({"ask": "origin", "logs": ["one"], "moments": 1});
    assert!(page.refused(&nonsense).starts_with("\"one\" is no term"));
    assert!(
        page.refused(&json!({"ask": "origin", "logs": [], "moments": 1})).starts_with("give 1 to 9 logs")
    );
}

#[test]
fn a_claim_is_refuted_or_the_reason_is_told() {
    let mut page = Page::default();
    let claim = |index| json!({"ask": "claim", "logs": ["1 2 4", "1 2", "1 2", "1", "1 3"], "index": index});
    let lost = page.ok(&claim(2));
    assert_eq!(
        (&lost["can_be_lost"], &lost["term"], &lost["holders"]),
        (&json!(true), &json!(2), &json!([1, 2, 3]))
    );
    let (_, told) = Page::opened(lost["run"]["scenario"].as_str().unwrap());
    assert_eq!(told["setup"]["title"], "Entry 2 of term 2 is lost");
    assert_eq!(told["setup"]["scenes"][0]["prose"], json!([lost["why"]]));
    let safe = page.ok(&claim(1));
    assert_eq!((&safe["can_be_lost"], &safe["run"]), (&json!(false), &Value::Null));
    assert_eq!(page.refused(&claim(9)), "no log has an entry 9");
    let of_term =
        |term| json!({"ask": "claim", "logs": ["1 2 4", "1 2", "1 2", "1", "1 3"], "index": 2, "term": term});
    let few = page.ok(&of_term(3));
    assert_eq!((&few["can_be_lost"], &few["term"], &few["holders"]), (&json!(true), &json!(3), &json!([5])));
    assert_eq!(page.refused(&of_term(4)), "no log has an entry 2 of term 4");
}

/// Grades an answer in slices, as the page does.
fn graded(page: &mut Page, blank: &str, expression: &str) -> Value {
    loop {
        let answer =
            json!({"ask": "answer", "blank": blank, "expression": expression, "runs": 40, "steps": 20_000});
        let told = page.ok(&answer);
        if told["is_over"] != false {
            return told;
        }
    }
}

fn points(graded: &Value) -> u64 {
    graded["points"].as_u64().unwrap_or_else(|| panic!("{graded}"))
}

/// What went wrong, check by check.
fn faults(graded: &Value) -> Vec<&Value> {
    graded["outcomes"].as_array().unwrap().iter().map(|it| &it["fault"]).filter(|it| !it.is_null()).collect()
}

#[test]
fn all_exercises_are_told() {
    let mut page = Page::default();
    let practice = page.ok(&json!({"ask": "practice"}));
    let blanks = practice["blanks"].as_array().unwrap();
    assert_eq!(blanks.len(), 8);
    for blank in blanks {
        let checks = blank["checks"].as_array().unwrap().iter();
        assert_eq!(checks.map(|check| check["points"].as_u64().unwrap()).sum::<u64>(), 8, "{blank}");
    }
    let challenges = practice["challenges"].as_array().unwrap();
    assert!(challenges.len() > 40, "{}", challenges.len());
    for challenge in challenges {
        let (_, told) = Page::opened(challenge["script"].as_str().unwrap());
        assert_eq!(told["setup"]["without"], challenge["rule"]);
        assert!(told["violation"].is_null() && challenge["par"].as_u64() > Some(0), "{challenge}");
    }
    for puzzle in practice["puzzles"].as_array().unwrap() {
        assert!(
            0 < puzzle["par"].as_u64().unwrap() && puzzle["par"].as_u64() < puzzle["most"].as_u64(),
            "{puzzle}"
        );
    }
}

#[test]
fn an_expression_is_graded_in_slices() {
    let mut page = Page::default();
    let right = graded(&mut page, "may-commit", "entry == current");
    assert_eq!((points(&right), faults(&right).len(), &right["runs"]), (10, 0, &json!(40)), "{right}");
    let first = json!({"ask": "answer", "blank": "may-commit", "expression": "true", "runs": 40, "steps": 1});
    assert_eq!(page.ok(&first)["outcomes"].as_array().unwrap().len(), 1);
    let wrong = graded(&mut page, "may-commit", "true");
    assert_eq!(points(&wrong), 4, "{wrong}");
    let told = page.ok(&json!({"ask": "answer", "blank": "may-commit", "expression": "entry = current", "runs": 1, "steps": 1}));
    assert_eq!(told, json!({"is": "mistake", "column": 7, "what": "to compare, write =="}));
    let unknown = json!({"ask": "answer", "blank": "may-sing", "expression": "true", "runs": 1, "steps": 1});
    assert!(page.refused(&unknown).starts_with("there is no exercise \"may-sing\": choose one of "));
}

#[test]
fn a_run_with_a_learners_answer_goes_on_in_the_lab() {
    let wrong = graded(&mut Page::default(), "up-to-date", "candidate.index   >= own.index");
    let script = faults(&wrong)[0]["script"].as_str().unwrap();
    assert!(script.contains(r#" up-to-date="candidate.index >= own.index""#), "{script}");
    let (mut page, told) = Page::opened(script);
    assert!(told["violation"]["promise"].as_str().unwrap().starts_with("leader completeness"), "{told}");
    assert_eq!(page.ok(&json!({"ask": "script"}))["text"], script);
    // It can be continued from its past, with the same answer.
    let back = page.ok(&json!({"ask": "fork", "position": records(&told).len() / 2}));
    assert!(back["violation"].is_null(), "{back}");
    assert!(page.ok(&json!({"ask": "script"}))["text"].as_str().unwrap().contains("up-to-date="));
    let film = page.ok(&json!({"ask": "film", "script": script}));
    assert_eq!(film["records"].as_array().unwrap().len(), records(&told).len());
}

/// An expression can fail, or say what no server can do: it is wrong then, and nothing else happens.
#[test]
fn an_answer_that_fails_is_a_wrong_answer() {
    let huge = u64::MAX;
    for (blank, expression) in [
        ("may-vote", "candidate / (candidate - candidate) == 1".to_owned()),
        ("restarts-timer", "1 - 2 == 0 || granted".to_owned()),
        ("up-to-date", "candidate.index - own.index + candidate.term - own.term == 0".to_owned()),
        ("fits", "true".to_owned()),
        ("fits", "own == none".to_owned()),
        ("first-conflict", "true".to_owned()),
        ("first-conflict", "own == new".to_owned()),
        ("first-conflict", "own == none || new / 0 == 1".to_owned()),
        ("commit-of-follower", "0 - last".to_owned()),
        ("commit-of-follower", format!("{huge} * {huge} + last")),
        ("reached-by-majority", "voters / (count - count) > 1".to_owned()),
        ("reached-by-majority", format!("count * {huge} >= {huge}")),
        ("may-commit", "entry - current == 0".to_owned()),
    ] {
        let wrong = graded(&mut Page::default(), blank, &expression);
        assert!(points(&wrong) < 10, "{blank}, {expression}: {wrong}");
        for fault in faults(&wrong) {
            let (_, told) = Page::opened(fault["script"].as_str().unwrap());
            let what = fault["what_happened"].as_str().unwrap();
            if what.contains("panicked") {
                assert_eq!(told["violation"]["promise"], "no server panics", "{blank}, {expression}: {what}");
            }
        }
    }
}

#[test]
fn the_same_seed_draws_the_same_mysteries() {
    let mut page = Page::default();
    let mut mysteries = |seed: u32, number: usize| {
        let told = page.ok(&json!({"ask": "mysteries", "seed": seed, "number": number}));
        told.as_array().unwrap().clone()
    };
    let three = mysteries(3, 3);
    assert_eq!(three, mysteries(3, 5)[..3]);
    assert_ne!(three, mysteries(4, 3));
    for mystery in &three {
        let choices = mystery["choices"].as_array().unwrap();
        assert!(choices.len() == 4 && choices.contains(&mystery["rule"]), "{mystery}");
    }
    assert_eq!(mysteries(3, usize::MAX).len(), 100);
}

#[test]
fn commands_that_break_a_promise_are_marked() {
    let rule = "one-vote-per-term";
    let (mut page, _) = Page::opened("cluster 2 without=one-vote-per-term\n---\n");
    let marked = |page: &mut Page| page.ok(&json!({"ask": "broken", "rule": rule}));
    let nothing = json!({"commands": 0, "points": 0, "broken": null, "broken_with_rule": null});
    assert_eq!(marked(&mut page), nothing);
    for command in ["timeout n2", "timeout n1", "deliver from=n1 to=n2"] {
        page.ok(&json!({"ask": "do", "command": command}));
    }
    let broken = marked(&mut page);
    assert_eq!((&broken["commands"], &broken["points"]), (&json!(3), &json!(10)), "{broken}");
    assert!(broken["broken"].as_str().unwrap().starts_with("one vote per term"));

    let (mut page, _) = Page::opened("cluster 2 without=one-vote-per-term\nrule one-vote-per-term on\n---\n");
    assert!(page.refused(&json!({"ask": "broken", "rule": rule})).contains("leave the rules alone"));
    let refused = page.refused(&json!({"ask": "broken", "rule": "only-mismatch-backs-up"}));
    assert_eq!(refused, "only-mismatch-backs-up is no exercise");
}

/// Each puzzle, in the lab that the page opens for it.
#[test]
fn commands_that_save_a_cluster_are_marked() {
    let practice = Page::default().ok(&json!({"ask": "practice"}));
    let lines = |task: &Value, part: &str| {
        let lines = task[part].as_array().unwrap().iter();
        lines.map(|line| line.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let puzzles = practice["puzzles"].as_array().unwrap();
    assert_eq!(puzzles.len(), 6);
    for puzzle in puzzles {
        let (par, name) = (puzzle["par"].as_u64(), puzzle["card"]["id"].as_str().unwrap());
        let task = &puzzle["card"]["challenge"]["task"];
        let (mut page, _) = Page::opened(&(lines(task, "world").join("\n") + "\n---\n"));
        let marked = |page: &mut Page| page.ok(&json!({"ask": "saved", "puzzle": name}));
        let nothing = marked(&mut page);
        assert_eq!((&nothing["points"], &nothing["commands"]), (&json!(0), &json!([])), "{name}: {nothing}");
        for command in lines(task, "solution") {
            page.ok(&json!({"ask": "do", "command": command}));
        }
        let saved = marked(&mut page);
        assert!(saved["checks"].as_array().unwrap().iter().all(|check| check["holds"] == true), "{saved}");
        let commands = saved["commands"].as_array().unwrap().len() as u64;
        assert_eq!((saved["points"].as_u64(), Some(commands)), (Some(10), par), "{saved}");
    }
    let (mut page, _) = Page::opened("cluster 3\n---\n");
    assert_eq!(page.refused(&json!({"ask": "saved", "puzzle": "nobody"})), "there is no puzzle nobody");
    let another = page.refused(&json!({"ask": "saved", "puzzle": "two-halves"}));
    assert!(another.starts_with("this is no longer the cluster of the task"), "{another}");
}

#[test]
fn commands_are_explained() {
    let mut page = Page::default();
    let all = page.ok(&json!({"ask": "explain"})).to_string();
    assert!(all.contains("run-until-led") && all.contains("Servers and disks"), "{all}");
    let put = page.ok(&json!({"ask": "explain", "command": "put"})).to_string();
    assert!(put.contains("put c1 x 7"), "{put}");
    assert_eq!(page.ok(&json!({"ask": "explain", "command": "sing"})), json!({"rows": []}));
}
