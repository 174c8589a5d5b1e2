//! The store as its users know it: `raft put`, `get`, `del`, `cas`, `list` and `watch`, against real servers
//! that die, freeze and change leaders meanwhile.

use crate::common::{TIMEOUT, Up, await_some, raft};
use api::Place;
use client::{Cluster, Failure, List, News, Node, Read};
use consensus::{Index, NodeId};
use kv::{Answer, Write};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use tempfile::TempDir;
use trace::{Event, Process};

/// A cluster whose folder is known, so that commands find it there.
struct Running {
    up: Up,
    folder: TempDir,
}

impl Running {
    fn start() -> Running {
        let folder = tempfile::tempdir().unwrap();
        // A leader keeps leading even on a busy machine.
        let patient = ["--election-timeout", "1s..2s", "--data", folder.path().to_str().unwrap()];
        let mut up = Up::start(&patient, 3);
        up.wait_for_leader();
        Running { up, folder }
    }

    fn data(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    fn address(&self, id: NodeId) -> String {
        self.up.view.server(id).unwrap().address.clone().unwrap()
    }

    fn leader(&self) -> NodeId {
        self.up.view.leader().unwrap()
    }

    fn followers(&self) -> Vec<NodeId> {
        (1..=3).map(NodeId).filter(|&id| id != self.leader()).collect()
    }

    /// A command of the store, for this cluster.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = raft();
        command.args(arguments).args(["--data", self.data()]);
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&mut self.command(arguments))
    }

    fn pid(&self, id: NodeId) -> Pid {
        let started = self.up.records.iter().rev().find_map(|record| match record.event {
            Event::Process(Process::Started { pid, .. }) if record.node == id => Some(pid),
            _ => None,
        });
        Pid::from_raw(started.unwrap() as i32).unwrap()
    }

    fn signal(&self, id: NodeId, signal: Signal) {
        kill_process(self.pid(id), signal).unwrap();
    }

    fn client(&self) -> Cluster {
        Cluster::new((1..=3).map(|id| Node::new(self.address(NodeId(id)))))
    }
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn of(command: &mut Command) -> Ended {
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn assert(&self, status: i32, stdout: &str, stderr: &str) {
        assert_eq!((self.status, self.stdout.as_str()), (Some(status), stdout), "{self:?}");
        assert!(self.stderr.contains(stderr), "{stderr:?} is not in {self:?}");
    }
}

/// A running `raft watch`, and the lines that it prints.
struct Watching {
    child: Child,
    lines: Receiver<String>,
    said: Receiver<String>,
}

impl Watching {
    fn start(mut command: Command) -> Watching {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = lines(child.stdout.take().unwrap());
        let said = self::lines(child.stderr.take().unwrap());
        Watching { child, lines, said }
    }

    fn next(&self) -> String {
        self.lines.recv_timeout(TIMEOUT).unwrap()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    lines
}

#[test]
fn what_is_put_can_be_read_compared_listed_and_removed() {
    let cluster = Running::start();
    let put = cluster.run(&["put", "greeting", "hello"]);
    assert!(put.stdout.starts_with("written, version "), "{put:?}");
    cluster.run(&["get", "greeting"]).assert(0, "hello", "");

    cluster.run(&["cas", "greeting", "hi", "bye"]).assert(1, "", "the key has a different value");
    let swapped = cluster.run(&["cas", "greeting", "hello", "bye", "--json"]);
    let version = serde_json::from_str::<serde_json::Value>(&swapped.stdout).unwrap()["written"]["version"]
        .as_u64()
        .unwrap();
    let got = cluster.run(&["get", "greeting", "--json"]);
    let expected = format!("{{\"key\":\"greeting\",\"value\":\"bye\",\"version\":{version}}}\n");
    got.assert(0, &expected, "");

    cluster.run(&["put", "greeting", "x", "--if-version", "1"]).assert(1, "", "the key's version is");
    let version = version.to_string();
    assert_eq!(cluster.run(&["put", "greeting", "-5", "--if-version", &version]).status, Some(0));

    let mut from_stdin = cluster.command(&["put", "great\nkey/?&", "-"]);
    let mut child = from_stdin.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a\xff\n").unwrap();
    assert!(child.wait().unwrap().success());
    let got = cluster.command(&["get", "great\nkey/?&"]).output().unwrap();
    assert_eq!(got.stdout, b"a\xff\n", "not a byte more or less");

    let list = cluster.run(&["list", "gre"]).stdout;
    let lines: Vec<&str> = list.lines().map(|line| line.split("  (").next().unwrap()).collect();
    assert_eq!(lines, [r#""great\nkey/?&" = "a\xff\n""#, "greeting = -5"]);
    cluster.run(&["list", "nothing"]).assert(0, "", "");

    cluster.run(&["del", "greeting"]).assert(0, "deleted\n", "");
    cluster.run(&["del", "greeting"]).assert(1, "", "there is no such key");
    cluster.run(&["get", "greeting"]).assert(1, "", "there is no key greeting");
}

#[test]
fn a_follower_says_who_leads_and_that_is_told() {
    let cluster = Running::start();
    let (follower, leader) = (cluster.followers()[0], cluster.leader());
    let ask =
        |address: &str, arguments: &[&str]| Ended::of(raft().args(arguments).env("RAFT_SERVERS", address));
    let put = ask(&cluster.address(follower), &["put", "x", "1"]);
    assert_eq!(put.status, Some(0), "{put:?}");
    assert_eq!(put.stderr, format!("{follower} is not the leader: asking {leader}\n"));
    ask(&cluster.address(leader), &["get", "x"]).assert(0, "1", "");
    let at_the_leader = ask(&cluster.address(leader), &["put", "x", "2"]);
    assert_eq!((at_the_leader.status, at_the_leader.stderr.as_str()), (Some(0), ""), "nothing to tell");
}

#[test]
fn each_acknowledged_put_is_there_and_was_executed_once_though_the_leader_is_killed() {
    const PUTS: u64 = 300;
    let cluster = Running::start();
    let mut client = cluster.client();
    let leader = cluster.pid(cluster.leader());
    let (half_done, kill) = channel();
    let killer = std::thread::spawn(move || {
        kill.recv().unwrap();
        kill_process(leader, Signal::KILL).unwrap();
    });
    let mut versions = BTreeMap::new();
    for number in 0..PUTS {
        if number == PUTS / 2 {
            // It dies while puts are in progress.
            half_done.send(()).unwrap();
        }
        // A put that is executed a second time finds its key there.
        let key = format!("key{number:03}");
        let put = Write { if_version: Some(consensus::Index(0)), ..Write::put(key.as_bytes(), b"1") };
        match client.write(&put, TIMEOUT) {
            Ok(Answer::Written { version }) => versions.insert(key, version),
            other => panic!("put {number}: {other:?}"),
        };
    }
    killer.join().unwrap();
    let mut found = BTreeMap::new();
    let mut list = client::List { prefix: b"key".to_vec(), ..client::List::default() };
    loop {
        let page = client.list(&list, TIMEOUT).unwrap();
        for entry in page.entries {
            found.insert(String::from_utf8(entry.key).unwrap(), entry.value.version);
        }
        match page.more_after {
            Some(after) => list.after = after,
            None => break,
        }
    }
    assert_eq!(found, versions);
}

#[test]
fn without_a_majority_an_outcome_is_uncertain() {
    let cluster = Running::start();
    assert_eq!(cluster.run(&["put", "x", "1"]).status, Some(0));
    let leader = cluster.leader();
    let mut client = Cluster::new([Node::new(cluster.address(leader))]);
    client.write(&Write::put(b"x", b"2"), TIMEOUT).unwrap();
    for follower in cluster.followers() {
        cluster.signal(follower, Signal::STOP);
    }
    let put = ["put", "x", "3", "--no-session", "--timeout", "300ms"];
    cluster.run(&put).assert(3, "", "uncertain: put x = 3: it may have taken effect, or may still");
    let write = client.write(&Write::put(b"x", b"4"), std::time::Duration::from_millis(300));
    assert!(matches!(write, Err(Failure::Uncertain(_))), "{write:?}");

    // A read changes nothing, so it is not in doubt; and a put whose session could not be opened was not
    // sent.
    cluster.run(&["get", "x", "--timeout", "300ms"]).assert(1, "", "error: ");
    cluster.run(&["put", "x", "5", "--timeout", "300ms"]).assert(1, "", "error: not done");
    let servers = cluster.address(leader);
    let stale = Ended::of(raft().args(["get", "x", "--read", "stale", "--servers", &servers]));
    stale.assert(0, "2", "");
    for follower in cluster.followers() {
        cluster.signal(follower, Signal::CONT);
    }
}

#[test]
fn a_watch_outlives_its_server_and_neither_loses_nor_doubles_a_change() {
    let cluster = Running::start();
    let watched = cluster.followers()[0];
    // The watch begins on the first server that is named.
    let mut addresses = vec![cluster.address(watched)];
    addresses.extend((1..=3).map(NodeId).filter(|&id| id != watched).map(|id| cluster.address(id)));
    let mut command = raft();
    command.args(["watch", "key", "--after", "0", "--json", "--servers", &addresses.join(",")]);
    let watching = Watching::start(command);

    let mut client = cluster.client();
    let mut put = |number: u64| {
        for write in [Write::put(b"other", b"x"), Write::put(b"key", number.to_string().as_bytes())] {
            client.write(&write, TIMEOUT).unwrap();
        }
    };
    (0..50).for_each(&mut put);
    assert!(watching.next().contains(r#""value":"0""#));
    cluster.signal(watched, Signal::KILL);
    (50..100).for_each(&mut put);
    for number in 1..100 {
        let line = watching.next();
        assert!(line.contains(&format!(r#""value":"{number}""#)), "{number} does not follow: {line}");
    }
    let told = await_some("word of the other server", || {
        watching.said.try_iter().find(|line| line.contains("reports the changes now, from entry"))
    });
    assert!(!told.contains("may be missing"), "{told}");
}

#[test]
fn a_watch_is_told_what_its_server_does_not_remember() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let mut up = Up::start(&["--data", data, "--snapshot-after", "4096"], 1);
    up.wait_for_leader();
    let address = |up: &Up| up.view.server(NodeId(1)).unwrap().address.clone().unwrap();
    let put = |up: &Up, number: u64| {
        let value = [&number.to_string().into_bytes()[..], &[b' '; 1000]].concat();
        Node::new(address(up)).write(&Write::put(b"x", &value), TIMEOUT).unwrap()
    };
    for number in 0..50 {
        put(&up, number);
    }
    await_some("a snapshot", || {
        let status = Node::new(address(&up)).status(TIMEOUT).unwrap();
        (status.snapshot.index.0 > 1).then_some(())
    });
    up.signal(Signal::INT);
    up.wait_for_end();
    // A server has no changes of what its snapshot covers.
    let mut up = Up::start(&["--data", data, "--snapshot-after", "4096"], 1);
    up.wait_for_leader();
    let mut command = raft();
    command.args(["watch", "--after", "1", "--data", data]);
    let watching = Watching::start(command);
    let said = watching.said.recv_timeout(TIMEOUT).unwrap();
    assert!(said.starts_with("warning: changes after entry 1, up to "), "{said}");
    put(&up, 50);
    while !watching.next().starts_with("x = 50 ") {}
}

#[test]
fn what_makes_no_sense_is_said_before_anybody_is_asked() {
    let refused = |arguments: &[&str], status: i32, said: &str| {
        let ended = Ended::of(raft().args(arguments));
        assert!(ended.stderr.contains("error: ") && !ended.stderr.contains("panicked"), "{ended:?}");
        ended.assert(status, "", said);
    };
    let long = "x".repeat(kv::LONGEST_KEY + 1);
    refused(&["put", "x"], 2, "<VALUE>");
    refused(&["put", "", "1", "--servers", "127.0.0.1:4001"], 2, "the key is empty");
    refused(&["del", &long, "--servers", "127.0.0.1:4001"], 2, "help: choose a shorter key");
    refused(&["get", "x", "--servers", "127.0.0.1"], 2, "is not HOST:PORT");
    refused(&["get", "x", "--read", "old"], 2, "linearizable");
    refused(&["put", "x", "1", "--if-version", "new"], 2, "--if-version");
    refused(&["list", "--timeout", "5"], 2, "is not a time");
    let folder = tempfile::tempdir().unwrap();
    refused(&["get", "x", "--data", folder.path().to_str().unwrap()], 1, "no cluster runs on");
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let servers = ["--timeout", "200ms", "--servers", &nowhere];
    refused(&[&["watch"], &servers[..]].concat(), 1, "does not respond: connection refused");
    let put = Ended::of(raft().args(["put", "x", "1"]).args(servers));
    put.assert(1, "", "error: not done: ");
}

/// In JSON each byte of these takes six: no response is longer.
#[test]
fn the_largest_values_under_the_longest_keys_are_listed_and_watched() {
    let running = Running::start();
    let node = Node::new(running.address(running.leader()));
    let keys: Vec<Vec<u8>> =
        (1..=6).map(|last| [vec![1; kv::LONGEST_KEY - 1], vec![last]].concat()).collect();
    let values = [1, 0, 0, 0, 0, 0].map(|less| vec![1; kv::LONGEST_VALUE - less]);
    for (key, value) in keys.iter().zip(&values) {
        let answer = node.write(&Write::put(key, value), TIMEOUT).unwrap();
        assert!(matches!(answer, Answer::Written { .. }), "{answer}");
    }
    let all = List { read: Read::Stale, ..List::default() };
    let first = node.list(&all, TIMEOUT).unwrap();
    // One of them is more than ends a page.
    let mut listed = first.entries;
    let mut more_after = first.more_after;
    while let Some(after) = more_after {
        let next = node.list(&List { after, ..all.clone() }, TIMEOUT).unwrap();
        listed.extend(next.entries);
        more_after = next.more_after;
    }
    assert!(listed.iter().map(|entry| (&entry.key, &entry.value.bytes)).eq(keys.iter().zip(&values)));

    let mut watch = node.watch(b"", Some(Place { index: Index(0), cluster: None }), TIMEOUT).unwrap();
    for (key, value) in keys.into_iter().zip(values) {
        let News::Changed(change) = watch.hear().unwrap() else { panic!("nothing is missing") };
        assert!(change.key == key && change.value == Some(value));
    }
}
