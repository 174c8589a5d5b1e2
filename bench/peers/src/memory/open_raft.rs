//! openraft with a log in memory, a state machine that does nothing, and function calls for a network.

use super::Cluster;
use futures::{Stream, TryStreamExt};
use openraft::alias::{
    DefaultEntryOf, EntryOf, LogIdOf, SnapshotMetaOf, SnapshotOf, StoredMembershipOf, VoteOf,
};
use openraft::entry::RaftEntry;
use openraft::error::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{RPCOption, RaftNetworkFactory, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::storage::{
    EntryResponder, IOFlushed, LogState, RaftLogReader, RaftLogStorage, RaftSnapshotBuilder, RaftStateMachine,
};
use openraft::{Config, EntryPayload, OptionalSend, Raft, RaftTypeConfig};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::future::Future;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// It leads because it initializes the cluster.
const LEADER: u64 = 1;

/// Timeout for electing a leader.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Pause of a client before it asks again.
const PAUSE: Duration = Duration::from_millis(1);

type Server = Raft<Types, StateMachine>;

/// The servers, and the thread in which they run.
#[derive(Clone)]
pub struct OpenRaft {
    leader: Server,
    _runtime: Arc<Background>,
}

/// A runtime that does not wait for its tasks when it ends.
struct Background(Option<Runtime>);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

impl OpenRaft {
    /// Three servers, one of which leads. The settings are those of openraft's own minimal benchmark.
    pub fn start() -> anyhow::Result<OpenRaft> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let leader = runtime.block_on(async {
            let config = Config {
                election_timeout_min: 200,
                election_timeout_max: 2000,
                purge_batch_size: 1024,
                max_payload_entries: 1024,
                ..Config::default()
            };
            let (config, network) = (Arc::new(config.validate()?), Network::default());
            let mut servers = BTreeMap::new();
            for id in 1..=3 {
                let (log, machine) = (LogStore::default(), StateMachine::default());
                servers.insert(id, Raft::new(id, config.clone(), network.clone(), log, machine).await?);
            }
            let leader: Server = servers[&LEADER].clone();
            let ids: BTreeSet<u64> = servers.keys().copied().collect();
            assert!(network.servers.set(servers).is_ok(), "it is set once");
            leader.initialize(ids).await?;
            leader.wait(Some(TIMEOUT)).current_leader(LEADER, "it leads").await?;
            anyhow::Ok(leader)
        })?;
        Ok(OpenRaft { leader, _runtime: Arc::new(Background(Some(runtime))) })
    }
}

impl Cluster for OpenRaft {
    /// A leader that has not heard from the others for a while refuses commands until it has, and is asked
    /// again.
    async fn write(&self) {
        let asked = Instant::now();
        while let Err(refused) = self.leader.client_write(Empty).await {
            assert!(asked.elapsed() < TIMEOUT, "openraft has no leader: {refused}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// A request, and an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Empty;

impl fmt::Display for Empty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("empty")
    }
}

/// What openraft's types are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Types;

impl RaftTypeConfig for Types {
    type D = Empty;
    type R = Empty;
    type NodeId = u64;
    type Node = ();
    type Term = u64;
    type LeaderId = openraft::impls::leader_id_adv::LeaderId<u64, u64>;
    type Vote = openraft::Vote<Self::LeaderId>;
    type Payload = EntryPayload<Self::D, Self::NodeId, Self::Node>;
    type Entry = DefaultEntryOf<Self>;
    type Responder<T>
        = openraft::impls::OneshotResponder<Self, T>
    where
        T: Send + 'static;
    type Batch<T>
        = openraft::impls::InlineBatch<T>
    where
        T: Send + 'static;
    type AsyncRuntime = openraft::impls::TokioRuntime;
    type ErrorSource = openraft::AnyError;
}

/// A log that is lost with its server.
#[derive(Debug, Clone, Default)]
struct LogStore(Arc<Mutex<Log>>);

#[derive(Debug, Default)]
struct Log {
    vote: Option<VoteOf<Types>>,
    purged: Option<LogIdOf<Types>>,
    /// The entries after that.
    entries: VecDeque<EntryOf<Types>>,
}

impl LogStore {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().expect("nobody panics with the log in hand")
    }
}

impl Log {
    /// The index of the first entry.
    fn begin(&self) -> u64 {
        self.purged.as_ref().map_or(0, |purged| purged.index() + 1)
    }
}

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + fmt::Debug + OptionalSend>(
        &mut self,
        range: R,
    ) -> io::Result<Vec<EntryOf<Types>>> {
        let log = self.log();
        let begin = log.begin();
        let place = |index: u64| (index.saturating_sub(begin) as usize).min(log.entries.len());
        let from = match range.start_bound() {
            Bound::Included(first) => place(*first),
            Bound::Excluded(before) => place(before + 1),
            Bound::Unbounded => 0,
        };
        let to = match range.end_bound() {
            Bound::Included(last) => place(last + 1),
            Bound::Excluded(after) => place(*after),
            Bound::Unbounded => log.entries.len(),
        };
        Ok(log.entries.range(from..to).cloned().collect())
    }

    async fn read_vote(&mut self) -> io::Result<Option<VoteOf<Types>>> {
        Ok(self.log().vote)
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = LogStore;

    async fn get_log_state(&mut self) -> io::Result<LogState<Types>> {
        let log = self.log();
        let last_log_id = log.entries.back().map(RaftEntry::log_id).or(log.purged);
        Ok(LogState { last_purged_log_id: log.purged, last_log_id })
    }

    async fn get_log_reader(&mut self) -> LogStore {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &VoteOf<Types>) -> io::Result<()> {
        self.log().vote = Some(*vote);
        Ok(())
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> io::Result<()>
    where
        I: IntoIterator<Item = EntryOf<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        self.log().entries.extend(entries);
        callback.io_completed(Ok(()));
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<LogIdOf<Types>>) -> io::Result<()> {
        let mut log = self.log();
        let kept = last.map_or(0, |last| last.index() + 1).saturating_sub(log.begin());
        log.entries.truncate(kept as usize);
        Ok(())
    }

    async fn purge(&mut self, up_to: LogIdOf<Types>) -> io::Result<()> {
        let mut log = self.log();
        let gone = ((up_to.index() + 1).saturating_sub(log.begin()) as usize).min(log.entries.len());
        log.entries.drain(..gone);
        log.purged = Some(up_to);
        Ok(())
    }
}

/// A state machine that only counts what it has applied.
#[derive(Debug, Clone, Default)]
struct StateMachine(Arc<Mutex<Applied>>);

#[derive(Debug, Clone, Default)]
struct Applied {
    last: Option<LogIdOf<Types>>,
    membership: StoredMembershipOf<Types>,
}

impl StateMachine {
    fn applied(&self) -> MutexGuard<'_, Applied> {
        self.0.lock().expect("nobody panics with the state in hand")
    }

    fn snapshot(&self) -> SnapshotOf<Types, ()> {
        let Applied { last, membership } = self.applied().clone();
        SnapshotOf::<Types, ()> {
            meta: SnapshotMetaOf::<Types> { last_log_id: last, last_membership: membership },
            snapshot: (),
        }
    }
}

impl RaftSnapshotBuilder<Types> for StateMachine {
    type SnapshotData = ();

    async fn build_snapshot(&mut self) -> io::Result<SnapshotOf<Types, ()>> {
        Ok(self.snapshot())
    }
}

impl RaftStateMachine<Types> for StateMachine {
    type SnapshotData = ();
    type SnapshotBuilder = StateMachine;

    async fn applied_state(&mut self) -> io::Result<(Option<LogIdOf<Types>>, StoredMembershipOf<Types>)> {
        let Applied { last, membership } = self.applied().clone();
        Ok((last, membership))
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<Types>>> + Unpin + OptionalSend,
    {
        while let Some((entry, responder)) = entries.try_next().await? {
            let mut applied = self.applied();
            applied.last = Some(entry.log_id());
            if let EntryPayload::Membership(membership) = entry.payload {
                applied.membership = StoredMembershipOf::<Types>::new(applied.last, membership);
            }
            drop(applied);
            if let Some(responder) = responder {
                responder.send(Empty);
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> StateMachine {
        self.clone()
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMetaOf<Types>, (): ()) -> io::Result<()> {
        *self.applied() = Applied { last: meta.last_log_id, membership: meta.last_membership.clone() };
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<SnapshotOf<Types, ()>>> {
        Ok(Some(self.snapshot()))
    }
}

/// A network of function calls.
#[derive(Clone, Default)]
struct Network {
    servers: Arc<OnceLock<BTreeMap<u64, Server>>>,
}

/// The connection to one server.
struct Link {
    network: Network,
    to: u64,
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Link;

    async fn new_client(&mut self, target: u64, _: &()) -> Link {
        Link { network: self.clone(), to: target }
    }
}

impl Link {
    fn server(&self) -> &Server {
        &self.network.servers.get().expect("the servers know each other by now")[&self.to]
    }
}

fn unreachable(error: &(impl std::error::Error + 'static)) -> Unreachable<Types> {
    Unreachable::new(error)
}

impl RaftNetworkV2<Types> for Link {
    type SnapshotData = ();

    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<Types>,
        _: RPCOption,
    ) -> Result<AppendEntriesResponse<Types>, RPCError<Types>> {
        self.server().append_entries(rpc).await.map_err(|error| unreachable(&error).into())
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<Types>,
        _: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        self.server().vote(rpc).await.map_err(|error| unreachable(&error).into())
    }

    async fn full_snapshot(
        &mut self,
        vote: VoteOf<Types>,
        snapshot: SnapshotOf<Types, ()>,
        _: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        let installed = self.server().install_full_snapshot(vote, snapshot).await;
        installed.map_err(|error| unreachable(&error).into())
    }
}
