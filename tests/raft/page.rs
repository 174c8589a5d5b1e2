//! The page's server: whom it serves, what it sends, and what is done through it to real servers.

use crate::common::page::{Page, Told};
use crate::common::{Up, lines_of, raft};
use consensus::NodeId;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use trace::{Condition, Event, Laboratory, Record};

/// A command that serves a page. Dropping it leaves no process.
struct Serving(Child);

impl Serving {
    fn start(command: &mut Command) -> (Serving, Page) {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = lines_of(child.stderr.take().unwrap());
        let serving = Serving(child);
        let page = Page::announced_in(&said);
        (serving, page)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn scenario() -> String {
    format!("{}/scenarios/elections/first-election.txt", env!("CARGO_MANIFEST_DIR"))
}

fn laboratory(record: &Record) -> Option<&Laboratory> {
    match &record.event {
        Event::Laboratory(laboratory) => Some(laboratory),
        _ => None,
    }
}

/// Does something through the page, which must succeed, and returns the response.
fn done(page: &Page, action: &str) -> String {
    let answer = page.act(action);
    assert_eq!(answer.status, 200, "{action}: {}", answer.body);
    answer.json()["ok"].as_str().unwrap().to_owned()
}

#[test]
fn strangers_are_refused_and_told_what_to_do() {
    let mut up = Up::start(&[], 3);
    let page = up.page();
    let leader = up.wait_for_leader();
    let host = ("host", page.address.as_str());
    let token = ("x-raft-token", page.token.as_str());
    let kill = format!(r#"{{"action":"kill","node":{}}}"#, leader.0);
    let refused = |request: &str, headers: &[(&str, &str)]| {
        let json = [headers, &[("content-type", "application/json")]].concat();
        let answer = page.ask(request, &json, &kill);
        assert_eq!(answer.status, 403, "{request} {headers:?}: {}", answer.body);
        assert!(answer.json()["error"].is_string(), "{}", answer.body);
        assert!(answer.json()["help"].as_str().unwrap().contains("raft up"), "{}", answer.body);
    };
    for request in [
        "GET /api/setup",
        "GET /api/records",
        "GET /api/story",
        "GET /api/headlines",
        "GET /api/events",
        "GET /api/trace",
        "GET /api/scenarios",
        "GET /api/why-not?server=1&what=leader",
        "POST /api/action",
        "GET /api/nothing",
    ] {
        refused(request, &[host]);
        refused(request, &[host, ("x-raft-token", "0123456789abcdef0123456789abcdef")]);
        refused(request, &[host, ("x-raft-token", "")]);
        // Another page in the same browser, and one whose name points at this machine's address.
        refused(request, &[host, token, ("origin", "http://evil.example")]);
        refused(request, &[host, token, ("origin", "null")]);
        refused(request, &[("host", "evil.example"), token]);
        refused(request, &[("host", "127.0.0.1:1"), token]);
        refused(request, &[token]);
        refused(request, &[host, token, ("sec-fetch-site", "cross-site")]);
        refused(request, &[host, token, ("sec-fetch-site", "same-site")]);
    }
    // What a page can send without asking first.
    assert_eq!(page.ask("POST /api/action", &[host, token], &kill).status, 415);
    let plain = [host, token, ("content-type", "text/plain")];
    assert_eq!(page.ask("POST /api/action", &plain, &kill).status, 415);
    refused("GET /", &[("host", "evil.example")]);
    refused("GET /", &[host, ("sec-fetch-site", "cross-site")]);
    // The address may be a link on some page, which the user leaves by following it.
    let visit = [
        host,
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    assert_eq!(page.ask("GET /", &visit, "").status, 200);

    assert_eq!(page.get("/api/setup").status, 200);
    let localhost = page.address.replace("127.0.0.1", "localhost");
    assert_eq!(page.ask("GET /api/setup", &[("host", &localhost), token], "").status, 200);
    assert_eq!(page.get("/api/nothing").status, 404);
    // Nothing that was refused was done.
    assert_eq!(done(&page, r#"{"action":"get","key":"x"}"#), "there is no key x");
    up.wait_until("the answer", |up| {
        up.records.iter().any(|record| matches!(laboratory(record), Some(Laboratory::ClientHears { .. })))
    });
    assert_eq!(up.view.server(leader).unwrap().condition, Condition::Running);
}

#[test]
fn who_says_nothing_can_t_take_all_places_for_ever() {
    let up = Up::start(&[], 1);
    let page = up.page();
    let call = || {
        let stream = std::net::TcpStream::connect(&page.address).unwrap();
        stream.set_read_timeout(Some(crate::common::TIMEOUT)).unwrap();
        stream
    };
    let silent: Vec<std::net::TcpStream> = (0..64).map(|_| call()).collect();
    // There is no place for one more, which is told by closing the connection.
    assert_eq!(call().peek(&mut [0]).unwrap(), 0);
    drop(silent);
    crate::common::await_some("a place", || {
        let mut stream = call();
        let request = format!("GET / HTTP/1.0\r\nhost: {}\r\n\r\n", page.address);
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.starts_with("HTTP/1.0 200").then_some(())
    });
}

#[test]
fn the_page_comes_with_headers_that_let_it_ask_nobody_else() {
    let up = Up::start(&[], 1);
    let page = up.page();
    let answer = page.ask("GET /", &[("host", &page.address)], "");
    assert_eq!(answer.status, 200);
    assert!(
        answer.head.contains("default-src 'none'") && answer.head.contains("no-referrer"),
        "{}",
        answer.head
    );
    assert!(answer.body.contains("raft-embedded") && !answer.body.contains(&page.token));
}

/// It is no secret, so it needs no token, as the page itself needs none.
#[test]
fn the_engine_is_served_to_this_page_which_may_run_it() {
    let up = Up::start(&[], 1);
    let page = up.page();
    let (head, engine) = page.engine();
    assert!(head.starts_with("HTTP/1.0 200 OK"), "{head}");
    assert!(head.contains("content-type: application/gzip\r\n"), "{head}");
    assert!(!head.contains("content-encoding"), "the page unpacks it itself: {head}");
    assert!(head.contains("'wasm-unsafe-eval'; worker-src blob:"), "{head}");
    assert_eq!(engine, include_bytes!("../../crates/web/page/dist/engine.wasm.gz"));
    assert_eq!(page.ask("GET /engine.wasm.gz", &[("host", "evil.example")], "").status, 403);
}

#[test]
fn events_go_on_where_a_reader_left_off() {
    let mut up = Up::start(&[], 3);
    let page = up.page();
    up.wait_for_leader();
    let is_record = |told: &Told| told.name.is_empty();
    let first: Vec<Told> = page.events(None).filter(is_record).take(30).collect();
    let ids: Vec<u64> = first.iter().map(|told| told.id.unwrap()).collect();
    assert_eq!(ids, (1..=30).collect::<Vec<u64>>());
    for last in [1, 17, 30] {
        let rest: Vec<Told> = page.events(Some(last)).filter(is_record).take(5).collect();
        assert_eq!(rest[0].id, Some(last + 1), "{rest:?}");
        assert!(last == 30 || rest == first[last as usize..][..5], "{rest:?}");
    }
    // The reader of the lines got exactly the same.
    up.wait_until("as many records", |up| up.records.len() >= 30);
    let told: Vec<Record> = first.iter().map(|told| Record::from_json(&told.data).unwrap()).collect();
    assert_eq!(told, up.records[..30]);
    let trace = page.get("/api/trace").body;
    let lines: Vec<&str> = trace.lines().take(30).collect();
    assert_eq!(lines, first.iter().map(|told| told.data.as_str()).collect::<Vec<_>>());
}

#[test]
fn what_is_done_on_the_page_happens_to_the_servers_and_is_told() {
    let mut up = Up::start(&[], 3);
    let page = up.page();
    let leader = up.wait_for_leader();
    let follower = NodeId(leader.0 % 3 + 1);
    let node = follower.0;

    assert!(done(&page, r#"{"action":"put","key":"x","value":"3"}"#).starts_with("written"));
    assert_eq!(done(&page, r#"{"action":"get","key":"x"}"#), "x is 3");
    assert_eq!(done(&page, r#"{"action":"delete","key":"x"}"#), "deleted");
    assert_eq!(done(&page, r#"{"action":"get","key":"x"}"#), "there is no key x");
    let is_condition = |condition| move |up: &Up| up.view.server(follower).unwrap().condition == condition;
    for (action, condition) in [
        ("pause", Condition::Paused),
        ("resume", Condition::Running),
        ("kill", Condition::Dead),
        ("restart", Condition::Running),
    ] {
        done(&page, &format!(r#"{{"action":"{action}","node":{node}}}"#));
        up.wait_until(action, is_condition(condition));
    }
    for (action, told) in [
        (r#"{"action":"set_speed","multiple":0.5}"#, Laboratory::Speed { millionths: 500_000 }),
        (r#"{"action":"set_speed","multiple":1}"#, Laboratory::Speed { millionths: 1_000_000 }),
        (r#"{"action":"heal"}"#, Laboratory::LinksHealed),
    ] {
        done(&page, action);
        up.wait_until(action, |up| up.records.iter().any(|record| laboratory(record) == Some(&told)));
    }
    for action in ["cut", "mend"] {
        done(&page, &format!(r#"{{"action":"{action}","links":{{"of":{node}}}}}"#));
    }
    done(&page, r#"{"action":"delay","links":"all","delay_us":2000}"#);
    done(&page, r#"{"action":"lose","links":{"both_ways":[1,2]},"percent":5}"#);
    done(&page, r#"{"action":"align_timers"}"#);
    done(&page, &format!(r#"{{"action":"force_timeout","node":{node}}}"#));
    up.wait_until("a leader that can be killed", |up| up.view.leader().is_some());
    up.wait_until("the loss", |up| {
        up.records.iter().any(|record| matches!(laboratory(record), Some(Laboratory::LinksLossy { .. })))
    });
    let told: Vec<&str> = up.records.iter().filter_map(laboratory).filter_map(name).collect();
    assert_eq!(told, ["cut", "mended", "delayed", "lossy"]);
    let said: Vec<String> = up.records.iter().filter_map(laboratory).filter_map(words_of_client).collect();
    assert_eq!(said[..2], ["put x = 3", "written, version 2"]);
    assert_eq!(said[2..], ["get x", "x is 3", "delete x", "deleted", "get x", "there is no key x"]);
}

#[test]
fn headlines_are_told_as_they_come_about() {
    let mut up = Up::start(&[], 3);
    let page = up.page();
    up.wait_for_leader();
    let mut records = 0;
    let mut headlines = Vec::new();
    for told in page.events(None) {
        match told.name.as_str() {
            "" => records = told.id.unwrap(),
            "headline" => headlines.push(serde_json::from_str::<serde_json::Value>(&told.data).unwrap()),
            _ => {}
        }
        // A reader that has seen a record has seen the headlines after it.
        assert!(headlines.last().is_none_or(|headline| headline["after"].as_u64().unwrap() <= records + 1));
        if headlines.last().is_some_and(|headline| headline["is_won"] == true) {
            break;
        }
    }
    let won = headlines.last().unwrap();
    let text = won["text"].as_str().unwrap();
    assert!(text.starts_with("n1, n2 and n3 started. ") && text.contains(" and leads term "), "{text}");
    assert_eq!((&won["episode"], &won["first"]), (&headlines[0]["episode"], &headlines[0]["first"]));
    let asked = page.get(&format!("/api/headlines?up_to={}", won["after"])).json();
    assert_eq!(asked, serde_json::Value::Array(headlines.clone()));
    let before = page.get(&format!("/api/headlines?up_to={}", won["after"].as_u64().unwrap() - 1)).json();
    assert_eq!(before.as_array().unwrap()[..], headlines[..headlines.len() - 1]);
    assert_eq!(page.get("/api/headlines?up_to=x").status, 400);
}

#[test]
fn slow_motion_slows_down_what_is_done_and_says_so() {
    let mut up = Up::start(&[], 3);
    let page = up.page();
    let leader = up.wait_for_leader();
    let mut states = page.events(None).filter(|told| told.name == "slow_motion").map(|told| told.data);
    let state = |is_wanted: bool, is_on: bool| format!(r#"{{"is_wanted":{is_wanted},"is_on":{is_on}}}"#);
    assert_eq!(states.next(), Some(state(false, false)), "programs want none");
    let want = |is_wanted: bool| format!(r#"{{"action":"slow_motion","is_wanted":{is_wanted}}}"#);
    assert_eq!(done(&page, &want(true)), "slow motion is on: what you do is slowed down");
    assert_eq!(states.next(), Some(state(true, false)));
    done(&page, &format!(r#"{{"action":"kill","node":{}}}"#, leader.0));
    assert_eq!(states.next(), Some(state(true, true)));
    // The clocks are slowed down first.
    up.wait_until("the kill", |up| up.view.server(leader).unwrap().condition == Condition::Dead);
    let place = |is: fn(&Laboratory) -> bool| {
        up.records.iter().position(|record| laboratory(record).is_some_and(is)).unwrap()
    };
    let slowed = place(|laboratory| *laboratory == Laboratory::Speed { millionths: 50_000 });
    assert!(slowed < place(|laboratory| matches!(laboratory, Laboratory::Died { .. })));
    // After the new leader has been watched, they run at their usual speed again.
    assert_eq!(states.next(), Some(state(true, false)));
    up.wait_until("another leader", |up| up.view.leader().is_some_and(|other| other != leader));
    let last =
        up.records.iter().filter_map(laboratory).rfind(|done| matches!(done, Laboratory::Speed { .. }));
    assert!(last.is_some());
    assert_eq!(done(&page, &want(false)), "slow motion is off");
    assert_eq!(states.next(), Some(state(false, false)));
}

fn name(laboratory: &Laboratory) -> Option<&'static str> {
    match laboratory {
        Laboratory::LinksCut { .. } => Some("cut"),
        Laboratory::LinksMended { .. } => Some("mended"),
        Laboratory::LinksDelayed { .. } => Some("delayed"),
        Laboratory::LinksLossy { .. } => Some("lossy"),
        _ => None,
    }
}

fn words_of_client(laboratory: &Laboratory) -> Option<String> {
    match laboratory {
        Laboratory::ClientAsks { what, .. } => Some(what.clone()),
        Laboratory::ClientHears { answer, .. } => Some(answer.clone()),
        _ => None,
    }
}

#[test]
fn what_can_not_be_done_is_answered_with_the_reason() {
    let mut up = Up::start(&[], 3);
    let page = up.page();
    up.wait_for_leader();
    done(&page, r#"{"action":"kill","node":1}"#);
    for (action, status, why) in [
        (r#"{"action":"kill","node":1}"#, 409, "n1 is not running"),
        (r#"{"action":"pause","node":9}"#, 409, "n9 is not running"),
        (r#"{"action":"cut","links":{"of":9}}"#, 409, "n9 is not a server of this cluster"),
        (r#"{"action":"cut","links":{"between":[1,2,3]}}"#, 409, "no such link"),
        (r#"{"action":"lose","links":"all","percent":101}"#, 409, "choose 0 to 100"),
        (r#"{"action":"set_speed","multiple":0}"#, 409, "a speed is a number"),
        (r#"{"action":"explode"}"#, 400, "unknown variant `explode`"),
        (r#"{"action":"kill","node":"1"}"#, 400, "this is not a valid action"),
        ("", 400, "this is not a valid action"),
    ] {
        let answer = page.act(action);
        assert_eq!(answer.status, status, "{action}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(why), "{action}: {}", answer.body);
        assert!(!answer.json()["help"].as_str().unwrap().is_empty());
    }
    let [host, token] = [("host", page.address.as_str()), ("x-raft-token", page.token.as_str())];
    for (answer, status) in [
        (page.act(&" ".repeat(100_000)), 413),
        (page.ask("GET /api/action", &[host, token], ""), 405),
        (page.ask("POST /", &[host, token, ("content-type", "application/json")], ""), 405),
        (page.get("/api/events?after=last"), 400),
        (page.get("/api/why-not"), 400),
        (page.get("/api/why-not?server=n1&what=leader"), 400),
        (page.get("/api/why-not?server=1&what=sleep"), 400),
        (page.get("/api/why-not?server=9&what=leader"), 404),
        (page.get("/api/why-not?server=1&what=leader&scenario=no/such"), 404),
    ] {
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(answer.json()["help"].is_string(), "{}", answer.body);
    }
    done(&page, r#"{"action":"kill","node":2}"#);
    done(&page, r#"{"action":"kill","node":3}"#);
    let answer = page.act(r#"{"action":"put","key":"x","value":"1"}"#);
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("there is no leader to ask"), "{}", answer.body);
}

#[test]
fn a_replay_is_told_to_its_end_and_has_no_hands() {
    let (serving, page) = Serving::start(raft().args(["replay", "--web", &scenario()]));
    let setup = page.get("/api/setup").json();
    assert_eq!((&setup["mode"], &setup["title"]), (&"replay".into(), &"The first election (§5.2)".into()));
    assert_eq!(setup["scenes"][0]["command"], "cluster 3");
    assert!(setup["scenes"][0]["prose"][0].is_string(), "{setup}");
    let all: Vec<Told> = page.events(None).collect();
    let (end, told) = all.split_last().unwrap();
    assert_eq!(end.name, "end");
    let (records, headlines): (Vec<&Told>, Vec<&Told>) = told.iter().partition(|told| told.name.is_empty());
    assert!(headlines.iter().all(|told| told.name == "headline"));
    assert!(headlines.last().unwrap().data.contains("got 2 of 3 votes and leads term 1."), "{headlines:?}");
    assert_eq!(end.data, format!("{{\"last\":{}}}", records.len()));
    let json = raft().args(["replay", "--json", &scenario()]).output().unwrap();
    let lines = String::from_utf8(json.stdout).unwrap();
    assert_eq!(
        records.iter().map(|told| told.data.as_str()).collect::<Vec<_>>(),
        lines.lines().collect::<Vec<_>>()
    );
    let story = page.get("/api/story").json();
    for part in story.as_array().unwrap() {
        for (number, told) in
            part["numbers"].as_array().unwrap().iter().zip(part["records"].as_array().unwrap())
        {
            let record = &records[number.as_u64().unwrap() as usize - 1];
            assert_eq!(*told, serde_json::from_str::<serde_json::Value>(&record.data).unwrap());
        }
    }
    assert!(story[0]["numbers"].as_array().unwrap().len() > 10, "{story}");
    assert_eq!(page.act(r#"{"action":"kill_leader"}"#).status, 409);

    let mut serving = serving;
    kill_process(Pid::from_child(&serving.0), Signal::INT).unwrap();
    let status = crate::common::await_some("the end", || serving.0.try_wait().unwrap());
    assert_eq!(status.code(), Some(130));
}

#[test]
fn why_something_did_not_happen_is_answered_as_on_the_command_line() {
    let scenario = "elections/one-vote-per-term";
    let (_serving, page) = Serving::start(raft().args(["replay", "--web", scenario]));
    let question = "/api/why-not?server=2&what=leader";
    let told = page.get(question).json();
    assert_eq!(told["what"], "n2 has not become leader");
    let output = raft().args(["why", scenario, "--not", "leader", "n2"]).output().unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    let because = told["because"].as_array().unwrap();
    assert!(because.len() > 1, "{told}");
    for obstacle in because {
        // The command breaks long lines.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let sentence = words(obstacle["sentence"].as_str().unwrap());
        assert!(words(&line).contains(&format!("- {sentence}")), "{sentence} is not in {line}");
    }
    let records: Vec<Told> = page.events(None).collect();
    let refusal = because.iter().find(|obstacle| obstacle["rule"] == "one-vote-per-term").unwrap();
    let shown = &records[refusal["evidence"].as_u64().unwrap() as usize - 1];
    assert!(shown.data.contains("\"rule\":\"one-vote-per-term\""), "{}", shown.data);

    assert_eq!(page.get(&format!("{question}&scenario={scenario}")).json(), told, "asked as one of many");
    let before = page.get(&format!("{question}&up_to=0")).json();
    assert_eq!(before["because"][0]["sentence"], "n2 has not started yet");
}

#[test]
fn scenarios_are_listed_in_the_order_to_learn_in() {
    // Without a name, the first of them is shown.
    let (_serving, page) = Serving::start(raft().args(["replay", "--web"]));
    let list = page.get("/api/scenarios").json();
    let list = list.as_array().unwrap();
    let first = &list[0];
    assert_eq!(page.get("/api/setup").json()["scenario"], first["path"]);
    assert_eq!(first["chapter"], serde_json::json!({"number": 1, "name": "Why a log, why a majority"}));
    assert!(first["title"].is_string() && first["rules"][0].is_string(), "{first}");
    assert!(list.iter().map(|scenario| scenario["chapter"]["number"].as_u64()).is_sorted());
    let last = list.last().unwrap()["path"].as_str().unwrap();
    assert_eq!(page.get(&format!("/api/scenarios/{last}")).status, 200);
}

#[test]
fn an_exported_page_holds_what_happened() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("page.html");
    let exported = raft().args(["export", &scenario(), "-o"]).arg(&output).output().unwrap();
    assert_eq!(exported.status.code(), Some(0));
    let page = std::fs::read_to_string(&output).unwrap();
    let (_, rest) = page.split_once(r#"id="raft-embedded">"#).unwrap();
    let embedded: serde_json::Value = serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
    let json = raft().args(["replay", "--json", &scenario()]).output().unwrap();
    let lines = String::from_utf8(json.stdout).unwrap();
    let records: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(embedded["records"], serde_json::Value::from(records));
    assert_eq!(embedded["setup"]["mode"], "replay");
    let to_stdout = raft().args(["export", &scenario()]).output().unwrap();
    assert_eq!(to_stdout.stdout, page.as_bytes());
}

#[test]
fn a_page_that_others_could_reach_is_refused() {
    for arguments in [&["up", "--plain", "--web", "0.0.0.0:0"][..], &["replay", "--web=[::]:0", &scenario()]]
    {
        let output = raft().args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("for this machine only") && said.contains("help: "), "{said}");
    }
}
