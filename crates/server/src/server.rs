//! A server from its options to its end.

use crate::command::Command;
use crate::disk::DiskThread;
use crate::engine::{About, Engine, Happening};
use crate::http::{self, Broadcast, Service};
use crate::machine::{Machine, Restore};
use crate::monotonic_now;
use crate::network::{self, Name, Network};
use consensus::{Config, EveryRule, Lease, Limits, NodeId, Quorum, Timing};
use driver::{Clock, Driver, Effects, Speed, Telling};
use kv::{RestoreError, Store};
use prometheus_client::metrics::histogram::Histogram;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use storage::{FolderDisk, Identity, SnapshotInfo, Storage, StorageError};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use trace::{Process, Record};

/// So many happenings wait for the engine, at most.
const INBOX: usize = 4096;

/// A snapshot is read in pieces of this size, in bytes.
const PIECE: usize = 1 << 20;

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name of its cluster; servers of different clusters refuse each other.
    pub cluster: String,
    /// Which server it is.
    pub id: NodeId,
    /// Where it listens, as HOST:PORT. Port 0 lets the system choose.
    pub listen: String,
    /// The other servers, each with its address if that is known yet.
    pub peers: BTreeMap<NodeId, Option<String>>,
    /// The folder of its durable state. Made if it isn't there.
    pub data: PathBuf,
    /// How long it waits for what.
    pub timing: Timing,
    /// Where its randomness comes from. Each life draws differently.
    pub seed: u64,
    /// How fast its clock runs.
    pub speed: Speed,
    /// How long each message to it is held, in its own time.
    pub latency: Duration,
    /// Whether leaders have leases, and what those rest on. All servers of a cluster must agree on that.
    pub lease: Option<Lease>,
    /// After about so many bytes of entries it takes a snapshot, and its log forgets what that covers.
    pub snapshot_after: usize,
    /// The cluster's start on the machine's monotonic clock: the zero of the records' time.
    pub epoch: Duration,
    /// How much it tells its observer.
    pub telling: Telling,
}

/// Why a server did not start, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It can't listen where it should.
    #[error("can't listen at {address}: {source}")]
    Listen {
        /// Where, as HOST:PORT.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Its data folder can't be used, or failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Its snapshot is whole, and yet holds no store.
    #[error("the data folder's snapshot can't be used: {0}")]
    Snapshot(#[from] RestoreError),
    /// The system did not give it what every program needs.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}

impl ServerError {
    /// What the person who started the server can do about it.
    pub fn help(&self) -> String {
        match self {
            ServerError::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
                "another program listens there: stop it, or choose another port".to_owned()
            }
            ServerError::Listen { .. } => {
                "the address must be one of this machine's, as HOST:PORT, for example 127.0.0.1:4001"
                    .to_owned()
            }
            ServerError::Storage(error) => error.help(),
            ServerError::Snapshot(error) => error.help().to_owned(),
            ServerError::System(_) => "close other programs, or raise the limit on open files".to_owned(),
        }
    }
}

/// A server that is ready to run: it holds its port and its data folder.
pub struct Server {
    options: Options,
    listener: TcpListener,
    address: SocketAddr,
    storage: Storage<FolderDisk>,
    /// How long its syncs took.
    syncs: Histogram,
    recovered: storage::Recovered,
    runtime: Runtime,
    inbox: (SyncSender<Happening>, Receiver<Happening>),
}

/// Tells a running server what to do, from another thread.
#[derive(Debug, Clone)]
pub struct Remote(SyncSender<Happening>);

impl Remote {
    /// Tells the server; waits while it has too much to do. A server that has ended hears nothing.
    pub fn command(&self, command: Command) {
        let _ = self.0.send(Happening::Command(command));
    }
}

impl Server {
    /// Takes the port and the data folder.
    ///
    /// # Errors
    /// If either can't be had. Nothing has been changed in a folder that belongs to somebody else.
    pub fn open(options: Options) -> Result<Server, ServerError> {
        let listen_error = |source| ServerError::Listen { address: options.listen.clone(), source };
        let listener = TcpListener::bind(&options.listen).map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        listener.set_nonblocking(true)?;

        let voters = options.peers.keys().copied().chain([options.id]).collect();
        let identity = Identity { cluster: options.cluster.clone(), node: options.id, voters };
        let syncs = http::sync_histogram();
        let disk = FolderDisk::open(&options.data)?.telling_syncs({
            let syncs = syncs.clone();
            move |took| syncs.observe(took.as_secs_f64())
        });
        let (storage, recovered) = Storage::open(disk, identity)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Server {
            options,
            listener,
            address,
            storage,
            syncs,
            recovered,
            runtime,
            inbox: sync_channel(INBOX),
        })
    }

    /// A way to command the server while it runs.
    pub fn remote(&self) -> Remote {
        Remote(self.inbox.0.clone())
    }

    /// Runs until [`Command::Stop`]. The observer is given every record, and should not keep the
    /// server waiting.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn run(self, observer: impl FnMut(Record)) -> Result<(), ServerError> {
        let Server {
            options,
            listener,
            address,
            mut storage,
            syncs,
            recovered,
            runtime,
            inbox: (sender, inbox),
        } = self;
        let life = recovered.life;
        let voters: Quorum = options.peers.keys().copied().chain([options.id]).collect();
        let about = About {
            cluster: options.cluster.clone(),
            voters: voters.voters().len(),
            life,
            epoch: options.epoch,
            latency: options.latency,
            gives_leases: options.lease.is_some(),
            snapshot_after: options.snapshot_after,
        };
        let config = Config {
            id: options.id,
            voters,
            timing: options.timing,
            limits: Limits { bytes_behind_snapshot: options.snapshot_after / 8, ..Limits::default() },
            lease: options.lease,
            seed: seed_of_life(&options, life),
        };

        let peers = options.peers.keys().copied().collect();
        let name = Name { cluster: options.cluster, id: options.id, peers };
        let machine = restore(&mut storage)?;
        let disk = DiskThread::start(storage, sender.clone());
        let events = Broadcast::new();
        let network = {
            let _in_runtime = runtime.enter();
            let network = Network::start(&name);
            let addresses = network.addresses();
            let service = Service {
                id: name.id,
                engine: sender.clone(),
                addresses,
                events: events.clone(),
                gives_leases: options.lease.is_some(),
                syncs,
            };
            let (clients, connections) = mpsc::channel(1);
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::spawn(network::accept(name, listener, sender, clients));
            tokio::spawn(http::serve(service, address, connections));
            network
        };
        for (id, address) in options.peers {
            if let Some(address) = address {
                network.set_address(id, address);
            }
        }

        let mut effects = Effects::default();
        let clock = Clock::start(monotonic_now(), options.speed);
        let cut_off = recovered.cut_off.clone();
        let driver = Driver::start(config, recovered, machine, EveryRule, options.telling, &mut effects);
        let started = Process::Started { pid: std::process::id(), address: address.to_string() };
        let cut_off = cut_off.map(|cut_off| Process::CutOff { what: cut_off.to_string() });
        let news = [started].into_iter().chain(cut_off);
        Engine::new(driver, disk, about, clock, network, observer, events).run(news, effects, &inbox)?;
        runtime.shutdown_background();
        Ok(())
    }
}

/// The store that the newest snapshot holds; an empty one if there is none.
fn restore(storage: &mut Storage<FolderDisk>) -> Result<Machine, ServerError> {
    let Some(SnapshotInfo { position, .. }) = storage.snapshot() else {
        return Ok(Machine::new(Store::default()));
    };
    let mut restore = Restore::default();
    let mut offset = 0;
    while let Some(chunk) = storage.read_snapshot(position, offset, PIECE)? {
        offset += chunk.bytes.len() as u64;
        restore = driver::Restore::feed(restore, &chunk.bytes)?;
        if chunk.is_last {
            break;
        }
    }
    Ok(driver::Restore::finish(restore, position.index)?)
}

/// A seed for this server in this life: servers that share a seed must not share their timeouts.
fn seed_of_life(options: &Options, life: u64) -> u64 {
    options.seed ^ options.id.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ life.wrapping_mul(0xd1b5_4a32_d192_ed03)
}
