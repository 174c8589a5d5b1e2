//! A client of the whole cluster.

use crate::failure::{Failure, NotDone};
use crate::node::{List, Node, Page, Read, Value};
use crate::step::Step;
use crate::watch::Watch;
use api::{MembersBody, Place};
use consensus::{Change, NodeId};
use kv::{Answer, Request, SessionId, Write};
use std::fmt;
use std::time::{Duration, Instant};

/// Timeout of the first try of a request that can safely be repeated. Each further try may take twice as
/// long: the cluster may run in slow motion.
const FIRST_TRY: Duration = Duration::from_secs(1);

/// Pause after all servers were asked in vain: an election takes about as long.
const REST: Duration = Duration::from_millis(50);

/// A client that knows some servers of a cluster, finds its leader, and retries when that is safe.
///
/// It sends one request at a time. Its writes belong to a session, which is opened with the first of them, so
/// that each is executed once, however often it must be sent.
///
/// ```no_run
/// # use std::time::Duration;
/// use raft_for_beginners_client::{Cluster, Node};
/// use raft_for_beginners_client::kv::Write;
///
/// let mut cluster = Cluster::new([Node::new("127.0.0.1:4001"), Node::new("127.0.0.1:4002")]);
/// cluster.on_step(|step| eprintln!("{step}"));
/// let answer = cluster.write(&Write::put(b"x", b"1"), Duration::from_secs(10))?;
/// println!("{answer}"); // written, version 17
/// # Ok::<(), raft_for_beginners_client::Failure>(())
/// ```
pub struct Cluster {
    nodes: Vec<Node>,
    /// Index of the server to ask next: the leader, if known.
    next: usize,
    session: Option<Session>,
    on_step: Box<dyn FnMut(&Step) + Send>,
}

/// A session, and the number of its latest request.
#[derive(Debug, Clone, Copy)]
struct Session {
    id: SessionId,
    sequence: u64,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("nodes", &self.nodes).finish_non_exhaustive()
    }
}

impl Cluster {
    /// A client of the cluster with these servers. One is enough, if it runs: the leader that it names is
    /// found too.
    ///
    /// # Panics
    /// If there is none.
    pub fn new(nodes: impl IntoIterator<Item = Node>) -> Cluster {
        let nodes: Vec<Node> = nodes.into_iter().collect();
        assert!(!nodes.is_empty(), "a cluster has at least one server");
        Cluster { nodes, next: 0, session: None, on_step: Box::new(|_| {}) }
    }

    /// From now on, reports each step on the way to an answer.
    pub fn on_step(&mut self, on_step: impl FnMut(&Step) + Send + 'static) {
        self.on_step = Box::new(on_step);
    }

    /// Changes a key once and returns the answer, which may be that a condition did not hold. A session makes
    /// it safe to retry, so it is retried for up to `timeout`.
    ///
    /// The first try must already be numbered: by the time a second one turns out to be necessary, it is too
    /// late. So a client's first write costs one more round trip, for its session, and later ones nothing.
    ///
    /// # Errors
    /// [`Failure::Uncertain`] if one of the tries may have taken effect, or may still do so.
    pub fn write(&mut self, write: &Write<'_>, timeout: Duration) -> Result<Answer, Failure> {
        let deadline = Instant::now() + timeout;
        loop {
            let request = self.next_request(deadline)?;
            let numbered = Write { request: Some(request), ..*write };
            let mut doubt = None;
            let answer = self.until(deadline, |node, timeout| match node.write(&numbered, timeout) {
                Err(Failure::Uncertain(why)) => {
                    doubt = Some(why.clone());
                    Tried::Again(Failure::Uncertain(why))
                }
                tried => Tried::of(tried),
            });
            match (answer, doubt) {
                // The session was dropped for newer ones. If no try was in doubt, none was executed.
                (Ok(Answer::SessionUnknown { .. }), None) => self.session = None,
                (Ok(answer @ Answer::SessionUnknown { .. }), Some(_)) => {
                    self.session = None;
                    return Err(Failure::Uncertain(answer.to_string()));
                }
                (Ok(answer), _) => return Ok(answer),
                (Err(_), Some(doubt)) => return Err(Failure::Uncertain(doubt)),
                (Err(failure), None) => return Err(failure),
            }
        }
    }

    /// Changes a key without a session: one round trip less for a client that writes once. It is retried only
    /// while it was certainly not done.
    ///
    /// # Errors
    /// [`Failure::Uncertain`] as soon as a try may have taken effect, or may still do so.
    pub fn write_without_session(&mut self, write: &Write<'_>, timeout: Duration) -> Result<Answer, Failure> {
        self.once(timeout, |node, timeout| node.write(write, timeout))
    }

    /// The value of a key; `None` if there is no such key.
    ///
    /// # Errors
    /// If no server answers in time.
    pub fn get(&mut self, key: &[u8], read: Read, timeout: Duration) -> Result<Option<Value>, NotDone> {
        self.read(timeout, |node, timeout| node.get(key, read, timeout))
    }

    /// Some keys with their values.
    ///
    /// # Errors
    /// If no server answers in time.
    pub fn list(&mut self, list: &List, timeout: Duration) -> Result<Page, NotDone> {
        self.read(timeout, |node, timeout| node.list(list, timeout))
    }

    /// The members of the cluster, according to any server that answers.
    ///
    /// # Errors
    /// If no server answers in time.
    pub fn members(&mut self, timeout: Duration) -> Result<MembersBody, NotDone> {
        self.read(timeout, Node::members)
    }

    /// Changes the members. It is retried while it was certainly not done: a learner may have to catch up,
    /// another change to end.
    ///
    /// # Errors
    /// [`Failure::Uncertain`] as soon as a try may have begun it.
    pub fn change_members(&mut self, change: &Change, timeout: Duration) -> Result<MembersBody, Failure> {
        self.once(timeout, |node, timeout| node.change_members(change, timeout))
    }

    /// Makes the leader begin to hand leadership over.
    ///
    /// # Errors
    /// [`Failure::Uncertain`] as soon as a try may have begun it.
    pub fn transfer(&mut self, to: NodeId, timeout: Duration) -> Result<MembersBody, Failure> {
        self.once(timeout, |node, timeout| node.transfer(to, timeout))
    }

    /// Retries only while nothing was done.
    fn once<T>(
        &mut self,
        timeout: Duration,
        ask: impl Fn(&Node, Duration) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let deadline = Instant::now() + timeout;
        self.until(deadline, |node, _| match ask(node, deadline.saturating_duration_since(Instant::now())) {
            Err(uncertain @ Failure::Uncertain(_)) => Tried::Ended(Err(uncertain)),
            tried => Tried::of(tried),
        })
    }

    /// Begins to watch all changes of keys that begin with `prefix`, after this place, or from now on: on any
    /// server that answers within `timeout`.
    ///
    /// # Errors
    /// If no server answers.
    pub fn watch(
        &mut self,
        prefix: &[u8],
        after: Option<Place>,
        timeout: Duration,
    ) -> Result<Watch, NotDone> {
        self.read(timeout, |node, timeout| node.watch(prefix, after, timeout))
    }

    /// Adds servers, or new addresses of known servers.
    pub fn meet(&mut self, nodes: impl IntoIterator<Item = Node>) {
        for met in nodes {
            let known = self.nodes.iter_mut().find(|node| node.address == met.address || node.is(&met));
            match known {
                Some(node) => *node = met,
                None => self.nodes.push(met),
            }
        }
    }

    fn read<T>(
        &mut self,
        timeout: Duration,
        ask: impl Fn(&Node, Duration) -> Result<T, NotDone>,
    ) -> Result<T, NotDone> {
        let deadline = Instant::now() + timeout;
        let answer =
            self.until(deadline, |node, timeout| Tried::of(ask(node, timeout).map_err(Failure::NotDone)));
        answer.map_err(|failure| match failure {
            Failure::NotDone(why) => why,
            Failure::Uncertain(_) => unreachable!("a read is never in doubt"),
        })
    }

    /// The next request of the session, which is opened if there is none.
    fn next_request(&mut self, deadline: Instant) -> Result<Request, Failure> {
        let mut session = match self.session {
            Some(session) => session,
            None => Session { id: self.open_session(deadline)?, sequence: 0 },
        };
        session.sequence += 1;
        self.session = Some(session);
        Ok(Request { session: session.id, sequence: session.sequence })
    }

    /// Opens a session. Opening several does no harm.
    fn open_session(&mut self, deadline: Instant) -> Result<SessionId, NotDone> {
        let opened = self.until(deadline, |node, timeout| match node.open_session(timeout) {
            Err(uncertain @ Failure::Uncertain(_)) => Tried::Again(uncertain),
            opened => Tried::of(opened),
        });
        opened.map_err(|failure| match failure {
            Failure::NotDone(why) => why,
            // The write itself was not sent yet.
            Failure::Uncertain(why) => NotDone::NotNow {
                error: format!("can't open a session: {why}"),
                help: "try again; if this does not change, too few servers are running".to_owned(),
            },
        })
    }

    /// Asks one server after the other, the leader first if known, until there is a result. A try that need
    /// not be the last one gets only part of the time.
    fn until<T>(
        &mut self,
        deadline: Instant,
        mut ask: impl FnMut(&Node, Duration) -> Tried<T>,
    ) -> Result<T, Failure> {
        let mut timeout = FIRST_TRY;
        let mut in_vain = 0;
        loop {
            let rest = deadline.saturating_duration_since(Instant::now());
            let node = &self.nodes[self.next];
            let failure = match ask(node, timeout.min(rest)) {
                Tried::Ended(end) => return end,
                Tried::Again(failure) => failure,
            };
            self.turn_to_next(&failure);
            in_vain += 1;
            if in_vain == self.nodes.len() {
                (self.on_step)(&Step::StillTrying { rest });
            }
            if in_vain % self.nodes.len() == 0 {
                timeout = timeout.saturating_mul(2);
                std::thread::sleep(REST);
            }
            // A request sent at the very end would only add a doubt.
            if Instant::now() + REST >= deadline {
                return Err(failure);
            }
        }
    }

    /// Chooses the server to ask after this failure, and reports that.
    fn turn_to_next(&mut self, failure: &Failure) {
        let step = match failure {
            Failure::NotDone(NotDone::Elsewhere { node, leader, address }) => {
                self.nodes[self.next].id = Some(*node);
                self.next = self.place_of(*leader, address);
                Step::Redirected { node: *node, leader: *leader }
            }
            failure => {
                self.next = (self.next + 1) % self.nodes.len();
                match failure {
                    Failure::NotDone(why) => Step::NotDone { why: why.to_string() },
                    Failure::Uncertain(why) => Step::Uncertain { why: why.clone() },
                }
            }
        };
        (self.on_step)(&step);
    }

    /// Index of the server at this address, which is known from now on.
    fn place_of(&mut self, id: NodeId, address: &str) -> usize {
        let known = self.nodes.iter().position(|node| node.address == address);
        let place = known.unwrap_or_else(|| {
            self.nodes.push(Node::new(address));
            self.nodes.len() - 1
        });
        self.nodes[place].id = Some(id);
        place
    }
}

/// The end of a try.
enum Tried<T> {
    /// With an answer, or in a way that forbids another try.
    Ended(Result<T, Failure>),
    /// In vain, and another one is safe.
    Again(Failure),
}

impl<T> Tried<T> {
    /// What was certainly not done can be retried, unless no server would accept it.
    fn of(tried: Result<T, Failure>) -> Tried<T> {
        match tried {
            Err(Failure::NotDone(why)) if !matches!(why, NotDone::Refused { .. }) => {
                Tried::Again(Failure::NotDone(why))
            }
            ended => Tried::Ended(ended),
        }
    }
}
