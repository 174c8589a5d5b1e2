//! Servers of both systems: processes on this machine, with data on its disk.

use crate::client::metrics;
use anyhow::{Context, bail};
use clap::Args;
use measure::machine::{self, Floor};
use measure::process::Usage;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Number of servers in a cluster.
const COUNT: usize = 3;

/// Timeout for starting, electing a leader and coming to rest.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Pause between two requests to a server that is waited for.
const PAUSE: Duration = Duration::from_millis(10);

/// A cluster is calm when the same server has led for this long and all have known that.
const CALM: Duration = Duration::from_secs(1);

/// The programs that are measured, and where.
#[derive(Debug, Args)]
pub struct ProgramArguments {
    /// This project's program [default: the one that `cargo build --release` makes]
    #[arg(long, value_name = "PROGRAM", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/raft"), hide_default_value = true)]
    raft: PathBuf,

    /// etcd's (on Debian: `apt-get install etcd-server`)
    #[arg(long, value_name = "PROGRAM", default_value = "etcd")]
    etcd: PathBuf,

    /// Where the servers keep their data, in folders that are removed at the end: the disk that is measured
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir(), hide_default_value = true)]
    data: PathBuf,
}

impl ProgramArguments {
    /// The programs, the machine and its disk, in some lines.
    pub fn about(&self) -> anyhow::Result<String> {
        let versions = [System::Raft, System::Etcd].map(|system| version(self.of(system)));
        let [raft, etcd] = versions;
        let floor =
            Floor::measure(self.folder()?.path()).context("can't measure the disk or the loopback")?;
        Ok(format!("{}; {}\n{}\n{}", raft?, etcd?, machine::named(), floor.words()))
    }

    /// A folder on the measured disk. It is removed with the value.
    fn folder(&self) -> anyhow::Result<TempDir> {
        TempDir::new_in(&self.data).with_context(|| {
            format!("can't make a folder in {}; choose another place with --data", self.data.display())
        })
    }

    fn of(&self, system: System) -> &Path {
        match system {
            System::Raft => &self.raft,
            System::Etcd => &self.etcd,
        }
    }
}

/// The first line of a program's version information.
fn version(program: &Path) -> anyhow::Result<String> {
    let said = Command::new(program).arg("--version").output().with_context(|| no_program(program))?;
    let version = String::from_utf8_lossy(&said.stdout).lines().next().map(str::to_owned);
    version
        .with_context(|| format!("{} does not tell its version: is it the right program?", program.display()))
}

/// The last error, in brackets: it may be why nothing was reached.
pub fn last(failure: Option<&anyhow::Error>) -> String {
    failure.map(|error| format!(" (the last error: {error:#})")).unwrap_or_default()
}

fn no_program(program: &Path) -> String {
    format!(
        "can't run {}: build it with `cargo build --release`, install etcd, or tell where it is (--raft, --etcd)",
        program.display()
    )
}

/// The measured systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// This project.
    Raft,
    /// The other one.
    Etcd,
}

/// How the servers of a cluster are started.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name in the report.
    pub name: &'static str,
    /// The system of the servers.
    pub system: System,
    /// Heartbeat interval of a leader, in milliseconds.
    pub heartbeat: u64,
    /// Shortest election timeout in milliseconds; the longest is twice as long: both systems draw from that
    /// range.
    pub election_timeout: u64,
    /// Further options for a program of ours.
    pub options: &'static [&'static str],
}

/// A cluster. Its processes and its data end with this value.
pub struct Members {
    setting: Setting,
    members: Vec<Member>,
    _folder: TempDir,
}

struct Member {
    /// Its address for clients, as HOST:PORT.
    address: String,
    command: Command,
    process: Option<Child>,
}

impl Members {
    /// Starts a cluster without data. Does not wait for it.
    pub fn start(programs: &ProgramArguments, setting: Setting) -> anyhow::Result<Members> {
        let mut members = Members::prepare(programs, setting)?;
        members.start_all()?;
        Ok(members)
    }

    /// A cluster whose servers have yet to be started.
    pub fn prepare(programs: &ProgramArguments, setting: Setting) -> anyhow::Result<Members> {
        let folder = programs.folder()?;
        let program = programs.of(setting.system);
        let commands = match setting.system {
            System::Raft => raft(program, &setting, folder.path())?,
            System::Etcd => etcd(program, &setting, folder.path())?,
        };
        let member = |(address, command)| Member { address, command, process: None };
        Ok(Members { setting, members: commands.into_iter().map(member).collect(), _folder: folder })
    }

    /// Starts all servers.
    pub fn start_all(&mut self) -> anyhow::Result<()> {
        (0..COUNT).try_for_each(|place| self.start_one(place))
    }

    /// Starts a server that does not run, with the data it has.
    pub fn start_one(&mut self, place: usize) -> anyhow::Result<()> {
        let member = &mut self.members[place];
        member.reap();
        let started = member.command.spawn();
        member.process = Some(started.with_context(|| no_program(member.command.get_program().as_ref()))?);
        Ok(())
    }

    /// Kills a server (SIGKILL).
    pub fn kill(&mut self, place: usize) -> anyhow::Result<()> {
        self.members[place].process.as_mut().into_iter().try_for_each(Child::kill)?;
        Ok(())
    }

    /// Kills all servers, and waits for their ends.
    pub fn kill_all(&mut self) {
        self.members.iter_mut().for_each(Member::reap);
    }

    /// The system of the servers.
    pub fn system(&self) -> System {
        self.setting.system
    }

    /// The servers' addresses for clients, by index, as HOST:PORT.
    pub fn addresses(&self) -> Vec<String> {
        self.members.iter().map(|member| member.address.clone()).collect()
    }

    /// What the servers have used so far, together: processor time in microseconds.
    pub fn cpu_us(&self) -> u64 {
        let processes = self.members.iter().filter_map(|member| member.process.as_ref());
        processes.map(|process| Usage::of(process.id()).cpu_us).sum()
    }

    /// Index of the leader, once the cluster is calm.
    ///
    /// # Errors
    /// If it does not come to rest, or if a server has ended.
    pub async fn calm_leader(&mut self) -> anyhow::Result<usize> {
        let began = Instant::now();
        let (mut since, mut before) = (Instant::now(), None);
        let mut failure = None;
        while began.elapsed() < TIMEOUT {
            self.check()?;
            let leader = self.agreed_leader().await.unwrap_or_else(|error| {
                failure = Some(error);
                None
            });
            if leader.is_none() || leader != before {
                since = Instant::now();
            }
            before = leader;
            match leader {
                Some(leader) if since.elapsed() >= CALM => return Ok(leader),
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
        bail!(
            "{}: the servers had no lasting leader within {TIMEOUT:?}{}; close other programs and try again",
            self.setting.name,
            last(failure.as_ref())
        )
    }

    /// Index of the leader, if there is exactly one, and all servers know it.
    ///
    /// # Errors
    /// If a server does not answer, or refuses to.
    async fn agreed_leader(&self) -> anyhow::Result<Option<usize>> {
        let mut leader = None;
        for (place, member) in self.members.iter().enumerate() {
            let page = metrics(&member.address).await?;
            let tells = |line| page.lines().any(|other| other == line);
            if !tells("etcd_server_has_leader 1") {
                return Ok(None);
            }
            if tells("etcd_server_is_leader 1") && leader.replace(place).is_some() {
                return Ok(None);
            }
        }
        Ok(leader)
    }

    /// Waits until a server ends by itself.
    pub async fn watch(&mut self) -> anyhow::Error {
        loop {
            if let Err(ended) = self.check() {
                return ended;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// # Errors
    /// If a server has ended by itself.
    fn check(&mut self) -> anyhow::Result<()> {
        for member in &mut self.members {
            if let Some(status) = member.process.as_mut().map(Child::try_wait).transpose()?.flatten() {
                bail!("a server has ended, with {status}; start it by hand to see why: {:?}", member.command);
            }
        }
        Ok(())
    }
}

impl Member {
    /// Kills its process, if there is one, and waits for its end.
    fn reap(&mut self) {
        if let Some(mut process) = self.process.take() {
            // If it has ended already, so much the better.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.reap();
    }
}

/// Each server's address for clients, and the command that starts it.
fn raft(program: &Path, setting: &Setting, folder: &Path) -> anyhow::Result<Vec<(String, Command)>> {
    let addresses = free_addresses(COUNT)?;
    let command = |own: usize| {
        let mut command = quiet(program);
        command.args(["node", "--quiet", "--id", &(own + 1).to_string(), "--listen", &addresses[own]]);
        command.arg("--data").arg(folder.join(format!("n{}", own + 1)));
        for (other, address) in addresses.iter().enumerate().filter(|&(place, _)| place != own) {
            command.arg("--peer").arg(format!("{}={address}", other + 1));
        }
        let (timeout, heartbeat) = (setting.election_timeout, setting.heartbeat);
        command.arg("--election-timeout").arg(format!("{timeout}ms..{}ms", 2 * timeout));
        command.arg("--heartbeat").arg(format!("{heartbeat}ms")).args(setting.options);
        (addresses[own].clone(), command)
    };
    Ok((0..COUNT).map(command).collect())
}

/// The same for members of etcd.
fn etcd(program: &Path, setting: &Setting, folder: &Path) -> anyhow::Result<Vec<(String, Command)>> {
    let addresses = free_addresses(2 * COUNT)?;
    let (for_clients, for_peers) = addresses.split_at(COUNT);
    let named = (1..).zip(for_peers).map(|(number, peer)| format!("e{number}=http://{peer}"));
    let cluster = named.collect::<Vec<_>>().join(",");
    let command = |(number, (client, peer)): (usize, (&String, &String))| {
        let mut command = quiet(program);
        command.arg("--name").arg(format!("e{number}")).args(["--initial-cluster", &cluster]);
        command.arg("--data-dir").arg(folder.join(format!("e{number}")));
        for (option, address) in [
            ("--listen-client-urls", client),
            ("--advertise-client-urls", client),
            ("--listen-peer-urls", peer),
            ("--initial-advertise-peer-urls", peer),
        ] {
            command.arg(option).arg(format!("http://{address}"));
        }
        command.arg("--heartbeat-interval").arg(setting.heartbeat.to_string());
        command.arg("--election-timeout").arg(setting.election_timeout.to_string());
        (client.clone(), command)
    };
    Ok((1..).zip(for_clients.iter().zip(for_peers)).map(command).collect())
}

fn quiet(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Addresses where nothing listens. They are below the ports that the system gives to clients: a server that
/// is restarted must not find one of them in its place.
fn free_addresses(count: usize) -> anyhow::Result<Vec<String>> {
    let mut listeners = Vec::new();
    while listeners.len() < count {
        match TcpListener::bind(("127.0.0.1", fastrand::u16(10_000..32_768))) {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => return Err(error.into()),
        }
    }
    listeners.iter().map(|listener| Ok(listener.local_addr()?.to_string())).collect()
}
