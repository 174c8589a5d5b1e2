//! What every server has, whatever carries its messages: a data folder, its queues, and an engine between them.

use crate::alarm::Alarm;
use crate::disk::DiskJobs;
use crate::engine::Engine;
use crate::error::ServerError;
use crate::handle::Handle;
use crate::inbound::{INBOX, Inbound, Inlet};
use crate::observer::Observer;
use crate::replicated::Replicated;
use crate::requests::Request;
use crate::settings::Settings;
use crate::transport::Transport;
use crate::view::Leadership;
use consensus::{Config, Credentials, EveryRule, Limits, Membership, Origin};
use driver::{Driver, Effects, Restored, StateMachine};
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;
use std::task::Poll;
use storage::{Disk, FolderDisk, Identity, Recovered, Storage};
use tokio::sync::{mpsc, watch};
use trace::Process;

/// About the maximum number of bytes of entries in one message. A follower that catches up gets many of them, between
/// which clients get their turn.
pub const BYTES_PER_MESSAGE: usize = 64 << 10;

/// About the maximum number of bytes that the log grows by, beyond what lets a server take a snapshot, until a follower has
/// got the last one.
const WHILE_SENDING: usize = 256 << 20;

/// A server that holds its data and is ready to [run](Server::run).
///
/// `M` is the state machine that is replicated, and `D` the disk of its data.
///
/// ```
/// use raft_for_beginners_runtime::{Server, Settings, Tcp};
/// use tokio::net::TcpListener;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// // `()` is a state machine without a state.
/// let server = Server::open(folder.path(), Settings::new("nothing", 1), ())?;
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let address = listener.local_addr()?;
/// let tcp = Tcp::new(server.settings(), address.port(), server.origin(), server.inlet());
/// tcp.listen(listener, None);
///
/// let handle = server.handle();
/// let running = tokio::spawn(server.run(address.to_string(), tcp.clone(), ()));
/// handle.stop().await;
/// running.await??;
/// tcp.shut_down().await;
/// # Ok(())
/// # }
/// ```
pub struct Server<M: StateMachine, D: Disk = FolderDisk> {
    settings: Settings,
    needs_disk_thread: bool,
    storage: Storage<D>,
    recovered: Recovered,
    membership: Arc<Membership>,
    machine: M,
    sender: mpsc::Sender<Inbound>,
    inbox: mpsc::Receiver<Inbound>,
    requests: mpsc::Receiver<Request<M>>,
    leadership: watch::Sender<Leadership>,
    handle: Handle<M>,
}

impl<M: StateMachine, D: Disk> fmt::Debug for Server<M, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<M: Replicated> Server<M> {
    /// Takes a data folder, which is made if it does not exist. `initial` is the state before the first entry, the same on
    /// all servers.
    ///
    /// # Errors
    /// If the folder can't be had, its snapshot holds no such state, or the settings don't fit together. Nothing has been
    /// changed in a folder that belongs to another server.
    pub fn open(folder: impl AsRef<Path>, settings: Settings, initial: M) -> Result<Server<M>, ServerError> {
        Server::on(FolderDisk::open(folder.as_ref())?, settings, initial)
    }
}

impl<M: Replicated, D: Disk + Send + 'static> Server<M, D> {
    /// Takes a disk, as [`open`](Server::open) does with a folder.
    ///
    /// # Errors
    /// As with `open`.
    pub fn on(disk: D, settings: Settings, initial: M) -> Result<Server<M, D>, ServerError> {
        if let Some(problem) = settings.problem() {
            return Err(ServerError::Settings(problem));
        }
        let needs_disk_thread = !disk.is_instant();
        let (cluster, voters) = (settings.cluster.clone(), settings.founding());
        let (mut storage, recovered) = Storage::open(disk, Identity { cluster, node: settings.id, voters })?;
        let (membership, machine) = match Restored::read(&mut storage)? {
            Some(Restored { membership, machine }) => (membership, machine),
            None => (Arc::new(recovered.memory.first_configuration()), initial),
        };
        let (sender, inbox) = mpsc::channel(INBOX);
        let (ask, requests) = mpsc::channel(INBOX);
        let term = recovered.hard_state.current_term;
        let (leadership, watcher) =
            watch::channel(Leadership { term, leader: None, members: membership.clone() });
        let handle = Handle::new(settings.id, ask, sender.clone(), watcher);
        Ok(Server {
            settings,
            needs_disk_thread,
            storage,
            recovered,
            membership,
            machine,
            sender,
            inbox,
            requests,
            leadership,
            handle,
        })
    }

    /// What it was given.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How many times its folder was opened.
    pub fn life(&self) -> u64 {
        self.recovered.life
    }

    /// Where its messages come from at first.
    pub fn origin(&self) -> Origin {
        let Recovered { start, earlier_runs, .. } = self.recovered;
        Origin { cluster: self.recovered.memory.cluster, start, earlier_runs }
    }

    /// Where a transport hands in what has come for it.
    pub fn inlet(&self) -> Inlet {
        Inlet::new(self.sender.clone())
    }

    /// What asks it for something, when it runs.
    pub fn handle(&self) -> Handle<M> {
        self.handle.clone()
    }

    /// Runs until it is [stopped](Handle::stop), or until the last handle is dropped. `at` says in the records where
    /// the server is.
    ///
    /// To be called within a tokio runtime. State machine, observer and transport are called in this task, and the server
    /// does nothing else meanwhile: if they take longer than an election timeout, others start an election.
    ///
    /// When it has ended, even with a panic of the state machine, no thread has its folder open any longer.
    ///
    /// # Errors
    /// If the disk fails.
    pub async fn run(
        self,
        at: String,
        transport: impl Transport,
        observer: impl Observer,
    ) -> Result<(), ServerError> {
        let Server { settings, needs_disk_thread, storage, recovered, membership, machine, .. } = self;
        let Server { sender, inbox, requests, leadership, handle, .. } = self;
        // Only those that were given away keep it running.
        drop(handle);
        let life = recovered.life;
        let config = Config {
            id: settings.id,
            membership,
            credentials: Credentials { founders: settings.founding(), ..Credentials::default() },
            timing: settings.timing,
            limits: Limits {
                bytes_per_message: BYTES_PER_MESSAGE,
                bytes_behind_snapshot: settings.snapshot_after / 8,
                bytes_while_sending: settings.snapshot_after.saturating_add(WHILE_SENDING),
                ..Limits::default()
            },
            lease: settings.lease,
            profile: settings.profile,
            seed: seed_of_life(&settings, life),
        };
        let alarm = Alarm::new()?;
        let mut effects = Effects::default();
        let cut_off = recovered.cut_off.clone();
        let driver = Driver::start(config, recovered, machine, EveryRule, settings.trace_level, &mut effects);
        let started = Process::Started { pid: std::process::id(), address: at };
        let cut_off =
            cut_off.map(|cut_off| Process::CutOff { what: format!("{cut_off}; {}", cut_off.help()) });
        let news = [started].into_iter().chain(cut_off);
        let (disk, disk_thread) = match needs_disk_thread {
            true => {
                let (disk, thread) = DiskJobs::start(storage, sender.clone());
                (disk, Some(thread))
            }
            false => (DiskJobs::without_thread(storage), None),
        };
        // The engine waits for what comes, even if no transport and no disk thread can send it anything.
        let _open_inbox = sender;
        // Those who wait for the end of the server, as of its watch, wait for that of the disk thread too.
        let _until_the_end = leadership.clone();
        let engine = Engine::new(driver, disk, settings, life, transport, observer, leadership);
        let ended = catch_panic(engine.run(news, effects, (inbox, requests), alarm)).await;
        // However the engine has ended, its end of the disk is gone, and the thread lets go of the folder. Waiting for that
        // must not be done in this thread, where others may have to go on.
        if let Some(thread) = disk_thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        ended.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// What a future returns, or with what it panics.
async fn catch_panic<T>(future: impl Future<Output = T>) -> std::thread::Result<T> {
    let mut future = Box::pin(future);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.map_or_else(|panic| Poll::Ready(Err(panic)), |poll| poll.map(Ok))
    })
    .await
}

/// A seed for this server in this life: servers that share a seed must not share their timeouts.
fn seed_of_life(settings: &Settings, life: u64) -> u64 {
    settings.seed
        ^ settings.id.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ life.wrapping_mul(0xd1b5_4a32_d192_ed03)
}
