//! Clients that ask over and over, each on a connection of its own.

use client::{Failure, Node, NotDone, Read};
use consensus::RoleKind;
use hdrhistogram::Histogram;
use kv::Write;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// An operation that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(15);

/// What clients ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Writes,
    Reads,
}

/// A run.
pub(super) struct Load {
    pub(super) kind: Kind,
    /// The leader's, as HOST:PORT.
    pub(super) address: String,
    pub(super) clients: u16,
    pub(super) duration: Duration,
    /// In bytes.
    pub(super) value_size: usize,
}

/// What came of it.
pub(super) struct Measured {
    /// How long each operation took, in microseconds.
    latencies: Histogram<u64>,
    took: Duration,
    /// What the leader did meanwhile.
    syncs: f64,
    bytes: f64,
}

impl Measured {
    pub(super) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    /// In microseconds.
    pub(super) fn percentile(&self, percentile: f64) -> u64 {
        self.latencies.value_at_percentile(percentile)
    }

    /// Syncs of the leader's log for each operation.
    pub(super) fn syncs_per_operation(&self) -> f64 {
        self.syncs / self.latencies.len().max(1) as f64
    }

    /// Bytes that the leader has written to its disk for each operation.
    pub(super) fn bytes_per_operation(&self) -> f64 {
        self.bytes / self.latencies.len().max(1) as f64
    }
}

impl Load {
    /// Lets the clients work, first for a while that does not count.
    pub(super) fn run(&self) -> Result<Measured, Failure> {
        let all_connected = Barrier::new(usize::from(self.clients) + 1);
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..self.clients)
                .map(|client| {
                    let all_connected = &all_connected;
                    scope.spawn(move || self.work(client, all_connected))
                })
                .collect();
            all_connected.wait();
            std::thread::sleep(self.duration / 5);
            let (before, begin) = (Counters::of(&self.address)?, Instant::now());
            std::thread::sleep(self.duration);
            let (after, took) = (Counters::of(&self.address)?, begin.elapsed());
            let mut latencies = new_histogram();
            for client in clients {
                latencies += client.join().expect("clients don't panic")?;
            }
            let (syncs, bytes) = (after.syncs - before.syncs, after.bytes - before.bytes);
            Ok(Measured { latencies, took, syncs, bytes })
        })
    }

    /// One client. Its operations count that begin after the warming up.
    fn work(&self, client: u16, all_connected: &Barrier) -> Result<Histogram<u64>, Failure> {
        let (node, key) = (Node::new(&self.address), format!("bench{client}"));
        let value = vec![b'x'; self.value_size];
        // The key is there when it is read.
        let prepared = write(&node, &key, &value);
        all_connected.wait();
        prepared?;
        let begin = Instant::now() + self.duration / 5;
        let end = begin + self.duration;
        let mut latencies = new_histogram();
        loop {
            let asked = Instant::now();
            if asked >= end {
                return Ok(latencies);
            }
            match self.kind {
                Kind::Writes => write(&node, &key, &value)?,
                Kind::Reads => {
                    node.get(key.as_bytes(), Read::Linearizable, PATIENCE)?;
                }
            }
            if asked >= begin {
                latencies.saturating_record(asked.elapsed().as_micros() as u64);
            }
        }
    }
}

fn write(node: &Node, key: &str, value: &[u8]) -> Result<(), Failure> {
    node.write(&Write::put(key.as_bytes(), value), PATIENCE).map(|_| ())
}

fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_max(60_000_000, 3).expect("these bounds make sense")
}

/// What a server has counted since its start.
struct Counters {
    syncs: f64,
    bytes: f64,
}

impl Counters {
    fn of(address: &str) -> Result<Counters, NotDone> {
        let page = Node::new(address).metrics(PATIENCE)?;
        let value = |name: &str| {
            let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.parse().ok()).unwrap_or_default()
        };
        Ok(Counters {
            syncs: value("etcd_disk_wal_fsync_duration_seconds_count"),
            bytes: value("process_disk_written_bytes_total"),
        })
    }
}

/// Does the server at this address lead?
pub(super) fn leads(address: &str) -> bool {
    Node::new(address).status(PATIENCE).is_ok_and(|status| status.role == RoleKind::Leader)
}
