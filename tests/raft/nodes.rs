//! Single servers: what they refuse, what they survive, and what they report about themselves.

use crate::common::forged::hello;
use crate::common::{Up, await_some, raft};
use consensus::{NodeId, Origin};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;
use trace::{Event, Process};

fn node(id: u64, data: &Path) -> Command {
    node_at(id, "127.0.0.1:0", data)
}

fn node_at(id: u64, address: &str, data: &Path) -> Command {
    let mut command = raft();
    command.args(["node", "--id", &id.to_string(), "--listen", address, "--data", data.to_str().unwrap()]);
    command
}

fn refused(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("error: ") && stderr.contains("\nhelp: "), "{stderr}");
    stderr
}

fn address_of(up: &Up, id: u64) -> String {
    up.view.server(NodeId(id)).unwrap().address.clone().unwrap()
}

#[test]
fn a_data_folder_is_refused_to_strangers_and_to_a_second_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("cluster");
    let mut up = Up::start(&["--data", data.to_str().unwrap()], 3);
    up.wait_for_leader();
    let n1 = data.join("n1");

    assert!(refused(&mut node(1, &n1)).contains("--data"), "locked by the running server");
    assert!(
        refused(raft().args(["up", "--plain", "--data", data.to_str().unwrap()]))
            .contains("another cluster runs")
    );
    up.signal(rustix::process::Signal::INT);
    up.wait_for_end();

    let peers = ["--peer", "2=127.0.0.1:4002", "--peer", "3=127.0.0.1:4003"];
    assert!(refused(node(4, &n1).args(peers)).contains("n1"), "another server's");
    assert!(
        refused(node(1, &n1).args(peers).args(["--cluster", "other"])).contains("other"),
        "another cluster's"
    );
    assert!(refused(&mut node(1, &n1)).contains("n3"), "of a cluster with other members");
}

#[test]
fn a_cluster_goes_on_where_its_folder_left_off() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap().to_owned();
    let mut first = Up::start(&["--data", &data], 3);
    let leader = first.wait_for_leader();
    let term = first.view.server(leader).unwrap().term;
    first.signal(rustix::process::Signal::TERM);
    first.wait_for_end();

    let mut second = Up::start(&["--data", &data], 3);
    let leader = second.wait_for_leader();
    assert!(second.view.server(leader).unwrap().term > term);
}

#[test]
fn a_temporary_folder_goes_at_the_end() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = raft();
    command.args(["up", "--json", "--nodes", "1"]).env("TMPDIR", temporary.path());
    let mut up = Up::start_command(command, 1);
    up.wait_for_leader();
    assert!(std::fs::read_dir(temporary.path()).unwrap().count() > 0);
    up.signal(rustix::process::Signal::INT);
    up.wait_for_end();
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_a_killed_cluster_left_behind_is_removed_by_a_later_one() {
    let temporary = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = raft();
        command.args(["up", "--json", "--nodes", "1"]).env("TMPDIR", temporary.path());
        let mut up = Up::start_command(command, 1);
        up.wait_for_leader();
        up
    };
    let mut killed = start();
    let pids = killed.pids();
    killed.signal(rustix::process::Signal::KILL);
    killed.wait_for_end();
    crate::common::await_gone(&pids);
    let mut left = std::fs::read_dir(temporary.path()).unwrap().map(|entry| entry.unwrap().path());
    let abandoned = left.find(|path| path.join("cluster.lock").exists()).unwrap();

    // A folder that was named is kept, whatever its name is.
    let kept = temporary.path().join("raft-for-beginners-kept");
    let mut named = Up::start(&["--data", kept.to_str().unwrap()], 1);
    named.wait_for_leader();
    named.signal(rustix::process::Signal::INT);
    named.wait_for_end();

    let _young = start();
    assert!(abandoned.exists(), "it might belong to a cluster that is just starting");
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    for folder in [&abandoned, &kept] {
        std::fs::File::open(folder.join("cluster.lock")).unwrap().set_modified(long_ago).unwrap();
    }
    let _later = start();
    assert!(!abandoned.exists());
    assert!(kept.exists());
}

#[test]
fn garbage_on_the_wire_is_rejected_counted_and_told_once() {
    let mut up = Up::start(&[], 3);
    up.wait_for_leader();
    let address = address_of(&up, 1);
    // Pseudo-random bytes; a length that is too long; a frame of nonsense.
    let mut noise = 7u32;
    let random: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 24) as u8
    })
    .take(10_000)
    .collect();
    let garbage: [&[u8]; 3] = [&random, &[0xff; 64], &[0, 0, 0, 3, 1, 2, 3]];
    for bytes in garbage.into_iter().cycle().take(20) {
        let mut stream = TcpStream::connect(&address).unwrap();
        // The server may have closed the connection before everything was sent.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    }
    let rejected = || {
        let output = raft().args(["status", "--json", &address]).output().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        json["status"]["rejected"].as_u64().unwrap()
    };
    await_some("all garbage to be counted", || (rejected() == 20).then_some(()));

    let is_garbage = |event: &Event| matches!(event, Event::Process(Process::Garbage { .. }));
    up.wait_until("the garbage in the trace", |up| up.records.iter().any(|record| is_garbage(&record.event)));
    let seen = up.records.len();
    up.wait_until("the server to go on", |up| {
        up.records[seen..].iter().filter(|record| record.node == NodeId(1)).count() > 20
    });
    let told = up.records.iter().filter(|record| is_garbage(&record.event)).count();
    assert!((1..=3).contains(&told), "told {told} times");
    assert!(up.records.iter().all(|record| !matches!(&record.event, Event::Laboratory(_))), "nobody died");
}

/// Claims to n1 to be this server, of no cluster.
fn call_n1(up: &Up, from: u64) -> TcpStream {
    let mut stream = TcpStream::connect(address_of(up, 1)).unwrap();
    stream.write_all(&hello(from, NodeId(1), Origin::default())).unwrap();
    stream
}

/// Waits until a connection was closed for this reason.
fn wait_until_told(up: &mut Up, reason: &str) {
    up.wait_until(reason, |up| {
        up.records.iter().any(|record| {
            matches!(&record.event, Event::Process(Process::Garbage { problem, .. })
                if problem.starts_with(reason))
        })
    });
}

#[test]
fn clients_can_t_keep_servers_from_each_other() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut up = Up::start(&["--data", folder.path().join("cluster").to_str().unwrap()], 3);
    up.wait_for_leader();
    let address = address_of(&up, 1);
    let half_a_request = |text: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    };
    let half_requests: Vec<TcpStream> =
        (0..1100).map(|_| half_a_request("GET /healthz HTTP/1.1\r\nhost: localhost")).collect();
    wait_until_told(&mut up, "too many clients are connected already");
    // Silent clients don't get in anyone's way either.
    let silent: Vec<TcpStream> = (0..600).map(|_| half_a_request("")).collect();
    wait_until_told(&mut up, "too many connections without a handshake");
    let _stream = call_n1(&up, 1);
    wait_until_told(&mut up, "it does not know the cluster's secret");

    drop((half_requests, silent));
    let turned_away = await_some("a place for a client", || {
        let mut stream =
            half_a_request("GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let mut page = String::new();
        stream.read_to_string(&mut page).ok()?;
        page.lines().find_map(|line| line.strip_prefix("raft_turned_away_total ")?.parse::<u64>().ok())
    });
    assert!(turned_away >= 76, "{turned_away}");
}

/// On one machine any program can open a connection, and knows the cluster's name from /status.
#[test]
fn a_program_that_poses_as_a_server_is_turned_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut up = Up::start(&["--data", folder.path().to_str().unwrap()], 3);
    up.wait_for_leader();
    let _stream = call_n1(&up, 2);
    wait_until_told(&mut up, "it does not know the cluster's secret");
}

#[test]
fn a_server_is_not_within_reach_of_other_machines_unless_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "[::]:0"] {
        let Output { status, stderr, .. } = node_at(1, address, folder.path()).output().unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("--insecure") && stderr.contains("\nhelp: "), "{stderr}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it has not begun");
}

#[test]
fn single_servers_form_a_cluster_and_tell_their_status() {
    // Free ports, found by asking for them; another test may still take one in between, so it is tried again
    // then.
    let folder = tempfile::tempdir().unwrap();
    let attempt = |attempt: u32| -> Option<()> {
        let listeners: Vec<_> = (0..3).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let addresses: Vec<String> =
            listeners.iter().map(|listener| listener.local_addr().unwrap().to_string()).collect();
        drop(listeners);
        let servers: Vec<Running> = (0..3)
            .map(|own| {
                let data = folder.path().join(format!("{attempt}-{own}"));
                let mut command = node_at(own as u64 + 1, &addresses[own], &data);
                for peer in (0..3).filter(|&peer| peer != own) {
                    command.args(["--peer", &format!("{}={}", peer + 1, addresses[peer])]);
                }
                Running(command.stdout(std::process::Stdio::null()).spawn().unwrap())
            })
            .collect();
        let mut servers = servers;
        await_some("a leader whom all follow", || {
            if servers.iter_mut().any(|server| server.0.try_wait().unwrap().is_some()) {
                return Some(None);
            }
            let output = raft().args(["status", "--json"]).args(&addresses).output().unwrap();
            let leaders: Vec<serde_json::Value> = String::from_utf8(output.stdout)
                .unwrap()
                .lines()
                .map(|line| {
                    serde_json::from_str::<serde_json::Value>(line).unwrap()["status"]["leader"].clone()
                })
                .collect();
            let agreed = leaders.iter().all(|leader| leader.is_u64() && *leader == leaders[0]);
            agreed.then_some(Some(()))
        })
    };
    assert!((1..=5).any(|number| attempt(number).is_some()), "no attempt found three free ports");
}

/// A child that is killed when the test is done with it.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn status_finds_the_cluster_by_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let mut up = Up::start(&["--data", data], 3);
    let leader = up.wait_for_leader();
    let output = raft().args(["status", "--data", data]).output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    let row = table.lines().find(|line| line.starts_with(&leader.to_string())).unwrap();
    assert!(row.contains("leader"), "{table}");
    let rows = table.lines().filter(|line| line.starts_with('n')).count();
    assert_eq!(rows, 3, "{table}");
}

#[test]
fn the_environment_may_say_what_flags_do() {
    let mut command = raft();
    command.args(["up", "--json"]).env("RAFT_TEST_PEERS", "5");
    let mut up = Up::start_command(command, 5);
    up.wait_until("five servers", |up| up.view.running() == 5);
}

/// Servers that can open no more files: as with a full disk, what can't be saved waits, and no server dies.
#[cfg(target_os = "linux")]
mod out_of_files {
    use super::*;
    use crate::common::founded::{Founded, Server};
    use crate::common::{TIMEOUT, forget_settings, lines_of};
    use client::{Failure, Node, Read};
    use kv::{Answer, Write};
    use rustix::process::{Pid, Signal, kill_process, prlimit};
    use std::io::Write as _;
    use std::sync::atomic::{AtomicBool, Ordering};
    use trace::Record;

    /// Number of files a server may have open if it can open everything it needs.
    const ENOUGH_FILES: u64 = 1024;

    /// Servers that may have this number of files open, and take a snapshot after a megabyte or two.
    fn nodes_with_files(files: u64) -> Founded {
        Founded::of_nodes(3, || {
            let mut command = raft_with_files(files);
            command.args(["node", "--snapshot-after", "2MiB"]);
            command.args(["--heartbeat", "100ms", "--election-timeout", "2s..4s"]);
            command
        })
    }

    /// The `raft` command, which may have this number of files open.
    fn raft_with_files(files: u64) -> Command {
        let mut command = Command::new("sh");
        let limited = format!(r#"ulimit -n {files}; exec "$@""#);
        command.args(["-c", &limited, "sh", env!("CARGO_BIN_EXE_raft")]);
        forget_settings(&mut command);
        command
    }

    fn open_files(server: &Server) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", server.pid)).map_or(0, Iterator::count)
    }

    /// From now on a server can open no file if it has this number open. It keeps those it has.
    fn limit_files(server: &Server, files: u64) {
        let limit = Rlimit { current: Some(files), maximum: Some(ENOUGH_FILES) };
        prlimit(Pid::from_raw(server.pid as i32), Resource::Nofile, limit).unwrap();
    }

    /// A value of which a few fill a segment of the log.
    fn large_value(number: u8) -> Vec<u8> {
        vec![number; kv::LONGEST_VALUE]
    }

    /// Writes a large value, and returns whether it was acknowledged.
    fn is_written(node: &Node, number: u8) -> bool {
        match node.write(&Write::put(&[number], &large_value(number)), TIMEOUT) {
            Ok(answer) => matches!(answer, Answer::Written { .. }),
            Err(Failure::NotDone(_) | Failure::Uncertain(_)) => false,
        }
    }

    /// Everything that was acknowledged is there, and more can be written.
    fn assert_goes_on(founded: &Founded, written: u8) {
        let mut cluster = founded.client();
        for number in 0..written {
            let found = cluster.get(&[number], Read::Linearizable, TIMEOUT).unwrap().unwrap();
            assert!(found.bytes == large_value(number), "the value of {number}");
        }
        let answer = cluster.write(&Write::put(b"more", b"x"), TIMEOUT).unwrap();
        assert!(matches!(answer, Answer::Written { .. }), "{answer}");
    }

    /// Waits until each server has a newer snapshot than this one of its own.
    fn wait_for_snapshots(founded: &Founded, than: &[u64]) {
        for (server, than) in founded.servers.iter().zip(than) {
            await_some("a newer snapshot", || {
                let snapshot = Node::new(&server.address).status(TIMEOUT).ok()?.snapshot.index.0;
                (snapshot > *than).then_some(())
            });
        }
    }

    /// As many connections as there are places for, and more: they take none of the files that the log and
    /// its snapshots need.
    #[test]
    fn idle_connections_leave_a_server_the_files_that_it_needs() {
        const FILES: u64 = 256;
        let founded = nodes_with_files(FILES);
        let leader = founded.wait_until_ready()[&NodeId(1)].leader.unwrap();
        let node = Node::new(&founded.server(leader).address);
        assert!(is_written(&node, 0));
        let is_over = AtomicBool::new(false);
        let hold = |server: &Server| {
            let mut held: Vec<TcpStream> = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let mut stream = TcpStream::connect(&server.address).unwrap();
                let says = [&b""[..], b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n"][held.len() % 2];
                // It may have been rejected.
                let _ = stream.write_all(says);
                held.push(stream);
                if held.len() == FILES as usize * 2 {
                    held.drain(..FILES as usize);
                }
            }
        };
        let written = std::thread::scope(|scope| {
            founded.servers.iter().for_each(|server| _ = scope.spawn(move || hold(server)));
            let written = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                for server in &founded.servers {
                    await_some("places to be taken", || {
                        (open_files(server) > FILES as usize / 2).then_some(())
                    });
                }
                (1..16).take_while(|number| is_written(&node, *number)).count()
            }));
            is_over.store(true, Ordering::Relaxed);
            written
        });
        assert_eq!(written.unwrap(), 15, "all writes, which fill more than three segments");
        wait_for_snapshots(&founded, &[0; 3]);
        assert_goes_on(&founded, 16);
        let told = founded.told();
        let is_full = |event: &Event| matches!(event, Event::Process(Process::DiskFull { .. }));
        assert!(!told.iter().any(|record| is_full(&record.event)), "{told:#?}");
    }

    /// As with a full disk: what can't be saved waits, and no server dies.
    #[test]
    fn a_server_that_can_open_no_more_files_waits_until_it_can() {
        let founded = nodes_with_files(ENOUGH_FILES);
        let leader = founded.wait_until_ready()[&NodeId(1)].leader.unwrap();
        let node = Node::new(&founded.server(leader).address);
        assert!(is_written(&node, 0));
        founded.servers.iter().for_each(|server| limit_files(server, 3));
        assert!(
            TcpStream::connect(&founded.server(leader).address).is_ok(),
            "the system picks up, and nobody else"
        );

        // What is open already will do for some time, but not for long.
        let more = (1..30).take_while(|number| is_written(&node, *number)).count();
        assert!(more < 29, "a new segment needed no file");
        founded.wait_until_told("that there is no room", |id, process| {
            let Process::DiskFull { why: Some(why) } = process else { return false };
            id == leader && why.contains("Too many open files")
        });
        founded.told();

        founded.servers.iter().for_each(|server| limit_files(server, ENOUGH_FILES));
        founded.wait_until_told("that there is room again", |id, process| {
            id == leader && matches!(process, Process::DiskFull { why: None })
        });
        let snapshots: Vec<u64> =
            founded.wait_until_ready().values().map(|status| status.snapshot.index.0).collect();
        assert_goes_on(&founded, more as u8 + 1);
        let mut cluster = founded.client();
        for number in 0..4 {
            let answer = cluster.write(&Write::put(&[number], &large_value(number)), TIMEOUT).unwrap();
            assert!(matches!(answer, Answer::Written { .. }), "{answer}");
        }
        wait_for_snapshots(&founded, &snapshots);
        assert_goes_on(&founded, more as u8 + 1);
        founded.told();
    }

    /// A leader reads its snapshot from the disk for a follower that lacks too much.
    #[test]
    fn a_leader_that_can_open_no_more_files_sends_its_snapshot_later() {
        let founded = nodes_with_files(ENOUGH_FILES);
        let leader = founded.wait_until_ready()[&NodeId(1)].leader.unwrap();
        let leader = founded.server(leader);
        let follower = founded.servers.iter().find(|server| server.id != leader.id).unwrap();
        let nodes = [leader, follower].map(|server| Node::new(&server.address));
        let status = |node: &Node| node.status(TIMEOUT).unwrap();
        let had = status(&nodes[1]).last_log.index;
        let pid = Pid::from_raw(follower.pid as i32).unwrap();
        kill_process(pid, Signal::STOP).unwrap();
        // More than the connection's buffers hold.
        assert!((0..30).all(|number| is_written(&nodes[0], number % 4)));
        let begins_after = await_some("a log that begins later", || {
            let snapshot = status(&nodes[0]).snapshot.index;
            (snapshot > had).then_some(snapshot)
        });

        limit_files(leader, 3);
        kill_process(pid, Signal::CONT).unwrap();
        await_some("the leader to want a piece of its snapshot", || {
            let sent = status(&nodes[0]).snapshots_being_sent;
            sent.iter().any(|sent| sent.to == follower.id).then_some(())
        });
        // The thread that saves this had to read the chunk before.
        let answer = nodes[0].write(&Write::put(b"small", b"x"), TIMEOUT);
        assert!(matches!(answer, Ok(Answer::Written { .. })), "{answer:?}");
        founded.told();
        limit_files(leader, ENOUGH_FILES);
        await_some("the snapshot", || (status(&nodes[1]).snapshot.index >= begins_after).then_some(()));
        assert_goes_on(&founded, 4);
        founded.told();
    }

    /// From its start on, the files that its log needs are open.
    #[test]
    fn a_server_that_can_open_no_more_files_since_its_start_saves_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let start = || {
            let mut command = raft_with_files(ENOUGH_FILES);
            command.args([
                "node",
                "--id",
                "1",
                "--json",
                "--quiet",
                "--election-timeout",
                "3s..4s",
                "--data",
            ]);
            let mut child = command.arg(folder.path()).stdout(std::process::Stdio::piped()).spawn().unwrap();
            let lines = lines_of(child.stdout.take().unwrap());
            let running = Running(child);
            let started = lines.iter().find_map(|line| match Record::from_json(&line).unwrap().event {
                Event::Process(Process::Started { pid, address }) => {
                    Some(Server { id: NodeId(1), pid, address })
                }
                _ => None,
            });
            (running, started.unwrap())
        };
        let is_led = |node: &Node| node.status(TIMEOUT).expect("it lives").leader.is_some();
        let (first_life, server) = start();
        await_some("a leader", || is_led(&Node::new(&server.address)).then_some(()));
        drop(first_life);

        let (_second_life, server) = start();
        let node = Node::new(&server.address);
        // The connection is kept: there will be no other.
        node.status(TIMEOUT).unwrap();
        await_some("room for a snapshot", || {
            let size = std::fs::metadata(folder.path().join("room.new")).ok()?.len();
            (size == 2 * storage::SEGMENT_SIZE).then_some(())
        });
        limit_files(&server, 3);
        // It saves its vote, and an entry.
        await_some("a leader", || is_led(&node).then_some(()));
    }
}
