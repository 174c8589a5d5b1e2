//! Servers that are not who they claim to be: with a lost folder, an older copy, an address of another
//! cluster.

use crate::common::{TIMEOUT, ask, await_some, raft};
use api::Status;
use client::Node;
use consensus::{AppendEntries, Entry, Index, Message, NodeId, Origin, Payload, Term};
use std::fs::{self, File};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::time::Duration;
use trace::EventId;

/// Servers that die with the test, each with an address and a folder of its own.
struct Servers {
    folder: tempfile::TempDir,
    addresses: Vec<String>,
    running: Vec<Option<Child>>,
}

impl Drop for Servers {
    fn drop(&mut self) {
        (1..=self.running.len()).for_each(|id| self.kill(id));
    }
}

impl Servers {
    fn new(count: usize) -> Servers {
        let listeners: Vec<TcpListener> =
            (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let addresses = listeners.iter().map(|it| it.local_addr().unwrap().to_string()).collect();
        let running = (0..count).map(|_| None).collect();
        Servers { folder: tempfile::tempdir().unwrap(), addresses, running }
    }

    fn address(&self, id: usize) -> &str {
        &self.addresses[id - 1]
    }

    fn data(&self, id: usize) -> PathBuf {
        self.folder.path().join(format!("n{id}"))
    }

    fn said_by(&self, id: usize) -> String {
        fs::read_to_string(self.folder.path().join(format!("{id}.stderr"))).unwrap_or_default()
    }

    /// Starts a server. `peers` are the others of its cluster; without any it joins one, or is alone.
    fn start(&mut self, id: usize, peers: &[usize], more: &[&str]) {
        self.start_at(id, self.address(id).to_owned(), peers, more);
    }

    fn start_at(&mut self, id: usize, address: String, peers: &[usize], more: &[&str]) {
        let mut command = raft();
        command.args(["node", "--quiet", "--id", &id.to_string(), "--listen", &address, "--data"]);
        command.arg(self.data(id)).args(["--election-timeout", "400ms..800ms"]).args(more);
        for peer in peers.iter().filter(|peer| **peer != id) {
            command.args(["--peer", &format!("{peer}={}", self.address(*peer))]);
        }
        let said = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join(format!("{id}.stderr")))
            .unwrap();
        self.running[id - 1] = Some(command.stdout(Stdio::null()).stderr(said).spawn().unwrap());
    }

    /// Founds a cluster of these servers, and waits until it works.
    fn found(&mut self, ids: &[usize]) {
        ids.iter().for_each(|&id| self.start(id, ids, &[]));
        self.wait_until_ready(ids);
    }

    /// Starts a server that is new to the cluster of these members, and adds it.
    fn let_in(&mut self, id: usize, members: &[usize]) {
        self.start(id, &[], &["--join"]);
        let newcomer = format!("{id}={}", self.address(id));
        self.done(members, &["member", "add", &newcomer]);
        self.wait_until_ready(&[id]);
    }

    /// Ends a server, and makes a copy of its folder.
    fn back_up(&mut self, id: usize) -> PathBuf {
        self.kill(id);
        let backup = self.folder.path().join("backup");
        copy_folder(&self.data(id), &backup);
        backup
    }

    /// Ends a server, and replaces its folder by a copy.
    fn put_back(&mut self, id: usize, backup: &Path) {
        self.kill(id);
        fs::remove_dir_all(self.data(id)).unwrap();
        copy_folder(backup, &self.data(id));
    }

    fn kill(&mut self, id: usize) {
        if let Some(mut child) = self.running[id - 1].take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn status(&self, id: usize) -> Option<Status> {
        Node::new(self.address(id)).status(Duration::from_secs(5)).ok()
    }

    fn is_ready(&self, id: usize) -> bool {
        self.status(id).is_some_and(|status| status.not_ready.is_none())
    }

    fn wait_until_ready(&self, ids: &[usize]) {
        for &id in ids {
            await_some(&format!("n{id} to be ready"), || self.is_ready(id).then_some(()));
        }
    }

    fn leader(&self, ids: &[usize]) -> usize {
        await_some("a leader", || {
            let leader = ids.iter().find_map(|&id| self.status(id)?.leader)?;
            let leader = leader.0 as usize;
            (self.status(leader)?.leader == Some(NodeId(leader as u64))).then_some(leader)
        })
    }

    fn raft(&self, ids: &[usize], arguments: &[&str]) -> Output {
        let servers: Vec<&str> = ids.iter().map(|id| self.address(*id)).collect();
        let mut command = raft();
        command.args(arguments).args(["--servers", &servers.join(","), "--timeout", "30s"]);
        command.output().unwrap()
    }

    #[track_caller]
    fn done(&self, ids: &[usize], arguments: &[&str]) -> String {
        let output = self.raft(ids, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Three founders, and an acknowledged write that one of them does not know. Returns the leader, the one
    /// that acknowledged it too, and the one that was away.
    fn with_a_write_that_one_missed(&mut self) -> (usize, usize, usize) {
        let all = [1, 2, 3];
        self.found(&all);
        let leader = self.leader(&all);
        let others: Vec<usize> = all.into_iter().filter(|id| *id != leader).collect();
        let (witness, away) = (others[0], others[1]);
        self.kill(away);
        self.done(&[leader, witness], &["put", "precious", "hello"]);
        (leader, witness, away)
    }

    /// Waits until the server reports this problem. It may know less than that at first: whose request comes
    /// before whose refusal is random.
    fn await_trouble(&self, id: usize, what: &str) {
        await_some(&format!("n{id} to say: {what}"), || {
            self.status(id)?.trouble?.what.contains(what).then_some(())
        });
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// A member restarts without its data. Its vote must not elect a leader that lacks what it had acknowledged.
#[test]
fn a_server_that_lost_its_folder_elects_nobody() {
    let mut servers = Servers::new(3);
    let (leader, witness, away) = servers.with_a_write_that_one_missed();
    servers.kill(leader);
    servers.kill(witness);
    fs::remove_dir_all(servers.data(witness)).unwrap();
    let all = [1, 2, 3];
    servers.start(away, &all, &[]);
    servers.start(witness, &all, &[]);

    servers.await_trouble(witness, "another data folder");
    assert_eq!(servers.status(away).unwrap().leader, None);
    let said = servers.said_by(witness);
    assert!(
        said.contains("help: nothing is lost if a majority still has its data")
            && said.contains("raft member remove"),
        "{said}"
    );

    // With the previous leader, whose data is intact, all is well again.
    servers.start(leader, &all, &[]);
    servers.wait_until_ready(&[leader, away]);
    assert_eq!(servers.done(&[leader, away], &["get", "precious"]), "hello");
    await_some("the members' list to show the loss", || {
        let table = servers.done(&[servers.leader(&[leader, away])], &["member", "list"]);
        table.contains("its data is lost").then_some(())
    });

    // And the lost one comes back when it is added again.
    let remove = ["member", "remove", &witness.to_string()];
    servers.done(&[leader, away], &remove);
    servers.kill(witness);
    fs::remove_dir_all(servers.data(witness)).unwrap();
    servers.let_in(witness, &[leader, away]);
    assert_eq!(servers.done(&[witness], &["get", "precious"]), "hello");
}

/// A founder restarts without its data after all other founders have left. None of the servers that it asks
/// is there.
#[test]
fn a_founder_that_lost_its_folder_learns_it_from_members_who_came_later() {
    let mut servers = Servers::new(4);
    servers.found(&[1, 2]);
    [3, 4].iter().for_each(|&id| servers.let_in(id, &[1, 2]));
    servers.done(&[1, 2], &["member", "remove", "2"]);
    servers.kill(2);
    servers.kill(1);
    fs::remove_dir_all(servers.data(1)).unwrap();
    servers.start(1, &[1, 2], &[]);
    servers.await_trouble(1, "founded by other servers, or with other data");
    assert!(!servers.is_ready(1));
    servers.done(&[3, 4], &["put", "x", "1"]);
}

/// A folder is rolled back to a copy that was made before the server's last start.
#[test]
fn an_older_copy_of_a_folder_is_refused_and_says_so() {
    let mut servers = Servers::new(3);
    let all = [1, 2, 3];
    servers.found(&all);
    let leader = servers.leader(&all);
    let set_back = all.into_iter().find(|id| *id != leader).unwrap();
    let backup = servers.back_up(set_back);
    servers.start(set_back, &all, &[]);
    servers.wait_until_ready(&[set_back]);
    servers.done(&all, &["put", "x", "1"]);
    servers.put_back(set_back, &backup);
    servers.start(set_back, &all, &[]);

    servers.await_trouble(set_back, "older copy");
    assert!(!servers.is_ready(set_back));
    // It is still so after a restart.
    servers.kill(set_back);
    servers.start(set_back, &all, &[]);
    servers.await_trouble(set_back, "older copy");
}

/// All servers that the copy takes for members are gone: those that were added since refuse it.
#[test]
fn an_older_copy_that_knows_no_member_says_so() {
    let mut servers = Servers::new(4);
    servers.found(&[1, 2]);
    let backup = servers.back_up(2);
    servers.start(2, &[1, 2], &[]);
    servers.wait_until_ready(&[1, 2]);
    [3, 4].iter().for_each(|&id| servers.let_in(id, &[1, 2]));
    servers.done(&[1, 2], &["member", "remove", "1"]);
    servers.kill(1);
    servers.done(&[3, 4], &["put", "x", "1"]);
    servers.put_back(2, &backup);
    servers.start(2, &[1, 2], &[]);
    servers.await_trouble(2, "older copy");
    assert!(!servers.is_ready(2));
    assert_eq!(servers.done(&[3, 4], &["get", "x"]), "1");
}

/// Two copies of one folder must not both vote.
#[test]
fn a_second_copy_of_a_running_server_takes_no_part() {
    let mut servers = Servers::new(4);
    let all = [1, 2, 3];
    servers.found(&all);
    servers.kill(3);
    copy_folder(&servers.data(3), &servers.data(4));
    servers.start(3, &all, &[]);
    servers.wait_until_ready(&[3]);
    // The copy, at another address: same number, same folder, same start number.
    let (elsewhere, copy) = (servers.address(4).to_owned(), servers.data(4));
    let mut command = raft();
    command.args(["node", "--quiet", "--id", "3", "--listen", &elsewhere, "--data"]).arg(copy);
    for peer in [1, 2] {
        command.args(["--peer", &format!("{peer}={}", servers.address(peer))]);
    }
    servers.running[3] = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    servers.await_trouble(4, "runs on a copy of it");
    servers.wait_until_ready(&all);
}

/// A typing error names one server in two clusters.
#[test]
fn two_clusters_do_not_become_one() {
    let mut servers = Servers::new(5);
    let (a, b) = ([1, 2, 3], [3, 4, 5]);
    servers.found(&a);
    servers.done(&a, &["put", "x", "A1"]);
    [4, 5].iter().for_each(|&id| servers.start(id, &b, &[]));
    for id in [4, 5] {
        servers.await_trouble(id, "founded by other servers");
    }
    assert!(servers.is_ready(3), "who calls it by mistake does not matter to it");
    servers.done(&a, &["put", "x", "A2"]);
    assert_eq!(servers.done(&[3], &["get", "x"]), "A2");
    let [first, second] = [1, 3].map(|id| servers.status(id).unwrap().cluster_id);
    assert!(first.is_some() && first == second);
}

/// A number that was removed can be used again at once: the new server gets the log before it votes.
#[test]
fn a_number_that_is_used_again_votes_only_with_the_log() {
    let mut servers = Servers::new(3);
    let all = [1, 2, 3];
    servers.found(&all);
    servers.done(&all, &["put", "x", "1"]);
    servers.kill(3);
    fs::remove_dir_all(servers.data(3)).unwrap();
    servers.start(3, &[], &["--join"]);
    servers.done(&[1, 2], &["member", "remove", "3"]);
    let newcomer = format!("3={}", servers.address(3));
    servers.done(&[1, 2], &["member", "add", &newcomer]);
    servers.wait_until_ready(&[3]);
    let status = servers.status(3).unwrap();
    assert!(status.membership.voters.contains(NodeId(3)));
    assert!(status.commit_index.0 > 2, "{status:?}");
}

/// A server restarts on another port. The others learn it from the server itself, or by a command.
#[test]
fn a_server_that_moved_is_heard_and_can_be_moved_in_the_configuration() {
    let mut servers = Servers::new(4);
    servers.start(1, &[], &[]);
    servers.wait_until_ready(&[1]);
    [2, 3].iter().for_each(|&id| servers.let_in(id, &[1]));
    servers.kill(3);
    let elsewhere = servers.address(4).to_owned();
    servers.start_at(3, elsewhere.clone(), &[], &["--join"]);
    servers.addresses[2] = elsewhere.clone();
    servers.wait_until_ready(&[3]);
    let moved = servers.done(&[1, 2], &["member", "move", &format!("3={elsewhere}")]);
    assert!(moved.contains(&elsewhere), "{moved}");
    servers.wait_until_ready(&[1, 2, 3]);
}

/// The way out when a majority is gone for good.
#[test]
fn a_lost_majority_is_recovered_on_purpose_only_and_the_old_members_stay_out() {
    let mut servers = Servers::new(3);
    let (leader, witness, away) = servers.with_a_write_that_one_missed();
    servers.kill(leader);
    servers.kill(witness);
    let data = servers.data(witness);
    let recover = |more: &[&str]| {
        let mut command = raft();
        command.args(["recover", "--data"]).arg(&data).args(more);
        command.stdin(Stdio::null()).output().unwrap()
    };
    let unasked = recover(&[]);
    assert_eq!(unasked.status.code(), Some(2), "nobody confirmed it");
    let wrong = recover(&["--confirm", &format!("n{away}")]);
    assert_eq!(wrong.status.code(), Some(1), "that is another server");
    let done = recover(&["--confirm", &format!("n{witness}")]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));

    servers.start(witness, &[], &[]);
    servers.wait_until_ready(&[witness]);
    assert_eq!(servers.done(&[witness], &["get", "precious"]), "hello");
    // A former member calls with everything it has.
    servers.start(away, &[1, 2, 3], &[]);
    servers.await_trouble(away, "another cluster");
    assert!(servers.is_ready(witness));
    assert_eq!(servers.done(&[witness], &["get", "precious"]), "hello");
    let voters = servers.status(witness).unwrap().membership.voters;
    assert_eq!(voters, [NodeId(witness as u64)].into_iter().collect());
}

/// A watcher is told when the log that it has seen is gone.
#[test]
fn a_watch_of_a_log_that_is_gone_is_told_so() {
    let mut servers = Servers::new(1);
    servers.start(1, &[], &[]);
    servers.wait_until_ready(&[1]);
    let mut last = None;
    for value in 0..5 {
        servers.done(&[1], &["put", "old", &value.to_string()]);
        last = servers.status(1);
    }
    let seen = last.unwrap();
    servers.kill(1);
    fs::remove_dir_all(servers.data(1)).unwrap();
    servers.start(1, &[], &[]);
    servers.wait_until_ready(&[1]);
    let node = Node::new(servers.address(1));
    let place = api::Place { index: seen.last_applied, cluster: seen.cluster_id };
    let mut watch = node.watch(b"", Some(place), TIMEOUT).unwrap();
    assert!(matches!(watch.hear(), Ok(client::News::Missed { .. })));
    // A place without a cluster, after the end of the log, is no better.
    let ahead = api::Place { index: consensus::Index(1_000), cluster: None };
    let mut watch = node.watch(b"", Some(ahead), TIMEOUT).unwrap();
    assert!(matches!(watch.hear(), Ok(client::News::Missed { .. })));
}

/// A member claims what is impossible, unless data was lost: that it leads the very term that another one
/// leads, and that other entries are committed. Nobody must have to search a trace for that.
#[test]
fn a_contradiction_is_loud_and_changes_nothing() {
    let mut servers = Servers::new(3);
    let all = [1, 2, 3];
    servers.found(&all);
    servers.done(&all, &["put", "x", "1"]);
    let leader = servers.leader(&all);
    let liar = all.into_iter().find(|id| *id != leader).unwrap();
    let liar_start = servers.status(liar).unwrap().start;

    let status = await_some("the contradiction to be counted", || {
        let status = servers.status(leader)?;
        if status.contradictions == 0 {
            let origin = Origin { cluster: status.cluster_id, start: liar_start, ..Origin::default() };
            let mut frames = Frames::connect(servers.address(leader), &status, liar, origin);
            frames.say(liar, claims_to_lead(status.term));
            frames.say(liar, claims_to_lead(status.term.next()));
        }
        (status.contradictions > 0).then_some(status)
    });
    let what = status.not_ready.unwrap();
    assert!(what.contains(&format!("n{liar} contradicts what this server knows for certain")), "{what}");
    let answer = |request: &str| ask(servers.address(leader), request, "").unwrap();
    let (ready, figures) = (answer("GET /readyz"), answer("GET /metrics"));
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("contradicts"), "{ready}");
    let counted = figures.lines().find(|line| line.starts_with("raft_contradictions_total "));
    assert!(counted.is_some_and(|line| !line.ends_with(" 0")), "{figures}");
    let said = servers.said_by(leader);
    assert!(said.contains("or two clusters were mixed"), "also with --quiet: {said}");

    // It passes, and nothing is lost.
    servers.wait_until_ready(&all);
    assert_eq!(servers.done(&all, &["get", "x"]), "1");
}

/// The first entry of a log that is not the cluster's.
fn claims_to_lead(term: Term) -> Message {
    Message::AppendEntries(AppendEntries {
        term,
        prev_log_index: Index(0),
        prev_log_term: Term(0),
        entries: vec![Entry { term, payload: Payload::NoOp }],
        leader_commit: Index(0),
        round: 0,
    })
}

/// A connection like those between servers.
struct Frames(TcpStream);

impl Frames {
    fn connect(address: &str, to: &Status, from: usize, origin: Origin) -> Frames {
        let mut frames = Frames(TcpStream::connect(address).unwrap());
        let (peer, from) = (0_u32, NodeId(from as u64));
        let promise = None::<()>;
        let hello = (*b"RAFT", 5_u16, peer, &to.cluster, from, to.node, 1_u16, promise, origin);
        frames.write(&postcard::to_allocvec(&hello).unwrap());
        frames
    }

    fn say(&mut self, from: usize, message: Message) {
        let sent_as = EventId { node: NodeId(from as u64), life: 1, seq: 1 };
        self.write(&postcard::to_allocvec(&(sent_as, message)).unwrap());
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(&(bytes.len() as u32).to_be_bytes()).unwrap();
        self.0.write_all(bytes).unwrap();
    }
}

/// What is impossible is noticed before anything is created.
#[test]
fn a_folder_of_three_servers_is_not_started_with_five() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("cluster");
    let mut up = crate::common::Up::start(&["--data", data.to_str().unwrap()], 3);
    up.wait_for_leader();
    up.signal(rustix::process::Signal::INT);
    up.wait_for_end();
    let five = raft().args(["up", "--plain", "--nodes", "5", "--data"]).arg(&data).output().unwrap();
    assert_eq!(five.status.code(), Some(1));
    let said = String::from_utf8(five.stderr).unwrap();
    assert!(said.contains("started with n1 n2 n3") && said.contains("help: "), "{said}");
    assert!(!data.join("n4").exists());
}
