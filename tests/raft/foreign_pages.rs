//! What a foreign web page can make a browser send to a server has no effect.

use crate::common::page::{Answer, Page};
use crate::common::{Up, await_some, lines_of, raft};
use consensus::NodeId;
use std::process::{Child, Stdio};
use trace::{Event, Process, Record};

/// Everything that a server can be asked for, and what it can't.
const REQUESTS: [(&str, &str); 16] = [
    ("GET /kv", ""),
    ("GET /kv/x", ""),
    ("PUT /kv/x", "evil"),
    ("DELETE /kv/x", ""),
    ("POST /sessions", ""),
    ("GET /members", ""),
    ("POST /members", r#"{"add":[[4,"127.0.0.1:4004"]]}"#),
    ("OPTIONS /members", ""),
    ("POST /leader", r#"{"to":2}"#),
    ("GET /status", ""),
    ("GET /healthz", ""),
    ("GET /readyz", ""),
    ("GET /metrics", ""),
    ("GET /events", ""),
    ("GET /watch", ""),
    ("GET /nothing", ""),
];

const JSON: (&str, &str) = ("content-type", "application/json");

/// This server, which needs no token.
fn server(address: &str) -> Page {
    Page { address: address.to_owned(), token: String::new() }
}

fn server_of(up: &Up, id: NodeId) -> Page {
    server(up.view.server(id).unwrap().address.as_ref().unwrap())
}

fn assert_refused(answer: &Answer, status: u16, asked: &str) {
    assert_eq!(answer.status, status, "{asked}: {}", answer.body);
    let told = answer.json();
    assert_eq!(told["outcome"], "not done", "{asked}: {told}");
    for sentence in ["error", "help"] {
        assert!(told[sentence].as_str().is_some_and(|told| !told.is_empty()), "{asked}: {told}");
    }
    assert_guarded(answer);
}

/// Does the response tell a browser to run nothing of it, and to let no other page have it?
fn assert_guarded(answer: &Answer) {
    for header in [
        "x-content-type-options: nosniff",
        "content-security-policy: sandbox; default-src 'none'",
        "cross-origin-resource-policy: same-origin",
    ] {
        assert!(answer.head.lines().any(|line| line == header), "{header}: {}", answer.head);
    }
}

#[test]
fn a_page_of_another_origin_neither_sees_nor_changes_anything() {
    let mut up = Up::start(&["--election-timeout", "1s..2s"], 3);
    let leader = up.wait_for_leader();
    let leader = server_of(&up, leader);
    let host = ("host", leader.address.as_str());
    assert_eq!(leader.ask("PUT /kv/x", &[host], "good").status, 200);
    let before = leader.ask("GET /members", &[host], "").body;

    let own = format!("http://{}", leader.address);
    for (request, body) in REQUESTS {
        for headers in [
            vec![host, JSON, ("origin", "http://evil.example")],
            vec![host, JSON, ("origin", "null")],
            vec![host, JSON, ("origin", "http://127.0.0.1:1")],
            vec![host, JSON, ("sec-fetch-site", "cross-site")],
            vec![host, JSON, ("sec-fetch-site", "same-site")],
            vec![host, JSON, ("origin", &own), ("sec-fetch-site", "same-site")],
            // A foreign name that was pointed at this machine's address.
            vec![("host", "evil.example"), JSON],
            vec![("host", "evil.example"), JSON, ("origin", "http://evil.example")],
            vec![("host", "localhost.evil.example:80"), JSON],
            vec![JSON],
        ] {
            let answer = leader.ask(request, &headers, body);
            assert_refused(&answer, 403, &format!("{request} {headers:?}"));
        }
        // What a page can send without asking first.
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
            if request.starts_with("POST") {
                let answer = leader.ask(request, &[host, ("content-type", content_type)], body);
                assert_refused(&answer, 415, request);
                assert_refused(&leader.ask(request, &[host], body), 415, request);
            }
        }
    }
    assert_eq!(leader.ask("GET /kv/x", &[host], "").body, "good");
    assert_eq!(leader.ask("GET /members", &[host], "").body, before);

    // A program that is not a page may.
    for headers in [
        vec![host, JSON, ("origin", &own), ("sec-fetch-site", "same-origin")],
        vec![host, JSON, ("sec-fetch-site", "none")],
        vec![("host", "localhost"), ("content-type", "application/json; charset=utf-8")],
        vec![("host", "[::1]:4001"), JSON],
    ] {
        assert_eq!(leader.ask("POST /sessions", &headers, "").status, 201, "{headers:?}");
    }
    let as_curl_sends_it = [host, ("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(leader.ask("PUT /kv/x", &as_curl_sends_it, "better").status, 200);
    assert_eq!(leader.ask("GET /kv/x", &[host], "").body, "better");
}

#[test]
fn a_value_is_never_shown_as_a_page() {
    let mut up = Up::start(&["--election-timeout", "1s..2s"], 3);
    let leader = up.wait_for_leader();
    let follower = server_of(&up, NodeId(leader.0 % 3 + 1));
    let leader = server_of(&up, leader);
    let ask = |request: &str, body: &str| leader.ask(request, &[("host", &leader.address), JSON], body);
    let page = "<!doctype html><script>alert(1)</script>";
    assert_eq!(ask("PUT /kv/x", page).status, 200);
    let value = ask("GET /kv/x", "");
    assert_eq!(value.body, page);
    assert!(value.head.contains("content-type: application/octet-stream"), "{}", value.head);
    for (request, status) in [
        ("GET /kv/x", 200),
        ("GET /kv", 200),
        ("GET /status", 200),
        ("GET /metrics", 200),
        ("POST /sessions", 201),
        ("POST /members", 400),
        ("GET /kv/nothing", 404),
        ("GET /nothing", 404),
        ("GET /sessions", 405),
    ] {
        let answer = ask(request, "");
        assert_eq!(answer.status, status, "{request}: {}", answer.body);
        assert_guarded(&answer);
    }
    let elsewhere = await_some("a follower that knows the leader", || {
        let answer = follower.ask("GET /kv/x", &[("host", &follower.address)], "");
        (answer.status == 307).then_some(answer)
    });
    assert_guarded(&elsewhere);
}

/// A single server. Dropping it leaves no process.
struct Alone(Child);

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_server_answers_under_its_own_names_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = raft();
    command.args(["node", "--id", "1", "--json", "--host", "n1.example", "--host", "10.1.2.3", "--data"]);
    command.arg(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut alone = Alone(command.spawn().unwrap());
    let lines = lines_of(alone.0.stdout.take().unwrap());
    let address = lines.iter().find_map(|line| match Record::from_json(&line).unwrap().event {
        Event::Process(Process::Started { address, .. }) => Some(address),
        _ => None,
    });
    let alone = server(&address.unwrap());
    let asked_as = |host: &str| alone.ask("GET /healthz", &[("host", host)], "");

    for host in [&alone.address, "n1.example", "N1.Example.:8080", "10.1.2.3:80", "localhost:1"] {
        assert_eq!(asked_as(host).status, 200, "{host}");
    }
    for host in ["n2.example:4001", "n1.example.evil.example", "10.1.2.4", "moved.example:4001"] {
        assert_refused(&asked_as(host), 403, host);
    }
    let refused = asked_as("n2.example:4001").json();
    assert!(refused["help"].as_str().unwrap().contains("--host n2.example"), "{refused}");

    // Clients are sent to the address that the cluster has for it, and so it answers under that name.
    await_some("a new address in the configuration", || {
        let relocation = r#"{"relocate":[[1,"moved.example:4001"]]}"#;
        (alone.ask("POST /members", &[("host", "localhost"), JSON], relocation).status == 200).then_some(())
    });
    assert_eq!(asked_as("moved.example:4001").status, 200);
}

#[test]
fn a_host_that_is_none_is_wrong_usage() {
    for host in ["", "n1.example:4001", "http://n1.example", "a b", "n1/"] {
        let output =
            raft().args(["node", "--id", "1", "--data", "/nowhere", "--host", host]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{host}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("without a port"), "{host}");
    }
}
