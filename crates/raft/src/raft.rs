use crate::error::{Error, Result};
use crate::form::{Form, Streamed, Whole};
use crate::obstacle::Obstacle;
use consensus::{Change, NodeId, ReadBy};
use driver::{SmallState, StateMachine};
use runtime::{
    Address, ChangeError, Disk, FolderDisk, Handle, Health, Inlet, Leadership, MemoryDisk, ProposeError,
    ReadError, Replicated, Server, ServerError, Settings, Tcp, TransferError, Transport,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::sync::{Mutex, watch};
use tokio::task::{JoinError, JoinHandle};

type Answer<M, F> = <<F as Form<M>>::Machine as StateMachine>::Answer;

/// A server that holds its data folder, and does not run yet.
///
/// ```
/// use raft_for_beginners::{Error, Raft, Settings};
/// # use raft_for_beginners::{Index, StateMachine};
/// # #[derive(Default)]
/// # struct Counter(u64);
/// # impl StateMachine for Counter {
/// #     type Answer = u64;
/// #     fn apply(&mut self, _: Index, _: &[u8]) -> u64 {
/// #         self.0 += 1;
/// #         self.0
/// #     }
/// #     fn save(&self) -> Vec<u8> {
/// #         self.0.to_le_bytes().to_vec()
/// #     }
/// #     fn load(bytes: &[u8]) -> Option<Counter> {
/// #         Some(Counter(u64::from_le_bytes(bytes.try_into().ok()?)))
/// #     }
/// # }
/// # #[tokio::main]
/// # async fn main() -> raft_for_beginners::Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let opened = Raft::<Counter>::open(folder.path(), Settings::new("counter", 1))?;
/// // Other machines could reach it there, and it has no secret.
/// assert!(matches!(opened.serve("0.0.0.0:0").await, Err(Error::NeedsSecret(_))));
///
/// let opened = Raft::<Counter>::open(folder.path(), Settings::new("counter", 1))?;
/// let server = opened.serve("127.0.0.1:0").await?;
/// server.stop().await
/// # }
/// ```
pub struct Opened<M, F: Form<M> = Whole, D: Disk = FolderDisk> {
    server: Server<F::Machine, D>,
    trusts_network: bool,
}

/// One running server of a replicated state machine. Clones are the same server; when the last one is dropped, it stops, a
/// little later. To know when, [stop](Raft::stop) it.
///
/// ```
/// use raft_for_beginners::{ProposeError, Raft, Settings};
/// use std::time::Duration;
/// use tokio::time::timeout;
/// # use raft_for_beginners::{Index, StateMachine};
/// # #[derive(Default)]
/// # struct Counter(u64);
/// # impl StateMachine for Counter {
/// #     type Answer = u64;
/// #     fn apply(&mut self, _: Index, _: &[u8]) -> u64 {
/// #         self.0 += 1;
/// #         self.0
/// #     }
/// #     fn save(&self) -> Vec<u8> {
/// #         self.0.to_le_bytes().to_vec()
/// #     }
/// #     fn load(bytes: &[u8]) -> Option<Counter> {
/// #         Some(Counter(u64::from_le_bytes(bytes.try_into().ok()?)))
/// #     }
/// # }
/// # #[tokio::main]
/// # async fn main() -> raft_for_beginners::Result<()> {
/// # let folder = tempfile::tempdir()?;
/// // A cluster of one: it leads when it has waited for an election timeout.
/// let opened = Raft::<Counter>::open(folder.path(), Settings::new("counter", 1))?;
/// let server = opened.serve("127.0.0.1:0").await?;
/// server.leader().await?;
///
/// match timeout(Duration::from_secs(10), server.propose("+")).await {
///     Ok(Ok(total)) => assert_eq!(total, 1),
///     Ok(Err(ProposeError::NotLeader { leader })) => println!("ask {leader:?}"),
///     Ok(Err(error)) if error.may_have_happened() => println!("perhaps: {error}"),
///     Ok(Err(error)) => println!("certainly not: {error}"),
///     Err(_) => println!("perhaps: no majority has it on disk yet"),
/// }
/// assert_eq!(server.read(|counter| counter.0).await?, 1);
/// assert!(server.is_leader());
/// server.stop().await
/// # }
/// ```
pub struct Raft<M, F: Form<M> = Whole> {
    handle: Handle<F::Machine>,
    /// Where the founders are, as the settings say.
    founders: Arc<BTreeMap<NodeId, Option<Address>>>,
    /// The task of the server, until its end has been awaited.
    task: Arc<Mutex<Option<Task>>>,
}

type Task = JoinHandle<Result<Result<(), ServerError>, JoinError>>;

impl<M, F: Form<M>> Clone for Raft<M, F> {
    fn clone(&self) -> Raft<M, F> {
        let Raft { handle, founders, task } = self;
        Raft { handle: handle.clone(), founders: founders.clone(), task: task.clone() }
    }
}

impl<M, F: Form<M>, D: Disk> fmt::Debug for Opened<M, F, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("server", &self.server).finish_non_exhaustive()
    }
}

impl<M, F: Form<M>> fmt::Debug for Raft<M, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raft").field("id", &self.handle.id()).finish_non_exhaustive()
    }
}

impl<M: SmallState<Answer: Send> + Default + Send + 'static> Raft<M> {
    /// Takes a data folder, which is made if it does not exist. The state is that of its snapshot, with all that is
    /// committed after that; at first the default, which must be the same on all servers.
    ///
    /// This blocks while it reads the folder, and syncs what it writes there: about 100 ms, more for a large state. Where
    /// other tasks must not wait so long, do it in a [`spawn_blocking`]:
    ///
    /// ```
    /// use raft_for_beginners::{Raft, Secret, Settings};
    /// # use raft_for_beginners::{Index, StateMachine};
    /// # #[derive(Default)]
    /// # struct Counter(u64);
    /// # impl StateMachine for Counter {
    /// #     type Answer = u64;
    /// #     fn apply(&mut self, _: Index, _: &[u8]) -> u64 {
    /// #         self.0 += 1;
    /// #         self.0
    /// #     }
    /// #     fn save(&self) -> Vec<u8> {
    /// #         self.0.to_le_bytes().to_vec()
    /// #     }
    /// #     fn load(bytes: &[u8]) -> Option<Counter> {
    /// #         Some(Counter(u64::from_le_bytes(bytes.try_into().ok()?)))
    /// #     }
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let data = tempfile::tempdir()?;
    /// # let folder = data.path().to_owned();
    ///
    /// // Drawn once, for all servers.
    /// let secret: Secret = Secret::draw()?.to_hex().parse()?;
    /// let settings = Settings::new("counter", 1)
    ///     .voters([(1, "a.example:5001"), (2, "b.example:5001"), (3, "c.example:5001")])?
    ///     .secret(secret);
    /// // Whatever has no method is a field.
    /// let settings = Settings { seed: 7, ..settings };
    /// let opened = tokio::task::spawn_blocking(|| Raft::<Counter>::open(folder, settings)).await??;
    /// let server = opened.serve("127.0.0.1:0").await?;
    /// # server.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`spawn_blocking`]: https://docs.rs/tokio/latest/tokio/task/fn.spawn_blocking.html
    ///
    /// # Errors
    /// If the folder can't be had, for example since it belongs to another server or is
    /// [in use](crate::StorageError::Locked); or if the settings don't fit together.
    pub fn open(folder: impl AsRef<Path>, settings: Settings) -> Result<Opened<M>> {
        Opened::of(open_folder(folder)?, settings, M::default())
    }

    /// The same without a folder: all that the server has is in memory, and lost when it ends. For tests, and where the data
    /// may be lost. One that was started again is another server: it can't come back under its number, and has to be
    /// [removed](Raft::remove) and [added](Raft::add).
    ///
    /// ```
    /// use raft_for_beginners::{Raft, Settings};
    /// # use raft_for_beginners::{Index, StateMachine};
    /// # #[derive(Default)]
    /// # struct Counter(u64);
    /// # impl StateMachine for Counter {
    /// #     type Answer = u64;
    /// #     fn apply(&mut self, _: Index, _: &[u8]) -> u64 {
    /// #         self.0 += 1;
    /// #         self.0
    /// #     }
    /// #     fn save(&self) -> Vec<u8> {
    /// #         self.0.to_le_bytes().to_vec()
    /// #     }
    /// #     fn load(bytes: &[u8]) -> Option<Counter> {
    /// #         Some(Counter(u64::from_le_bytes(bytes.try_into().ok()?)))
    /// #     }
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> raft_for_beginners::Result<()> {
    /// let server = Raft::<Counter>::open_in_memory(Settings::new("counter", 1))?.serve("127.0.0.1:0").await?;
    /// server.leader().await?;
    /// assert_eq!(server.propose("+").await?, 1);
    /// server.stop().await
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the settings don't fit together.
    pub fn open_in_memory(settings: Settings) -> Result<Opened<M, Whole, MemoryDisk>> {
        Opened::of(MemoryDisk::new(), settings, M::default())
    }
}

impl<M: Replicated + Default> Raft<M, Streamed> {
    /// The same for a state that is [streamed](crate::StreamedStateMachine) into snapshots and out of them.
    ///
    /// # Errors
    /// As for [`Raft::open`].
    pub fn open_streamed(folder: impl AsRef<Path>, settings: Settings) -> Result<Opened<M, Streamed>> {
        Opened::of(open_folder(folder)?, settings, M::default())
    }
}

fn open_folder(folder: impl AsRef<Path>) -> Result<FolderDisk, ServerError> {
    Ok(FolderDisk::open(folder.as_ref())?)
}

impl<M, F: Form<M>, D: Disk + Send + 'static> Opened<M, F, D> {
    fn of(disk: D, mut settings: Settings, state: M) -> Result<Opened<M, F, D>> {
        let own = settings.founders.get(&settings.id).cloned().flatten();
        settings.address = settings.address.or(own.map(|address| address.to_string()));
        Ok(Opened { server: Server::on(disk, settings, F::machine(state))?, trusts_network: false })
    }

    /// Lets it listen where other machines can reach it although it has no [secret](Settings::secret). All that can reach
    /// it can then change its state and end its cluster.
    pub fn trust_network(mut self) -> Opened<M, F, D> {
        self.trusts_network = true;
        self
    }

    /// Runs the server, as tasks of the current tokio runtime, and listens for the other servers there, for example at
    /// `0.0.0.0:5001`. It can be asked for something at once. Without a leader, proposing and reading fail at once with
    /// `NotLeader { leader: None }`: wait for one with [`Raft::leader`].
    ///
    /// # Errors
    /// If it can't listen there, or [must not](Error::NeedsSecret).
    pub async fn serve(self, listen: impl ToSocketAddrs + fmt::Display) -> Result<Raft<M, F>> {
        let address = listen.to_string();
        let listener = TcpListener::bind(listen).await;
        self.serve_on(listener.map_err(|source| ServerError::Listen { address, source })?)
    }

    /// The same with a listener that there is already. Tests need it: the system chooses a free port, and all servers are
    /// given all addresses before the first of them runs.
    ///
    /// ```
    /// use raft_for_beginners::{Raft, Result, Settings};
    /// use tokio::net::TcpListener;
    /// # use raft_for_beginners::{Index, StateMachine};
    /// # #[derive(Default)]
    /// # struct Counter(u64);
    /// # impl StateMachine for Counter {
    /// #     type Answer = u64;
    /// #     fn apply(&mut self, _: Index, _: &[u8]) -> u64 {
    /// #         self.0 += 1;
    /// #         self.0
    /// #     }
    /// #     fn save(&self) -> Vec<u8> {
    /// #         self.0.to_le_bytes().to_vec()
    /// #     }
    /// #     fn load(bytes: &[u8]) -> Option<Counter> {
    /// #         Some(Counter(u64::from_le_bytes(bytes.try_into().ok()?)))
    /// #     }
    /// # }
    ///
    /// /// Has it done by the server that leads, whichever that is.
    /// async fn propose(servers: &[Raft<Counter>], command: &str) -> Result<u64> {
    ///     loop {
    ///         let leader = servers[0].leader().await?;
    ///         if let Some(server) = servers.iter().find(|server| server.id() == leader) {
    ///             match server.propose(command).await {
    ///                 Err(error) if !error.may_have_happened() => {}
    ///                 outcome => return Ok(outcome?),
    ///             }
    ///         }
    ///         // Another server is about to lead.
    ///         tokio::task::yield_now().await;
    ///     }
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<()> {
    /// // A test: the leader of three servers is stopped and started again, and nothing that was counted is lost.
    /// let data = tempfile::tempdir()?;
    /// let mut listeners = Vec::new();
    /// for _ in 1..=3 {
    ///     listeners.push(TcpListener::bind("127.0.0.1:0").await?);
    /// }
    /// let addresses: Vec<_> = listeners.iter().map(|it| it.local_addr()).collect::<std::io::Result<_>>()?;
    /// let open = |id: u64| {
    ///     let settings = Settings::new("counter", id).voters((1..).zip(&addresses))?;
    ///     Raft::<Counter>::open(data.path().join(format!("n{id}")), settings)
    /// };
    /// let mut servers = Vec::new();
    /// for (id, listener) in (1..).zip(listeners) {
    ///     servers.push(open(id)?.serve_on(listener)?);
    /// }
    /// assert_eq!(propose(&servers, "+").await?, 1);
    ///
    /// let leader = servers[0].leader().await?;
    /// let stopped = servers.remove(servers.iter().position(|server| server.id() == leader).expect("one of them"));
    /// stopped.stop().await?;
    /// assert_eq!(propose(&servers, "+").await?, 2);
    ///
    /// servers.push(open(leader.0)?.serve(addresses[leader.0 as usize - 1]).await?);
    /// assert_eq!(propose(&servers, "+").await?, 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the server [must not](Error::NeedsSecret) listen there.
    pub fn serve_on(self, listener: TcpListener) -> Result<Raft<M, F>> {
        let address = listener.local_addr()?;
        let settings = self.server.settings();
        if settings.secret.is_none() && !self.trusts_network && !address.ip().is_loopback() {
            return Err(Error::NeedsSecret(address));
        }
        let tcp = Tcp::new(settings, address.port(), self.server.origin(), self.server.inlet());
        tcp.listen(listener, None);
        Ok(self.run(address.to_string(), tcp.clone(), async move { tcp.shut_down().await }))
    }

    /// Where a transport of your own hands in what has come for this server.
    pub fn inlet(&self) -> Inlet {
        self.server.inlet()
    }

    /// Runs the server over a transport of your own, as a task of the current tokio runtime.
    ///
    /// ```
    /// use raft_for_beginners::{Envelope, Inlet, NodeId, Transport};
    /// use std::collections::BTreeMap;
    ///
    /// /// Servers in one process, with what [`inlet`](Opened::inlet) returned for each.
    /// struct Neighbours(BTreeMap<NodeId, Inlet>);
    ///
    /// impl Transport for Neighbours {
    ///     fn send(&self, envelope: Envelope) {
    ///         if let Some(inlet) = self.0.get(&envelope.to) {
    ///             // One that has ended hears nothing any longer.
    ///             let _ = inlet.deliver(envelope);
    ///         }
    ///     }
    /// }
    /// ```
    pub fn run_over(self, transport: impl Transport + Send + 'static) -> Raft<M, F> {
        self.run("a transport of its own".to_owned(), transport, async {})
    }

    fn run(
        self,
        at: String,
        transport: impl Transport + Send + 'static,
        shut_down: impl Future<Output = ()> + Send + 'static,
    ) -> Raft<M, F> {
        let (handle, founders) = (self.server.handle(), self.server.settings().founders.clone());
        let server = tokio::spawn(self.server.run(at, transport, ()));
        // Even a server that has panicked leaves no connection behind.
        let task = tokio::spawn(async move {
            let ended = server.await;
            shut_down.await;
            ended
        });
        Raft { handle, founders: Arc::new(founders), task: Arc::new(Mutex::new(Some(task))) }
    }
}

impl<M: 'static, F: Form<M>> Raft<M, F> {
    /// Which server this is.
    pub fn id(&self) -> NodeId {
        self.handle.id()
    }

    /// Has a command committed by a majority and applied, and returns the state machine's answer. Only the leader can do
    /// that.
    ///
    /// A command that a leader has taken waits for a majority, so put a [timeout] around it. If the majority stays away,
    /// the leader steps down: what waits goes on waiting, and new commands are refused with `NotLeader { leader: None }`.
    /// A command that you no longer wait for may still be carried out.
    ///
    /// [timeout]: https://docs.rs/tokio/latest/tokio/time/fn.timeout.html
    ///
    /// # Errors
    /// [`ProposeError`], which says whether the command [may have been carried out](ProposeError::may_have_happened).
    pub async fn propose(&self, command: impl AsRef<[u8]>) -> Result<Answer<M, F>, ProposeError> {
        self.handle.propose(command.as_ref()).await
    }

    /// Reads the state with all that was committed when this was called (linearizable). Only the leader can do that, and
    /// asks the others whether it still leads. The closure runs in the server's task, which does nothing else meanwhile: copy
    /// what you need.
    ///
    /// # Errors
    /// [`ReadError`]. A leader that steps down refuses the reads that wait. Reads change nothing, and can always be tried
    /// again.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&M) -> T + Send + 'static,
    ) -> Result<T, ReadError> {
        self.handle.read(ReadBy::Round, move |machine| read(F::state(machine))).await
    }

    /// Reads the state as this server has it, without asking others. It may be old. Any server can do that, and needs no
    /// leader.
    ///
    /// # Errors
    /// If the server has too much to do, or has stopped.
    pub async fn read_stale<T: Send + 'static>(
        &self,
        read: impl FnOnce(&M) -> T + Send + 'static,
    ) -> Result<T, ReadError> {
        Ok(self.handle.look(move |view| read(F::state(view.driver.machine()))).await?)
    }

    /// How the server is.
    ///
    /// # Errors
    /// If the server has too much to do, or has stopped.
    pub async fn health(&self) -> Result<Health, ReadError> {
        Ok(self.handle.look(|view| view.health.clone()).await?)
    }

    /// What keeps the server from taking part until an operator helps; `None` if nothing does.
    ///
    /// # Errors
    /// If the server has too much to do, or has stopped.
    pub async fn obstacle(&self) -> Result<Option<Obstacle>, ReadError> {
        Ok(self.handle.look(|view| Obstacle::of(view.driver.node())).await?)
    }

    /// Who leads and who belongs to the cluster, now and whenever that changes. It closes when the server has ended.
    ///
    /// ```
    /// use raft_for_beginners::Leadership;
    /// use tokio::sync::watch;
    ///
    /// /// Reports each change, until the server has ended.
    /// async fn report(mut leadership: watch::Receiver<Leadership>) {
    ///     while leadership.changed().await.is_ok() {
    ///         let Leadership { term, leader, members } = leadership.borrow_and_update().clone();
    ///         println!("term {}: {leader:?} leads {:?}", term.0, members.members());
    ///     }
    /// }
    /// ```
    pub fn watch(&self) -> watch::Receiver<Leadership> {
        self.handle.watch()
    }

    /// Waits until this server knows a leader.
    ///
    /// # Errors
    /// If the server has stopped.
    pub async fn leader(&self) -> Result<NodeId, ReadError> {
        let mut watch = self.watch();
        let known = watch.wait_for(|it| it.leader.is_some()).await.map_err(|_| ReadError::Stopped)?;
        Ok(known.leader.expect("waited for"))
    }

    /// Does this server lead, as far as it knows? Others may have elected another leader by now; [`read`](Raft::read) makes
    /// sure.
    pub fn is_leader(&self) -> bool {
        self.handle.watch().borrow().leader == Some(self.id())
    }

    /// Where a server is reached, as the configuration or the settings say.
    pub fn address_of(&self, id: impl Into<NodeId>) -> Option<String> {
        let id = id.into();
        let known = self.handle.watch().borrow().members.addresses.get(&id).cloned();
        known.or_else(|| self.founders.get(&id)?.as_ref().map(Address::to_string))
    }

    /// Adds a server, which [joins](Settings::join) and is reached at this address, as HOST:PORT. It receives all data, and
    /// does not vote before it is [promoted](Raft::promote).
    ///
    /// # Errors
    /// [`Error::Address`] if the text is no address; otherwise [`Error::Change`].
    pub async fn add(&self, id: impl Into<NodeId>, address: impl ToString) -> Result<()> {
        let address: Address = address.to_string().parse()?;
        let add = BTreeMap::from([(id.into(), address.to_string())]);
        Ok(self.change_members(Change { add, ..Change::default() }).await?)
    }

    /// Gives a server that was added a vote, if it has nearly all data.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub async fn promote(&self, id: impl Into<NodeId>) -> Result<(), ChangeError> {
        let promote = BTreeSet::from([id.into()]);
        self.change_members(Change { promote, ..Change::default() }).await
    }

    /// Removes a server.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub async fn remove(&self, id: impl Into<NodeId>) -> Result<(), ChangeError> {
        let remove = BTreeSet::from([id.into()]);
        self.change_members(Change { remove, ..Change::default() }).await
    }

    /// Changes several members at once. It returns when the configuration is committed with which the change begins.
    ///
    /// # Errors
    /// [`ChangeError`], which says whether the members [may have changed](ChangeError::may_have_happened).
    pub async fn change_members(&self, change: Change) -> Result<(), ChangeError> {
        self.handle.change_members(change).await
    }

    /// Begins to hand the leadership over to another server.
    ///
    /// # Errors
    /// [`TransferError`].
    pub async fn transfer(&self, to: impl Into<NodeId>) -> Result<(), TransferError> {
        self.handle.transfer(to.into()).await
    }

    /// Stops the server, all clones with it, and returns when nothing of it runs any longer: its folder can be opened again
    /// at once. What it has acknowledged is on disk.
    ///
    /// # Errors
    /// If its disk had failed, or its state machine had panicked: then it had ended before.
    pub async fn stop(self) -> Result<()> {
        self.handle.stop().await;
        // Other clones that stop the server wait here for its end.
        let mut kept = self.task.lock().await;
        let Some(task) = kept.take() else { return Ok(()) };
        match task.await.flatten() {
            Ok(ended) => Ok(ended?),
            Err(error) => Err(Error::Panicked(error.to_string())),
        }
    }
}
