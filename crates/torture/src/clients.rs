//! The clients: each sends one request after the other, and remembers the answers.

use crate::shared::Shared;
use crate::violation::Violation;
use client::{Failure, Node, NotDone, Read};
use consensus::{Index, NodeId};
use fastrand::Rng;
use kv::{SessionId, Write};
use linearizability::{Answer, Pending, Request};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long a client tries to complete an operation.
const TIMEOUT: Duration = Duration::from_secs(4);
/// How long it may take after the trouble until a server answers.
pub(crate) const RECOVERY: Duration = Duration::from_secs(60);
/// Pause of a client when no server can serve it.
const REST: Duration = Duration::from_millis(5);
/// Length of the values, so that snapshots are taken. Their beginnings differ.
const VALUE_LENGTH: usize = 100;

/// One client.
pub(crate) struct Client {
    id: u64,
    random: Rng,
    /// Its connections.
    nodes: BTreeMap<NodeId, Node>,
    /// The leader, if known.
    leader: Option<NodeId>,
    /// Half of the clients use sessions, and retry when the outcome of a write is uncertain.
    uses_session: bool,
    /// Do leaders have leases, so that reads may rely on them?
    has_leases: bool,
    session: Option<Session>,
    values: u64,
    /// What it last saw of a key: the value and its version.
    seen: BTreeMap<String, (String, u64)>,
}

#[derive(Debug, Clone, Copy)]
struct Session {
    id: SessionId,
    sequence: u64,
}

/// The end of a try.
enum Tried {
    Answered(Answer),
    /// It changed nothing, but an earlier try of the same request may have.
    Forgotten,
    NotDone,
    Uncertain,
}

impl Client {
    pub(crate) fn new(id: u64, seed: u64) -> Client {
        Client {
            id,
            random: Rng::with_seed(seed ^ id.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            nodes: BTreeMap::new(),
            leader: None,
            uses_session: id.is_multiple_of(2),
            has_leases: crate::has_leases(seed),
            session: None,
            values: 0,
            seen: BTreeMap::new(),
        }
    }

    /// Sends one request after the other until the round is over.
    pub(crate) fn work(&mut self, keys: &[String], shared: &Shared) {
        self.seen.clear();
        while !shared.round_is_over() {
            let key = &keys[self.random.usize(..keys.len())];
            match self.random.u8(..100) {
                0..5 => self.read_stale(key, shared),
                5..45 => self.operate(key, Request::Read, TIMEOUT, shared),
                45..100 => {
                    let request = self.draw_write(key);
                    self.operate(key, request, TIMEOUT, shared);
                }
                _ => unreachable!("it is below 100"),
            }
        }
    }

    /// Reads a key, as the last operation of a round, and returns whether it could.
    pub(crate) fn read_at_last(&mut self, key: &str, shared: &Shared) -> bool {
        let before = shared.counts.done.load(Ordering::Relaxed);
        self.operate(key, Request::Read, RECOVERY, shared);
        shared.counts.done.load(Ordering::Relaxed) > before
    }

    fn draw_write(&mut self, key: &str) -> Request {
        self.values += 1;
        let value = format!("{}.{}", self.id, self.values);
        let (seen, version) = self.seen.get(key).cloned().unwrap_or(("nothing".to_owned(), 0));
        match self.random.u8(..11) {
            0..5 => Request::write(value),
            5 => Request::Write { value, if_version: Some(version) },
            6..9 => Request::CompareAndSwap { expected: seen, new: value, if_version: None },
            9 => Request::Delete { if_version: None },
            _ => Request::Delete { if_version: Some(version) },
        }
    }

    /// Completes an operation, and records its outcome in the history.
    fn operate(&mut self, key: &str, request: Request, timeout: Duration, shared: &Shared) {
        let is_read = request == Request::Read;
        if self.uses_session && !is_read && !self.have_session(shared) {
            return;
        }
        if let Some(session) = &mut self.session {
            session.sequence += u64::from(!is_read);
        }
        let pending = shared.call(self.id, key, request.clone());
        let deadline = Instant::now() + timeout;
        let mut in_doubt = false;
        loop {
            match self.ask(key, &request, shared) {
                Tried::Answered(answer) => return self.hear(key, &request, pending, answer, shared),
                Tried::Forgotten => {
                    self.session = None;
                    break;
                }
                Tried::Uncertain if !is_read => {
                    in_doubt = true;
                    if self.session.is_none() {
                        break;
                    }
                    shared.counts.retries.fetch_add(1, Ordering::Relaxed);
                }
                Tried::NotDone | Tried::Uncertain => {}
            }
            if Instant::now() > deadline {
                break;
            }
            std::thread::sleep(REST);
        }
        if in_doubt { shared.uncertain(pending) } else { shared.did_not_happen(pending) }
    }

    fn hear(&mut self, key: &str, request: &Request, pending: Pending, answer: Answer, shared: &Shared) {
        match (request, &answer) {
            (_, Answer::Found { value, version }) => {
                self.seen.insert(key.to_owned(), (value.clone(), version.unwrap_or_default()));
            }
            (
                Request::Write { value, .. } | Request::CompareAndSwap { new: value, .. },
                Answer::Done { version: Some(version) },
            ) => {
                self.seen.insert(key.to_owned(), (value.clone(), *version));
            }
            _ => {
                self.seen.remove(key);
            }
        }
        shared.returned(pending, answer.clone());
        if matches!(answer, Answer::Done { .. }) {
            shared.record_acknowledged();
        }
    }

    /// Asks one server once.
    fn ask(&mut self, key: &str, request: &Request, shared: &Shared) -> Tried {
        // Sometimes a server other than the leader: perhaps one that was paused, and believes that it leads.
        let is_elsewhere = self.random.u8(..100) < 15;
        let Some(node) = self.choose(is_elsewhere, shared) else { return Tried::NotDone };
        // Short enough to be uncertain at times, or long enough to outlast a pause.
        let timeout = match self.random.u8(..10) {
            _ if is_elsewhere => Duration::from_secs(3),
            0..2 => Duration::from_millis(200),
            _ => Duration::from_secs(1),
        };
        if *request == Request::Read {
            let by_lease = self.has_leases && self.random.bool();
            let read = if by_lease { Read::Lease } else { Read::Linearizable };
            let found = node.get(key.as_bytes(), read, timeout);
            if by_lease && found.is_ok() {
                shared.counts.lease_reads.fetch_add(1, Ordering::Relaxed);
            }
            return match found {
                Ok(None) => Tried::Answered(Answer::NotFound),
                Ok(Some(value)) => {
                    let version = Some(value.version.0);
                    let value = String::from_utf8_lossy(&value.bytes).trim_end().to_owned();
                    Tried::Answered(Answer::Found { value, version })
                }
                Err(why) => self.turn_elsewhere(why, shared),
            };
        }
        let (expected, new) = values_of(request);
        let write = match request {
            Request::CompareAndSwap { .. } => {
                Write::compare_and_swap(key.as_bytes(), expected.as_bytes(), new.as_bytes())
            }
            Request::Delete { .. } => Write::delete(key.as_bytes()),
            _ => Write::put(key.as_bytes(), new.as_bytes()),
        };
        let if_version = match request {
            Request::Write { if_version, .. } | Request::Delete { if_version } => if_version.map(Index),
            _ => None,
        };
        let request = self.session.map(|Session { id, sequence }| kv::Request { session: id, sequence });
        match node.write(&Write { if_version, request, ..write }, timeout) {
            Ok(answer) => Answer::of_store(answer).map_or(Tried::Forgotten, Tried::Answered),
            Err(Failure::NotDone(why)) => self.turn_elsewhere(why, shared),
            Err(Failure::Uncertain(_)) => {
                self.leader = None;
                Tried::Uncertain
            }
        }
    }

    /// It was not served, and asks another server next time.
    fn turn_elsewhere(&mut self, why: NotDone, shared: &Shared) -> Tried {
        self.leader = match why {
            NotDone::Elsewhere { leader, .. } => Some(leader),
            NotDone::Silent { .. } | NotDone::NotNow { .. } => None,
            NotDone::Refused { error, .. } => {
                shared.complain(Violation::new(format!("a server refused a valid request: {error}")));
                None
            }
        };
        Tried::NotDone
    }

    /// A server to ask: the leader if it is known, or any.
    fn choose(&mut self, is_elsewhere: bool, shared: &Shared) -> Option<Node> {
        let servers = shared.servers();
        let any = *servers.get(self.random.usize(..servers.len().max(1)))?;
        let id = if is_elsewhere { any } else { *self.leader.get_or_insert(any) };
        let Some(node) = shared.node(id) else {
            self.leader = None;
            return None;
        };
        let known = self.nodes.entry(id).or_insert_with(|| node.clone());
        if known.address() != node.address() {
            *known = node;
        }
        Some(known.clone())
    }

    fn have_session(&mut self, shared: &Shared) -> bool {
        if self.session.is_some() {
            return true;
        }
        let opened = self.choose(false, shared).map(|node| node.open_session(Duration::from_secs(1)));
        match opened {
            Some(Ok(id)) => self.session = Some(Session { id, sequence: 0 }),
            Some(Err(Failure::NotDone(why))) => drop(self.turn_elsewhere(why, shared)),
            Some(Err(Failure::Uncertain(_))) | None => self.leader = None,
        }
        if self.session.is_none() {
            std::thread::sleep(REST);
        }
        self.session.is_some()
    }

    /// Such a read may find an old value, so it is in no history. It must not disturb the others.
    fn read_stale(&mut self, key: &str, shared: &Shared) {
        if let Some(node) = self.choose(true, shared)
            && node.get(key.as_bytes(), Read::Stale, Duration::from_secs(1)).is_ok()
        {
            shared.counts.stale_reads.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The expected and the new value, as they are stored.
fn values_of(request: &Request) -> (String, String) {
    let (expected, new) = match request {
        Request::CompareAndSwap { expected, new, .. } => (expected.as_str(), new.as_str()),
        Request::Write { value, .. } => ("", value.as_str()),
        Request::Read | Request::Delete { .. } => ("", ""),
    };
    (format!("{expected:<VALUE_LENGTH$}"), format!("{new:<VALUE_LENGTH$}"))
}
