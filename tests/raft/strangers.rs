//! A hostile program on this machine, which knows no secret: it sends nonsense and forgeries, too fast, too
//! slowly, and over too many connections, all at once. The servers stay up and small, keep their leader, and
//! serve their earlier clients.
//!
//! It runs for ten seconds, or for as many as `RAFT_HOSTILE_SECONDS` says. With `--nocapture` the figures are
//! printed.
#![cfg(target_os = "linux")]

use crate::common::forged::{asks_status, call, frame, greeting, hello, letter};
use crate::common::founded::{Founded, Server};
use crate::common::{TIMEOUT, await_some, raft};
use api::Status;
use client::{List, Node, NotDone, Read};
use consensus::{
    AppendEntries, AppendEntriesReply, AppendOutcome, Chunk, ClusterId, Entry, Found, Incarnation, Index,
    InstallSnapshot, LogPosition, Message, NodeId, Origin, Payload, PreVote, PreVoteReply, Refusal,
    RequestVote, RequestVoteReply, Start, Term, TimeoutNow, event,
};
use kv::{Answer, Write as Put};
use measure::process::{Memory, Usage};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use trace::{Event, Process};

/// Maximum memory that a server may have had, in KiB. Its own limits add up to 355 MiB: 96 KiB of a request's
/// head for each of 1024 clients, 64 MiB of bodies that have begun, 64 MiB of responses that nobody has read,
/// 64 KiB for each of 512 connections without a handshake, a frame of 4 MiB for each of 16 guests, and 35 MiB
/// at rest. An attack of ten minutes reaches 245 MiB.
const MOST_MEMORY: u64 = 400 << 10;

/// Maximum number of files that a server may have had open: the places for clients and for connections
/// without a handshake, and 128 for its peers and its data.
const MOST_FILES: usize = 1024 + 512 + 128;

/// Share of a processor that a server may use when it is left alone again: nothing of the attack remains. At
/// rest it uses about a hundredth.
const CPU_AT_REST: f64 = 0.3;

/// How long the processor's time is measured.
const AT_REST: Duration = Duration::from_secs(2);

/// With fewer open files than this a server has got rid of the attackers.
const FILES_AT_REST: usize = 64;

/// Attackers and servers share few processors: a leader that is late must not be taken for one that was
/// deposed by a forgery.
const TIMING: [&str; 4] = ["--heartbeat", "300ms", "--election-timeout", "3s..6s"];

/// Default duration of an attack.
const SECONDS: u64 = 10;

/// Pause between two looks at the servers.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// An attacker waits no longer than this for anything.
const HURRY: Duration = Duration::from_millis(300);

/// Maximum length of a frame in bytes (wire.rs).
const LARGEST_FRAME: usize = 4 << 20;

const SERVERS: [u64; 3] = [1, 2, 3];

/// Both attacks at once would be one too many for a small machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
fn servers_without_a_secret_stand_a_hostile_program() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let raft_node = || {
        let mut command = raft();
        command.arg("node").args(TIMING);
        command
    };
    stands(&Founded::of_nodes(SERVERS.len() as u64, raft_node), false);
}

/// The servers of `raft up` share one.
#[test]
fn a_cluster_with_a_secret_stands_a_hostile_program() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let raft_up = |folder: &TempDir| {
        let mut command = raft();
        command.args(["up", "--json", "--no-web", "--profile", "production", "--nodes", "3"]).args(TIMING);
        // On a folder that was named, the cluster's name is no secret either.
        command.arg("--data").arg(folder.path().join("data")).env("TMPDIR", folder.path());
        command
    };
    stands(&Founded::by(raft_up, SERVERS.len()), true);
}

/// What was seen of a server while it was attacked.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    peak_kib: u64,
    peak_files: usize,
}

impl Seen {
    /// Checks a server, which must stay within its limits.
    fn look_at(&mut self, server: &Server) {
        let now = Seen { peak_kib: Memory::of(server.pid).peak >> 10, peak_files: open_files(server.pid) };
        self.peak_kib = self.peak_kib.max(now.peak_kib);
        self.peak_files = self.peak_files.max(now.peak_files);
        assert!(now.peak_kib > 0, "{} runs", server.id);
        assert!(now.peak_kib < MOST_MEMORY, "{} has had {} KiB", server.id, now.peak_kib);
        assert!(now.peak_files <= MOST_FILES, "{} has {} files open", server.id, now.peak_files);
    }
}

fn open_files(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

fn cpu(servers: &[Server]) -> Vec<Duration> {
    servers.iter().map(|server| Duration::from_micros(Usage::of(server.pid).cpu_us)).collect()
}

/// How much of a processor each server has used since then.
fn cores_since(servers: &[Server], before: &[Duration], when: Instant) -> Vec<f64> {
    let used = cpu(servers);
    used.iter().zip(before).map(|(now, before)| (*now - *before).div_duration_f64(when.elapsed())).collect()
}

/// Tells the attackers that it is over, even if the test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn stands(cluster: &Founded, has_secret: bool) {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let seconds = std::env::var("RAFT_HOSTILE_SECONDS").map_or(SECONDS, |seconds| seconds.parse().unwrap());
    let known = cluster.wait_until_ready();
    let (term, leader) = (known[&NodeId(1)].term, known[&NodeId(1)].leader.unwrap());
    let attack = Attack::new(cluster, known, has_secret);
    let mut seen = vec![Seen::default(); SERVERS.len()];
    let (before, began) = (cpu(&cluster.servers), Instant::now());

    // They have their connections before the attackers arrive.
    let mut client = Client::of(cluster.server(leader));
    client.write();
    let watches: Vec<Node> = cluster.servers.iter().map(|server| Node::new(&server.address)).collect();
    let led = |watches: &[Node]| watches.iter().filter_map(led_by).collect::<BTreeSet<_>>();
    assert_eq!(led(&watches), [(term, Some(leader))].into());

    let (terms, cores) = thread::scope(|scope| {
        let over = Over(&attack.is_over);
        let attack = &attack;
        for attacker in [malformed, malformed, forged, forged, hurried, hurried] {
            scope.spawn(move || attacker(attack));
        }
        for server in &cluster.servers {
            scope.spawn(move || hold(attack, server));
        }
        let working = scope.spawn(|| {
            while attack.goes_on() {
                client.write();
                client.read();
            }
        });
        let watching = scope.spawn(|| {
            let mut terms = BTreeSet::new();
            while attack.goes_on() {
                terms.extend(led(&watches));
                thread::sleep(LOOK_AGAIN);
            }
            terms
        });
        while began.elapsed() < Duration::from_secs(seconds) && !working.is_finished() {
            cluster.servers.iter().zip(&mut seen).for_each(|(server, seen)| seen.look_at(server));
            thread::sleep(LOOK_AGAIN);
        }
        let cores = cores_since(&cluster.servers, &before, began);
        drop(over);
        working.join().expect("whoever was there before is served");
        (watching.join().unwrap(), cores)
    });
    println!(
        "attacked for {:.0?}, {}: {attack}",
        began.elapsed(),
        if has_secret { "raft up" } else { "raft node" }
    );
    println!("the client has {client}");
    println!("terms and leaders: {terms:?}");
    for ((server, seen), cores) in cluster.servers.iter().zip(&seen).zip(cores) {
        let Seen { peak_kib, peak_files } = seen;
        println!("{}: {} MiB, {peak_files} files, {cores:.2} cores", server.id, peak_kib >> 10);
    }
    assert_eq!(terms, [(term, Some(leader))].into(), "nobody but this one has led");
    assert_left_alone(cluster, &mut client);
    assert_eq!(led(&watches), [(term, Some(leader))].into());
    attack.assert_understood(cluster);
}

/// The leader and its term, according to this server, if it has the time to answer.
fn led_by(server: &Node) -> Option<(Term, Option<NodeId>)> {
    server.status(TIMEOUT).ok().map(|status| (status.term, status.leader))
}

/// When the attackers have gone, all is as before, and nothing is lost.
fn assert_left_alone(cluster: &Founded, client: &mut Client) {
    for server in &cluster.servers {
        await_some("the attackers' connections to be closed", || {
            (open_files(server.pid) < FILES_AT_REST).then_some(())
        });
    }
    let cores = await_some("servers at rest", || {
        let (before, began) = (cpu(&cluster.servers), Instant::now());
        thread::sleep(AT_REST);
        let cores = cores_since(&cluster.servers, &before, began);
        cores.iter().all(|cores| *cores < CPU_AT_REST).then_some(cores)
    });
    println!("at rest: {cores:.3?} cores");

    let mut newcomer = Client { written: client.written, ..Client::of(&client.server) };
    newcomer.write();
    client.written = newcomer.written;
    client.assert_all_is_there();
}

/// A well-behaved client, with a connection that is kept.
struct Client {
    server: Server,
    node: Node,
    /// Number of keys written, each once, and acknowledged.
    written: u64,
    /// Number of times the server was too busy.
    refused: u64,
    slowest: Duration,
}

impl std::fmt::Display for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Client { written, refused, slowest, .. } = self;
        write!(
            f,
            "written {written} keys, and was told {refused} times to try again; the slowest request took {slowest:.1?}"
        )
    }
}

impl Client {
    fn of(server: &Server) -> Client {
        let node = Node::new(&server.address);
        Client { server: server.clone(), node, written: 0, refused: 0, slowest: Duration::ZERO }
    }

    fn key(number: u64) -> Vec<u8> {
        format!("honest/{number:08}").into_bytes()
    }

    fn value(number: u64) -> Vec<u8> {
        format!("the value of {number}").into_bytes()
    }

    /// Writes the next key.
    fn write(&mut self) {
        let (key, value) = (Client::key(self.written), Client::value(self.written));
        let answer = self.ask(|node| match node.write(&Put::put(&key, &value), TIMEOUT) {
            Err(client::Failure::NotDone(why)) => Err(why),
            Err(doubt) => panic!("{doubt}"),
            Ok(answer) => Ok(answer),
        });
        assert!(matches!(answer, Answer::Written { .. }), "{answer}");
        self.written += 1;
    }

    /// Reads any of the keys that were written.
    fn read(&mut self) {
        let number = fastrand::u64(..self.written);
        let found = self.ask(|node| node.get(&Client::key(number), Read::Linearizable, TIMEOUT));
        assert_eq!(found.map(|value| value.bytes), Some(Client::value(number)));
    }

    /// Asks until it is done. A server that is too busy says so, and has done nothing then.
    fn ask<T>(&mut self, ask: impl Fn(&Node) -> Result<T, NotDone>) -> T {
        let began = Instant::now();
        let answer = await_some("an answer", || match ask(&self.node) {
            Ok(answer) => Some(answer),
            Err(NotDone::NotNow { .. }) => {
                self.refused += 1;
                None
            }
            Err(why) => panic!("{why}"),
        });
        self.slowest = self.slowest.max(began.elapsed());
        answer
    }

    fn assert_all_is_there(&mut self) {
        let mut list = List { prefix: b"honest/".to_vec(), ..List::default() };
        let mut found = 0;
        loop {
            let page = self.ask(|node| node.list(&list, TIMEOUT));
            for entry in page.entries {
                assert_eq!((entry.key, entry.value.bytes), (Client::key(found), Client::value(found)));
                found += 1;
            }
            match page.more_after {
                Some(after) => list.after = after,
                None => break,
            }
        }
        assert_eq!(found, self.written, "all that was acknowledged is there, and nothing else");
    }
}

/// What the attackers share.
struct Attack<'a> {
    servers: &'a [Server],
    /// What all clients can learn.
    known: BTreeMap<NodeId, Status>,
    has_secret: bool,
    /// Number of connections held open at each server.
    held: usize,
    is_over: AtomicBool,
    /// Number of connections of each kind.
    made: [AtomicU64; KINDS.len()],
}

/// A kind of connections, as they are counted.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Malformed,
    Forged,
    Hurried,
    Held,
}

const KINDS: [Kind; 4] = [Kind::Malformed, Kind::Forged, Kind::Hurried, Kind::Held];

impl std::fmt::Display for Attack<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let made = KINDS.map(|kind| format!("{} {kind:?}", self.made[kind as usize].load(Ordering::Relaxed)));
        write!(f, "connections: {}", made.join(", ").to_lowercase())
    }
}

impl<'a> Attack<'a> {
    fn new(cluster: &'a Founded, known: BTreeMap<NodeId, Status>, has_secret: bool) -> Attack<'a> {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let held = files.saturating_sub(500) as usize / SERVERS.len();
        let wanted = HOLDS.iter().map(|hold| hold.count).sum();
        if held < wanted {
            println!(
                "only {held} connections are held at each server: this process may have {files} open files"
            );
        }
        Attack {
            servers: &cluster.servers,
            known,
            has_secret,
            held: held.min(wanted),
            is_over: AtomicBool::new(false),
            made: Default::default(),
        }
    }

    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    fn count(&self, kind: Kind) {
        self.made[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A connection to any of the servers.
    fn connect(&self, kind: Kind) -> Option<(&Server, TcpStream)> {
        let server = fastrand::choice(self.servers).unwrap();
        let stream = TcpStream::connect(&server.address).ok()?;
        stream.set_read_timeout(Some(HURRY)).unwrap();
        stream.set_write_timeout(Some(HURRY)).unwrap();
        self.count(kind);
        Some((server, stream))
    }

    /// A server that an attacker may claim to be, and the origin that it claims.
    ///
    /// Servers without a secret believe any program that claims to be of their cluster (docs/security.md):
    /// there, the attacker does not copy the cluster's id, which `/status` shows.
    fn claim(&self) -> (u64, Origin) {
        let from = match fastrand::u8(..4) {
            0 => fastrand::u64(4..40),
            1 => *fastrand::choice(&[0, u64::MAX, 99]).unwrap(),
            _ => *fastrand::choice(&SERVERS).unwrap(),
        };
        let cluster = self.known[&NodeId(1)].cluster_id;
        let known = self.known.get(&NodeId(from)).and_then(|status| status.start);
        let made_up =
            Start { incarnation: Incarnation(fastrand::u64(..)), number: 7, run: fastrand::u64(..) };
        let start = fastrand::choice([None, known, Some(made_up)]).unwrap();
        let start = *fastrand::choice(&[start, start.map(|start| Start { number: 0, ..start })]).unwrap();
        let of = |cluster, start| Origin { cluster, start, ..Origin::default() };
        let origin = match fastrand::u8(..3) {
            0 if self.has_secret => of(cluster, start),
            1 if self.has_secret => of(None, start),
            1 if known.is_none() => of(None, Some(made_up)),
            _ => of(Some(ClusterId(fastrand::u128(..))), start),
        };
        (from, origin)
    }

    /// The forgeries were read, and refused because of their content: otherwise this test would show nothing.
    fn assert_understood(&self, cluster: &Founded) {
        let expected: &[&str] = match self.has_secret {
            true => &["it does not know the cluster's secret", "it does not speak this protocol"],
            false => &["it is not a member, and names no cluster", "a frame does not contain a message"],
        };
        let mut missing: BTreeSet<&str> = expected.iter().copied().collect();
        for record in cluster.told() {
            if let Event::Process(Process::Garbage { problem, .. }) = record.event {
                missing.retain(|expected| *expected != problem);
            }
        }
        assert_eq!(missing, BTreeSet::new(), "nobody was refused for this");
        if !self.has_secret {
            await_some("somebody to be refused as a member of another cluster", || {
                let troubles = cluster
                    .servers
                    .iter()
                    .filter_map(|server| Node::new(&server.address).status(TIMEOUT).ok());
                let mut troubles = troubles.flat_map(|status| status.peers);
                troubles.any(|peer| peer.what.contains("belongs to another cluster")).then_some(())
            });
        }
    }
}

/// The frames that wire.rs keeps as examples are the same as those made here.
#[test]
fn forgeries_have_the_right_format() {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let start = Some(Start { incarnation: Incarnation(0x1234), number: 3, run: 0x5678 });
    let earlier_runs = [7, 0, 0, 0, 0, 0, 0, 0];
    let origin = Origin { cluster: Some(ClusterId(0xabcd)), start, earlier_runs };
    let visitor = "0004726166740201090001cdd70201b42403f8ac010700000000000000";
    assert_eq!(hex(hello(2, NodeId(1), origin)), format!("000000225241465405{visitor}"));
    assert_eq!(hex(call(2, NodeId(1), origin, None)), format!("0000001e{visitor}00"));
    assert_eq!(hex(greeting())[..20], *"00000016524146540606");
    let message = Message::TimeoutNow(TimeoutNow { term: Term(4) });
    assert_eq!(hex(letter(2, &message)), "000000050201010804");
}

/// Everything that one server can send another, and that would do harm if it were believed.
fn lies(term: Term, start: Option<Start>) -> Vec<Message> {
    let ahead = match fastrand::u8(..3) {
        0 => term.next(),
        1 => Term(term.0 + Term::FARTHEST_AHEAD),
        _ => Term(u64::MAX),
    };
    let (index, end) = (Index(1_000_000), LogPosition { index: Index(1_000_000), term: ahead });
    let entry = |payload| Entry { term: ahead, payload };
    let entries = vec![entry(Payload::NoOp), entry(Payload::Command([7; 100].into()))];
    let append = |entries, prev_log_index| {
        let (prev_log_term, leader_commit) = (Term(0), index);
        AppendEntries { term: ahead, prev_log_index, prev_log_term, entries, leader_commit, round: 1 }
    };
    let chunk = Chunk { last_included: end, offset: 0, bytes: [7; 1000].into(), is_last: true };
    let founders = |ids: &[u64]| ids.iter().map(|id| (NodeId(*id), Some(Incarnation(*id)))).collect();
    let found =
        |ids| Message::Found(Found { founders: founders(ids), is_saved: fastrand::bool(), is_reply: false });
    let refusal = |problem| start.map(|start| Message::Refusal(Refusal { start, problem }));
    let matched = AppendOutcome::Matched { match_index: index };
    let mut lies = vec![
        Message::RequestVote(RequestVote {
            term: ahead,
            last_log_index: index,
            last_log_term: ahead,
            by_transfer: true,
        }),
        Message::RequestVoteReply(RequestVoteReply { term: ahead, vote_granted: true }),
        Message::PreVote(PreVote { term: ahead, last_log_index: index, last_log_term: ahead }),
        Message::PreVoteReply(PreVoteReply { term: ahead, asked_in: term, would_vote: true }),
        Message::AppendEntries(append(entries, Index(0))),
        Message::AppendEntries(append(Vec::new(), index)),
        Message::AppendEntriesReply(AppendEntriesReply { term, outcome: matched, round: u64::MAX }),
        Message::AppendEntriesReply(AppendEntriesReply {
            term: ahead,
            outcome: AppendOutcome::Refused,
            round: 1,
        }),
        Message::InstallSnapshot(InstallSnapshot { term: ahead, chunk }),
        Message::TimeoutNow(TimeoutNow { term }),
        Message::TimeoutNow(TimeoutNow { term: ahead }),
        found(&SERVERS),
        // With these the first of the single servers has founded their cluster.
        found(&SERVERS[..1]),
    ];
    lies.extend(refusal(event::Problem::EarlierStart));
    lies.extend(refusal(event::Problem::LostEntries { had: index }));
    lies
}

/// Claims to be a server that it is not, and sends what would do most harm.
fn forged(attack: &Attack<'_>) {
    while attack.goes_on() {
        let Some((to, mut stream)) = attack.connect(Kind::Forged) else { continue };
        let (from, origin) = attack.claim();
        let introduction = match fastrand::bool() {
            true => hello(from, to.id, origin),
            false => {
                if stream.write_all(&greeting()).is_err() {
                    continue;
                }
                // The welcome ends with the proof of the called server, if there is a secret. It must not
                // serve as ours.
                let mut welcome = [0; 4 + 4 + 1 + 16 + 1 + 32];
                let length = if attack.has_secret { welcome.len() } else { welcome.len() - 32 };
                if stream.read_exact(&mut welcome[..length]).is_err() {
                    continue;
                }
                let copied = welcome.last_chunk().copied();
                let proof = *fastrand::choice(&[None, Some([7; 32]), copied]).unwrap();
                call(from, to.id, origin, proof)
            }
        };
        let status = &attack.known[&to.id];
        let mut lies = lies(status.term, status.start);
        fastrand::shuffle(&mut lies);
        let letters = lies.iter().flat_map(|lie| letter(from, lie));
        let _ = stream.write_all(&introduction.into_iter().chain(letters).collect::<Vec<u8>>());
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

/// Sends what no server can understand.
fn malformed(attack: &Attack<'_>) {
    while attack.goes_on() {
        let Some((to, mut stream)) = attack.connect(Kind::Malformed) else { continue };
        let _ = stream.write_all(&nonsense(attack, to));
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

fn random(most: usize) -> Vec<u8> {
    std::iter::repeat_with(|| fastrand::u8(..)).take(fastrand::usize(1..=most)).collect()
}

fn nonsense(attack: &Attack<'_>, to: &Server) -> Vec<u8> {
    let (from, origin) = attack.claim();
    let (hello, status) = (hello(from, to.id, origin), &attack.known[&to.id]);
    let lie = || letter(from, fastrand::choice(&lies(status.term, status.start)).unwrap());
    let real = match fastrand::bool() {
        true => [hello.clone(), lie(), lie()].concat(),
        false => [greeting(), call(from, to.id, origin, Some([7; 32])), lie(), lie()].concat(),
    };
    match fastrand::u8(..8) {
        0 => random(10_000),
        1 => [&(LARGEST_FRAME as u32 + fastrand::u32(1..1000)).to_be_bytes()[..], &random(10_000)].concat(),
        2 => [&[0xff; 4][..], &random(10_000)].concat(),
        // Its length is right, and the rest of it is missing.
        3 => [frame(&hello[4..fastrand::usize(4..hello.len())]), lie()].concat(),
        4 => mutated(&real),
        5 => [hello, frame(&random(1000))].concat(),
        6 => [greeting(), frame(&random(1000))].concat(),
        _ => {
            let request = fastrand::choice(&[
                "GET / HTTP/9.9\r\n\r\n",
                "GET /kv/\0 HTTP/1.1\r\nhost: localhost\r\n\r\n",
                "PUT /kv/x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999999999999\r\n\r\n",
                "PUT /kv/x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
                "POST /members HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n[[[",
                "GET /watch?after=-1 HTTP/1.1\r\nhost: localhost\r\n\r\n",
            ]);
            [request.unwrap().as_bytes(), &random(10_000)].concat()
        }
    }
}

/// Some of these bytes, changed.
fn mutated(bytes: &[u8]) -> Vec<u8> {
    let mut mutated = bytes.to_vec();
    for _ in 0..fastrand::usize(1..4) {
        *fastrand::choice(mutated.iter_mut()).unwrap() = fastrand::u8(..);
    }
    mutated
}

/// Sends more than a server can process, and does not wait for an answer.
fn hurried(attack: &Attack<'_>) {
    const AT_ONCE: usize = 1000;
    let swollen = swollen();
    while attack.goes_on() {
        let until = Instant::now() + HURRY;
        let is_time = || Instant::now() < until && attack.goes_on();
        // Over one connection after the other.
        let short = fastrand::choice([None, None, None, Some(asks_status()), Some(greeting())]).unwrap();
        while let Some(first) = short.as_ref().filter(|_| is_time()) {
            let _ = attack.connect(Kind::Hurried).map(|(_, mut stream)| stream.write_all(first));
        }
        // And as much as possible over one.
        let Some((to, mut stream)) = attack.connect(Kind::Hurried) else { continue };
        let (from, origin) = attack.claim();
        let status = &attack.known[&to.id];
        let (begin, flood) = match fastrand::u8(..6) {
            0 => (hello(from, to.id, origin), vec![0; 4 * AT_ONCE]),
            1 => {
                let lies = lies(status.term, status.start);
                (hello(from, to.id, origin), letter(from, fastrand::choice(&lies).unwrap()).repeat(AT_ONCE))
            }
            2 => (hello(99, to.id, origin), fastrand::choice(&swollen).unwrap().clone()),
            3 => (Vec::new(), asks_status().repeat(AT_ONCE)),
            4 => (Vec::new(), b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(AT_ONCE)),
            _ => (Vec::new(), b"GET /status HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(AT_ONCE)),
        };
        let until = Instant::now() + HURRY;
        let mut sent = stream.write_all(&begin);
        while sent.is_ok() && Instant::now() < until && attack.goes_on() {
            sent = stream.write_all(&flood);
        }
    }
}

/// Letters of n99 that take far more memory than they have bytes: two of these make an entry, or a founder.
fn swollen() -> [Vec<u8>; 2] {
    let many = (LARGEST_FRAME - 100) / 2;
    let entry = Entry { term: Term(1), payload: Payload::NoOp };
    let append = AppendEntries {
        term: Term(1),
        prev_log_index: Index(0),
        prev_log_term: Term(0),
        entries: vec![entry; many],
        leader_commit: Index(0),
        round: 0,
    };
    let found = Found { founders: vec![(NodeId(1), None); many], is_saved: true, is_reply: false };
    [Message::AppendEntries(append), Message::Found(found)].map(|message| letter(99, &message))
}

/// Connections that are held open.
struct Hold {
    /// Number of connections to each server.
    count: usize,
    /// Number of bytes sent at once.
    at_once: usize,
    /// What is sent. The last byte is not.
    begins: &'static [u8],
    /// Number of meaningless bytes that follow.
    then: usize,
}

const fn hold_of(count: usize, at_once: usize, begins: &'static [u8], then: usize) -> Hold {
    Hold { count, at_once, begins, then }
}

const QUICK: usize = 64 << 10;
const SLOW: usize = 1;

/// All together they are more than there are places for: 1150 clients, and 750 connections without a
/// handshake.
const HOLDS: [Hold; 10] = [
    hold_of(300, QUICK, b"", 0),
    hold_of(400, QUICK, &(LARGEST_FRAME as u32).to_be_bytes(), LARGEST_FRAME),
    hold_of(50, SLOW, &(LARGEST_FRAME as u32).to_be_bytes(), LARGEST_FRAME),
    hold_of(200, QUICK, b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ", 95_000),
    hold_of(50, SLOW, b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ", 95_000),
    hold_of(700, QUICK, b"PUT /kv/x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1048576\r\n\r\n", 1 << 20),
    hold_of(50, SLOW, b"PUT /kv/x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1048576\r\n\r\n", 1 << 20),
    hold_of(50, QUICK, b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\nG", 0),
    hold_of(50, QUICK, b"GET /watch HTTP/1.1\r\nhost: localhost\r\n\r\nG", 0),
    hold_of(50, QUICK, b"GET /kv?read=stale HTTP/1.1\r\nhost: localhost\r\n\r\nG", 0),
];

/// A connection that is held open, and what is still to be sent over it.
struct Held {
    stream: TcpStream,
    hold: usize,
    sent: usize,
    /// A connection that is given up by then would hardly be missed.
    until: Instant,
}

/// Holds connections open to one server: they send little or nothing, or half of what they begin, or do not
/// read. Those that the server closes are opened again.
fn hold(attack: &Attack<'_>, server: &Server) {
    let sent: Vec<Vec<u8>> = HOLDS
        .iter()
        .map(|hold| {
            let whole = [hold.begins, &vec![b'x'; hold.then]].concat();
            whole[..whole.len().saturating_sub(1)].to_vec()
        })
        .collect();
    let wanted: usize = HOLDS.iter().map(|hold| hold.count).sum();
    let mut counts = [0; HOLDS.len()];
    let mut all: Vec<Held> = Vec::new();
    while attack.goes_on() {
        for (hold, count) in counts.iter_mut().enumerate() {
            // Not all at once: the others want to be accepted too.
            let missing = (HOLDS[hold].count * attack.held / wanted).saturating_sub(*count).min(20);
            for _ in 0..missing {
                let Ok(stream) = TcpStream::connect(&server.address) else { break };
                stream.set_nonblocking(true).unwrap();
                attack.count(Kind::Held);
                let until = Instant::now() + Duration::from_secs(fastrand::u64(10..40));
                all.push(Held { stream, hold, sent: 0, until });
                *count += 1;
            }
        }
        all.retain_mut(|held| {
            let (rest, at_once) = (&sent[held.hold][held.sent..], HOLDS[held.hold].at_once);
            let is_blocked = |error: std::io::Error| error.kind() == ErrorKind::WouldBlock;
            let is_open = match rest.is_empty() {
                true => held.stream.peek(&mut [0]).map_or_else(is_blocked, |come| come > 0),
                false => {
                    held.stream.write(&rest[..rest.len().min(at_once)]).map_or_else(is_blocked, |sent| {
                        held.sent += sent;
                        true
                    })
                }
            };
            let is_kept = is_open && Instant::now() < held.until;
            counts[held.hold] -= usize::from(!is_kept);
            is_kept
        });
        thread::sleep(Duration::from_millis(10));
    }
}
