//! The receiving side: accepts connections from servers and clients.

use super::frames::{Frames, Silence};
use super::{Standing, Tcp};
use crate::secret::{Claim, Prover, nonce};
use crate::wire::{self, Back, Beginning, Call, Handshake, Letter, WITHOUT_GREETING, Welcome};
use consensus::{Message, NodeId, Origin};
use driver::Envelope;
use rustix::process::{Resource, getrlimit};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

/// Maximum number of clients served at a time; any others are turned away.
const MOST_CLIENTS: u64 = 1024;
/// Maximum number of connections without a handshake. Beyond it, the oldest is closed.
const MOST_STRANGERS: u64 = 512;
/// Maximum number of connected servers that this server does not know as members.
const MOST_GUESTS: usize = 16;
/// Maximum number of open files besides the connections of clients and strangers: peers, and the server's data.
const OTHER_FILES: u64 = 128;
/// Time limit for a handshake.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait for a file descriptor when there are none.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves those who call at a server's port and are not servers: the first byte that they send is an upper-case letter, as
/// in all requests of HTTP.
pub trait Clients: Send + Sync + 'static {
    /// Serves a connection until its end. It has a place among a limited number of clients.
    fn serve(&self, stream: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// What is needed to receive callers. Each peer has a place of its own: however many clients come, they can't keep
/// the servers from each other.
pub(super) struct Acceptor {
    tcp: Tcp,
    /// Serves clients.
    clients: Option<Arc<dyn Clients>>,
    /// A place for each client.
    places: Arc<Semaphore>,
    /// Maximum number of connections without a handshake.
    strangers: usize,
    /// For each peer, the task that receives its messages. A foreigner does not take the place of the one whose number it has.
    peers: Mutex<BTreeMap<(NodeId, bool), Receiving>>,
}

/// A task that receives a peer's messages.
struct Receiving {
    task: AbortHandle,
    standing: Standing,
}

/// Callers that have not said who they are, in the order in which they came, and perhaps some that have by now.
struct Unidentified {
    callers: VecDeque<(SocketAddr, AbortHandle)>,
    most: usize,
}

impl Unidentified {
    /// Notes one more. If there are too many, the first is given up and returned.
    fn add(&mut self, caller: SocketAddr, task: AbortHandle) -> Option<SocketAddr> {
        if self.callers.len() == self.most {
            self.callers.retain(|(_, task)| !task.is_finished());
        }
        let is_full = self.callers.len() == self.most;
        let first = if is_full { self.callers.pop_front() } else { None };
        self.callers.push_back((caller, task));
        first.map(|(caller, task)| {
            task.abort();
            caller
        })
    }
}

/// How many connections are accepted.
struct Places {
    clients: usize,
    strangers: usize,
}

impl Places {
    /// As many as there are files for.
    fn by_files() -> Places {
        Places::of(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
    }

    fn of(files: u64) -> Places {
        let strangers = (files / 4).clamp(1, MOST_STRANGERS);
        let clients = files.saturating_sub(strangers + OTHER_FILES).clamp(1, MOST_CLIENTS);
        Places { clients: clients as usize, strangers: strangers as usize }
    }
}

/// Where others reach a server that has called from there and listens on this port. A listener for both versions of IP
/// sees callers of version 4 under addresses of version 6, which other servers could not call.
fn whereabouts_of(caller: SocketAddr, port: u16) -> SocketAddr {
    SocketAddr::new(caller.ip().to_canonical(), port)
}

impl Acceptor {
    pub(super) fn new(tcp: Tcp, clients: Option<Arc<dyn Clients>>) -> Acceptor {
        let Places { clients: places, strangers } = Places::by_files();
        let places = Arc::new(Semaphore::new(places));
        Acceptor { tcp, clients, places, strangers, peers: Mutex::default() }
    }

    /// Receives all who call.
    pub(super) async fn accept(self, listener: TcpListener) {
        let acceptor = Arc::new(self);
        let mut strangers = Unidentified { callers: VecDeque::new(), most: acceptor.strangers };
        loop {
            let Ok((stream, caller)) = listener.accept().await else {
                // Out of file descriptors, most likely: wait for others to be closed.
                sleep(PAUSE).await;
                continue;
            };
            let task = acceptor.tcp.spawn(acceptor.clone().receive(stream, caller));
            if let Some(slowest) = strangers.add(caller, task) {
                acceptor.reject(slowest, "too many connections without a handshake");
            }
            // Where many call at once, each gets to its handshake before the next is accepted.
            tokio::task::yield_now().await;
        }
    }

    /// Finds out who calls, and serves it in a task of its own.
    async fn receive(self: Arc<Acceptor>, stream: TcpStream, caller: SocketAddr) {
        let clients = match &self.clients {
            Some(clients) if speaks_http(&stream).await => clients.clone(),
            _ => {
                let served = self.clone().receive_frames(stream, caller).await;
                return self.report(caller, served);
            }
        };
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            return self.reject(caller, "too many clients are connected already");
        };
        self.tcp.spawn(async move {
            if stream.set_nodelay(true).is_ok() {
                clients.serve(stream).await;
            }
            drop(place);
        });
    }

    /// Receives a peer's messages.
    async fn receive_frames(
        self: Arc<Acceptor>,
        stream: TcpStream,
        caller: SocketAddr,
    ) -> Result<(), &'static str> {
        // What is written here is little, and waited for.
        let _ = stream.set_nodelay(true);
        let (incoming, mut outgoing) = stream.into_split();
        let mut frames = Frames::new(incoming);
        let introduced = timeout(PATIENCE, self.ask_who_calls(&mut frames, &mut outgoing)).await;
        let introduced = introduced.map_err(|_| "no handshake arrived in time")??;
        let Some((version, visitor)) = introduced else { return Ok(()) };
        let Handshake::Peer { cluster, from, to, port, promise, origin } = visitor;
        self.tcp.name.problem_with(&cluster, from, to, promise).map_or(Ok(()), Err)?;
        let peer = CallingPeer { id: from, origin, at: whereabouts_of(caller, port), version };
        self.receive_peer(peer, frames, outgoing, caller)
    }

    /// Agrees with the caller on a version, and hears who it is. Where the cluster has a secret, a server must know it.
    ///
    /// `None` if the caller closes the connection instead: a server begins its call again when it has learned its cluster
    /// or another address meanwhile.
    async fn ask_who_calls(
        &self,
        frames: &mut Frames,
        outgoing: &mut OwnedWriteHalf,
    ) -> Result<Option<(u16, Handshake)>, &'static str> {
        const UNPROVED: &str = "it does not know the cluster's secret";
        let secret = self.tcp.name.secret.as_ref();
        let Some(first) = frames.next().await? else { return frames.end_in_between().map(|()| None) };
        let (version, callers_nonce) = match Beginning::read(&first)? {
            Beginning::Hello(_) if secret.is_some() => return Err(UNPROVED),
            Beginning::Hello(visitor) => return Ok(Some((WITHOUT_GREETING, visitor))),
            Beginning::Greeting { version, nonce } => (version, nonce),
        };
        let called_nonce = nonce();
        let claim = |by| Claim { by, callers_nonce, called_nonce, said: &[] };
        let proof = secret.map(|secret| secret.prove(claim(Prover::Called)));
        let welcome = wire::frame(&Welcome::new(version, called_nonce, proof));
        if self.silence().hand_over(outgoing, &welcome).await.is_err() {
            return Ok(None);
        }
        let Some(frame) = frames.next().await? else { return frames.end_in_between().map(|()| None) };
        let Call { visitor, proof } = wire::decode(&frame).ok_or("it does not speak this protocol")?;
        if let Some(secret) = secret
            && !secret.is_proved(Claim { said: &wire::encode(&visitor), ..claim(Prover::Caller) }, proof)
        {
            return Err(UNPROVED);
        }
        Ok(Some((version, visitor)))
    }

    fn silence(&self) -> Silence {
        self.tcp.name.silence
    }

    /// Receives the messages of a peer. If it calls again, it has given up the connection that it had.
    fn receive_peer(
        self: Arc<Acceptor>,
        peer: CallingPeer,
        frames: Frames,
        outgoing: OwnedWriteHalf,
        caller: SocketAddr,
    ) -> Result<(), &'static str> {
        let standing = self.tcp.standing_of(peer.id, peer.origin);
        let mut peers = self.peers.lock().expect("nobody panics with the peers in hand");
        // Those that have ended are not kept.
        peers.retain(|_, receiving| !receiving.task.is_finished());
        let place = (peer.id, standing == Standing::Foreigner);
        let guests =
            || peers.iter().filter(|(other, its)| **other != place && its.standing != Standing::Member);
        if standing != Standing::Member && guests().count() >= MOST_GUESTS {
            return Err("too many servers that are not members are connected already");
        }
        let task = self.tcp.spawn(self.clone().serve_peer(peer, standing, frames, outgoing, caller));
        let receiving = Receiving { task, standing };
        if let Some(earlier) = peers.insert(place, receiving) {
            earlier.task.abort();
        }
        Ok(())
    }

    async fn serve_peer(
        self: Arc<Acceptor>,
        peer: CallingPeer,
        standing: Standing,
        mut frames: Frames,
        outgoing: OwnedWriteHalf,
        caller: SocketAddr,
    ) {
        frames.admit();
        let _visit = self.tcp.meet(peer.id, peer.at, standing);
        if standing != Standing::Applicant {
            // If there is no room for a hint, the election timeout has to do.
            self.tcp.inlet.connection_made(peer.id, peer.origin);
        }
        let refusals = self.tcp.expect_refusals(peer.id, peer.origin);
        let served = self.receive_messages(&peer, standing, frames, outgoing, refusals).await;
        if standing != Standing::Foreigner {
            self.tcp.inlet.connection_lost(peer.id);
        }
        self.report(caller, served);
    }

    /// Receives messages until the connection has ended or is silent, and tells the caller that it is refused, as often
    /// as it is.
    async fn receive_messages(
        &self,
        peer: &CallingPeer,
        standing: Standing,
        mut frames: Frames,
        mut outgoing: OwnedWriteHalf,
        mut refusals: mpsc::Receiver<Back>,
    ) -> Result<(), &'static str> {
        let silence = self.silence();
        let has_signs_of_life = peer.version > WITHOUT_GREETING;
        let mut beats = silence.beats();
        let mut may_refuse = true;
        loop {
            tokio::select! {
                frame = frames.next() => {
                    let Some(frame) = frame? else { return Ok(()) };
                    // However many came at once, the engine and all others get their turn between them.
                    tokio::task::coop::consume_budget().await;
                    if frame.is_empty() && has_signs_of_life {
                        continue;
                    }
                    let Letter { sent_as, message } = wire::decode(&frame).ok_or("a frame does not contain a message")?;
                    if sent_as.node != peer.id {
                        return Err("a message names a different sender than its connection");
                    }
                    if standing == Standing::Applicant && !matches!(message, Message::Found(_)) {
                        return Err("it is not a member, and names no cluster");
                    }
                    // Half of the inbox is for members: no others can keep their messages from it.
                    if standing != Standing::Member && self.tcp.inlet.is_half_full() {
                        continue;
                    }
                    let (from, to) = (peer.id, self.tcp.name.id);
                    let envelope = Envelope { from, to, sent_as, origin: peer.origin, message };
                    if self.tcp.inlet.deliver(envelope).is_err() {
                        return Ok(());
                    }
                }
                refusal = refusals.recv(), if may_refuse => match refusal {
                    Some(refusal) => {
                        if silence.hand_over(&mut outgoing, &wire::frame(&refusal)).await.is_err() {
                            return Ok(());
                        }
                    }
                    // No refusals can come any longer.
                    None => may_refuse = false,
                },
                _ = beats.tick() => {
                    if frames.are_stuck(&beats) {
                        return Err("a frame stayed incomplete for too long");
                    }
                    let is_silent = frames.are_silent();
                    if has_signs_of_life && (is_silent || silence.say_alive(&mut outgoing).await.is_err()) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Closes a connection for which there is no place.
    fn reject(&self, caller: SocketAddr, why: &'static str) {
        self.tcp.turned_away.fetch_add(1, Ordering::Relaxed);
        self.report(caller, Err(why));
    }

    /// Reports what was not as it should be.
    fn report(&self, caller: SocketAddr, served: Result<(), &'static str>) {
        if let Err(problem) = served {
            self.tcp.inlet.rejected(caller, problem);
        }
    }
}

/// Another server that has said who it is.
struct CallingPeer {
    id: NodeId,
    origin: Origin,
    /// Where it listens.
    at: SocketAddr,
    /// The version in which it speaks.
    version: u16,
}

/// Does the caller begin with a letter? All requests of HTTP do, and no frame: it begins with its length,
/// which is far too small for that.
async fn speaks_http(stream: &TcpStream) -> bool {
    let mut first = [0];
    let peeked = timeout(PATIENCE, stream.peek(&mut first)).await;
    matches!(peeked, Ok(Ok(1))) && first[0].is_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_places_than_files() {
        let places = |files| {
            let Places { clients, strangers } = Places::of(files);
            (clients, strangers)
        };
        assert_eq!(places(u64::MAX), (1024, 512));
        assert_eq!(places(1024), (640, 256));
        assert_eq!(places(256), (64, 64));
        assert_eq!(places(0), (1, 1));
    }

    #[test]
    fn a_caller_is_found_under_an_address_that_others_can_call() {
        let at = |caller: &str| whereabouts_of(caller.parse().unwrap(), 4001).to_string();
        assert_eq!(at("[::ffff:127.0.0.1]:9"), "127.0.0.1:4001");
        assert_eq!(at("127.0.0.1:9"), "127.0.0.1:4001");
        assert_eq!(at("[::1]:9"), "[::1]:4001");
    }
}
