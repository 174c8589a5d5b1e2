//! Several servers in one process, over TCP.

use raft_for_beginners::{
    Address, ChangeError, Envelope, Error, Index, LONGEST_COMMAND, NodeId, Obstacle, Problem, ProposeError,
    Raft, ReadError, Restore, Secret, ServerError, Settings, Snapshot, StateMachine, StorageError, Streamed,
    StreamedStateMachine, Term, Timing, TransferError, Transport,
};
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// All commands so far.
#[derive(Debug, Default)]
struct Log {
    lines: Vec<Vec<u8>>,
    /// How many commands this very server has applied since it was loaded: not part of the state.
    applied: usize,
}

impl StateMachine for Log {
    type Answer = usize;

    fn apply(&mut self, _: Index, command: &[u8]) -> usize {
        assert_ne!(command, b"panic", "as the test wants");
        self.lines.push(command.to_vec());
        self.applied += 1;
        self.lines.len()
    }

    fn save(&self) -> Vec<u8> {
        self.lines.join(&b'\n')
    }

    fn load(bytes: &[u8]) -> Option<Log> {
        Some(Log { lines: bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect(), applied: 0 })
    }
}

/// The same, streamed.
#[derive(Debug, Default)]
struct StreamedLog(Log);

impl StreamedStateMachine for StreamedLog {
    type Answer = usize;
    type Snapshot = Bytes;
    type Restore = Bytes;

    fn apply(&mut self, index: Index, command: &[u8]) -> usize {
        self.0.apply(index, command)
    }

    fn snapshot(&self) -> Bytes {
        Bytes(self.0.save())
    }
}

#[derive(Default)]
struct Bytes(Vec<u8>);

impl Snapshot for Bytes {
    fn next_chunk(&mut self, at_most: NonZeroUsize) -> Option<Vec<u8>> {
        let rest = self.0.split_off(self.0.len().min(at_most.get()));
        let chunk = std::mem::replace(&mut self.0, rest);
        (!chunk.is_empty()).then_some(chunk)
    }
}

impl Restore<StreamedLog> for Bytes {
    type Error = Infallible;

    fn feed(mut self, bytes: &[u8]) -> Result<Bytes, Infallible> {
        self.0.extend(bytes);
        Ok(self)
    }

    fn finish(self, _: Index) -> Result<StreamedLog, Infallible> {
        Ok(StreamedLog(Log::load(&self.0).expect("all bytes are lines")))
    }
}

/// Folders and addresses of three servers that found a cluster, and of one that may join it.
struct Places {
    data: TempDir,
    addresses: Vec<SocketAddr>,
}

impl Places {
    /// With the listeners of all four.
    async fn new() -> (Places, Vec<TcpListener>) {
        let mut listeners = Vec::new();
        for _ in 0..4 {
            listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
        }
        let addresses = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        (Places { data: tempfile::tempdir().unwrap(), addresses }, listeners)
    }

    fn folder(&self, id: u64) -> PathBuf {
        self.data.path().join(format!("n{id}"))
    }

    fn address(&self, id: u64) -> SocketAddr {
        self.addresses[id as usize - 1]
    }

    /// A busy machine must not start elections: only the first, and those after a lost connection, are soon.
    fn settings(&self, id: u64) -> Settings {
        let [heartbeat, min, max] = [50, 5_000, 10_000].map(Duration::from_millis);
        let settings = Settings::new("test", id).timing(Timing::new(heartbeat, min, max).unwrap());
        if id <= 3 { settings.voters((1..=3).zip(&self.addresses)).unwrap() } else { settings.join() }
    }

    fn small_snapshots(&self, id: u64) -> Settings {
        self.settings(id).snapshot_after(1000)
    }

    async fn start(&self, id: u64) -> Raft<Log> {
        Raft::open(self.folder(id), self.settings(id)).unwrap().serve(self.address(id)).await.unwrap()
    }
}

/// n1 to n3.
async fn three_servers() -> (Places, Vec<Raft<Log>>) {
    let (places, listeners) = Places::new().await;
    let open = |id| Raft::open(places.folder(id), places.settings(id)).unwrap();
    let started = (1..=3).zip(listeners).map(|(id, listener)| open(id).serve_on(listener).unwrap()).collect();
    (places, started)
}

async fn soon<T>(what: &str, it: impl Future<Output = T>) -> T {
    timeout(PATIENCE, it).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// The server that leads, and the others.
async fn leader_and_others(servers: &[Raft<Log>]) -> (&Raft<Log>, Vec<&Raft<Log>>) {
    let leader = soon("a leader", servers[0].leader()).await.unwrap();
    let (leaders, others): (Vec<_>, Vec<_>) = servers.iter().partition(|server| server.id() == leader);
    (leaders[0], others)
}

/// Waits until this server has applied `count` commands, and returns them.
async fn lines_of(server: &Raft<Log>, count: usize) -> Vec<Vec<u8>> {
    soon("the commands", async {
        loop {
            let lines = server.read_stale(|log| log.lines.clone()).await.unwrap();
            if lines.len() >= count {
                return lines;
            }
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

async fn stop_all(servers: Vec<Raft<Log>>) {
    for server in servers {
        soon("the end", server.stop()).await.unwrap();
    }
}

#[tokio::test]
async fn three_servers_elect_one_that_replicates_and_the_others_say_which() {
    let (_places, servers) = three_servers().await;
    let (leader, others) = leader_and_others(&servers).await;
    for (count, command) in [(1, "one"), (2, "two"), (3, "three")] {
        assert_eq!(leader.propose(command).await, Ok(count));
    }
    assert_eq!(leader.read(|log| log.lines.len()).await, Ok(3));
    assert!(leader.is_leader());
    for other in others {
        assert_eq!(lines_of(other, 3).await, [&b"one"[..], b"two", b"three"]);
        assert_eq!(soon("the same leader", other.leader()).await, Ok(leader.id()));
        let refused = other.propose("four").await.unwrap_err();
        assert_eq!(refused, ProposeError::NotLeader { leader: Some(leader.id()) });
        assert!(!refused.may_have_happened());
        let refused = other.read(|log| log.lines.len()).await;
        assert_eq!(refused, Err(ReadError::NotLeader { leader: Some(leader.id()) }));
        assert!(matches!(other.add(4, "a:1").await, Err(Error::Change(ChangeError::Refused(_)))));
        assert!(matches!(other.add(4, "http://a:1").await, Err(Error::Address(_))));
        assert!(matches!(other.transfer(leader.id()).await, Err(TransferError::Refused(_))));
        let address = other.address_of(leader.id()).unwrap();
        assert!(address.parse::<Address>().is_ok(), "{address}");
    }
    stop_all(servers).await;
}

/// Founders remember each other's folders, so a server without its data is no longer one of them.
#[tokio::test]
async fn a_server_that_has_lost_its_data_is_refused_and_told_why() {
    let (places, mut servers) = three_servers().await;
    let (leader, others) = leader_and_others(&servers).await;
    leader.propose("one").await.unwrap();
    let (leader, id) = (leader.clone(), others[0].id());
    assert_eq!(leader.obstacle().await, Ok(None));
    let stopped = servers.remove(servers.iter().position(|it| it.id() == id).unwrap());
    soon("the end", stopped.stop()).await.unwrap();
    std::fs::remove_dir_all(places.folder(id.0)).unwrap();
    let emptied = places.start(id.0).await;
    let refused_by_leader = soon("a refusal", async {
        loop {
            match emptied.obstacle().await.unwrap() {
                Some(Obstacle::RefusedBy(refusals)) if refusals.contains_key(&leader.id()) => {
                    return refusals[&leader.id()];
                }
                _ => sleep(Duration::from_millis(5)).await,
            }
        }
    });
    // Which it is depends on what they have said to each other first.
    let problem = refused_by_leader.await;
    assert!(matches!(problem, Problem::OtherData | Problem::OtherFounders), "{problem:?}");
    servers.push(emptied);
    stop_all(servers).await;
}

#[tokio::test]
async fn a_server_alone_knows_no_leader() {
    let (places, mut listeners) = Places::new().await;
    let opened = Raft::<Log>::open(places.folder(1), places.settings(1)).unwrap();
    let server = opened.serve_on(listeners.remove(0)).unwrap();
    assert_eq!(server.propose("one").await, Err(ProposeError::NotLeader { leader: None }));
    assert_eq!(server.read_stale(|log| log.lines.len()).await, Ok(0));
    let awaits = Obstacle::AwaitsFounders(vec![NodeId(2), NodeId(3)]);
    assert_eq!(server.obstacle().await, Ok(Some(awaits)));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_goes_on_from_its_folder() {
    let (places, mut servers) = three_servers().await;
    let (leader, others) = leader_and_others(&servers).await;
    leader.propose("one").await.unwrap();
    lines_of(others[0], 1).await;
    let (leader, id) = (leader.clone(), others[0].id());
    let away = servers.remove(servers.iter().position(|it| it.id() == id).unwrap());
    soon("the end", away.stop()).await.unwrap();
    leader.propose("two").await.unwrap();
    let back = places.start(id.0).await;
    let known = back.watch().borrow().clone();
    assert!(known.term > Term(0) && known.members.members().len() == 3, "{known:?}: from its folder");
    assert_eq!(lines_of(&back, 2).await, [&b"one"[..], b"two"]);
    drop(leader);
    servers.push(back);
    stop_all(servers).await;
}

#[tokio::test]
async fn when_the_leader_stops_another_one_leads_with_all_that_was_acknowledged() {
    let (_places, mut servers) = three_servers().await;
    let (leader, _) = leader_and_others(&servers).await;
    leader.propose("one").await.unwrap();
    let (old, mut watch) = (leader.id(), servers[usize::from(leader.id() == NodeId(1))].watch());
    let stopped = servers.remove(servers.iter().position(|it| it.id() == old).unwrap());
    soon("the end", stopped.stop()).await.unwrap();
    let is_new = |leader: Option<NodeId>| leader.is_some_and(|leader| leader != old);
    let known = soon("a leader", watch.wait_for(|it| is_new(it.leader))).await.unwrap().clone();
    assert_eq!(known.members.members(), [1, 2, 3].map(NodeId).into());
    let leader = servers.iter().find(|it| Some(it.id()) == known.leader).unwrap();
    assert_eq!(leader.propose("two").await, Ok(2));
    stop_all(servers).await;
}

/// In a runtime with one thread, a server takes nothing while requests are made.
#[tokio::test]
async fn more_requests_than_there_is_room_for_are_refused_and_the_others_carried_out_once() {
    let (_places, servers) = three_servers().await;
    let (leader, _) = leader_and_others(&servers).await;
    let mut requests = JoinSet::new();
    for _ in 0..10_000 {
        let leader = leader.clone();
        requests.spawn(async move { leader.propose("x").await });
    }
    let outcomes = soon("all outcomes", requests.join_all()).await;
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let busy = outcomes.iter().filter(|outcome| **outcome == Err(ProposeError::Busy)).count();
    assert_eq!(done + busy, 10_000);
    assert!(done > 0 && busy > 0, "{done} were carried out");
    assert!(!ProposeError::Busy.may_have_happened());
    assert_eq!(leader.read(|log| log.lines.len()).await, Ok(done));
    stop_all(servers).await;
}

#[tokio::test]
async fn a_command_that_is_too_long_is_refused() {
    let (_places, servers) = three_servers().await;
    let (leader, _) = leader_and_others(&servers).await;
    let longest = vec![b'x'; LONGEST_COMMAND];
    assert_eq!(soon("the longest command", leader.propose(&longest)).await, Ok(1));
    let length = LONGEST_COMMAND + 1;
    assert_eq!(leader.propose(vec![b'x'; length]).await, Err(ProposeError::TooLong { length }));
    stop_all(servers).await;
}

#[tokio::test]
async fn a_new_server_gets_the_snapshot_votes_and_leads() {
    gets_the_snapshot_votes_and_leads(|places, id, listener| {
        Raft::open(places.folder(id), places.small_snapshots(id)).unwrap().serve_on(listener).unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_new_server_in_memory_gets_the_snapshot_votes_and_leads() {
    gets_the_snapshot_votes_and_leads(|places, id, listener| {
        Raft::open_in_memory(places.small_snapshots(id)).unwrap().serve_on(listener).unwrap()
    })
    .await;
}

async fn gets_the_snapshot_votes_and_leads(start: impl Fn(&Places, u64, TcpListener) -> Raft<Log>) {
    let (places, mut listeners) = Places::new().await;
    let new_listener = listeners.pop().unwrap();
    let mut servers: Vec<_> =
        (1..).zip(listeners).map(|(id, listener)| start(&places, id, listener)).collect();
    let (leader, _) = leader_and_others(&servers).await;
    for count in 1..=200 {
        assert_eq!(leader.propose(format!("command {count}")).await, Ok(count));
    }
    let new = start(&places, 4, new_listener);
    assert_eq!(new.propose("x").await, Err(ProposeError::NotLeader { leader: None }));
    assert_eq!(new.address_of(4), None);
    leader.add(4, places.address(4)).await.unwrap();
    let lines = lines_of(&new, 200).await;
    assert_eq!(lines, leader.read(|log| log.lines.clone()).await.unwrap());
    let applied = new.read_stale(|log| log.applied).await.unwrap();
    assert!(applied < 200, "{applied} of 200 came one by one");

    // It may not have acknowledged the latest entries yet.
    soon("a voter", async {
        while let Err(error) = leader.promote(4).await {
            assert!(!error.may_have_happened(), "{error}");
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    soon("a transfer", async {
        while !new.is_leader() {
            let _ = leader.transfer(4).await;
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(new.propose("by n4").await, Ok(201));
    // It has the addresses of the founders, and removes one of them.
    let old = leader.id();
    assert!(new.address_of(old).is_some());
    soon("a removal", async {
        while let Err(error) = new.remove(old).await {
            assert!(!error.may_have_happened(), "{error}");
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let members = new.watch().borrow().members.members();
    assert!(!members.contains(&old) && members.contains(&NodeId(4)), "{members:?}");
    servers.push(new);
    stop_all(servers).await;
}

#[tokio::test]
async fn a_streamed_snapshot_reaches_a_new_server() {
    let (places, listeners) = Places::new().await;
    let open = |id| {
        let settings = places.settings(id).snapshot_after(1 << 20);
        Raft::<StreamedLog, Streamed>::open_streamed(places.folder(id), settings).unwrap()
    };
    let servers: Vec<_> =
        (1..).zip(listeners).map(|(id, listener)| open(id).serve_on(listener).unwrap()).collect();
    let leader = soon("a leader", servers[0].leader()).await.unwrap();
    let leader = servers.iter().find(|it| it.id() == leader).unwrap();
    // Of several chunks.
    for count in 1..=50 {
        assert_eq!(leader.propose(vec![b'x'; 100_000]).await, Ok(count));
    }
    leader.add(4, places.address(4)).await.unwrap();
    let new = &servers[3];
    soon("the state", async {
        while new.read_stale(|log| log.0.lines.len()).await.unwrap() < 50 {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(new.read_stale(|log| log.0.applied).await.unwrap() < 50, "some of it came in the snapshot");
    for server in servers.clone() {
        soon("the end", server.stop()).await.unwrap();
    }
}

#[tokio::test]
async fn when_servers_have_stopped_nothing_of_them_is_left() {
    let (places, servers) = three_servers().await;
    let (leader, _) = leader_and_others(&servers).await;
    leader.propose("one").await.unwrap();
    let (copy, mut watch) = (leader.clone(), leader.watch());
    stop_all(servers).await;
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    soon("the end of the watch", async { while watch.changed().await.is_ok() {} }).await;
    assert_eq!(copy.propose("two").await, Err(ProposeError::Stopped));
    assert_eq!(copy.read(|log| log.lines.len()).await, Err(ReadError::Stopped));
    copy.stop().await.unwrap();
    for id in 1..=3 {
        // Neither its port nor its folder is in use.
        TcpListener::bind(places.address(id)).await.unwrap();
        Raft::<Log>::open(places.folder(id), places.settings(id)).unwrap();
    }
}

#[tokio::test]
async fn a_server_without_handles_stops() {
    let (places, servers) = three_servers().await;
    let watch = servers[0].watch();
    drop(servers);
    let (mut watch, ended) = (watch, tokio::runtime::Handle::current());
    soon("the end of the watch", async { while watch.changed().await.is_ok() {} }).await;
    soon("the end of all tasks", async {
        while ended.metrics().num_alive_tasks() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    Raft::<Log>::open(places.folder(1), places.settings(1)).unwrap();
}

#[tokio::test]
async fn a_server_in_memory_to_which_nobody_can_send_anything_stops() {
    struct Nowhere;
    impl Transport for Nowhere {
        fn send(&self, _: Envelope) {}
    }

    let server = Raft::<Log>::open_in_memory(Settings::new("test", 1)).unwrap().run_over(Nowhere);
    soon("itself as leader", server.leader()).await.unwrap();
    assert_eq!(server.propose("one").await, Ok(1));
    let mut watch = server.watch();
    drop(server);
    soon("the end of the watch", async { while watch.changed().await.is_ok() {} }).await;
}

#[tokio::test]
async fn bytes_of_anybody_do_no_harm() {
    let (places, servers) = three_servers().await;
    let (leader, _) = leader_and_others(&servers).await;
    let long = [&(3_u32 << 20).to_be_bytes()[..], &[7; 1000]].concat();
    let greeting = b"\x00\x00\x00\x20RAFT\x06\x06and then something else......";
    for bytes in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\0\0\0\0", &[0xff; 100], &long, b"\0\0\0\x05RAFT\x06", greeting]
    {
        let mut stream = TcpStream::connect(places.address(leader.id().0)).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        // It may close the connection before it has read everything.
        let _ = soon("the end of the connection", stream.read_to_end(&mut Vec::new())).await;
    }
    assert!(leader.health().await.unwrap().rejected > 0);
    assert_eq!(leader.propose("one").await, Ok(1));
    stop_all(servers).await;
}

#[tokio::test]
async fn a_state_machine_that_panics_ends_its_server_and_says_so() {
    let data = tempfile::tempdir().unwrap();
    let settings = Settings::new("test", 1);
    let server = Raft::<Log>::open(data.path(), settings).unwrap().serve("127.0.0.1:0").await.unwrap();
    soon("a leader", server.leader()).await.unwrap();
    let outcome = soon("an outcome", server.propose("panic")).await.unwrap_err();
    assert_eq!(outcome, ProposeError::Uncertain);
    assert!(outcome.may_have_happened());
    let ended = soon("the end", server.stop()).await;
    assert!(matches!(&ended, Err(Error::Panicked(why)) if why.contains("as the test wants")), "{ended:?}");
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}

/// Takes long to save, in the thread that has the folder.
#[derive(Default)]
struct Slow;

impl StreamedStateMachine for Slow {
    type Answer = ();
    type Snapshot = Slow;
    type Restore = Slow;

    fn apply(&mut self, _: Index, command: &[u8]) {
        assert_ne!(command, b"panic", "as the test wants");
    }

    fn snapshot(&self) -> Slow {
        Slow
    }
}

impl Snapshot for Slow {
    fn next_chunk(&mut self, _: NonZeroUsize) -> Option<Vec<u8>> {
        std::thread::sleep(Duration::from_millis(100));
        Some(vec![0])
    }
}

impl Restore<Slow> for Slow {
    type Error = Infallible;

    fn feed(self, _: &[u8]) -> Result<Slow, Infallible> {
        Ok(self)
    }

    fn finish(self, _: Index) -> Result<Slow, Infallible> {
        Ok(self)
    }
}

#[tokio::test]
async fn the_folder_of_a_server_that_has_panicked_can_be_opened_when_stop_returns() {
    let data = tempfile::tempdir().unwrap();
    let open = || {
        let settings = Settings::new("test", 1).snapshot_after(1);
        Raft::<Slow, Streamed>::open_streamed(data.path(), settings)
    };
    let server = open().unwrap().serve("127.0.0.1:0").await.unwrap();
    soon("a leader", server.leader()).await.unwrap();
    // It begins a snapshot.
    server.propose("one").await.unwrap();
    let outcome = soon("an outcome", server.propose("panic")).await;
    assert_eq!(outcome, Err(ProposeError::Uncertain));
    let ended = soon("the end", server.stop()).await;
    assert!(matches!(ended, Err(Error::Panicked(_))), "{ended:?}");
    open().expect("nothing uses the folder any longer");
}

#[tokio::test]
async fn folders_and_settings_that_do_not_fit_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let open = |settings| Raft::<Log>::open(data.path(), settings).map(drop);
    let opened = Raft::<Log>::open(data.path(), Settings::new("test", 1)).unwrap();
    let refused = open(Settings::new("test", 1));
    assert!(
        matches!(&refused, Err(Error::Server(ServerError::Storage(StorageError::Locked { .. })))),
        "{refused:?}"
    );
    drop(opened);
    for other in [Settings::new("test", 2), Settings::new("fleet", 1)] {
        assert!(matches!(open(other), Err(Error::Server(ServerError::Storage(_)))), "another server's");
    }
    let elsewhere = Settings::new("test", 1).voters([(2, "a:1"), (3, "b:1")]).unwrap();
    assert!(matches!(open(elsewhere), Err(Error::Server(ServerError::Settings(_)))));
    let error = Settings::new("test", 1).voters([(1, "http://a:1")]).unwrap_err();
    assert!(error.to_string().contains("URL"), "{error}");
    open(Settings::new("test", 1)).unwrap();
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let (places, _listeners) = Places::new().await;
    let opened = Raft::<Log>::open(places.folder(1), places.settings(1)).unwrap();
    let refused = opened.serve(places.address(1)).await.unwrap_err();
    assert!(matches!(refused, Error::Server(ServerError::Listen { .. })));
    assert!(refused.to_string().contains(&places.address(1).to_string()), "{refused}");
}

#[tokio::test]
async fn where_other_machines_can_reach_a_server_it_needs_a_secret_or_trust() {
    let data = tempfile::tempdir().unwrap();
    let open = |secret| {
        let settings = Settings { secret, ..Settings::new("test", 1) };
        Raft::<Log>::open(data.path(), settings).unwrap()
    };
    let refused = open(None).serve("0.0.0.0:0").await;
    assert!(matches!(refused, Err(Error::NeedsSecret(_))), "{refused:?}");
    open(None).trust_network().serve("0.0.0.0:0").await.unwrap().stop().await.unwrap();
    let server = open(Some(Secret::draw().unwrap())).serve("0.0.0.0:0").await.unwrap();
    soon("a leader", server.leader()).await.unwrap();
    server.stop().await.unwrap();
}
