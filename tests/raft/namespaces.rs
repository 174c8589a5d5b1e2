//! Servers on hosts of their own, in network namespaces of Linux. What is sent to a host that is cut off is
//! lost silently, as in a real network; on the loopback there is always an answer.
//!
//! `RAFT_BINARY` names another `raft` to test, and `RAFT_PARTITION_SECONDS` says how long hosts are away.

use crate::common::{await_some, forget_settings, lines_of};
use api::Status;
use consensus::Index;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may lag behind after the end of a disturbance.
const LIMIT: Duration = Duration::from_secs(10);

/// How long to wait for a version that takes longer, to measure how long it takes.
const LONGEST: Duration = Duration::from_secs(300);

/// A process that keeps a network namespace and a mount namespace alive. They end with it, and it ends with
/// the test.
struct Namespaces {
    holder: Child,
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

impl Namespaces {
    /// New ones, in which `names` replaces /etc/hosts.
    fn make(names: &Path) -> Result<Namespaces, String> {
        let script = r#"mount --bind "$1" /etc/hosts && ip link set lo up && echo made && exec cat"#;
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "sh", "-c", script, "sh"]).arg(names);
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut made = Namespaces { holder: spawned.map_err(|error| format!("unshare: {error}"))? };
        let lines = lines_of(made.holder.stdout.take().unwrap());
        if lines.recv().is_err() {
            let said = std::io::read_to_string(made.holder.stderr.take().unwrap()).unwrap_or_default();
            return Err(said.trim().to_owned());
        }
        Ok(made)
    }

    fn pid(&self) -> String {
        self.holder.id().to_string()
    }

    /// A command in these namespaces, without the settings in the environment of the tests.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        forget_settings(&mut command);
        command.args(["--net", "--mount", "--target", &self.pid()]).arg(program);
        command
    }

    fn ip(&self, arguments: &str) -> Result<(), String> {
        let output =
            self.command("ip").args(arguments.split(' ')).output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(()) } else { Err(format!("ip {arguments}: {}", said.trim())) }
    }

    fn set_up(&self, arguments: &str) {
        self.ip(arguments).unwrap();
    }
}

/// Three hosts, n1 to n3, connected by a switch. Each has a server.
struct Hosts {
    folder: TempDir,
    /// The last number of each host's address.
    numbers: [u8; 3],
    switch: Namespaces,
    hosts: Vec<Namespaces>,
    servers: [Option<Child>; 3],
}

impl Drop for Hosts {
    fn drop(&mut self) {
        (1..=3).for_each(|id| self.kill(id));
        if std::thread::panicking() {
            for id in 1..=3 {
                eprintln!("n{id} said: {}", fs::read_to_string(self.said_by(id)).unwrap_or_default());
            }
        }
    }
}

const ALL: [usize; 3] = [1, 2, 3];

impl Hosts {
    /// `None`, with a message, if this is not possible here.
    fn make() -> Option<Hosts> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can make network namespaces");
            return None;
        }
        let made = Hosts::try_to_make();
        if let Err(why) = &made {
            eprintln!("skipped: hosts of their own can't be made here: {why}");
        }
        made.ok()
    }

    fn try_to_make() -> Result<Hosts, String> {
        Command::new("ip").arg("-V").output().map_err(|error| format!("ip: {error}"))?;
        let folder = tempfile::tempdir().unwrap();
        let names = folder.path().join("hosts");
        let numbers = [1, 2, 3];
        File::create(&names).unwrap();
        let switch = Namespaces::make(&names)?;
        switch.ip("link add switch type bridge")?;
        switch.ip("link set switch up")?;
        let mut hosts = Vec::new();
        for id in ALL {
            let host = Namespaces::make(&names)?;
            switch.ip(&format!("link add port{id} type veth peer name eth0 netns {}", host.pid()))?;
            switch.ip(&format!("link set port{id} master switch up"))?;
            host.ip(&format!("address add {} dev eth0", address(numbers[id - 1])))?;
            host.ip("link set eth0 up")?;
            hosts.push(host);
        }
        let made = Hosts { folder, numbers, switch, hosts, servers: [None, None, None] };
        made.name_all();
        Ok(made)
    }

    fn host(&self, id: usize) -> &Namespaces {
        &self.hosts[id - 1]
    }

    /// Writes the hosts' names and addresses to the file that all of them use.
    fn name_all(&self) {
        let line = |id: usize| format!("10.77.0.{} n{id}\n", self.numbers[id - 1]);
        let lines: String = ALL.map(line).concat();
        fs::write(self.folder.path().join("hosts"), lines).unwrap();
    }

    fn cut_off(&self, id: usize) {
        self.switch.set_up(&format!("link set port{id} nomaster"));
    }

    fn join_again(&self, id: usize) {
        self.switch.set_up(&format!("link set port{id} master switch"));
    }

    /// Gives a host another address, and its name along with it.
    fn move_to(&mut self, id: usize, number: u8) {
        let old = std::mem::replace(&mut self.numbers[id - 1], number);
        self.host(id).set_up(&format!("address del {} dev eth0", address(old)));
        self.host(id).set_up(&format!("address add {} dev eth0", address(number)));
        self.name_all();
    }

    fn said_by(&self, id: usize) -> PathBuf {
        self.folder.path().join(format!("n{id}.stderr"))
    }

    /// Starts the host's server, which listens under the host's name, with its own folder.
    fn start(&mut self, id: usize) {
        let binary = binary();
        let mut command = self.host(id).command(&binary);
        command.args(["node", "--quiet", "--id", &id.to_string(), "--listen", &format!("n{id}:4000")]);
        command.args(["--election-timeout", "400ms..800ms", "--data"]);
        command.arg(self.folder.path().join(format!("n{id}")));
        if knows_insecure(&binary) {
            command.arg("--insecure");
        }
        for peer in ALL.into_iter().filter(|&peer| peer != id) {
            command.args(["--peer", &format!("{peer}=n{peer}:4000")]);
        }
        let said = File::options().create(true).append(true).open(self.said_by(id)).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn().unwrap();
        self.servers[id - 1] = Some(child);
    }

    fn kill(&mut self, id: usize) {
        if let Some(mut child) = self.servers[id - 1].take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts all servers. Returns the leader, and another one.
    fn start_all(&mut self) -> (usize, usize) {
        ALL.into_iter().for_each(|id| self.start(id));
        let leader = await_some("a leader whom all follow", || {
            let leaders = ALL.map(|id| self.status(id)?.leader);
            leaders.iter().all(|leader| leader.is_some() && *leader == leaders[0]).then_some(leaders[0]?)
        });
        let leader = leader.0 as usize;
        (leader, leader % ALL.len() + 1)
    }

    /// The server's report about its own state, asked for on its own host.
    fn status(&self, id: usize) -> Option<Status> {
        let mut command = self.host(id).command(env!("CARGO_BIN_EXE_raft"));
        let output = command.args(["status", "--json", &format!("n{id}:4000")]).output().unwrap();
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        serde_json::from_value(told["status"].clone()).ok()
    }

    /// Makes all but this server take a write per second, for as long as it is away.
    fn write_without(&self, away: usize, writer: usize) {
        let others: Vec<String> =
            ALL.into_iter().filter(|&id| id != away).map(|id| format!("n{id}:4000")).collect();
        let begin = Instant::now();
        let length = length_of_partition();
        for number in 0.. {
            let Some(rest) = length.checked_sub(begin.elapsed()) else { return };
            let mut put = self.host(writer).command(env!("CARGO_BIN_EXE_raft"));
            put.args(["put", "x", &number.to_string(), "--timeout", "60s", "--servers", &others.join(",")]);
            let output = put.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            std::thread::sleep(rest.min(Duration::from_secs(1)));
        }
    }

    /// The server is back since `begin`: waits until it follows, and has everything that is committed.
    fn assert_caught_up_soon(&self, id: usize, begin: Instant, committed: Index) {
        let has_all = |status: Status| status.leader.is_some() && status.commit_index >= committed;
        while !self.status(id).is_some_and(has_all) {
            assert!(begin.elapsed() < LONGEST, "n{id} is still behind: {:?}", self.status(id));
        }
        let took = begin.elapsed();
        eprintln!("n{id} was away for {:?}, and had caught up {took:.1?} later", length_of_partition());
        assert!(took < LIMIT, "it took {took:?}");
    }
}

fn address(number: u8) -> String {
    format!("10.77.0.{number}/24")
}

/// The pauses before TCP's retries double, so it is luck how soon after the end of a disturbance one is sent:
/// after 100 seconds sooner than after 60.
fn length_of_partition() -> Duration {
    let seconds = std::env::var("RAFT_PARTITION_SECONDS");
    Duration::from_secs(seconds.map_or(60, |seconds| seconds.parse().expect("a number of seconds")))
}

/// The `raft` command to test.
fn binary() -> OsString {
    std::env::var_os("RAFT_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_raft").into())
}

/// Earlier versions listened anywhere without it.
fn knows_insecure(binary: &OsStr) -> bool {
    let help = Command::new(binary).args(["node", "--help"]).output().unwrap();
    String::from_utf8_lossy(&help.stdout).contains("--insecure")
}

/// TCP itself may wait after a disturbance for as long again as the disturbance lasted.
#[test]
#[ignore = "needs root and network namespaces: .ci/run runs it"]
fn a_link_works_soon_after_a_silent_partition() {
    let Some(mut hosts) = Hosts::make() else { return };
    let (leader, away) = hosts.start_all();
    hosts.cut_off(away);
    hosts.write_without(away, leader);
    let committed = hosts.status(leader).expect("a leader's status").commit_index;
    assert!(hosts.status(away).expect("a status").commit_index < committed, "it was cut off");
    let begin = Instant::now();
    hosts.join_again(away);
    hosts.assert_caught_up_soon(away, begin, committed);
}

/// The others have connections to its old address, where nothing is left that could answer.
#[test]
#[ignore = "needs root and network namespaces: .ci/run runs it"]
fn a_host_that_returns_at_another_address_is_found_under_its_name() {
    let Some(mut hosts) = Hosts::make() else { return };
    let (leader, away) = hosts.start_all();
    hosts.cut_off(away);
    hosts.kill(away);
    hosts.write_without(away, leader);
    let committed = hosts.status(leader).expect("a leader's status").commit_index;
    hosts.move_to(away, 13);
    hosts.join_again(away);
    let begin = Instant::now();
    hosts.start(away);
    hosts.assert_caught_up_soon(away, begin, committed);
}
