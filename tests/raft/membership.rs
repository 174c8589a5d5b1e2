//! Servers that join and leave a running cluster, and leadership transfers, with real processes.

use crate::common::watched::Watched;
use crate::common::{TIMEOUT, await_some, raft};
use client::{Cluster, Node};
use cluster::Action;
use consensus::{Change, Index, NodeId};
use kv::{Answer, Write};
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use trace::Condition;

/// A server process that dies with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    fn start(id: u64, address: &str, data: &Path, arguments: &[&str]) -> Server {
        let mut command = raft();
        command.args(["node", "--quiet", "--id", &id.to_string(), "--listen", address, "--data"]);
        command.arg(data.join(id.to_string())).args(arguments);
        let told = File::create(data.join(format!("{id}.stderr"))).unwrap();
        Server(command.stdout(Stdio::null()).stderr(told).spawn().unwrap())
    }
}

fn votes(watched: &Watched, id: u64) -> bool {
    watched.view.membership().voters.contains(NodeId(id))
}

#[test]
fn a_server_joins_votes_and_takes_over() {
    let mut watched = Watched::start(3);
    watched.wait_for_agreement();
    watched.perform(&Action::AddServer);
    watched.wait_until("n4 to vote", |watched| votes(watched, 4));
    watched.wait_until("n4 to follow", |watched| {
        watched.view.server(NodeId(4)).is_some_and(|server| server.leader.is_some())
    });
    watched.perform(&Action::Transfer { to: NodeId(4) });
    watched.wait_until("n4 to lead", |watched| watched.view.leader() == Some(NodeId(4)));
}

/// A server that is added later also learns the others' addresses from the configuration. There the old one
/// is still listed.
#[test]
fn a_server_that_listens_elsewhere_since_its_restart_is_found_by_newcomers() {
    let mut watched = Watched::start(3);
    watched.wait_for_agreement();
    watched.perform(&Action::AddServer);
    watched.wait_until("n4 to vote", |watched| votes(watched, 4));
    watched.perform(&Action::Restart { node: NodeId(4) });
    watched.wait_until("n4 to follow again", |watched| {
        watched.view.server(NodeId(4)).is_some_and(|server| server.life > 1 && server.leader.is_some())
    });
    watched.perform(&Action::Transfer { to: NodeId(4) });
    watched.wait_until("n4 to lead", |watched| watched.view.leader() == Some(NodeId(4)));
    watched.perform(&Action::AddServer);
    watched.wait_until("n5 to vote", |watched| votes(watched, 5));
}

#[test]
fn a_server_is_replaced_in_one_step_and_its_process_dismissed() {
    let mut watched = Watched::start(3);
    let leader = watched.wait_for_agreement();
    let replaced = (1..=3).map(NodeId).find(|&id| id != leader).unwrap();
    watched.perform(&Action::ReplaceServer { node: replaced });
    watched.wait_until("n4 to vote in its place", |watched| votes(watched, 4) && !votes(watched, replaced.0));
    watched.wait_until("the change to end", |watched| !watched.cluster.is_joining());
    watched.wait_until("the replaced server to know it", |watched| {
        watched.view.server(replaced).is_some_and(|server| server.is_removed)
    });
    watched.perform(&Action::RemoveServer { node: replaced });
    watched.wait_until("its process to end", |watched| {
        watched.view.server(replaced).is_some_and(|server| server.condition == Condition::Dead)
    });
    let refused = watched.cluster.perform(&Action::RemoveServer { node: replaced });
    assert_eq!(refused, Err(format!("{replaced} is not a member, and is not running")));
}

#[test]
fn servers_that_came_later_come_back_with_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Watched::start_on(3, folder.path());
    let mut first = start();
    first.wait_for_agreement();
    first.perform(&Action::ReplaceServer { node: NodeId(1) });
    first.wait_until("n4 in the place of n1", |watched| {
        let voters = watched.view.membership().voters.clone();
        voters == [2, 3, 4].map(NodeId).into_iter().collect()
    });
    first.perform(&Action::RemoveServer { node: NodeId(1) });
    drop(first);

    let mut second = start();
    second.wait_until("n4 to be there again", |watched| {
        watched.view.server(NodeId(4)).is_some_and(|server| server.leader.is_some())
    });
    let servers: Vec<NodeId> = second.view.servers().map(|(id, _)| id).collect();
    assert_eq!(servers, [2, 3, 4].map(NodeId));
    assert!(folder.path().join("n1.removed").is_dir());
}

#[test]
fn a_leader_that_is_removed_lets_another_lead_and_knows_it() {
    let mut watched = Watched::start(3);
    let leader = watched.wait_for_agreement();
    watched.perform(&Action::RemoveServer { node: leader });
    watched.wait_until("the removed leader to know it", |watched| {
        watched.view.server(leader).is_some_and(|server| server.is_removed)
    });
    watched.wait_until("another leader", |watched| {
        watched.view.leader().is_some_and(|id| id != leader) && !votes(watched, leader.0)
    });
}

#[test]
fn a_follower_that_is_removed_learns_it_and_stays_quiet() {
    let mut watched = Watched::start(3);
    let leader = watched.wait_for_agreement();
    let follower = (1..=3).map(NodeId).find(|&id| id != leader).unwrap();
    watched.perform(&Action::RemoveServer { node: follower });
    watched.wait_until("the removed server to know it", |watched| {
        watched.view.server(follower).is_some_and(|server| server.is_removed)
    });
    assert_eq!(watched.view.leader(), Some(leader));
}

/// By hand, as described in the documents: one server, two more are added; then one is replaced.
#[test]
fn a_cluster_grows_from_one_server_and_one_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let listeners: Vec<TcpListener> = (0..4).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let addresses: Vec<String> = listeners.iter().map(|it| it.local_addr().unwrap().to_string()).collect();
    drop(listeners);
    let patient = ["--election-timeout", "500ms..1s"];
    let join = ["--election-timeout", "500ms..1s", "--join"];
    let address = |id: usize| addresses[id - 1].as_str();
    let servers = addresses.join(",");
    let member = |arguments: &[&str]| {
        let mut command = raft();
        command.arg("member").args(arguments).args(["--servers", &servers, "--timeout", "60s"]);
        let output = command.output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let _first = Server::start(1, address(1), folder.path(), &patient);
    let _others: Vec<Server> =
        (2..=4).map(|id| Server::start(id as u64, address(id), folder.path(), &join)).collect();

    for id in [2, 3] {
        let added = member(&["add", &format!("{id}={}", address(id))]);
        assert_eq!(added.0, Some(0), "{added:?}");
    }
    let replaced = member(&["replace", "2", &format!("4={}", address(4))]);
    assert_eq!(replaced.0, Some(0), "{replaced:?}");
    let (code, list, said) = member(&["list", "--json"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(list.contains("\"simple\":[1,3,4]"), "{list}");

    let refused = member(&["remove", "9"]);
    assert_eq!(refused.0, Some(1));
    assert!(refused.2.contains("n9 is not a member") && refused.2.contains("help: "), "{refused:?}");

    // The removed server reports that, and what to do.
    let told = await_some("n2 to say that it was removed", || {
        let told = std::fs::read_to_string(folder.path().join("2.stderr")).unwrap();
        told.contains("n2 was removed").then_some(told)
    });
    assert!(told.contains("help: stop it"), "{told}");

    // What is written now is on the disk of a server that was not there at first.
    let mut cluster = Cluster::new(addresses.iter().map(Node::new));
    let written = cluster.write(&Write::put(b"x", b"1"), TIMEOUT).unwrap();
    assert!(matches!(written, Answer::Written { .. }));
}

/// The contents of the log and of a snapshot can be read when the server restarts.
#[test]
fn a_configuration_that_could_not_be_read_again_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let start = || Server::start(1, &address, folder.path(), &["--snapshot-after", "64KiB"]);
    let mut cluster = Cluster::new([Node::new(&address)]);
    let add =
        |id: u64, host: &str| Change { add: [(NodeId(id), format!("{host}:1"))].into(), ..Change::default() };
    let written = |cluster: &mut Cluster, value: &[u8]| {
        let answer = cluster.write(&Write::put(b"x", value), TIMEOUT).unwrap();
        assert!(matches!(answer, Answer::Written { .. }), "{answer}");
    };

    let server = start();
    written(&mut cluster, b"1");
    for length in [1_000_000, 50_000, 254] {
        let refused = cluster.change_members(&add(2, &"h".repeat(length)), TIMEOUT).unwrap_err().to_string();
        assert!(refused.contains("the name of a host has at most 253 characters"), "{refused}");
    }
    // The longest name that a host can have.
    let longest = ["h".repeat(63), "h".repeat(63), "h".repeat(63), "h".repeat(61)].join(".");
    cluster.change_members(&add(2, &longest), TIMEOUT).unwrap();
    written(&mut cluster, &vec![1; 100_000]);
    let node = Node::new(&address);
    await_some("a snapshot with the configuration in it", || {
        (node.status(TIMEOUT).ok()?.snapshot.index > Index(0)).then_some(())
    });
    drop(server);
    let _again = start();
    written(&mut cluster, b"2");
    assert!(cluster.members(TIMEOUT).unwrap().membership.contains(NodeId(2)));
}

/// Each server is stopped and started again, leaders after a transfer. Clients that retry notice nothing.
#[test]
fn a_rolling_restart_fails_no_request() {
    let mut watched = Watched::start(3);
    watched.wait_for_agreement();
    // A restarted server has another address.
    let addresses = |watched: &Watched| -> Vec<Node> {
        let servers = watched.view.servers();
        servers.map(|(id, server)| Node::named(id, server.address.clone().unwrap())).collect()
    };
    let known = Arc::new(Mutex::new(addresses(&watched)));
    let is_over = Arc::new(AtomicBool::new(false));
    let client = std::thread::spawn({
        let (is_over, known) = (is_over.clone(), known.clone());
        move || {
            let mut cluster = Cluster::new(known.lock().unwrap().clone());
            let mut written = 0u64;
            while !is_over.load(Ordering::Relaxed) {
                cluster.meet(known.lock().unwrap().clone());
                let answer = cluster.write(&Write::put(b"x", written.to_string().as_bytes()), TIMEOUT);
                assert!(matches!(answer, Ok(Answer::Written { .. })), "{answer:?}");
                written += 1;
            }
            written
        }
    });
    for id in (1..=3).map(NodeId) {
        if watched.view.leader() == Some(id) {
            let heir = (1..=3).map(NodeId).find(|&other| other != id).unwrap();
            watched.perform(&Action::Transfer { to: heir });
            watched.wait_until("the leadership to be handed over", |watched| {
                watched.view.leader().is_some_and(|leader| leader != id)
            });
        }
        watched.perform(&Action::Restart { node: id });
        watched.wait_until("the server to follow again", |watched| {
            watched.view.server(id).is_some_and(|server| server.life > 1 && server.leader.is_some())
        });
        *known.lock().unwrap() = addresses(&watched);
    }
    is_over.store(true, Ordering::Relaxed);
    await_some("the client to end", || client.is_finished().then_some(()));
    assert!(client.join().unwrap() > 0);
}
