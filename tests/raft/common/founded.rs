//! Clusters of servers that are watched from outside: by the reports of their processes, and by their
//! responses.

use super::{TIMEOUT, await_some, ended, lines_of, raft};
use api::Status;
use client::{Cluster, Node};
use consensus::NodeId;
use std::collections::BTreeMap;
use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use tempfile::TempDir;
use trace::{Event, Laboratory, Process, Record};

/// Some servers. Dropping them leaves no process.
pub struct Founded {
    children: Vec<Child>,
    pub servers: Vec<Server>,
    tell: Sender<Record>,
    /// The reports of their processes. A busy cluster reports too much to keep all of it.
    told: Receiver<Record>,
    folder: TempDir,
}

#[derive(Debug, Clone)]
pub struct Server {
    pub id: NodeId,
    pub pid: u32,
    pub address: String,
}

impl Drop for Founded {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Founded {
    /// A cluster that this command starts, with this number of servers.
    pub fn by(command: impl FnOnce(&TempDir) -> Command, servers: usize) -> Founded {
        let mut founded = Founded::nobody();
        let mut command = command(&founded.folder);
        founded.start(command.stderr(Stdio::null()));
        founded.meet_servers(servers);
        founded
    }

    /// This number of `raft node`, each started by a command like this one. The first founds a cluster, the
    /// others are added: so each can have any free port.
    pub fn of_nodes(servers: u64, raft_node: impl Fn() -> Command) -> Founded {
        let mut founded = Founded::nobody();
        for id in 1..=servers {
            let mut command = raft_node();
            command.args(["--json", "--quiet", "--id", &id.to_string(), "--data"]);
            command.arg(founded.folder.path().join(format!("n{id}")));
            if id > 1 {
                command.arg("--join");
            }
            let said = File::create(founded.folder.path().join(format!("{id}.stderr"))).unwrap();
            founded.start(command.stderr(said));
            founded.meet_servers(id as usize);
        }
        let first = founded.servers[0].address.clone();
        for Server { id, address, .. } in &founded.servers[1..] {
            let newcomer = format!("{}={address}", id.0);
            let mut command = raft();
            command.args(["member", "add", &newcomer, "--servers", &first, "--timeout", "60s"]);
            let added = ended(&mut command);
            assert!(added.status.success(), "{added:?}");
        }
        founded
    }

    fn nobody() -> Founded {
        let (tell, told) = channel();
        let folder = tempfile::tempdir().unwrap();
        Founded { children: Vec::new(), servers: Vec::new(), tell, told, folder }
    }

    fn start(&mut self, command: &mut Command) {
        const KEPT: [&str; 4] = ["started", "garbage", "disk_full", "died"];
        let is_kept = |line: &str| KEPT.iter().any(|event| line.contains(&format!(r#""event":"{event}""#)));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        self.children.push(child);
        let tell = self.tell.clone();
        thread::spawn(move || {
            for line in lines.iter().filter(|line| is_kept(line)) {
                // The test may be over.
                let _ = tell.send(Record::from_json(&line).unwrap());
            }
        });
    }

    /// Waits until this number of servers have reported their addresses.
    fn meet_servers(&mut self, count: usize) {
        while self.servers.len() < count {
            let record = self.told.recv_timeout(TIMEOUT).expect("a server that starts");
            if let Event::Process(Process::Started { pid, address }) = record.event {
                self.servers.push(Server { id: record.node, pid, address });
            }
        }
        self.servers.sort_by_key(|server| server.id);
    }

    /// Waits until all are voters and follow one leader. Returns their states.
    pub fn wait_until_ready(&self) -> BTreeMap<NodeId, Status> {
        await_some("all servers to follow a leader", || {
            let status =
                |server: &Server| Some((server.id, Node::new(&server.address).status(TIMEOUT).ok()?));
            let all: BTreeMap<NodeId, Status> = self.servers.iter().map(status).collect::<Option<_>>()?;
            let leader = Some(all.values().next()?.leader?);
            let is_ready = |status: &Status| {
                let votes = |id: &NodeId| status.membership.voters.contains(*id);
                status.not_ready.is_none() && status.leader == leader && all.keys().all(votes)
            };
            all.values().all(is_ready).then(|| all.clone())
        })
    }

    pub fn server(&self, id: NodeId) -> &Server {
        self.servers.iter().find(|server| server.id == id).unwrap()
    }

    pub fn client(&self) -> Cluster {
        Cluster::new(self.servers.iter().map(|server| Node::new(&server.address)))
    }

    /// Waits until a process reports this about itself.
    pub fn wait_until_told(&self, what: &str, is_it: impl Fn(NodeId, &Process) -> bool) {
        loop {
            let record = self.told.recv_timeout(TIMEOUT).expect(what);
            if matches!(&record.event, Event::Process(process) if is_it(record.node, process)) {
                return;
            }
        }
    }

    /// The reports that no test has waited for, of a cluster in which no process has died or panicked.
    pub fn told(&self) -> Vec<Record> {
        let told: Vec<Record> = self.told.try_iter().collect();
        let died =
            told.iter().find(|record| matches!(record.event, Event::Laboratory(Laboratory::Died { .. })));
        assert_eq!(died, None);
        for Server { id, pid, .. } in &self.servers {
            let said = std::fs::read_to_string(self.folder.path().join(format!("{}.stderr", id.0)));
            let said = said.unwrap_or_default();
            assert!(!said.contains("panicked"), "{id}: {said}");
            // A process that has ended has no files open, even if nobody has waited for it.
            let files = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
            assert!(files > 0, "{id} has ended: {said}");
        }
        told
    }
}
