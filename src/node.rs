//! `raft node`

use crate::paragraph::{columns, fitted};
use crate::recording::Recording;
use clap::Args;
use command::{
    Failure, ProfileArguments, StorageArguments, TimeArguments, end_at_second_signal, ended_by,
    listening_address, say,
};
use consensus::event::{Problem, What};
use consensus::{Membership, NodeId, Profile};
use driver::TraceLevel;
use server::{
    Address, Command, InvalidAddress, LabSettings, Remote, Secret, Server, Settings, monotonic_now,
    tell_in_background,
};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use trace::{Event, Faults, Feed, Record};

/// Run one server by itself, in its own terminal or on its own machine
///
/// A cluster in three terminals:
///
///   raft node --id 1 --listen 127.0.0.1:4001 --data /tmp/n1 \
///     --peer 2=127.0.0.1:4002 --peer 3=127.0.0.1:4003
///   raft node --id 2 --listen 127.0.0.1:4002 --data /tmp/n2 \
///     --peer 1=127.0.0.1:4001 --peer 3=127.0.0.1:4003
///   raft node --id 3 --listen 127.0.0.1:4003 --data /tmp/n3 \
///     --peer 1=127.0.0.1:4001 --peer 2=127.0.0.1:4002
///
/// Ctrl+C stops a server, and `kill -9` crashes it. Started again with the
/// same folder, it still has its term, its vote and its log.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct NodeArguments {
    /// This server's number, from 1
    #[arg(long, value_name = "N", env = "RAFT_ID", value_parser = clap::value_parser!(u64).range(1..))]
    id: u64,

    /// The address at which the other servers and clients reach it; port 0 means any free port, a different
    /// one after each start [default without --peer: 127.0.0.1:0]
    #[arg(long, value_name = "HOST:PORT", env = "RAFT_LISTEN", value_parser = listening_address)]
    listen: Option<String>,

    /// Another name or address by which clients may ask for this server, besides localhost, --listen and its
    /// address in the cluster; repeat for more
    #[arg(long = "host", value_name = "NAME", env = "RAFT_HOSTS", value_delimiter = ',', value_parser = host_name)]
    hosts: Vec<String>,

    /// Allow a --listen address that other machines can reach. The server trusts everyone who speaks its
    /// protocol: use this only in a network that you trust
    #[arg(long)]
    insecure: bool,

    /// Another server of the cluster and its address; repeat for each server
    #[arg(long = "peer", value_name = "ID=HOST:PORT", env = "RAFT_PEERS", value_delimiter = ',')]
    peers: Vec<Peer>,

    /// Join an existing cluster: start empty, and wait to be added with `raft member add`
    #[arg(long, conflicts_with = "peers")]
    join: bool,

    /// The folder for the server's data, created if it does not exist
    #[arg(long, value_name = "DIR", env = "RAFT_DATA")]
    data: PathBuf,

    /// The name of the cluster; servers of clusters with different names reject each other
    #[arg(long, value_name = "NAME", env = "RAFT_CLUSTER", default_value = "raft")]
    cluster: String,

    #[command(flatten)]
    time: TimeArguments,

    #[command(flatten)]
    profile: ProfileArguments,

    #[command(flatten)]
    storage: StorageArguments,

    /// The seed of the random election timeouts [default: from the clock]
    #[arg(long, env = "RAFT_SEED")]
    seed: Option<u64>,

    /// Print what happens as JSON, one event per line (docs/trace.md), instead of in English
    #[arg(long)]
    json: bool,

    /// Print the routine too: each heartbeat and each reset of a timer
    #[arg(long, short)]
    verbose: bool,

    /// Print only what concerns the process, its disk and network, its role in Raft and the members; this is
    /// faster
    #[arg(long, short, conflicts_with_all = ["verbose", "record"])]
    quiet: bool,

    /// Record everything in this file, as JSON; `raft replay FILE` plays it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Tell each step too, with its input and the state after it (for `raft up`)
    #[arg(long, hide = true)]
    steps: bool,

    /// Take commands on standard input, and end with it (for `raft up`)
    #[arg(long, hide = true)]
    laboratory: bool,

    /// The first line on standard input is the secret that all servers of the cluster share (for `raft up`)
    #[arg(long, hide = true, requires = "laboratory")]
    secret_on_stdin: bool,

    /// What is done to a peer's messages on their way, as ID=JSON (for `raft up`)
    #[arg(long = "link", hide = true, requires = "laboratory", value_parser = faulty_link)]
    links: Vec<(NodeId, Faults)>,

    /// The cluster's start on the monotonic clock, in nanoseconds (for `raft up`)
    #[arg(long, hide = true)]
    epoch: Option<u64>,
}

/// Another server. Without an address (only for `raft up`) it will be told the address later.
#[derive(Debug, Clone)]
struct Peer {
    id: NodeId,
    address: Option<Address>,
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Peer, String> {
        let (id, address) = match text.split_once('=') {
            Some((id, address)) => (id, Some(address)),
            None => (text, None),
        };
        let id = id.parse().ok().filter(|&id| id > 0).ok_or("write ID=HOST:PORT, with an ID from 1")?;
        let address =
            address.map(str::parse).transpose().map_err(|error: InvalidAddress| error.to_string())?;
        Ok(Peer { id: NodeId(id), address })
    }
}

fn host_name(text: &str) -> Result<String, String> {
    let is_name =
        |text: &str| text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-._".contains(letter));
    if !text.is_empty() && (is_name(text) || text.parse::<Ipv6Addr>().is_ok()) {
        Ok(text.to_owned())
    } else {
        Err("write a name or an address, without a port, such as n1.example".to_owned())
    }
}

fn faulty_link(text: &str) -> Result<(NodeId, Faults), String> {
    let (id, faults) = text.split_once('=').ok_or("a link is ID=JSON")?;
    let id = id.parse().map_err(|error| format!("\"{id}\" is not an ID: {error}"))?;
    Ok((NodeId(id), serde_json::from_str(faults).map_err(|error| error.to_string())?))
}

pub(crate) fn run(arguments: NodeArguments) -> Result<ExitCode, Failure> {
    let mut settings = arguments.settings()?;
    if arguments.laboratory {
        die_with_parent();
    }
    if arguments.secret_on_stdin {
        settings.secret = Some(read_secret()?);
    }
    let failure = |error: server::ServerError| Failure::of(&error, error.help());
    let mut signals = end_at_second_signal(&[SIGINT, SIGTERM])
        .and_then(|()| Signals::new([SIGINT, SIGTERM]))
        .map_err(|error| Failure::of(format_args!("can't listen for signals: {error}"), ""))?;
    let recording = arguments.record.as_deref().map(Recording::create).transpose()?;
    let signal_received = Arc::new(AtomicI32::new(0));
    let opened: Arc<OnceLock<Remote>> = Arc::default();
    let (remote, received) = (opened.clone(), signal_received.clone());
    std::thread::spawn(move || {
        for signal in signals.forever() {
            received.store(signal, Ordering::Relaxed);
            match remote.get() {
                Some(remote) => remote.command(Command::Stop),
                // It reads its log, which may be long. Ending now is no worse than a crash, which it
                // survives.
                None => std::process::exit(128 + signal),
            }
        }
    });
    let server = Server::open(arguments.listen(), &arguments.data, settings).map_err(failure)?;
    arguments.hosts.iter().for_each(|host| server.answer_to(host));
    let _ = opened.set(server.remote());
    for warning in arguments.warnings() {
        say(format_args!("warning: {warning}"));
    }

    if arguments.laboratory {
        let remote = server.remote();
        std::thread::spawn(move || take_commands(&remote));
    }

    let (observer, telling) = tell_in_background(arguments.teller(server.remote(), recording));
    let is_quiet = arguments.quiet;
    let mut observer = observer;
    let ended = server.run(move |record| {
        if !is_quiet || is_reported_when_quiet(&record.event) {
            observer(record);
        }
    });
    // All reports are written before the process ends. A thread that panicked has reported that itself.
    let _ = telling.join();
    ended.map_err(failure)?;
    match signal_received.load(Ordering::Relaxed) {
        0 => Ok(ExitCode::SUCCESS),
        signal => Ok(ended_by(signal)),
    }
}

/// Does even a quiet server report this?
fn is_reported_when_quiet(event: &Event) -> bool {
    match event {
        Event::Process(_) => true,
        // Most rejected messages are only counted.
        Event::Decision(decision) if matches!(decision.what, What::Rejected { .. }) => {
            alarm(decision).is_some()
        }
        Event::Decision(decision) => TraceLevel::least_with(&decision.what) == TraceLevel::Essential,
        _ => false,
    }
}

impl NodeArguments {
    /// The server's settings, if the arguments fit together.
    fn settings(&self) -> Result<Settings, Failure> {
        let timing = self.time.timing()?;
        if self.laboratory && self.listens_wide() {
            return Err(Failure::usage(
                format_args!(
                    "a server of `raft up` can't listen on {}: other machines could reach it",
                    self.listen()
                ),
                "use an address that only this machine can reach, such as 127.0.0.1:0",
            ));
        }
        if !self.insecure && self.listens_wide() {
            return Err(Failure::usage(
                format_args!(
                    "other machines could reach this server at {}, and it trusts everyone who speaks its protocol",
                    self.listen()
                ),
                "listen on an address that only this machine can reach, such as 127.0.0.1:4001; or add --insecure, in a \
                 network that you trust",
            ));
        }
        if self.listen.is_none() && !self.peers.is_empty() && !self.laboratory {
            return Err(Failure::usage(
                "a server with peers needs an address of its own",
                "add --listen HOST:PORT, where the other servers reach it, even after a restart",
            ));
        }
        let id = NodeId(self.id);
        let mut peers = BTreeMap::new();
        let mut addresses = BTreeMap::from([(self.listen().to_owned(), id)]);
        for peer in &self.peers {
            if peer.id == id {
                return Err(Failure::usage(
                    format_args!("{id} is this server itself, but is also named as a peer"),
                    "name only the other servers with --peer",
                ));
            }
            if peers.insert(peer.id, peer.address.clone()).is_some() {
                return Err(Failure::usage(
                    format_args!("{} is named twice among the peers", peer.id),
                    "give each server an id of its own",
                ));
            }
            match &peer.address {
                None if !self.laboratory => {
                    return Err(Failure::usage(
                        format_args!("the peer {} has no address", peer.id),
                        format!("write --peer {}=HOST:PORT", peer.id.0),
                    ));
                }
                None => {}
                Some(address) => {
                    if let Some(other) = addresses.insert(address.to_string(), peer.id) {
                        return Err(Failure::usage(
                            format_args!("{other} and {} have the same address, {address}", peer.id),
                            "give each server an address of its own; --listen is this server's",
                        ));
                    }
                }
            }
        }
        if self.cluster.is_empty() || self.cluster.chars().any(char::is_control) {
            return Err(Failure::usage("--cluster needs a name", "for example --cluster raft"));
        }
        if self.peers.len() >= Membership::MOST_MEMBERS {
            return Err(Failure::usage(
                format_args!("a cluster has at most {} members", Membership::MOST_MEMBERS),
                "name fewer servers with --peer; three or five are best",
            ));
        }
        let founders = peers.into_iter().chain([(id, None)]);
        let lab = LabSettings {
            speed: self.time.speed,
            latency: self.time.latency,
            links: self.links.iter().copied().collect(),
        };
        Ok(Settings {
            founders: if self.join { BTreeMap::new() } else { founders.collect() },
            timing,
            seed: self.seed.unwrap_or_else(|| monotonic_now().as_nanos() as u64),
            lease: self.time.lease_reads,
            profile: self.profile.profile(Profile::PRODUCTION)?,
            snapshot_after: self.storage.snapshot_after,
            epoch: self.epoch.map_or_else(monotonic_now, Duration::from_nanos),
            lab: (self.laboratory || !lab.is_idle()).then_some(lab),
            trace_level: match self.quiet {
                true => TraceLevel::Essential,
                false if self.steps || self.record.is_some() => TraceLevel::Replayable,
                false => TraceLevel::Events,
            },
            ..Settings::new(&self.cluster, self.id)
        })
    }

    fn listen(&self) -> &str {
        self.listen.as_deref().unwrap_or("127.0.0.1:0")
    }

    fn warnings(&self) -> Vec<String> {
        if self.laboratory {
            return Vec::new();
        }
        let exposure = self.listens_wide().then(|| {
            format!(
                "other machines can reach {}, and servers trust everyone who speaks their protocol: use it only \
                 in a network that you trust",
                self.listen()
            )
        });
        exposure.into_iter().chain(self.time.warning()).collect()
    }

    /// Can the server be reached from other machines?
    fn listens_wide(&self) -> bool {
        let is_wide = |address: SocketAddr| !address.ip().is_loopback();
        self.listen().to_socket_addrs().is_ok_and(|mut addresses| addresses.any(is_wide))
    }

    /// Writes records to standard output, in the requested form.
    fn teller(
        &self,
        remote: Remote,
        mut recording: Option<Recording>,
    ) -> impl FnMut(&Record) + Send + 'static {
        let mut feed = if self.verbose { Feed::with_routine() } else { Feed::new() };
        let (json, is_in_laboratory, columns) = (self.json, self.laboratory, columns());
        move |record| {
            if let Some(recording) = &mut recording {
                recording.add([record]);
            }
            let mut text = String::new();
            if json {
                text = record.to_json() + "\n";
            } else {
                feed.tell(record).iter().for_each(|line| text += &(fitted(line, columns, None) + "\n"));
            }
            let mut stdout = io::stdout().lock();
            let told = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
            if told.is_err() && is_in_laboratory {
                remote.command(Command::Stop);
            }
            if let Event::Decision(decision) = &record.event
                && let Some(help) = alarm(decision)
                && !is_in_laboratory
            {
                let why = trace::english::sentence(record);
                say(format_args!("warning: {}: {why}\nhelp: {help}", record.node));
            }
            if is_removal(&record.event) && !is_in_laboratory {
                say(format_args!(
                    "warning: {} was removed and is no longer a member of the cluster\n\
                     help: stop it; start a new server with `raft node --join` and a new number",
                    record.node
                ));
            }
        }
    }
}

/// What the operator can do about a message that servers of a healthy cluster never send.
fn alarm(decision: &consensus::event::Decision) -> Option<&'static str> {
    const REPLACE: &str = "nothing is lost if a majority still has its data: `raft member remove ID`, start the server \
                           with an empty folder and --join, and `raft member add ID=HOST:PORT`";
    let problem = match decision.what {
        What::Retired { .. } | What::LostEntries { .. } => return Some(REPLACE),
        What::RefusedBy { problem, .. } | What::Rejected { problem, .. } => problem,
        _ => return None,
    };
    match problem {
        Problem::OtherData | Problem::LostEntries { .. } => Some(REPLACE),
        Problem::OtherCluster => Some(
            "check the addresses in --peer and `raft member list`: each cluster needs its own servers and folders",
        ),
        Problem::OtherFounders => Some(
            "give all servers of a new cluster the same --peer list and empty folders; to join an existing cluster, start \
             with --join and an empty folder",
        ),
        Problem::ContradictsCommitted | Problem::OwnTerm => Some(
            "a server has lost data, or two clusters were mixed: stop the server whose disk was replaced or restored",
        ),
        // The message of a server that has just restarted may still have been in flight.
        _ => None,
    }
}

fn is_removal(event: &Event) -> bool {
    matches!(event, Event::Decision(decision) if matches!(decision.what, What::Removed { .. }))
}

/// Reads the cluster's secret from the first line of standard input. Other users can't see what comes through
/// a pipe, but they can see arguments and environments.
fn read_secret() -> Result<Secret, Failure> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line).map_err(|error| error.to_string());
    let secret = read.and_then(|_| line.trim_end().parse::<Secret>().map_err(|error| error.to_string()));
    secret.map_err(|error| {
        Failure::usage(
            format_args!("standard input does not begin with a secret: {error}"),
            "leave --secret-on-stdin to `raft up`",
        )
    })
}

/// Passes commands on from standard input, until it ends: then the process that started this server is gone.
fn take_commands(remote: &Remote) {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(command) => remote.command(command),
            Err(error) => say(format_args!("warning: not a command ({error}): {line}")),
        }
    }
    remote.command(Command::Stop);
}

/// Asks the system to kill this process when its parent dies, even while it is halted. Where that is not
/// possible, the end of standard input must do.
fn die_with_parent() {
    #[cfg(target_os = "linux")]
    {
        let signal = Some(rustix::process::Signal::KILL);
        // Should the system refuse, standard input is still there.
        let _ = rustix::process::set_parent_process_death_signal(signal);
    }
}
