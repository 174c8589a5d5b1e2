//! What all threads of the torture share.

use crate::violation::Violation;
use client::Node;
use consensus::NodeId;
use linearizability::{Answer, History, Pending, Request};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The servers' addresses, what the clients did, and what went wrong.
pub(crate) struct Shared {
    begin: Instant,
    /// The address of each server. A restarted server has another one.
    addresses: Mutex<BTreeMap<NodeId, String>>,
    /// The clients must stop.
    round_is_over: AtomicBool,
    /// What happened in this round.
    history: Mutex<History>,
    /// The leader of each term.
    leaders: Mutex<BTreeMap<u64, NodeId>>,
    /// The first thing that went wrong and can't be seen in the history.
    violation: Mutex<Option<Violation>>,
    pub(crate) counts: Counts,
    last_acknowledged: Mutex<Instant>,
}

/// Number of operations of each kind.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Operations that were answered.
    pub(crate) done: AtomicU64,
    /// Operations that were certainly not done.
    pub(crate) refused: AtomicU64,
    /// Operations of which it is unknown.
    pub(crate) uncertain: AtomicU64,
    /// The answered operations that were reads which might rely on a lease.
    pub(crate) lease_reads: AtomicU64,
    /// Reads that may be old, and are in no history.
    pub(crate) stale_reads: AtomicU64,
    /// Retries in a session after an uncertain try.
    pub(crate) retries: AtomicU64,
    /// The longest time without an acknowledged write, in microseconds.
    pub(crate) longest_silence: AtomicU64,
}

impl Shared {
    pub(crate) fn new() -> Shared {
        Shared {
            begin: Instant::now(),
            addresses: Mutex::default(),
            round_is_over: AtomicBool::new(true),
            history: Mutex::default(),
            leaders: Mutex::default(),
            violation: Mutex::default(),
            counts: Counts::default(),
            last_acknowledged: Mutex::new(Instant::now()),
        }
    }

    pub(crate) fn begin_round(&self) {
        *lock(&self.last_acknowledged) = Instant::now();
        self.round_is_over.store(false, Ordering::Relaxed);
    }

    pub(crate) fn end_round(&self) {
        self.round_is_over.store(true, Ordering::Relaxed);
    }

    pub(crate) fn round_is_over(&self) -> bool {
        self.round_is_over.load(Ordering::Relaxed)
    }

    /// The history since the last call.
    pub(crate) fn take_history(&self) -> History {
        std::mem::take(&mut lock(&self.history))
    }

    pub(crate) fn set_address(&self, id: NodeId, address: &str) {
        let mut addresses = lock(&self.addresses);
        if addresses.get(&id).is_none_or(|known| known != address) {
            addresses.insert(id, address.to_owned());
        }
    }

    /// This server, if it has reported its address.
    pub(crate) fn node(&self, id: NodeId) -> Option<Node> {
        lock(&self.addresses).get(&id).map(|address| Node::named(id, address.clone()))
    }

    /// The servers that have reported their addresses.
    pub(crate) fn servers(&self) -> Vec<NodeId> {
        lock(&self.addresses).keys().copied().collect()
    }

    /// A server is gone for good.
    pub(crate) fn forget(&self, id: NodeId) {
        lock(&self.addresses).remove(&id);
    }

    /// A client is about to send a request. The history's clock is read before anything is sent.
    pub(crate) fn call(&self, client: u64, key: &str, request: Request) -> Pending {
        let mut history = lock(&self.history);
        history.call(client, key, request, self.now())
    }

    /// A client got an answer. The history's clock is read after that.
    pub(crate) fn returned(&self, pending: Pending, answer: Answer) {
        let mut history = lock(&self.history);
        history.returned(pending, answer, self.now());
        self.counts.done.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn uncertain(&self, pending: Pending) {
        lock(&self.history).uncertain(pending);
        self.counts.uncertain.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn did_not_happen(&self, pending: Pending) {
        lock(&self.history).did_not_happen(pending);
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// A write was acknowledged.
    pub(crate) fn record_acknowledged(&self) {
        let silence = std::mem::replace(&mut *lock(&self.last_acknowledged), Instant::now()).elapsed();
        let silence = u64::try_from(silence.as_micros()).unwrap_or(u64::MAX);
        self.counts.longest_silence.fetch_max(silence, Ordering::Relaxed);
    }

    /// When a write was last acknowledged.
    pub(crate) fn last_acknowledged(&self) -> Instant {
        *lock(&self.last_acknowledged)
    }

    /// A server reports that it leads this term.
    pub(crate) fn record_leader(&self, term: u64, leader: NodeId) {
        let known = *lock(&self.leaders).entry(term).or_insert(leader);
        if known != leader {
            self.complain(Violation::new(format!("term {term} has two leaders: {known} and {leader}")));
        }
    }

    /// The leader of the newest term that had one.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        lock(&self.leaders).last_key_value().map(|(_, leader)| *leader)
    }

    /// Number of terms with a leader, as far as was seen.
    pub(crate) fn elections(&self) -> usize {
        lock(&self.leaders).len()
    }

    /// Something is wrong.
    pub(crate) fn complain(&self, violation: Violation) {
        lock(&self.violation).get_or_insert(violation);
    }

    pub(crate) fn has_complaint(&self) -> bool {
        lock(&self.violation).is_some()
    }

    pub(crate) fn take_violation(&self) -> Option<Violation> {
        lock(&self.violation).take()
    }

    pub(crate) fn longest_silence(&self) -> Duration {
        Duration::from_micros(self.counts.longest_silence.load(Ordering::Relaxed))
    }

    /// Microseconds, for the history.
    fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panics while it holds this")
}
