//! TCP: a listener for all that call, and a connection of our own to each peer, on which messages go
//! one way. Only refusals and signs of life come back on it.

mod acceptor;
mod caller;
mod frames;

pub use acceptor::Clients;

use crate::Address;
use crate::inbound::Inlet;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::transport::Transport;
use crate::wire::{Back, Handshake, Letter, Promise};
use acceptor::Acceptor;
use consensus::{Membership, Message, NodeId, Origin, Start};
use driver::Envelope;
use frames::Silence;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Maximum number of messages that wait for one peer.
const OUTBOUND_QUEUE: usize = 256;

/// Who this server is to others.
#[derive(Debug, Clone)]
struct Name {
    cluster: String,
    id: NodeId,
    /// The port at which it listens.
    port: u16,
    /// What all members promise to their leader, if leaders have leases.
    promise: Option<Promise>,
    /// What all servers of the cluster know, if there is such a thing.
    secret: Option<Secret>,
    /// The servers with which it founds a cluster, if it does.
    founders: BTreeSet<NodeId>,
    /// How long the others may be silent.
    silence: Silence,
}

impl Name {
    fn of(settings: &Settings, port: u16) -> Name {
        let election_timeout_min =
            settings.timing.election_timeout_min().div_f64(settings.speed().multiple());
        Name {
            cluster: settings.cluster.clone(),
            id: settings.id,
            port,
            promise: settings.lease.map(|lease| Promise { lease, election_timeout_min }),
            secret: settings.secret.clone(),
            founders: settings.founding(),
            silence: Silence::of(&settings.timing),
        }
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
            Some("it is meant for another server")
        } else if from == self.id {
            // Whether it is a member is not asked: it may know of a newer configuration than this server (§6).
            Some("it has this server's own id")
        } else if promise != self.promise {
            Some("its --lease-reads, --election-timeout or --speed differ: all servers need the same")
        } else {
            None
        }
    }
}

/// What a caller is to this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// A member of the cluster, or another founder.
    Member,
    /// Perhaps a member of a newer configuration than this server has (§6), or of the cluster that it is to join.
    Guest,
    /// Nothing is known but its number. It may only ask whether the two found a cluster together, which is refused.
    Applicant,
    /// It belongs to another cluster. It is told so, and does not take the place of the member with its number.
    Foreigner,
}

/// Carries messages over TCP: a connection to each other server that is known, and one from each. Clones are the same.
///
/// Servers that share a [secret](Settings::secret) prove to each other that they know it. Without one, all that can reach the
/// port are believed. Nothing is encrypted.
#[derive(Clone)]
pub struct Tcp {
    name: Name,
    /// Where its messages come from.
    origin: Arc<watch::Sender<Origin>>,
    /// What does the work.
    runtime: Handle,
    known: Arc<Mutex<Known>>,
    /// The starts of other servers that have called, and how each hears that it is refused.
    callers: Arc<Mutex<Callers>>,
    inlet: Inlet,
    tasks: TaskTracker,
    end: CancellationToken,
    turned_away: Arc<AtomicU64>,
}

impl fmt::Debug for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tcp").field("id", &self.name.id).finish_non_exhaustive()
    }
}

/// The other servers that this one knows.
#[derive(Default)]
struct Known {
    members: BTreeSet<NodeId>,
    /// Those that are called.
    peers: BTreeMap<NodeId, Peer>,
    /// Those that are called only for as long as they are connected themselves, with the number of their connections.
    guests: BTreeMap<NodeId, usize>,
}

type Callers = BTreeMap<(NodeId, Start), mpsc::Sender<Back>>;

struct Peer {
    queue: mpsc::Sender<Envelope>,
    /// Where it should be, according to the configuration or the operator.
    address: watch::Sender<Option<Address>>,
    /// Where it was when it last called. Changes whenever it calls.
    called_from: watch::Sender<Option<SocketAddr>>,
}

/// Who talks to whom, for the sending side.
struct Line {
    name: Name,
    to: NodeId,
    inlet: Inlet,
}

impl Line {
    fn visitor(&self, origin: Origin) -> Handshake {
        let Name { cluster, id, port, promise, .. } = &self.name;
        let (cluster, from, to) = (cluster.clone(), *id, self.to);
        Handshake::Peer { cluster, from, to, port: *port, promise: *promise, origin }
    }
}

/// A server has called, and is connected for as long as this lives.
struct Visit {
    tcp: Tcp,
    guest: Option<NodeId>,
}

impl Drop for Visit {
    /// A guest that has gone is no longer called.
    fn drop(&mut self) {
        if let Some(guest) = self.guest {
            let mut known = self.tcp.known();
            // It may be a member by now.
            let Some(visits) = known.guests.get_mut(&guest) else { return };
            *visits -= 1;
            if *visits == 0 {
                known.guests.remove(&guest);
                known.peers.remove(&guest);
            }
        }
    }
}

impl Tcp {
    /// Calls other servers as soon as it knows where they are, for the server with these settings, this [origin] and this
    /// [inlet], which others reach at this port. To be called within a tokio runtime, which does the work.
    ///
    /// [origin]: crate::Server::origin
    /// [inlet]: crate::Server::inlet
    pub fn new(settings: &Settings, port: u16, origin: Origin, inlet: Inlet) -> Tcp {
        let tcp = Tcp {
            name: Name::of(settings, port),
            origin: Arc::new(watch::channel(origin).0),
            runtime: Handle::current(),
            known: Arc::default(),
            callers: Arc::default(),
            inlet,
            tasks: TaskTracker::new(),
            end: CancellationToken::new(),
            turned_away: Arc::default(),
        };
        for (&id, address) in &settings.founders {
            if let Some(address) = address {
                tcp.set_address(id, address.clone());
            }
        }
        tcp
    }

    /// Accepts connections at this port: those of other servers and, if `clients` serves them, of clients.
    pub fn listen(&self, listener: TcpListener, clients: Option<Arc<dyn Clients>>) {
        self.spawn(Acceptor::new(self.clone(), clients).accept(listener));
    }

    /// Number of connections that were closed since there was no place for them.
    pub fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// Closes all connections and the listener, and returns when no task is left.
    pub async fn shut_down(&self) {
        self.end.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Runs a task that ends with this network.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let end = self.end.clone();
        let until_end = async move {
            end.run_until_cancelled(task).await;
        };
        self.tasks.spawn_on(until_end, &self.runtime).abort_handle()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The standing of a caller with this number and origin.
    fn standing_of(&self, caller: NodeId, origin: Origin) -> Standing {
        let known = self.known();
        let is_at_the_beginning = known.members.is_empty();
        let insiders = if is_at_the_beginning { &self.name.founders } else { &known.members };
        let own_cluster = self.origin.borrow().cluster;
        let belongs_somewhere =
            own_cluster.is_some() || (is_at_the_beginning && !self.name.founders.is_empty());
        if own_cluster.zip(origin.cluster).is_some_and(|(own, other)| own != other) {
            Standing::Foreigner
        } else if insiders.contains(&caller) {
            Standing::Member
        } else if belongs_somewhere && origin.cluster.is_none() {
            Standing::Applicant
        } else {
            Standing::Guest
        }
    }

    /// A server has called that listens there. If it can't be reached where it should be, or nobody has said where that is,
    /// it is called there, and at once, unless it keeps a caller waiting.
    fn meet(&self, id: NodeId, address: SocketAddr, standing: Standing) -> Visit {
        let mut visit = Visit { tcp: self.clone(), guest: None };
        let mut known = self.known();
        let is_new = !known.peers.contains_key(&id);
        match standing {
            Standing::Applicant | Standing::Foreigner => return visit,
            Standing::Guest if is_new || known.guests.contains_key(&id) => {
                *known.guests.entry(id).or_default() += 1;
                visit.guest = Some(id);
            }
            Standing::Guest | Standing::Member => {}
        }
        self.peer(&mut known, id).called_from.send_replace(Some(address));
        visit
    }

    fn callers(&self) -> MutexGuard<'_, Callers> {
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

    fn peer<'a>(&self, known: &'a mut Known, id: NodeId) -> &'a Peer {
        known.peers.entry(id).or_insert_with(|| {
            let line = Line { name: self.name.clone(), to: id, inlet: self.inlet.clone() };
            let (queue, messages) = mpsc::channel(OUTBOUND_QUEUE);
            let (address, addresses) = watch::channel(None);
            let (called_from, calls) = watch::channel(None);
            let whereabouts = Whereabouts { addresses, calls };
            self.spawn(caller::keep_sending(line, messages, whereabouts, self.origin.subscribe()));
            Peer { queue, address, called_from }
        })
    }
}

impl Transport for Tcp {
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
        if let Some(peer) = self.known().peers.get(&envelope.to) {
            // A full queue is a slow network.
            let _ = peer.queue.try_send(envelope);
        }
    }

    fn address_of(&self, id: NodeId) -> Option<String> {
        let known = self.known();
        let peer = known.peers.get(&id)?;
        let address = peer.address.borrow().as_ref().map(Address::to_string);
        address.or_else(|| peer.called_from.borrow().map(|address| address.to_string()))
    }

    /// A connection to another address is given up.
    fn set_address(&self, id: NodeId, address: Address) {
        if id == self.name.id {
            return;
        }
        let mut known = self.known();
        known.guests.remove(&id);
        self.peer(&mut known, id).address.send_if_modified(|known| {
            let is_new = known.as_ref() != Some(&address);
            *known = Some(address);
            is_new
        });
    }

    fn set_members(&self, membership: &Membership) {
        let mut known = self.known();
        known.members = membership.members();
        let Known { members, guests, .. } = &mut *known;
        guests.retain(|guest, _| !members.contains(guest));
    }

    /// Connections are made again, since their first frames told something else.
    fn set_origin(&self, origin: Origin) {
        self.origin.send_replace(origin);
    }

    fn hang_up(&self, id: NodeId) {
        self.known().peers.remove(&id);
    }
}

/// Where a peer may be.
struct Whereabouts {
    /// Where it should be.
    addresses: watch::Receiver<Option<Address>>,
    /// Where it last called from.
    calls: watch::Receiver<Option<SocketAddr>>,
}

impl Whereabouts {
    /// Where to try next: in turn where it should be, and where it called from if that is somewhere else.
    fn next(&mut self, tries: u32) -> Option<String> {
        let address = self.addresses.borrow_and_update().as_ref().map(Address::to_string);
        let called_from = self.calls.borrow_and_update().map(|address| address.to_string());
        if tries.is_multiple_of(2) { address.or(called_from) } else { called_from.or(address) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LabSettings;
    use crate::inbound::Inbound;
    use crate::secret::nonce;
    use crate::wire::{self, Call, Greeting, Hello, LENGTH, SIGN_OF_LIFE, Welcome};
    use consensus::{ClusterId, EarlierRuns, Lease, Quorum, Term, TimeoutNow, Timing};
    use driver::Speed;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::time::timeout;
    use trace::EventId;

    /// How long to wait for what must come.
    const PATIENCE: Duration = Duration::from_secs(60);

    const CLUSTER: Option<ClusterId> = Some(ClusterId(7));

    fn settings(id: u64, min_ms: u64, speed: f64) -> Settings {
        let [heartbeat, min, max] = [10, min_ms, min_ms * 2].map(Duration::from_millis);
        Settings {
            founders: [(NodeId(1), None), (NodeId(2), None)].into(),
            timing: Timing::new(heartbeat, min, max).unwrap(),
            lab: Some(LabSettings { speed: Speed::new(speed).unwrap(), ..LabSettings::default() }),
            lease: Some(Lease { clock_drift_percent: 5 }),
            ..Settings::new("raft", id)
        }
    }

    /// n1's name in a cluster with leases, with these election timeouts at this speed.
    fn name(min_ms: u64, speed: f64) -> Name {
        Name::of(&settings(1, min_ms, speed), 0)
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

    #[test]
    fn who_calls_itself_by_this_servers_number_or_by_another_cluster_is_refused() {
        let own = name(150, 1.0);
        let problem = |cluster, from, to| own.problem_with(cluster, NodeId(from), NodeId(to), own.promise);
        assert_eq!(problem("raft", 2, 1), None);
        assert_eq!(problem("raft", 1, 1), Some("it has this server's own id"));
        assert_eq!(problem("raft", 2, 3), Some("it is meant for another server"));
        assert_eq!(problem("fleet", 2, 1), Some("it belongs to another cluster"));
        assert!(own.problem_with("raft", NodeId(2), NodeId(1), None).unwrap().contains("--lease-reads"));
    }

    /// A server's network, without the server.
    struct Server {
        tcp: Tcp,
        address: SocketAddr,
        inbox: mpsc::Receiver<Inbound>,
    }

    impl Server {
        async fn start(settings: &Settings) -> Server {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (sender, inbox) = mpsc::channel(1000);
            let origin = Origin { cluster: CLUSTER, ..Origin::default() };
            let tcp = Tcp::new(settings, address.port(), origin, Inlet::new(sender));
            tcp.listen(listener, None);
            Server { tcp, address, inbox }
        }

        /// n1, which founds a cluster with n2.
        async fn n1() -> Server {
            Server::start(&settings(1, 150, 1.0)).await
        }

        fn call(&self, id: u64, address: SocketAddr) {
            self.tcp.set_address(NodeId(id), address.to_string().parse().unwrap());
        }

        /// The next thing of this kind that happens.
        async fn next<T>(&mut self, what: &str, take: impl Fn(Inbound) -> Option<T>) -> T {
            let next = async {
                loop {
                    if let Some(it) = take(self.inbox.recv().await.expect("the network goes on")) {
                        return it;
                    }
                }
            };
            timeout(PATIENCE, next).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
        }

        async fn next_message(&mut self) -> (NodeId, Message) {
            let message = |happening| match happening {
                Inbound::Envelope(Envelope { from, message, .. }) => Some((from, message)),
                _ => None,
            };
            self.next("a message", message).await
        }

        async fn next_problem_is(&mut self, expected: &str) {
            let is_it = |happening| match happening {
                Inbound::Garbage { problem, .. } => (problem == expected).then_some(()),
                _ => None,
            };
            self.next(expected, is_it).await;
        }
    }

    fn message(term: u64) -> Message {
        Message::TimeoutNow(TimeoutNow { term: Term(term) })
    }

    fn envelope(from: u64, to: u64, term: u64) -> Envelope {
        let sent_as = EventId { node: NodeId(from), life: 1, seq: 1 };
        let (from, to) = (NodeId(from), NodeId(to));
        Envelope { from, to, sent_as, origin: Origin::default(), message: message(term) }
    }

    /// Has one send to the other until something comes through, as Raft does.
    async fn assert_heard(sender: &Server, (from, to): (u64, u64), receiver: &mut Server) {
        let sends = async {
            loop {
                sender.tcp.send(envelope(from, to, 5));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            () = sends => {}
            heard = receiver.next_message() => assert_eq!(heard, (NodeId(from), message(5))),
        }
    }

    async fn read_frame(from: &mut TcpStream) -> Vec<u8> {
        let mut length = [0; LENGTH];
        from.read_exact(&mut length).await.unwrap();
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        from.read_exact(&mut frame).await.unwrap();
        frame
    }

    /// The next frame that is no sign of life.
    async fn read_letter(from: &mut TcpStream) -> Letter {
        loop {
            let frame = read_frame(from).await;
            if !frame.is_empty() {
                return wire::decode(&frame).unwrap();
            }
        }
    }

    async fn accepted(listener: &TcpListener) -> TcpStream {
        timeout(PATIENCE, listener.accept()).await.expect("a call").unwrap().0
    }

    /// Picks up, and agrees on a version.
    async fn welcomed(listener: &TcpListener) -> TcpStream {
        let mut stream = accepted(listener).await;
        assert!(matches!(
            wire::Beginning::read(&read_frame(&mut stream).await),
            Ok(wire::Beginning::Greeting { .. })
        ));
        stream.write_all(&wire::frame(&Welcome::new(wire::NEWEST, nonce(), None))).await.unwrap();
        let call: Call = wire::decode(&read_frame(&mut stream).await).unwrap();
        assert!(matches!(call.visitor, Handshake::Peer { from: NodeId(1), to: NodeId(2), .. }), "{call:?}");
        stream
    }

    fn visitor(from: u64, cluster: Option<ClusterId>) -> Handshake {
        Handshake::Peer {
            cluster: "raft".to_owned(),
            from: NodeId(from),
            to: NodeId(1),
            port: 9,
            promise: name(150, 1.0).promise,
            origin: Origin { cluster, start: None, earlier_runs: EarlierRuns::default() },
        }
    }

    /// Calls n1 in the newest version.
    async fn calling(n1: &Server, visitor: Handshake) -> TcpStream {
        let mut stream = TcpStream::connect(n1.address).await.unwrap();
        stream.write_all(&wire::frame(&Greeting::new(nonce()))).await.unwrap();
        assert!(Welcome::read(&read_frame(&mut stream).await).is_some());
        stream.write_all(&wire::frame(&Call { visitor, proof: None })).await.unwrap();
        stream
    }

    async fn send_letter(to: &mut TcpStream, from: u64, term: u64) {
        let Envelope { sent_as, message, .. } = envelope(from, 1, term);
        to.write_all(&wire::frame(&Letter { sent_as, message })).await.unwrap();
    }

    /// Reads until the other end hangs up.
    async fn assert_hung_up(stream: &mut TcpStream) {
        let mut rest = Vec::new();
        // It may have hung up before it had read everything.
        let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it hangs up");
    }

    #[tokio::test]
    async fn two_servers_hear_each_other() {
        let (mut n1, mut n2) = (Server::n1().await, Server::start(&settings(2, 150, 1.0)).await);
        n1.call(2, n2.address);
        assert_heard(&n1, (1, 2), &mut n2).await;
        // It was met, and so is called.
        assert_heard(&n2, (2, 1), &mut n1).await;
    }

    /// It does so whenever it learns something that it says of itself, such as its cluster.
    #[tokio::test]
    async fn a_server_that_begins_its_call_again_has_done_nothing_wrong() {
        let mut n1 = Server::n1().await;
        let greeting = wire::frame(&Greeting::new(nonce()));
        for (said, problem) in [
            (&b""[..], None),
            (&greeting, None),
            (&greeting[..5], Some("it ended before its handshake was complete")),
            (&[&greeting[..], &[0, 0]].concat(), Some("it ended before its handshake was complete")),
            (&[0xff; 8], Some("a frame is too long")),
        ] {
            let mut stream = TcpStream::connect(n1.address).await.unwrap();
            stream.write_all(said).await.unwrap();
            stream.shutdown().await.unwrap();
            assert_hung_up(&mut stream).await;
            // There is no other news.
            let told = std::iter::from_fn(|| n1.inbox.try_recv().ok()).map(|happening| match happening {
                Inbound::Garbage { problem, .. } => problem,
                _ => panic!("nothing else happened"),
            });
            assert_eq!(told.collect::<Vec<_>>(), problem.into_iter().collect::<Vec<_>>(), "{said:?}");
        }
    }

    #[tokio::test]
    async fn a_peer_that_says_nothing_is_called_anew() {
        let n1 = Server::n1().await;
        let n2 = TcpListener::bind("127.0.0.1:0").await.unwrap();
        n1.call(2, n2.local_addr().unwrap());
        // One that accepts and never sends anything, and one that stops sending, as when a host vanishes.
        let _says_nothing = accepted(&n2).await;
        let _says_nothing_more = welcomed(&n2).await;
        let mut third = welcomed(&n2).await;
        let answers = async {
            loop {
                n1.tcp.send(envelope(1, 2, 5));
                third.write_all(&SIGN_OF_LIFE).await.unwrap();
                if let Ok(letter) = timeout(Duration::from_millis(50), read_letter(&mut third)).await {
                    return letter;
                }
            }
        };
        let letter = timeout(PATIENCE, answers).await.expect("a message");
        assert_eq!(letter.message, message(5));
    }

    #[tokio::test]
    async fn a_peer_that_takes_nothing_is_called_anew() {
        let n1 = Server::n1().await;
        let n2 = TcpListener::bind("127.0.0.1:0").await.unwrap();
        n1.call(2, n2.local_addr().unwrap());
        let (_unread, mut says) = welcomed(&n2).await.into_split();
        let stream = loop {
            // Large enough to fill what the system takes for it.
            let chunk = consensus::Chunk {
                last_included: Default::default(),
                offset: 0,
                bytes: vec![0; 1 << 20].into(),
                is_last: false,
            };
            let install = consensus::InstallSnapshot { term: Term(1), chunk };
            n1.tcp.send(Envelope { message: Message::InstallSnapshot(install), ..envelope(1, 2, 1) });
            let _ = says.write_all(&SIGN_OF_LIFE).await;
            if let Ok(Ok((stream, _))) = timeout(Duration::from_millis(50), n2.accept()).await {
                break stream;
            }
        };
        drop(stream);
    }

    #[tokio::test]
    async fn a_caller_that_says_nothing_any_more_is_given_up() {
        let mut n1 = Server::n1().await;
        let mut silent = calling(&n1, visitor(2, CLUSTER)).await;
        send_letter(&mut silent, 2, 5).await;
        assert_eq!(n1.next_message().await, (NodeId(2), message(5)));
        assert_hung_up(&mut silent).await;
        let lost = |happening| matches!(happening, Inbound::ConnectionLost(NodeId(2))).then_some(());
        n1.next("the end of the connection", lost).await;
    }

    /// A peer that can't be reached is called less and less often.
    #[tokio::test(start_paused = true)]
    async fn calls_in_vain_become_rare() {
        let n1 = Server::n1().await;
        let n2 = TcpListener::bind("127.0.0.1:0").await.unwrap();
        n1.call(2, n2.local_addr().unwrap());
        let mut calls = 0;
        let end = tokio::time::Instant::now() + Duration::from_secs(60);
        while let Ok(called) = tokio::time::timeout_at(end, n2.accept()).await {
            drop(called);
            calls += 1;
        }
        assert!((15..70).contains(&calls), "{calls} in a minute");
    }

    #[tokio::test]
    async fn who_calls_is_called_back_however_long_it_was_away() {
        let mut n1 = Server::n1().await;
        // No server listens there.
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        n1.call(2, gone);
        let n2 = Server::start(&settings(2, 150, 1.0)).await;
        n2.call(1, n1.address);
        assert_heard(&n2, (2, 1), &mut n1).await;
        let mut n2 = n2;
        assert_heard(&n1, (1, 2), &mut n2).await;
    }

    #[tokio::test]
    async fn a_peer_of_the_version_before_is_called_in_its_version() {
        let n1 = Server::n1().await;
        let n2 = TcpListener::bind("127.0.0.1:0").await.unwrap();
        n1.call(2, n2.local_addr().unwrap());
        let heard = async {
            loop {
                let mut stream = accepted(&n2).await;
                // It hangs up on what it does not understand.
                let first = read_frame(&mut stream).await;
                if wire::decode::<Hello>(&first).is_none() {
                    continue;
                }
                n1.tcp.send(envelope(1, 2, 5));
                let letter: Letter = wire::decode(&read_frame(&mut stream).await).unwrap();
                return letter;
            }
        };
        assert_eq!(timeout(PATIENCE, heard).await.expect("a message").message, message(5));
    }

    #[tokio::test]
    async fn a_caller_of_the_version_before_is_heard() {
        let mut n1 = Server::n1().await;
        let mut n2 = TcpStream::connect(n1.address).await.unwrap();
        n2.write_all(&wire::frame(&Hello::new(visitor(2, CLUSTER)))).await.unwrap();
        send_letter(&mut n2, 2, 5).await;
        assert_eq!(n1.next_message().await, (NodeId(2), message(5)));
    }

    #[tokio::test]
    async fn where_servers_share_a_secret_only_those_are_heard_that_know_it() {
        let with =
            |id, secret: Option<&Secret>| Settings { secret: secret.cloned(), ..settings(id, 150, 1.0) };
        let (right, wrong) = (Secret::draw().unwrap(), Secret::draw().unwrap());
        let mut n1 = Server::start(&with(1, Some(&right))).await;
        for secret in [None, Some(&wrong)] {
            let mut n2 = Server::start(&with(2, secret)).await;
            n2.call(1, n1.address);
            if secret.is_none() {
                n1.next_problem_is("it does not know the cluster's secret").await;
            } else {
                n2.next_problem_is("the server that was called does not know the cluster's secret").await;
            }
        }
        // In no version is there a way around it.
        let mut old = TcpStream::connect(n1.address).await.unwrap();
        old.write_all(&wire::frame(&Hello::new(visitor(2, CLUSTER)))).await.unwrap();
        send_letter(&mut old, 2, 6).await;
        assert_hung_up(&mut old).await;
        n1.next_problem_is("it does not know the cluster's secret").await;

        let n2 = Server::start(&with(2, Some(&right))).await;
        n2.call(1, n1.address);
        assert_heard(&n2, (2, 1), &mut n1).await;
    }

    fn members(ids: impl IntoIterator<Item = u64>) -> Membership {
        Membership { voters: Quorum::Simple(ids.into_iter().map(NodeId).collect()), ..Membership::default() }
    }

    #[tokio::test]
    async fn a_number_without_a_cluster_is_no_reason_to_hear_or_to_call() {
        let mut n1 = Server::n1().await;
        n1.tcp.set_members(&members([1, 2]));
        let mut stranger = calling(&n1, visitor(77, None)).await;
        send_letter(&mut stranger, 77, 5).await;
        n1.next_problem_is("it is not a member, and names no cluster").await;
        assert_eq!(n1.tcp.address_of(NodeId(77)), None);
    }

    #[tokio::test]
    async fn servers_that_are_no_members_are_few_and_called_only_while_they_are_here() {
        let mut n1 = Server::n1().await;
        n1.tcp.set_members(&members([1, 2]));
        let mut guests = Vec::new();
        for id in 10..26 {
            let mut guest = calling(&n1, visitor(id, CLUSTER)).await;
            send_letter(&mut guest, id, 5).await;
            assert_eq!(
                n1.next_message().await,
                (NodeId(id), message(5)),
                "it may be of a newer configuration"
            );
            assert!(n1.tcp.address_of(NodeId(id)).is_some());
            guests.push(guest);
            // They say that they are there, as servers do.
            for guest in &mut guests {
                guest.write_all(&SIGN_OF_LIFE).await.unwrap();
            }
        }
        let _one_more = calling(&n1, visitor(99, CLUSTER)).await;
        n1.next_problem_is("too many servers that are not members are connected already").await;
        let mut member = calling(&n1, visitor(2, CLUSTER)).await;
        send_letter(&mut member, 2, 6).await;
        assert_eq!(n1.next_message().await, (NodeId(2), message(6)));

        drop(guests);
        for _ in 10..26 {
            let lost = |happening| matches!(happening, Inbound::ConnectionLost(_)).then_some(());
            n1.next("the end of a connection", lost).await;
        }
        let all_gone = async {
            while (10..26).any(|id| n1.tcp.address_of(NodeId(id)).is_some()) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, all_gone).await.expect("nobody is called any more");
        assert!(n1.tcp.address_of(NodeId(2)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_frame_is_not_waited_for_for_ever() {
        let mut n1 = Server::n1().await;
        let mut slow = TcpStream::connect(n1.address).await.unwrap();
        slow.write_all(&wire::frame(&Hello::new(visitor(2, CLUSTER)))).await.unwrap();
        slow.write_all(&[0, 1, 0, 0, 7]).await.unwrap();
        n1.next_problem_is("a frame stayed incomplete for too long").await;
        assert_hung_up(&mut slow).await;
    }
}
