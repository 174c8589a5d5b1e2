//! What the client reports about servers that answer, refuse, redirect, or break off in the middle. The
//! servers here only play a part: each replies as the test says.

extern crate raft_for_beginners_client as client;

use client::{Cluster, Failure, Node, NotDone, Read, Step};
use consensus::{Index, NodeId};
use kv::{Answer, Write};
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// How long to wait for what must happen.
const TIMEOUT: Duration = Duration::from_secs(30);

const WRITTEN: Part = Part::Says("200 OK", "", r#"{"written":{"version":7}}"#);
const SESSION: Part = Part::Says("201 Created", "", r#"{"session_opened":{"session":3}}"#);
const NO_LEADER: Part = Part::Says(
    "503 Service Unavailable",
    "",
    r#"{"error":"n1 does not lead, and knows no leader","help":"try again","outcome":"not done","node":1}"#,
);

/// What a server does with a request.
#[derive(Debug, Clone)]
enum Part {
    /// Replies: status, a header, body.
    Says(&'static str, &'static str, &'static str),
    /// Replies that n3 leads, at this address.
    Redirects(String),
    /// Reads the request, and hangs up.
    HangsUp,
    /// Says that it was done, and hangs up before the end.
    BreaksOff,
    /// Reads the request, and never replies.
    IsSilent,
}

/// A server that plays its parts one after the other, and reports the requests it received: the first line,
/// and the number in the session.
struct Actor {
    address: String,
    requests: Receiver<(String, Option<String>)>,
}

impl Actor {
    fn playing(parts: &[Part]) -> Actor {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, requests) = channel();
        let parts = parts.to_vec();
        std::thread::spawn(move || play(&listener, parts, &sender));
        Actor { address, requests }
    }

    fn node(&self) -> Node {
        Node::new(&self.address)
    }

    /// The first lines of the requests received, each with its number in the session.
    fn heard(&self) -> Vec<(String, Option<String>)> {
        self.requests.try_iter().collect()
    }
}

fn play(listener: &TcpListener, parts: Vec<Part>, heard: &Sender<(String, Option<String>)>) {
    let mut silent = Vec::new();
    let mut connection: Option<BufReader<TcpStream>> = None;
    for part in parts {
        let mut stream = connection.take().unwrap_or_else(|| BufReader::new(listener.accept().unwrap().0));
        let request = match receive(&mut stream) {
            Some(request) => request,
            None => {
                // The client has closed the last connection.
                stream = BufReader::new(listener.accept().unwrap().0);
                receive(&mut stream).unwrap()
            }
        };
        let _ = heard.send(request);
        match part {
            Part::Says(status, header, body) => reply(&mut stream, status, header, body),
            Part::Redirects(to) => {
                let body = r#"{"error":"n1 does not lead, n3 does","help":"","outcome":"not done","node":1,"leader":3}"#;
                let location = format!("location: http://{to}/kv/x\r\n");
                reply(&mut stream, "307 Temporary Redirect", &location, body);
            }
            Part::HangsUp => continue,
            Part::BreaksOff => {
                let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\nraft-version: 7\r\n\r\n{";
                stream.get_mut().write_all(half.as_bytes()).unwrap();
                continue;
            }
            Part::IsSilent => {
                silent.push(stream);
                continue;
            }
        }
        connection = Some(stream);
    }
    // Until the test ends, the client waits in vain.
    std::thread::sleep(TIMEOUT);
}

fn receive(stream: &mut BufReader<TcpStream>) -> Option<(String, Option<String>)> {
    let (mut first, mut length, mut number) = (String::new(), 0, None);
    stream.read_line(&mut first).ok().filter(|&bytes| bytes > 0)?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|&bytes| bytes > 0)?;
        let Some((name, value)) = line.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "raft-sequence" => number = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    stream.read_exact(&mut vec![0; length]).ok()?;
    let words: Vec<&str> = first.split(' ').collect();
    Some((format!("{} {}", words[0], words[1]), number))
}

fn reply(stream: &mut BufReader<TcpStream>, status: &str, header: &str, body: &str) {
    let head = format!("HTTP/1.1 {status}\r\n{header}content-length: {}\r\n\r\n", body.len());
    stream.get_mut().write_all((head + body).as_bytes()).unwrap();
}

/// An address where no server listens.
fn nowhere() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn put() -> Write<'static> {
    Write::put(b"x", b"1")
}

fn written() -> Result<Answer, Failure> {
    Ok(Answer::Written { version: Index(7) })
}

#[test]
fn a_write_that_nobody_received_is_certainly_not_done() {
    let refused = Node::new(nowhere()).write(&put(), TIMEOUT);
    assert!(matches!(refused, Err(Failure::NotDone(NotDone::Silent { .. }))), "{refused:?}");
}

#[test]
fn a_write_whose_answer_does_not_come_is_uncertain_and_a_read_is_not() {
    let stranger = Part::Says("500 Oops", "", "<html>");
    for part in [Part::HangsUp, Part::BreaksOff, stranger] {
        let write = Actor::playing(std::slice::from_ref(&part)).node().write(&put(), TIMEOUT);
        assert!(matches!(write, Err(Failure::Uncertain(_))), "{part:?}: {write:?}");
        let read = Actor::playing(std::slice::from_ref(&part)).node().get(b"x", Read::Linearizable, TIMEOUT);
        assert!(matches!(read, Err(NotDone::Silent { .. })), "{part:?}: {read:?}");
    }
    let short = Duration::from_millis(50);
    let write = Actor::playing(&[Part::IsSilent]).node().write(&put(), short);
    assert!(matches!(write, Err(Failure::Uncertain(_))), "{write:?}");
}

#[test]
fn what_a_server_calls_uncertain_stays_so() {
    let body = r#"{"error":"no outcome in time","help":"read","outcome":"uncertain"}"#;
    let write = Actor::playing(&[Part::Says("504 Gateway Timeout", "", body)]).node().write(&put(), TIMEOUT);
    assert_eq!(write, Err(Failure::Uncertain("no outcome in time".into())));
}

#[test]
fn a_condition_that_does_not_hold_is_an_answer() {
    let body = r#"{"error":"","help":"","outcome":"not done","answer":{"version_differs":{"actual":4}}}"#;
    let actor = Actor::playing(&[Part::Says("412 Precondition Failed", "", body)]);
    let write = Write { if_version: Some(Index(3)), ..Write::compare_and_swap(b"a/b", b"\xff 1", b"2") };
    let answer = actor.node().write(&write, TIMEOUT);
    assert_eq!(answer, Ok(Answer::VersionDiffers { actual: Index(4) }));
    assert_eq!(actor.heard()[0].0, "PUT /kv/a%2Fb?if-version=3&if-value=%FF%201");
}

#[test]
fn who_waits_in_vain_is_told_how_long_it_may_take() {
    let mut cluster = Cluster::new([Node::new(nowhere()), Node::new(nowhere())]);
    let (sender, steps) = channel();
    cluster.on_step(move |step| sender.send(step.clone()).unwrap());
    assert!(cluster.write(&put(), Duration::from_millis(200)).is_err());
    let told = steps.try_iter().filter(|step| matches!(step, Step::StillTrying { .. })).count();
    assert_eq!(told, 1, "once is enough");
    let rest = Duration::from_millis(12_600);
    assert_eq!(Step::StillTrying { rest }.to_string(), "no server could do it yet: trying for 13 s more");
}

#[test]
fn a_leader_is_found_where_a_follower_says_that_it_is() {
    let leader = Actor::playing(&[SESSION, WRITTEN, WRITTEN]);
    let follower = Actor::playing(&[Part::Redirects(leader.address.clone())]);
    let mut cluster = Cluster::new([Node::new(nowhere()), follower.node()]);
    let (sender, steps) = channel();
    cluster.on_step(move |step| sender.send(step.clone()).unwrap());
    assert_eq!(cluster.write(&put(), TIMEOUT), written());
    assert_eq!(cluster.write(&put(), TIMEOUT), written());

    let steps: Vec<Step> = steps.try_iter().collect();
    assert!(matches!(&steps[0], Step::NotDone { .. }), "{steps:?}");
    assert!(steps[0].to_string().ends_with("; trying again"), "{}", steps[0]);
    assert_eq!(steps[1..], [Step::Redirected { node: NodeId(1), leader: NodeId(3) }]);
    assert_eq!(steps[1].to_string(), "n1 is not the leader: asking n3");
    let heard = leader.heard();
    let numbers: Vec<Option<&str>> = heard.iter().map(|(_, number)| number.as_deref()).collect();
    assert_eq!(numbers, [None, Some("1"), Some("2")]);
}

#[test]
fn a_write_in_a_session_is_sent_again_with_the_same_number() {
    let parts = [SESSION, Part::HangsUp, NO_LEADER, WRITTEN];
    let actor = Actor::playing(&parts);
    let mut cluster = Cluster::new([actor.node()]);
    assert_eq!(cluster.write(&put(), TIMEOUT), written());
    let heard = actor.heard();
    let numbers: Vec<Option<&str>> = heard.iter().map(|(_, number)| number.as_deref()).collect();
    assert_eq!(numbers, [None, Some("1"), Some("1"), Some("1")]);
}

#[test]
fn a_write_without_a_session_is_sent_again_only_if_it_was_not_done() {
    let actor = Actor::playing(&[NO_LEADER, WRITTEN]);
    assert_eq!(Cluster::new([actor.node()]).write_without_session(&put(), TIMEOUT), written());

    let actor = Actor::playing(&[Part::HangsUp, WRITTEN]);
    let answer = Cluster::new([actor.node()]).write_without_session(&put(), TIMEOUT);
    assert!(matches!(answer, Err(Failure::Uncertain(_))), "{answer:?}");
    assert_eq!(actor.heard().len(), 1);
}

#[test]
fn a_doubt_is_not_forgotten_when_a_later_try_is_certain() {
    let mut parts = vec![SESSION, Part::HangsUp];
    parts.extend(std::iter::repeat_n(NO_LEADER, 1000));
    let actor = Actor::playing(&parts);
    let answer = Cluster::new([actor.node()]).write(&put(), Duration::from_millis(300));
    assert!(matches!(answer, Err(Failure::Uncertain(_))), "{answer:?}");
}

#[test]
fn a_dropped_session_is_opened_again_unless_a_try_is_in_doubt() {
    let unknown = Part::Says(
        "410 Gone",
        "",
        r#"{"error":"","help":"","outcome":"uncertain","answer":{"session_unknown":{"session":3}}}"#,
    );
    let actor = Actor::playing(&[SESSION, unknown.clone(), SESSION, WRITTEN]);
    assert_eq!(Cluster::new([actor.node()]).write(&put(), TIMEOUT), written());

    let actor = Actor::playing(&[SESSION, Part::HangsUp, unknown]);
    let answer = Cluster::new([actor.node()]).write(&put(), TIMEOUT);
    assert!(matches!(answer, Err(Failure::Uncertain(_))), "{answer:?}");
}

#[test]
fn what_makes_no_sense_is_not_tried_again() {
    let body = r#"{"error":"that is not a number","help":"write one","outcome":"not done"}"#;
    let actor = Actor::playing(&[Part::Says("400 Bad Request", "", body), WRITTEN]);
    let answer = Cluster::new([actor.node()]).write_without_session(&put(), TIMEOUT);
    let refused = NotDone::Refused { error: "that is not a number".into(), help: "write one".into() };
    assert_eq!(answer, Err(Failure::NotDone(refused)));
    let long = vec![b'x'; 100_000];
    let answer = actor.node().write(&Write::compare_and_swap(b"x", &long, b"2"), TIMEOUT);
    assert!(matches!(answer, Err(Failure::NotDone(NotDone::Refused { .. }))), "{answer:?}");
}
