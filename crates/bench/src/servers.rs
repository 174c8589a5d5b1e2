//! The measured servers.

use crate::connection::Connection;
use crate::load::Raft;
use api::Status;
use clap::Args;
use cluster::{Cluster, Options};
use command::{ElectionArguments, Failure, StorageArguments, this_program};
use consensus::{NodeId, Profile, RoleKind, Term, Timing};
use driver::Speed;
use measure::process::Usage;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Timeout for starting, for electing a leader, and for everything else.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(600);

/// Pause between two requests to a server that is waited for.
pub(crate) const PAUSE: Duration = Duration::from_millis(2);

/// How the servers are started.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerArguments {
    /// The folder for the servers' data, on the disk to measure [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    #[command(flatten)]
    storage: StorageArguments,

    #[command(flatten)]
    elections: ElectionArguments,
}

impl fmt::Display for ServerArguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kibibytes = self.storage.snapshot_after >> 10;
        write!(f, "{}, a snapshot after {kibibytes} KiB of entries", self.elections)
    }
}

/// A server process.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// As HOST:PORT.
    pub(crate) address: String,
    pub(crate) pid: u32,
}

impl Server {
    pub(crate) fn status(&self) -> io::Result<Status> {
        Ok(serde_json::from_str(&Connection::to(&self.address)?.get("/status")?)?)
    }

    /// Number of syncs of its log.
    fn syncs(&self) -> io::Result<u64> {
        let page = Connection::to(&self.address)?.get("/metrics")?;
        let name = "etcd_disk_wal_fsync_duration_seconds_count";
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.and_then(|value| value.parse().ok()).unwrap_or_default())
    }
}

/// The servers of a cluster, including the leader.
#[derive(Debug, Clone)]
pub(crate) struct Servers {
    pub(crate) leader: Server,
    pub(crate) others: Vec<Server>,
}

/// What servers have done so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counters {
    /// Syncs of the leader's log.
    pub(crate) syncs: u64,
    /// Bytes that the leader has written.
    pub(crate) written: u64,
    /// The processor time of all, in microseconds.
    pub(crate) cpu_us: u64,
    /// The context switches of all.
    pub(crate) switches: u64,
}

impl Servers {
    /// Their addresses for clients.
    pub(crate) fn target(&self) -> Raft {
        let all = [&self.leader].into_iter().chain(&self.others);
        Raft(all.map(|server| server.address.clone()).collect())
    }

    pub(crate) fn counters(&self) -> io::Result<Counters> {
        let leader = Usage::of(self.leader.pid);
        let all: Vec<Usage> = self.others.iter().map(|it| Usage::of(it.pid)).chain([leader]).collect();
        Ok(Counters {
            syncs: self.leader.syncs()?,
            written: leader.written,
            cpu_us: all.iter().map(|usage| usage.cpu_us).sum(),
            switches: all.iter().map(|usage| usage.switches).sum(),
        })
    }
}

/// Starts this number of servers of this program. Those with data in this folder continue with it.
pub(crate) fn start(nodes: u64, arguments: &ServerArguments) -> Result<Cluster, Failure> {
    let timing = arguments.elections.timing()?;
    start_with(options(nodes, timing, arguments.storage.snapshot_after, arguments.data.clone())?)
}

/// The options for this number of quiet servers of this program.
pub(crate) fn options(
    nodes: u64,
    timing: Timing,
    snapshot_after: usize,
    data: Option<PathBuf>,
) -> Result<Options, Failure> {
    Ok(Options {
        program: this_program()?,
        servers: (1..=nodes).map(NodeId).collect(),
        timing,
        seed: 1,
        speed: Speed::REAL_TIME,
        latency: Duration::ZERO,
        lease: None,
        profile: Profile::PRODUCTION,
        snapshot_after,
        data,
        base_port: None,
        tells_steps: false,
        is_quiet: true,
        is_listed: false,
    })
}

pub(crate) fn start_with(options: Options) -> Result<Cluster, Failure> {
    Cluster::start(options).map_err(|error| Failure::of(&error, "choose another folder with --data"))
}

/// The running server with this number.
pub(crate) fn server(cluster: &mut Cluster, id: NodeId) -> Result<Server, Failure> {
    wait_for("the server does not start", || {
        cluster.news(PAUSE);
        let known = cluster.view().server(id);
        known.and_then(|known| Some(Server { address: known.address.clone()?, pid: known.pid? }))
    })
}

/// The running servers with these numbers.
pub(crate) fn servers_of(cluster: &mut Cluster, ids: &[NodeId]) -> Result<BTreeMap<NodeId, Server>, Failure> {
    ids.iter().map(|&id| Ok((id, server(cluster, id)?))).collect()
}

/// Waits until all these servers have the same leader and the same log, all of it committed, and until it has
/// stayed so for this long. `without` is called after each look in vain.
pub(crate) fn await_calm(
    cluster: &mut Cluster,
    ids: &[NodeId],
    long: Duration,
    mut without: impl FnMut(&mut Cluster),
) -> Result<Agreed, Failure> {
    let servers = servers_of(cluster, ids)?;
    let (mut since, mut before) = (Instant::now(), None);
    wait_for("the servers do not come to rest", || {
        cluster.news(Duration::ZERO);
        let now = agreement(&servers);
        if now.is_none() {
            without(cluster);
        }
        if now.is_none() || now != before {
            since = Instant::now();
        }
        before = now;
        now.filter(|_| since.elapsed() >= long)
    })
}

/// All running servers, once one of them leads.
pub(crate) fn servers(cluster: &mut Cluster) -> Result<Servers, Failure> {
    let ids: Vec<NodeId> = cluster.view().servers().map(|(id, _)| id).collect();
    let mut all = ids.into_iter().map(|id| server(cluster, id)).collect::<Result<Vec<_>, _>>()?;
    let leads = |server: &Server| server.status().is_ok_and(|status| status.role == RoleKind::Leader);
    let leader = wait_for("no leader was elected", || all.iter().position(leads))?;
    Ok(Servers { leader: all.remove(leader), others: all })
}

/// Asks until there is an answer.
pub(crate) fn wait_for<T>(problem: &str, mut ask: impl FnMut() -> Option<T>) -> Result<T, Failure> {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Some(answer) = ask() {
            return Ok(answer);
        }
        if Instant::now() > deadline {
            return Err(Failure::of(
                format_args!("{problem}, after {TIMEOUT:?}"),
                "try `raft up` to see why",
            ));
        }
        std::thread::sleep(PAUSE);
    }
}

/// The leader, term and log on which all servers agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreed {
    pub(crate) leader: NodeId,
    pub(crate) term: Term,
}

/// What the servers agree on, if everything in the leader's log is committed, and all have it.
fn agreement(servers: &BTreeMap<NodeId, Server>) -> Option<Agreed> {
    let statuses = servers.values().map(|server| server.status().ok()).collect::<Option<Vec<Status>>>()?;
    let leader = statuses.iter().find(|status| status.role == RoleKind::Leader)?;
    let follows = |status: &Status| {
        status.term == leader.term
            && status.leader == Some(leader.node)
            && status.last_log == leader.last_log
            && status.last_applied == leader.last_log.index
    };
    statuses.iter().all(follows).then_some(Agreed { leader: leader.node, term: leader.term })
}
