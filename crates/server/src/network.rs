//! TCP: a listener for whoever calls, and a connection of our own to each peer, on which messages go
//! one way. Only a refusal comes back on it.

use crate::engine::Happening;
use crate::http::{self, Routes};
use crate::member::Options;
use crate::status::Status;
use crate::transport::Transport;
use crate::wire::{self, Back, Hello, Letter, Promise, Visitor};
use consensus::{Message, NodeId, Origin, Start};
use driver::Envelope;
use futures_util::SinkExt;
use prometheus_client::metrics::counter::Counter;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

/// So many clients are served at a time; more are turned away.
const MOST_CLIENTS: usize = 1024;
/// So many callers have not said yet who they are. If there are more, the one that has taken longest is turned away.
const MOST_STRANGERS: usize = 512;
/// So many files a server has open besides its clients' connections, at most: strangers, peers, its data.
const OTHER_FILES: u64 = MOST_STRANGERS as u64 + 128;
/// So many messages wait for one peer, at most.
const OUTBOUND_QUEUE: usize = 256;
/// A message of more bytes takes its time, in which nothing else is sent or received.
const LARGE: usize = 16 << 10;
/// Who calls has so long to say who it is, and a peer so long to pick up.
const PATIENCE: Duration = Duration::from_secs(5);
/// The pause before calling a peer again that did not answer: doubled from the first to the second. Well
/// below an election timeout, so that a server that comes back hears its leader in time.
const RETRY_PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(50));

/// Who this server is to others.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) cluster: String,
    pub(crate) id: NodeId,
    /// The port at which it listens.
    port: u16,
    /// What all members promise to their leader, if leaders have leases.
    promise: Option<Promise>,
}

impl Name {
    pub(crate) fn of(options: &Options, port: u16) -> Name {
        let election_timeout_min = options.timing.election_timeout_min().div_f64(options.speed.multiple());
        let promise = options.lease.map(|lease| Promise { lease, election_timeout_min });
        Name { cluster: options.cluster.clone(), id: options.id, port, promise }
    }

    /// Why a caller that says this of itself is not received, if it is not.
    fn problem_with(
        &self,
        cluster: &str,
        from: NodeId,
        to: NodeId,
        promise: Option<Promise>,
    ) -> Option<&'static str> {
        if cluster != self.cluster {
            Some("it belongs to another cluster")
        } else if to != self.id {
            Some("it wants to talk to another server")
        } else if from == self.id {
            // Whether it is a member is not asked: it may know of a newer configuration than this server (§6).
            Some("it has this server's own number")
        } else if promise != self.promise {
            Some(
                "it has another --lease-reads, or with that another --election-timeout or --speed: all servers need the same",
            )
        } else {
            None
        }
    }
}

/// The sending side: a queue and an address for each other server that is known. Clones always know the same.
#[derive(Clone)]
pub(crate) struct Network {
    name: Name,
    /// Where its messages come from.
    origin: Arc<watch::Sender<Origin>>,
    /// What does the work.
    runtime: Handle,
    peers: Arc<Mutex<BTreeMap<NodeId, Peer>>>,
    /// The starts of other servers that have called, and how each hears that it is refused.
    callers: Arc<Mutex<Callers>>,
    inbox: mpsc::Sender<Happening>,
}

type Callers = BTreeMap<(NodeId, Start), mpsc::Sender<Back>>;

struct Peer {
    queue: mpsc::Sender<Envelope>,
    /// Where it should be, as somebody has said.
    address: watch::Sender<Option<String>>,
    /// Where it was when it last called. Changes whenever it calls.
    called_from: watch::Sender<Option<SocketAddr>>,
}

impl Network {
    /// It calls other servers as soon as it knows where they are. To be called within a tokio runtime, which does the
    /// work.
    pub(crate) fn new(name: Name, origin: Origin, inbox: mpsc::Sender<Happening>) -> Network {
        let origin = Arc::new(watch::channel(origin).0);
        let (peers, callers) = (Arc::default(), Arc::default());
        Network { name, origin, runtime: Handle::current(), peers, callers, inbox }
    }

    /// That of a server which knows nobody.
    #[cfg(test)]
    pub(crate) fn of_a_test() -> Network {
        let name = Name { cluster: "raft".to_owned(), id: NodeId(1), port: 0, promise: None };
        Network::new(name, Origin::default(), mpsc::channel(1).0)
    }

    fn peers(&self) -> MutexGuard<'_, BTreeMap<NodeId, Peer>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A server has called that listens there. If it can't be reached where it should be, or nobody has said where that is,
    /// it is called there, and at once, unless it keeps a caller waiting.
    fn meet(&self, id: NodeId, address: SocketAddr) {
        if id != self.name.id {
            self.with_peer(id, |peer| {
                peer.called_from.send_replace(Some(address));
            });
        }
    }

    fn callers(&self) -> MutexGuard<'_, BTreeMap<(NodeId, Start), mpsc::Sender<Back>>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this caller is to be told if it is refused.
    fn expect_refusals(&self, caller: NodeId, origin: Origin) -> mpsc::Receiver<Back> {
        let (sender, refusals) = mpsc::channel(1);
        if let Some(start) = origin.start {
            let mut callers = self.callers();
            // Those that have hung up are not kept.
            callers.retain(|_, caller| !caller.is_closed());
            callers.insert((caller, start), sender);
        }
        refusals
    }

    fn with_peer(&self, id: NodeId, action: impl FnOnce(&Peer)) {
        let mut peers = self.peers();
        action(peers.entry(id).or_insert_with(|| {
            let _in_runtime = self.runtime.enter();
            Peer::start(self.name.clone(), id, self.origin.subscribe(), self.inbox.clone())
        }));
    }
}

impl Transport for Network {
    fn send(&self, envelope: Envelope) {
        // Two servers may call themselves by one number: a refusal goes to the one that it is for.
        if let Message::Refusal(refusal) = &envelope.message {
            let caller = self.callers().get(&(envelope.to, refusal.start)).cloned();
            let Envelope { sent_as, origin, message, .. } = envelope;
            if let Some(caller) = caller {
                let _ = caller.try_send(Back { origin, letter: Letter { sent_as, message } });
            }
            return;
        }
        if let Some(peer) = self.peers().get(&envelope.to) {
            // A full queue is a slow network.
            let _ = peer.queue.try_send(envelope);
        }
    }

    fn address_of(&self, id: NodeId) -> Option<String> {
        let peers = self.peers();
        let peer = peers.get(&id)?;
        let address = peer.address.borrow().clone();
        address.or_else(|| peer.called_from.borrow().map(|address| address.to_string()))
    }

    /// A connection to another address is given up.
    fn set_address(&self, id: NodeId, address: String) {
        if id == self.name.id {
            return;
        }
        self.with_peer(id, |peer| {
            peer.address.send_if_modified(|known| {
                let is_new = known.as_deref() != Some(&address);
                *known = Some(address);
                is_new
            });
        });
    }

    /// Connections are made again, since their first frames told something else.
    fn set_origin(&self, origin: Origin) {
        self.origin.send_replace(origin);
    }

    fn hang_up(&self, id: NodeId) {
        self.peers().remove(&id);
    }
}

impl Peer {
    fn start(
        name: Name,
        id: NodeId,
        origins: watch::Receiver<Origin>,
        inbox: mpsc::Sender<Happening>,
    ) -> Peer {
        let (queue, messages) = mpsc::channel(OUTBOUND_QUEUE);
        let (address, addresses) = watch::channel(None);
        let (called_from, calls) = watch::channel(None);
        tokio::spawn(keep_sending(name, id, messages, Whereabouts { addresses, calls }, origins, inbox));
        Peer { queue, address, called_from }
    }
}

/// Where a peer may be.
struct Whereabouts {
    /// Where it should be.
    addresses: watch::Receiver<Option<String>>,
    /// Where it last called from.
    calls: watch::Receiver<Option<SocketAddr>>,
}

impl Whereabouts {
    /// Where to try next: in turn where it should be, and where it called from if that is somewhere else.
    fn next(&mut self, tries: u32) -> Option<String> {
        let address = self.addresses.borrow_and_update().clone();
        let called_from = self.calls.borrow_and_update().map(|address| address.to_string());
        if tries.is_multiple_of(2) { address.or(called_from) } else { called_from.or(address) }
    }
}

/// Keeps a connection to one peer, and sends it what is in the queue, until the queue is closed.
async fn keep_sending(
    name: Name,
    to: NodeId,
    mut messages: mpsc::Receiver<Envelope>,
    mut whereabouts: Whereabouts,
    mut origins: watch::Receiver<Origin>,
    inbox: mpsc::Sender<Happening>,
) {
    let Name { cluster, id: from, port, promise } = name;
    let mut pause = RETRY_PAUSES.0;
    // How many times in a row it was not reached, or hung up at once.
    let mut tries = 0;
    while !messages.is_closed() {
        let address = whereabouts.next(tries);
        let origin = *origins.borrow_and_update();
        let hello = Hello::new(Visitor::Peer { cluster: cluster.clone(), from, to, port, promise, origin });
        let mut was_reached = false;
        if let Some(address) = address
            && let Some(stream) = call(&address).await
        {
            was_reached = true;
            // What waited while there was no connection is out of date.
            while messages.try_recv().is_ok() {}
            let connected_at = Instant::now();
            tokio::select! {
                _ = send_until_broken(stream, &hello, &mut messages, (to, from), &inbox) => {}
                _ = whereabouts.addresses.changed() => continue,
                _ = origins.changed() => continue,
            }
            if connected_at.elapsed() > RETRY_PAUSES.1 {
                (pause, tries) = (RETRY_PAUSES.0, 0);
                continue;
            }
        }
        tries += 1;
        tokio::select! {
            _ = tokio::time::sleep(pause) => pause = (pause * 2).min(RETRY_PAUSES.1),
            _ = whereabouts.addresses.changed() => pause = RETRY_PAUSES.0,
            _ = whereabouts.calls.changed(), if !was_reached => pause = RETRY_PAUSES.0,
        }
    }
}

async fn call(address: &str) -> Option<TcpStream> {
    let stream = timeout(PATIENCE, TcpStream::connect(address)).await.ok()?.ok()?;
    stream.set_nodelay(true).ok()?;
    Some(stream)
}

/// Returns when the connection is broken or the queue closed.
async fn send_until_broken(
    stream: TcpStream,
    hello: &Hello,
    messages: &mut mpsc::Receiver<Envelope>,
    (peer, own): (NodeId, NodeId),
    inbox: &mpsc::Sender<Happening>,
) {
    let (from_peer, to_peer) = stream.into_split();
    let mut back = FramedRead::new(from_peer, wire::codec());
    let mut frames = FramedWrite::new(to_peer, wire::codec());
    if frames.send(wire::encode(hello)).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            // The peer talks back on this connection only to refuse it; anything else is its end.
            frame = next_frame(&mut back) => {
                let Ok(Some(frame)) = frame else { return };
                let Some(Back { origin, letter: Letter { sent_as, message } }) = wire::decode(&frame) else { return };
                if !matches!(message, Message::Refusal(_)) || sent_as.node != peer {
                    return;
                }
                let envelope = Envelope { from: peer, to: own, sent_as, origin, message };
                let _ = inbox.try_send(Happening::Envelope(envelope));
            }
            message = messages.recv() => {
                let Some(Envelope { sent_as, message, .. }) = message else { return };
                let frame = wire::encode(&Letter { sent_as, message });
                let is_large = frame.len() > LARGE;
                if frames.send(frame).await.is_err() {
                    return;
                }
                if is_large {
                    // Whoever catches up must not keep all others waiting.
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

/// What is needed to receive callers. Each peer has a place of its own: however many clients come, they can't keep
/// the servers from each other.
pub(crate) struct Reception {
    network: Network,
    inbox: mpsc::Sender<Happening>,
    /// What clients are served with.
    routes: Routes,
    /// A place for each client.
    clients: Arc<Semaphore>,
    /// For each peer, the task that receives its messages.
    peers: Mutex<BTreeMap<NodeId, AbortHandle>>,
    turned_away: Counter,
}

/// Receives all who call, other servers and clients, which speak HTTP.
pub(crate) async fn accept(listener: TcpListener, reception: Reception) {
    let reception = Arc::new(reception);
    let mut strangers = Strangers::default();
    loop {
        match listener.accept().await {
            Ok((stream, caller)) => {
                let task = tokio::spawn(reception.clone().receive(stream, caller));
                if let Some(slowest) = strangers.add(caller, task.abort_handle()) {
                    reception.turn_away(slowest, "too many callers had not said who they are");
                }
                // Where many call at once, each can say who it is before the next is let in.
                tokio::task::yield_now().await;
            }
            // Out of file descriptors, most likely: wait for others to be closed.
            Err(_) => tokio::time::sleep(RETRY_PAUSES.1).await,
        }
    }
}

/// Callers that have not said who they are, in the order in which they came, and perhaps some that have by now.
#[derive(Default)]
struct Strangers(VecDeque<(SocketAddr, AbortHandle)>);

impl Strangers {
    /// Notes one more. If there are too many, the first is given up and returned.
    fn add(&mut self, caller: SocketAddr, task: AbortHandle) -> Option<SocketAddr> {
        if self.0.len() == MOST_STRANGERS {
            self.0.retain(|(_, task)| !task.is_finished());
        }
        let is_full = self.0.len() == MOST_STRANGERS;
        let first = if is_full { self.0.pop_front() } else { None };
        self.0.push_back((caller, task));
        first.map(|(caller, task)| {
            task.abort();
            caller
        })
    }
}

/// As many clients as there are places for, and files. A process may open more files than it does if nobody says so.
fn most_clients() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX).clamp(1, MOST_CLIENTS)
}

impl Reception {
    pub(crate) fn new(
        network: Network,
        inbox: mpsc::Sender<Happening>,
        routes: Routes,
        turned_away: Counter,
    ) -> Reception {
        let clients = Arc::new(Semaphore::new(most_clients()));
        Reception { network, inbox, routes, clients, peers: Mutex::default(), turned_away }
    }

    /// Finds out who calls. Whoever it is, is served in a task of its own.
    async fn receive(self: Arc<Reception>, stream: TcpStream, caller: SocketAddr) {
        if !speaks_http(&stream).await {
            let served = self.clone().receive_frames(stream, caller).await;
            self.report(caller, served);
        } else if let Ok(place) = self.clients.clone().try_acquire_owned() {
            let routes = self.routes.clone();
            tokio::spawn(async move {
                if stream.set_nodelay(true).is_ok() {
                    http::serve(routes, stream).await;
                }
                drop(place);
            });
        } else {
            self.turn_away(caller, "as many clients as there is room for are here already");
        }
    }

    /// Answers who asks for the status, and receives a peer's messages.
    async fn receive_frames(
        self: Arc<Reception>,
        stream: TcpStream,
        caller: SocketAddr,
    ) -> Result<(), &'static str> {
        let (incoming, outgoing) = stream.into_split();
        let mut frames = FramedRead::new(incoming, wire::codec());
        let hello = timeout(PATIENCE, read_hello(&mut frames)).await;
        match hello.map_err(|_| "it did not say who calls")?? {
            Visitor::AsksStatus => {
                // Who asked need not have waited for the answer.
                let _ = timeout(PATIENCE, answer_status(outgoing, &self.inbox)).await;
            }
            Visitor::Peer { cluster, from, to, port, promise, origin } => {
                self.network.name.problem_with(&cluster, from, to, promise).map_or(Ok(()), Err)?;
                self.network.meet(from, SocketAddr::new(caller.ip(), port));
                self.receive_peer((from, origin), frames, outgoing, caller);
            }
        }
        Ok(())
    }

    /// Receives the messages of a peer. If it calls again, it has given up the connection that it had.
    fn receive_peer(
        self: Arc<Reception>,
        (peer, origin): (NodeId, Origin),
        mut frames: Frames,
        mut outgoing: OwnedWriteHalf,
        caller: SocketAddr,
    ) {
        let reception = self.clone();
        let task = tokio::spawn(async move {
            // If there is no room for a hint, the election timeout has to do.
            let _ = reception.inbox.try_send(Happening::ConnectionMade(peer, origin));
            let own = reception.network.name.id;
            let refusals = reception.network.expect_refusals(peer, origin);
            let served = tokio::select! {
                served = receive_messages(own, (peer, origin), &mut frames, &reception.inbox) => served,
                () = pass_on_refusals(refusals, &mut outgoing) => Ok(()),
            };
            let _ = reception.inbox.try_send(Happening::ConnectionLost(peer));
            // Its end would have been the connection's end to the peer.
            drop(outgoing);
            reception.report(caller, served);
        });
        let mut peers = self.peers.lock().expect("nobody panics with the peers in hand");
        if let Some(earlier) = peers.insert(peer, task.abort_handle()) {
            earlier.abort();
        }
    }

    /// Closes a connection for which there is no place.
    fn turn_away(&self, caller: SocketAddr, why: &'static str) {
        self.turned_away.inc();
        self.report(caller, Err(why));
    }

    /// Reports what was not as it should be.
    fn report(&self, caller: SocketAddr, served: Result<(), &'static str>) {
        if let Err(problem) = served {
            let _ = self.inbox.try_send(Happening::Garbage { from: caller, problem });
        }
    }
}

/// Does the caller begin with a letter? All requests of HTTP do, and no frame: it begins with its length,
/// which is far too small for that.
async fn speaks_http(stream: &TcpStream) -> bool {
    let mut first = [0];
    let peeked = timeout(PATIENCE, stream.peek(&mut first)).await;
    matches!(peeked, Ok(Ok(1))) && first[0].is_ascii_uppercase()
}

type Frames = FramedRead<OwnedReadHalf, LengthDelimitedCodec>;

/// The next frame; none at the connection's end.
async fn next_frame(frames: &mut Frames) -> Result<Option<BytesMut>, &'static str> {
    match futures_util::StreamExt::next(frames).await {
        None => Ok(None),
        Some(Ok(frame)) => Ok(Some(frame)),
        Some(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => Err("a frame is too long"),
        // The connection broke, or ended within a frame. A killed server leaves that behind.
        Some(Err(_)) => Ok(None),
    }
}

async fn read_hello(frames: &mut Frames) -> Result<Visitor, &'static str> {
    let frame = next_frame(frames).await?.ok_or("it ended before it said who calls")?;
    match wire::decode::<Hello>(&frame) {
        Some(hello) if hello.is_understood() => Ok(hello.visitor),
        Some(_) => Err("it speaks another version"),
        None => Err("it does not speak this protocol"),
    }
}

async fn receive_messages(
    own: NodeId,
    (caller, origin): (NodeId, Origin),
    frames: &mut Frames,
    inbox: &mpsc::Sender<Happening>,
) -> Result<(), &'static str> {
    while let Some(frame) = next_frame(frames).await? {
        let Letter { sent_as, message } = wire::decode(&frame).ok_or("a frame holds no message")?;
        if sent_as.node != caller {
            return Err("a message names another sender than its connection");
        }
        let envelope = Envelope { from: caller, to: own, sent_as, origin, message };
        match inbox.try_send(Happening::Envelope(envelope)) {
            // A full inbox is a slow server, and Raft can stand lost messages.
            Ok(()) | Err(TrySendError::Full(_)) => {}
            Err(TrySendError::Closed(_)) => break,
        }
    }
    Ok(())
}

/// Tells a caller that it is refused, as often as it is. Returns when the connection is broken.
async fn pass_on_refusals(mut refusals: mpsc::Receiver<Back>, outgoing: &mut OwnedWriteHalf) {
    let mut frames = FramedWrite::new(outgoing, wire::codec());
    while let Some(refusal) = refusals.recv().await {
        if frames.send(wire::encode(&refusal)).await.is_err() {
            return;
        }
    }
    // Nobody is left who could refuse it.
    std::future::pending().await
}

async fn answer_status(outgoing: OwnedWriteHalf, inbox: &mpsc::Sender<Happening>) {
    let (answer, status) = oneshot::channel::<Status>();
    if inbox.try_send(Happening::StatusAsked(answer)).is_ok()
        && let Ok(status) = status.await
    {
        let mut frames = FramedWrite::new(outgoing, wire::codec());
        // Who asked may be gone by now.
        let _ = frames.send(wire::encode(&status)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::{Lease, Profile, Timing};
    use driver::{Speed, Telling};

    /// n1's name in a cluster with leases, with these election timeouts at this speed.
    fn name(min_ms: u64, speed: f64) -> Name {
        let [heartbeat, min, max] = [10, min_ms, min_ms * 2].map(Duration::from_millis);
        Name::of(
            &Options {
                cluster: "raft".to_owned(),
                id: NodeId(1),
                peers: [(NodeId(2), None)].into(),
                data: "nowhere".into(),
                timing: Timing::new(heartbeat, min, max).unwrap(),
                seed: 1,
                speed: Speed::new(speed).unwrap(),
                latency: Duration::ZERO,
                faulty_links: BTreeMap::new(),
                lease: Some(Lease { clock_drift_percent: 5 }),
                snapshot_after: 1,
                epoch: Duration::ZERO,
                telling: Telling::Events,
                joins: false,
                profile: Profile::PAPER,
            },
            0,
        )
    }

    /// A lease rests on clocks of which none runs much faster than another.
    #[test]
    fn where_leaders_have_leases_a_clock_of_another_speed_is_refused() {
        let problem =
            |speed| name(150, 1.0).problem_with("raft", NodeId(2), NodeId(1), name(150, speed).promise);
        assert_eq!(problem(1.0), None);
        for speed in [0.3, 2.0] {
            assert!(problem(speed).is_some_and(|problem| problem.contains("--speed")), "{speed}");
        }
    }
}
