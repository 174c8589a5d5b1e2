//! What every server has, whatever carries its messages: a data folder, an inbox, and an engine between
//! them.

use crate::alarm::Alarm;
use crate::broadcast::Broadcast;
use crate::command::Command;
use crate::disk::DiskThread;
use crate::engine::{Engine, EngineSettings};
use crate::error::ServerError;
use crate::http;
use crate::inbox::{INBOX, Inbound};
use crate::links::Links;
use crate::machine::Machine;
use crate::options::Options;
use crate::transport::Transport;
use consensus::{Config, Credentials, EveryRule, Limits, Origin};
use driver::{Driver, Effects, Restored};
use gate::Names;
use kv::Store;
use prometheus_client::metrics::histogram::Histogram;
use std::net::SocketAddr;
use std::sync::Arc;
use storage::{FolderDisk, Identity, Recovered, Storage};
use tokio::sync::mpsc;
use trace::{Process, Record};

/// About so many bytes of entries go in one message. A follower that catches up gets many of them, between
/// which clients get their turn.
pub(crate) const MESSAGE: usize = 64 << 10;

/// About the most bytes that the log grows by, beyond what lets a server take a snapshot, until a follower has got the last one.
const WHILE_SENDING: usize = 256 << 20;

/// A server that holds its data folder and is ready to run.
pub(crate) struct Member {
    options: Options,
    storage: Storage<FolderDisk>,
    recovered: Recovered,
    /// How long its syncs took.
    syncs: Histogram,
    /// The names under which clients may ask for it.
    names: Names,
    sender: mpsc::Sender<Inbound>,
    inbox: mpsc::Receiver<Inbound>,
}

/// Tells a running server what to do, from another thread.
#[derive(Debug, Clone)]
pub struct Remote(mpsc::Sender<Inbound>);

impl Remote {
    /// Tells the server; waits while it has too much to do. A server that has ended hears nothing.
    pub fn command(&self, command: Command) {
        let _ = self.0.blocking_send(Inbound::Command(command));
    }
}

impl Member {
    /// Takes the data folder.
    ///
    /// # Errors
    /// If it can't be had. Nothing has been changed in a folder that belongs to somebody else.
    pub(crate) fn open(options: Options) -> Result<Member, ServerError> {
        let voters = options.founders();
        let identity = Identity { cluster: options.cluster.clone(), node: options.id, voters };
        let syncs = http::sync_histogram();
        let disk = FolderDisk::open(&options.data)?.telling_syncs({
            let syncs = syncs.clone();
            move |took| syncs.observe(took.as_secs_f64())
        });
        let (storage, recovered) = Storage::open(disk, identity)?;
        let (sender, inbox) = mpsc::channel(INBOX);
        Ok(Member { options, storage, recovered, syncs, names: Names::default(), sender, inbox })
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// How often its folder was opened.
    pub(crate) fn life(&self) -> u64 {
        self.recovered.life
    }

    /// Where its messages come from at first.
    pub(crate) fn origin(&self) -> Origin {
        let Recovered { start, earlier_runs, .. } = self.recovered;
        Origin { cluster: self.recovered.memory.cluster, start, earlier_runs }
    }

    pub(crate) fn syncs(&self) -> Histogram {
        self.syncs.clone()
    }

    /// The names under which clients may ask for it.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Where it hears what happens.
    pub(crate) fn engine(&self) -> mpsc::Sender<Inbound> {
        self.sender.clone()
    }

    pub(crate) fn remote(&self) -> Remote {
        Remote(self.sender.clone())
    }

    /// Runs until [`Command::Stop`].
    ///
    /// # Errors
    /// If the disk fails.
    pub(crate) async fn run(
        self,
        address: String,
        transport: impl Transport,
        observer: impl FnMut(Record),
        events: Broadcast,
    ) -> Result<(), ServerError> {
        let Member { options, mut storage, recovered, names, sender, inbox, .. } = self;
        let life = recovered.life;
        let (membership, machine) = match Restored::read(&mut storage)? {
            Some(Restored { membership, machine }) => (membership, machine),
            None => (Arc::new(recovered.memory.first_configuration()), Machine::new(Store::default())),
        };
        let about = EngineSettings {
            cluster: options.cluster.clone(),
            // One that listens everywhere is to be found at many.
            address: address
                .parse::<SocketAddr>()
                .ok()
                .filter(|it| !it.ip().is_unspecified())
                .map(|it| it.to_string()),
            life,
            epoch: options.epoch,
            first_speed: options.speed,
            latency: options.latency,
            gives_leases: options.lease.is_some(),
            snapshot_after: options.snapshot_after,
            trace_level: options.trace_level,
            names,
        };
        let config = Config {
            id: options.id,
            membership,
            credentials: Credentials { founders: options.founders(), ..Credentials::default() },
            timing: options.timing,
            limits: Limits {
                bytes_per_message: MESSAGE,
                bytes_behind_snapshot: options.snapshot_after / 8,
                bytes_while_sending: options.snapshot_after.saturating_add(WHILE_SENDING),
                ..Limits::default()
            },
            lease: options.lease,
            profile: options.profile,
            seed: seed_of_life(&options, life),
        };
        let alarm = Alarm::new()?;
        let links = Links::new(options.faulty_links.clone(), config.seed);
        let disk = DiskThread::start(storage, sender);
        let mut effects = Effects::default();
        let cut_off = recovered.cut_off.clone();
        let driver = Driver::start(config, recovered, machine, EveryRule, options.trace_level, &mut effects);
        let started = Process::Started { pid: std::process::id(), address };
        let cut_off =
            cut_off.map(|cut_off| Process::CutOff { what: format!("{cut_off}; {}", cut_off.help()) });
        let news = [started].into_iter().chain(cut_off);
        Engine::new(driver, disk, about, transport, links, observer, events)
            .run(news, effects, inbox, alarm)
            .await?;
        Ok(())
    }
}

/// A seed for this server in this life: servers that share a seed must not share their timeouts.
fn seed_of_life(options: &Options, life: u64) -> u64 {
    options.seed ^ options.id.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ life.wrapping_mul(0xd1b5_4a32_d192_ed03)
}
