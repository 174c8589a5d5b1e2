//! TCP: a listener for whoever calls, and a connection of our own to each peer, on which messages go
//! one way.

use crate::engine::Happening;
use crate::http::HttpConnection;
use crate::member::Options;
use crate::status::Status;
use crate::transport::Transport;
use crate::wire::{self, Hello, Promise, Visitor};
use consensus::NodeId;
use driver::Envelope;
use futures_util::SinkExt;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

/// So many connections are served at a time; more are turned away.
const MOST_CONNECTIONS: usize = 1024;
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
        let election_timeout_min = options.timing.election_timeout_min();
        let promise = options.lease.map(|lease| Promise { lease, election_timeout_min });
        Name { cluster: options.cluster.clone(), id: options.id, port, promise }
    }
}

/// The sending side: a queue and an address for each other server that is known. Clones always know the same.
#[derive(Clone)]
pub(crate) struct Network {
    name: Name,
    /// What does the work.
    runtime: Handle,
    peers: Arc<Mutex<BTreeMap<NodeId, Peer>>>,
}

struct Peer {
    queue: mpsc::Sender<Envelope>,
    address: watch::Sender<Option<String>>,
}

impl Network {
    /// It calls other servers as soon as it knows where they are. To be called within a tokio runtime, which does the
    /// work.
    pub(crate) fn new(name: Name) -> Network {
        Network { name, runtime: Handle::current(), peers: Arc::default() }
    }

    fn peers(&self) -> MutexGuard<'_, BTreeMap<NodeId, Peer>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where this server is, as HOST:PORT, if that is known.
    pub(crate) fn address_of(&self, id: NodeId) -> Option<String> {
        self.peers().get(&id)?.address.borrow().clone()
    }

    /// A server has called that listens there. If nobody has said where it is, that must do.
    fn meet(&self, id: NodeId, address: SocketAddr) {
        if self.address_of(id).is_none() {
            self.set_address(id, address.to_string());
        }
    }
}

impl Transport for Network {
    fn send(&self, envelope: Envelope) {
        if let Some(peer) = self.peers().get(&envelope.to) {
            // A full queue is a slow network.
            let _ = peer.queue.try_send(envelope);
        }
    }

    /// A connection to another address is given up.
    fn set_address(&self, id: NodeId, address: String) {
        if id == self.name.id {
            return;
        }
        let mut peers = self.peers();
        let peer = peers.entry(id).or_insert_with(|| {
            let _in_runtime = self.runtime.enter();
            Peer::start(self.name.clone(), id)
        });
        peer.address.send_if_modified(|known| {
            let is_new = known.as_deref() != Some(&address);
            *known = Some(address);
            is_new
        });
    }

    fn hang_up(&self, id: NodeId) {
        self.peers().remove(&id);
    }
}

impl Peer {
    fn start(name: Name, id: NodeId) -> Peer {
        let (queue, messages) = mpsc::channel(OUTBOUND_QUEUE);
        let (address, addresses) = watch::channel(None);
        tokio::spawn(keep_sending(name, id, messages, addresses));
        Peer { queue, address }
    }
}

/// Keeps a connection to one peer, and sends it what is in the queue, until the queue is closed.
async fn keep_sending(
    name: Name,
    to: NodeId,
    mut messages: mpsc::Receiver<Envelope>,
    mut addresses: watch::Receiver<Option<String>>,
) {
    let Name { cluster, id: from, port, promise } = name;
    let hello = Hello::new(Visitor::Peer { cluster, from, to, port, promise });
    let mut pause = RETRY_PAUSES.0;
    while !messages.is_closed() {
        let address = addresses.borrow_and_update().clone();
        if let Some(address) = address
            && let Some(stream) = call(&address).await
        {
            // What waited while there was no connection is out of date.
            while messages.try_recv().is_ok() {}
            let connected_at = Instant::now();
            tokio::select! {
                _ = send_until_broken(stream, &hello, &mut messages) => {}
                _ = addresses.changed() => continue,
            }
            if connected_at.elapsed() > RETRY_PAUSES.1 {
                pause = RETRY_PAUSES.0;
            }
        }
        tokio::select! {
            _ = tokio::time::sleep(pause) => pause = (pause * 2).min(RETRY_PAUSES.1),
            _ = addresses.changed() => pause = RETRY_PAUSES.0,
        }
    }
}

async fn call(address: &str) -> Option<TcpStream> {
    let stream = timeout(PATIENCE, TcpStream::connect(address)).await.ok()?.ok()?;
    stream.set_nodelay(true).ok()?;
    Some(stream)
}

/// Returns when the connection is broken or the queue closed.
async fn send_until_broken(stream: TcpStream, hello: &Hello, messages: &mut mpsc::Receiver<Envelope>) {
    let (mut from_peer, to_peer) = stream.into_split();
    let mut frames = FramedWrite::new(to_peer, wire::codec());
    if frames.send(wire::encode(hello)).await.is_err() {
        return;
    }
    let mut nothing = [0];
    loop {
        tokio::select! {
            // The peer never talks back on this connection: whatever comes is its end.
            _ = from_peer.read(&mut nothing) => return,
            message = messages.recv() => {
                let Some(envelope) = message else { return };
                let frame = wire::encode(&envelope);
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

/// Listens for other servers, and for clients, which speak HTTP: those are handed on to `clients`.
pub(crate) async fn accept(
    network: Network,
    listener: TcpListener,
    inbox: SyncSender<Happening>,
    clients: mpsc::Sender<HttpConnection>,
) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        match listener.accept().await {
            Ok((stream, caller)) => {
                let Ok(place) = places.clone().try_acquire_owned() else { continue };
                let (network, inbox, clients) = (network.clone(), inbox.clone(), clients.clone());
                tokio::spawn(async move {
                    if !speaks_http(&stream).await {
                        serve(&network, stream, caller, &inbox).await;
                    } else if stream.set_nodelay(true).is_ok() {
                        let _ = clients.send(HttpConnection::new(stream, caller, place)).await;
                    }
                });
            }
            // Out of file descriptors, most likely: wait for others to be closed.
            Err(_) => tokio::time::sleep(RETRY_PAUSES.1).await,
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

/// Serves one connection to its end, and reports if it was not what it should be.
async fn serve(network: &Network, stream: TcpStream, caller: SocketAddr, inbox: &SyncSender<Happening>) {
    let name = &network.name;
    let (incoming, outgoing) = stream.into_split();
    let mut frames = FramedRead::new(incoming, wire::codec());
    let served = match timeout(PATIENCE, read_hello(&mut frames)).await {
        Err(_) => Err("it did not say who calls"),
        Ok(Err(problem)) => Err(problem),
        Ok(Ok(Visitor::AsksStatus)) => {
            answer_status(outgoing, inbox).await;
            Ok(())
        }
        Ok(Ok(Visitor::Peer { cluster, .. })) if cluster != name.cluster => {
            Err("it belongs to another cluster")
        }
        Ok(Ok(Visitor::Peer { to, .. })) if to != name.id => Err("it wants to talk to another server"),
        Ok(Ok(Visitor::Peer { from, .. })) if from == name.id => Err("it has this server's own number"),
        Ok(Ok(Visitor::Peer { promise, .. })) if promise != name.promise => Err(
            "it has another --lease-reads, or with that another --election-timeout: all servers need the same",
        ),
        // Whether it is a member is not asked: it may know of a newer configuration than this server (§6).
        Ok(Ok(Visitor::Peer { from, port, .. })) => {
            network.meet(from, SocketAddr::new(caller.ip(), port));
            let received = receive_messages(name, from, &mut frames, inbox).await;
            // If there is no room for a hint, the election timeout has to do.
            let _ = inbox.try_send(Happening::ConnectionLost(from));
            received
        }
    };
    if let Err(problem) = served {
        let _ = inbox.try_send(Happening::Garbage { from: caller, problem });
    }
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
    name: &Name,
    caller: NodeId,
    frames: &mut Frames,
    inbox: &SyncSender<Happening>,
) -> Result<(), &'static str> {
    while let Some(frame) = next_frame(frames).await? {
        let envelope: Envelope = wire::decode(&frame).ok_or("a frame holds no message")?;
        if (envelope.from, envelope.to) != (caller, name.id) {
            return Err("a message names another sender or receiver than its connection");
        }
        match inbox.try_send(Happening::Envelope(envelope)) {
            // A full inbox is a slow server, and Raft can stand lost messages.
            Ok(()) | Err(TrySendError::Full(_)) => {}
            Err(TrySendError::Disconnected(_)) => break,
        }
    }
    Ok(())
}

async fn answer_status(outgoing: OwnedWriteHalf, inbox: &SyncSender<Happening>) {
    let (answer, status) = oneshot::channel::<Status>();
    if inbox.try_send(Happening::StatusAsked(answer)).is_ok()
        && let Ok(status) = status.await
    {
        let mut frames = FramedWrite::new(outgoing, wire::codec());
        // Who asked may be gone by now.
        let _ = frames.send(wire::encode(&status)).await;
    }
}
