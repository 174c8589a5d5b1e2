//! Servers of an earlier version are replaced by those of this one, one by one, while clients continue.
//! `RAFT_BEFORE` names the `raft` command of that version: the last one whose servers have no handshake.

use crate::common::{TIMEOUT, ask, await_some, ended, raft};
use client::{Cluster, List, Node, Read};
use consensus::Index;
use kv::{Answer, Write};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;
use tempfile::TempDir;

/// Number of clients that work all the time, each with keys of its own.
const CLIENTS: usize = 4;

/// Number of keys of each.
const KEYS: usize = 50;

const ALL: [usize; 3] = [1, 2, 3];

/// Three servers, each with a folder and an address that it keeps.
struct Servers {
    folder: TempDir,
    addresses: [String; 3],
    running: [Option<Child>; 3],
}

impl Drop for Servers {
    fn drop(&mut self) {
        for child in self.running.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            for id in ALL {
                eprintln!("n{id} said: {}", fs::read_to_string(self.said_by(id)).unwrap_or_default());
            }
        }
    }
}

impl Servers {
    fn new() -> Servers {
        let listeners = ALL.map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let addresses = listeners.each_ref().map(|listener| listener.local_addr().unwrap().to_string());
        Servers { folder: tempfile::tempdir().unwrap(), addresses, running: [None, None, None] }
    }

    fn address(&self, id: usize) -> &str {
        &self.addresses[id - 1]
    }

    fn said_by(&self, id: usize) -> PathBuf {
        self.folder.path().join(format!("n{id}.stderr"))
    }

    fn start(&mut self, id: usize, mut command: Command) {
        command.args(["node", "--quiet", "--id", &id.to_string(), "--listen", self.address(id)]);
        command.args(["--election-timeout", "400ms..800ms", "--data"]);
        command.arg(self.folder.path().join(format!("n{id}")));
        for peer in ALL.into_iter().filter(|&peer| peer != id) {
            command.args(["--peer", &format!("{peer}={}", self.address(peer))]);
        }
        let said = File::options().create(true).append(true).open(self.said_by(id)).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn().unwrap();
        self.running[id - 1] = Some(child);
    }

    /// Stops a server as an administrator does, replaces it with one of this version, and waits until that
    /// has everything that was committed.
    fn replace(&mut self, id: usize) {
        let committed = self.status(self.leader()).and_then(commit_index).expect("a leader's status");
        let mut old = self.running[id - 1].take().expect("it runs");
        kill_process(Pid::from_child(&old), Signal::TERM).unwrap();
        await_some(&format!("the end of n{id}"), || old.try_wait().unwrap());
        self.start(id, raft());
        self.wait_until_ready(id, committed);
    }

    fn wait_until_ready(&self, id: usize, committed: Index) {
        await_some(&format!("n{id} to be ready"), || {
            let answer = ask(self.address(id), "GET /readyz", "")?;
            let has_all = self.status(id).and_then(commit_index)? >= committed;
            (answer.starts_with("HTTP/1.1 200") && has_all).then_some(())
        });
    }

    /// The server's report about its own state, whatever its version.
    fn status(&self, id: usize) -> Option<Value> {
        let answer = ask(self.address(id), "GET /status", "")?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        serde_json::from_str(body).ok()
    }

    /// The leader, according to all servers.
    fn leader(&self) -> usize {
        await_some("a leader whom all follow", || {
            let leaders = ALL.map(|id| self.status(id)?["leader"].as_u64());
            leaders.iter().all(|leader| *leader == leaders[0]).then_some(leaders[0]? as usize)
        })
    }

    /// Makes this server lead, if it does not yet.
    fn let_lead(&self, id: usize) {
        await_some(&format!("n{id} to lead"), || {
            if self.leader() == id {
                return Some(());
            }
            let mut transfer = raft();
            transfer.args(["transfer", &id.to_string(), "--servers", &self.addresses.join(",")]);
            ended(&mut transfer);
            None
        });
    }

    /// Waits until `to` reports messages received from `from`.
    fn assert_heard(&self, from: usize, to: usize) {
        let mut stream = TcpStream::connect(self.address(to)).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let deadline = Instant::now() + TIMEOUT;
        let came = BufReader::new(stream).lines().map_while(Result::ok).any(|line| {
            assert!(Instant::now() < deadline, "n{to} has heard nothing of n{from}");
            let record = line.strip_prefix("data:").and_then(|json| serde_json::from_str::<Value>(json).ok());
            record.is_some_and(|record| record["event"] == "received" && record["from"] == from)
        });
        assert!(came, "n{to} has heard nothing of n{from}");
    }

    /// Messages pass in both directions between the leader and these.
    fn assert_leader_is_in_touch_with(&self, leader: usize, others: &[usize]) {
        for &other in others {
            self.assert_heard(leader, other);
            self.assert_heard(other, leader);
        }
    }

    /// Does it reply to a handshake? Servers before version 6 of the protocol close the connection.
    fn answers_greetings(&self, id: usize) -> bool {
        // The first frame of a peer, as wire.rs defines it: magic, newest version, oldest version, a number
        // used once.
        let greeting = postcard::to_allocvec(&(*b"RAFT", 6u16, 6u16, [7u8; 16])).unwrap();
        let mut stream = TcpStream::connect(self.address(id)).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.write_all(&(greeting.len() as u32).to_be_bytes()).unwrap();
        stream.write_all(&greeting).unwrap();
        std::io::Read::read(&mut stream, &mut [0; 1]).is_ok_and(|count| count == 1)
    }
}

fn commit_index(status: Value) -> Option<Index> {
    status["commit_index"].as_u64().map(Index)
}

/// Clients that write and read without a pause.
struct Load {
    is_over: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<BTreeMap<String, String>>>,
}

impl Drop for Load {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

impl Load {
    fn start(addresses: &[String]) -> Load {
        let is_over = Arc::new(AtomicBool::new(false));
        let done = Arc::new(AtomicUsize::new(0));
        let client = |number: usize| {
            let mut cluster = Cluster::new(addresses.iter().map(Node::new));
            let (is_over, done) = (is_over.clone(), done.clone());
            std::thread::spawn(move || {
                let mut acknowledged = BTreeMap::new();
                let mut versions = [Index(0); KEYS];
                for round in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    write_and_read(&mut cluster, number, round, &mut versions, &mut acknowledged);
                    done.fetch_add(1, Ordering::Relaxed);
                }
                acknowledged
            })
        };
        let clients = (0..CLIENTS).map(client).collect();
        Load { is_over, done, clients }
    }

    /// Waits until the clients have done some more work.
    fn wait_for_more(&self) {
        let before = self.done.load(Ordering::Relaxed);
        await_some("the clients to go on", || {
            assert!(!self.clients.iter().any(JoinHandle::is_finished), "a request has failed");
            (self.done.load(Ordering::Relaxed) >= before + 100 * CLIENTS).then_some(())
        });
    }

    /// Stops the clients. Returns the last acknowledged value of each key.
    fn end(mut self) -> BTreeMap<String, String> {
        self.is_over.store(true, Ordering::Relaxed);
        let clients = std::mem::take(&mut self.clients);
        clients.into_iter().flat_map(|client| client.join().expect("no request has failed")).collect()
    }
}

/// The condition fails if a write is executed twice, and so does the read if one is lost.
fn write_and_read(
    cluster: &mut Cluster,
    client: usize,
    round: usize,
    versions: &mut [Index; KEYS],
    acknowledged: &mut BTreeMap<String, String>,
) {
    let key = format!("{client}/{}", round % KEYS);
    let value = round.to_string();
    let known = &mut versions[round % KEYS];
    let write = Write { if_version: Some(*known), ..Write::put(key.as_bytes(), value.as_bytes()) };
    match cluster.write(&write, TIMEOUT) {
        Ok(Answer::Written { version }) => *known = version,
        other => panic!("put {key} = {value}: {other:?}"),
    }
    let found = cluster.get(key.as_bytes(), Read::Linearizable, TIMEOUT);
    let found = found.unwrap_or_else(|why| panic!("get {key}: {why}")).expect("it was written");
    assert_eq!((String::from_utf8(found.bytes).unwrap(), found.version), (value.clone(), *known), "{key}");
    acknowledged.insert(key, value);
}

/// Everything that this server has applied.
fn stored_at(address: &str) -> BTreeMap<String, String> {
    let node = Node::new(address);
    let mut stored = BTreeMap::new();
    let mut after = Some(Vec::new());
    while let Some(begin) = after {
        let page = node.list(&List { after: begin, read: Read::Stale, ..List::default() }, TIMEOUT).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        stored.extend(page.entries.into_iter().map(|entry| (text(entry.key), text(entry.value.bytes))));
        after = page.more_after;
    }
    stored
}

fn before() -> Option<OsString> {
    let before = std::env::var_os("RAFT_BEFORE");
    if before.is_none() {
        eprintln!("skipped: RAFT_BEFORE does not name a binary of the version before");
    }
    before
}

#[test]
#[ignore = "needs the binary of an earlier version in RAFT_BEFORE: .ci/run runs it"]
fn servers_are_replaced_one_by_one_while_clients_go_on() {
    let Some(before) = before() else { return };
    let mut servers = Servers::new();
    for id in ALL {
        servers.start(id, Command::new(&before));
    }
    let old = servers.leader();
    let [first, second] = [old % 3 + 1, (old + 1) % 3 + 1];
    assert_eq!(ALL.map(|id| servers.answers_greetings(id)), [false; 3], "RAFT_BEFORE is an old version");
    let load = Load::start(&servers.addresses);
    load.wait_for_more();

    // An old leader, and followers of both versions.
    servers.replace(first);
    servers.let_lead(old);
    servers.assert_leader_is_in_touch_with(old, &[first, second]);
    load.wait_for_more();

    // A new leader, and followers of both versions.
    servers.let_lead(first);
    servers.assert_leader_is_in_touch_with(first, &[old, second]);
    load.wait_for_more();

    // An old leader, all of whose followers are new.
    servers.let_lead(old);
    servers.replace(second);
    servers.let_lead(old);
    servers.assert_leader_is_in_touch_with(old, &[first, second]);
    load.wait_for_more();

    // The leader is the last, and hands leadership over first.
    servers.let_lead(second);
    servers.assert_leader_is_in_touch_with(second, &[old, first]);
    load.wait_for_more();
    servers.replace(old);
    servers.assert_leader_is_in_touch_with(servers.leader(), &others_than(servers.leader()));
    load.wait_for_more();

    let rounds = load.done.load(Ordering::Relaxed);
    let acknowledged = load.end();
    eprintln!("{CLIENTS} clients wrote and read {rounds} times");
    assert_eq!(ALL.map(|id| servers.answers_greetings(id)), [true; 3], "all are new");
    await_some("all to agree on what is committed", || {
        let [n1, n2, n3] = ALL.map(|id| servers.status(id).and_then(commit_index));
        (n1.is_some() && n1 == n2 && n2 == n3).then_some(())
    });
    let committed = servers.status(old).and_then(commit_index).expect("a status");
    for id in ALL {
        servers.wait_until_ready(id, committed);
        assert!(stored_at(servers.address(id)) == acknowledged, "n{id} has not what was acknowledged");
    }
}

fn others_than(id: usize) -> Vec<usize> {
    ALL.into_iter().filter(|&other| other != id).collect()
}
