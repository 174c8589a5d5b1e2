//! Clients that ask over and over, each in a thread and on a connection of its own.

use super::connection::{Connection, get, put};
use hdrhistogram::Histogram;
use std::io;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A cluster that does not answer for so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// So long a client waits before it looks for a leader again.
const PAUSE: Duration = Duration::from_millis(5);

/// What clients ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Writes,
    Reads,
}

impl Kind {
    /// The bench that measures them.
    pub(super) fn bench(self) -> &'static str {
        match self {
            Kind::Writes => "writes",
            Kind::Reads => "reads",
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Kind::Writes => "durable writes",
            Kind::Reads => "linearizable reads",
        }
    }
}

/// Whom clients ask.
pub(super) trait Target: Sync {
    /// A client that is connected. If it reads, its key is there.
    fn client(&self, kind: Kind, number: u16, value_size: usize) -> io::Result<Box<dyn Client>>;
}

/// Asks the same again and again.
pub(super) trait Client {
    fn ask(&mut self) -> io::Result<()>;
}

/// The servers of a cluster, each as HOST:PORT. Clients ask the leader.
#[derive(Debug, Clone)]
pub(super) struct Raft(pub(super) Vec<String>);

impl Target for Raft {
    fn client(&self, kind: Kind, number: u16, value_size: usize) -> io::Result<Box<dyn Client>> {
        let (mut connection, key) = (self.connect_anew()?, format!("bench{number}"));
        let write = put(&key, value_size);
        let request = match kind {
            Kind::Writes => write,
            Kind::Reads => {
                connection.ask(&write)?;
                get(&key)
            }
        };
        Ok(Box::new(RaftClient { servers: self.clone(), connection, request }))
    }
}

impl Raft {
    fn leader(&self) -> io::Result<String> {
        let leads = |address: &&String| {
            let status = Connection::to(address).and_then(|mut server| server.get("/status"));
            status.is_ok_and(|status| status.contains("\"role\":\"leader\""))
        };
        self.0.iter().find(leads).cloned().ok_or_else(|| io::Error::other("no server leads"))
    }

    /// Connects to who leads by now.
    fn connect_anew(&self) -> io::Result<Connection> {
        Connection::to(&self.leader()?)
    }

    /// Asks until the answer is yes: if the leader changes, the next one. What is asked may be done twice.
    fn ask(&self, connection: &mut Connection, request: &[u8]) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut problem = match connection.ask(request) {
            Ok(_) => return Ok(()),
            Err(problem) => problem,
        };
        while Instant::now() < deadline {
            std::thread::sleep(PAUSE);
            let asked = self.connect_anew().and_then(|mut anew| anew.ask(request).map(|_| anew));
            match asked {
                Ok(anew) => {
                    *connection = anew;
                    return Ok(());
                }
                Err(again) => problem = again,
            }
        }
        Err(problem)
    }
}

struct RaftClient {
    servers: Raft,
    connection: Connection,
    request: Vec<u8>,
}

impl Client for RaftClient {
    fn ask(&mut self) -> io::Result<()> {
        self.servers.ask(&mut self.connection, &self.request)
    }
}

/// Clients that work until they are told to stop.
pub(super) struct Load<'a> {
    pub(super) kind: Kind,
    pub(super) target: &'a dyn Target,
    pub(super) clients: u16,
    /// In bytes.
    pub(super) value_size: usize,
}

/// What the clients got done.
pub(super) struct Measured {
    /// How long each operation took, in microseconds.
    latencies: Histogram<u64>,
    took: Duration,
}

impl Measured {
    pub(super) fn operations(&self) -> u64 {
        self.latencies.len()
    }

    pub(super) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    /// In microseconds.
    pub(super) fn percentile(&self, percentile: f64) -> u64 {
        self.latencies.value_at_percentile(percentile)
    }
}

/// What the clients should be doing.
#[derive(Default)]
struct Phase {
    counts: AtomicBool,
    is_over: AtomicBool,
}

impl Load<'_> {
    /// Lets the clients work as long as `watch` takes. Before that they warm up, which does not count.
    pub(super) fn run<T>(&self, warm_up: Duration, watch: impl FnOnce() -> T) -> io::Result<(Measured, T)> {
        let all_connected = &Barrier::new(usize::from(self.clients) + 1);
        let phase = &Phase::default();
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..self.clients)
                .map(|number| scope.spawn(move || self.work(number, all_connected, phase)))
                .collect();
            all_connected.wait();
            std::thread::sleep(warm_up);
            phase.counts.store(true, Ordering::Relaxed);
            let begin = Instant::now();
            let watched = watch();
            let took = begin.elapsed();
            phase.is_over.store(true, Ordering::Relaxed);
            let mut latencies = new_histogram();
            for client in clients {
                latencies += client.join().expect("clients don't panic")?;
            }
            Ok((Measured { latencies, took }, watched))
        })
    }

    /// One client. Those of its operations count that begin after the warming up.
    fn work(&self, number: u16, all_connected: &Barrier, phase: &Phase) -> io::Result<Histogram<u64>> {
        let prepared = self.target.client(self.kind, number, self.value_size);
        all_connected.wait();
        let mut client = prepared?;
        let mut latencies = new_histogram();
        while !phase.is_over.load(Ordering::Relaxed) {
            let (counts, asked) = (phase.counts.load(Ordering::Relaxed), Instant::now());
            client.ask()?;
            if counts {
                latencies.saturating_record(asked.elapsed().as_micros() as u64);
            }
        }
        Ok(latencies)
    }
}

fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_max(60_000_000, 3).expect("these bounds make sense")
}

/// Writes that are made once: they fill the log.
pub(super) struct Filling<'a> {
    pub(super) servers: &'a Raft,
    pub(super) clients: u16,
    pub(super) entries: u64,
    /// So many different keys are written, one after the other.
    pub(super) keys: u64,
    /// In bytes.
    pub(super) value_size: usize,
}

impl Filling<'_> {
    /// Returns how long it took.
    pub(super) fn run(&self) -> io::Result<Duration> {
        let (begin, next) = (Instant::now(), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..self.clients).map(|_| scope.spawn(|| self.write(&next))).collect();
            writers.into_iter().try_for_each(|writer| writer.join().expect("writers don't panic"))
        })?;
        Ok(begin.elapsed())
    }

    fn write(&self, next: &AtomicU64) -> io::Result<()> {
        let mut connection = self.servers.connect_anew()?;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.entries {
                return Ok(());
            }
            self.servers.ask(&mut connection, &put(&key(number % self.keys), self.value_size))?;
        }
    }
}

/// The key of this number.
pub(super) fn key(number: u64) -> String {
    format!("key{number:08}")
}
