//! Clients that send requests over and over, each in a thread and on a connection of its own.

use crate::connection::{Connection, get, put};
use hdrhistogram::Histogram;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, OnceLock};
use std::time::{Duration, Instant};

/// Timeout for an answer of the cluster.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Pause of a client before it looks for a leader again.
const PAUSE: Duration = Duration::from_millis(5);

/// How often a client that waits for its turn checks whether the phase is over.
const LONGEST_NAP: Duration = Duration::from_millis(100);

/// The kind of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Writes,
    Reads,
}

impl Kind {
    /// The bench that measures them.
    pub(crate) fn bench(self) -> &'static str {
        match self {
            Kind::Writes => "writes",
            Kind::Reads => "reads",
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Kind::Writes => "durable writes",
            Kind::Reads => "linearizable reads",
        }
    }
}

/// The servers of a cluster, each as HOST:PORT. Clients ask the leader.
#[derive(Debug, Clone)]
pub(crate) struct Raft(pub(crate) Vec<String>);

impl Raft {
    fn leader(&self) -> io::Result<String> {
        let leads = |address: &&String| {
            let status = Connection::to(address).and_then(|mut server| server.get("/status"));
            status.is_ok_and(|status| status.contains("\"role\":\"leader\""))
        };
        self.0.iter().find(leads).cloned().ok_or_else(|| io::Error::other("no server leads"))
    }

    /// Connects to the leader, as soon as there is one: an election may be in progress.
    fn connect(&self) -> io::Result<Connection> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            match self.connect_anew() {
                Err(_) if Instant::now() < deadline => std::thread::sleep(PAUSE),
                connected => return connected,
            }
        }
    }

    /// Connects to the current leader.
    fn connect_anew(&self) -> io::Result<Connection> {
        Connection::to(&self.leader()?)
    }

    /// Repeats the request until the answer is yes: if the leader changes, at the next one. The request may
    /// be executed twice.
    fn ask(&self, connection: &mut Connection, request: &[u8]) -> io::Result<()> {
        let deadline = Instant::now() + TIMEOUT;
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

/// A connected client, and its request, which it sends again and again.
struct Client<'a> {
    servers: &'a Raft,
    connection: Connection,
    request: Vec<u8>,
}

impl Client<'_> {
    fn ask(&mut self) -> io::Result<()> {
        self.servers.ask(&mut self.connection, &self.request)
    }
}

/// When clients send their requests.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// Each as soon as it has its answer: a closed loop.
    Closed,
    /// This number of requests per second in total, whether there are answers yet or not: an open load.
    Open(u32),
}

/// When a client sends its requests under an open load: at even times.
struct Timetable {
    next: Instant,
    interval: Duration,
}

impl Timetable {
    /// The timetable of one of `clients` clients, which all begin now and take turns.
    fn of(rate: u32, number: u16, clients: u16) -> Timetable {
        let interval = Duration::from_secs(1) * u32::from(clients) / rate;
        Timetable { next: Instant::now() + interval * u32::from(number) / u32::from(clients), interval }
    }

    /// Waits until the next request is due, and returns when that was; `None` if the phase was over before. A
    /// client that had to wait for its last answer is late, and its request has waited too: counting from
    /// when it could be sent would hide the worst (coordinated omission).
    fn await_turn(&mut self, phase: &Phase) -> Option<Instant> {
        let due = self.next;
        while !phase.is_over() {
            let early = due.saturating_duration_since(Instant::now());
            if early.is_zero() {
                self.next += self.interval;
                return Some(due);
            }
            std::thread::sleep(early.min(LONGEST_NAP));
        }
        None
    }
}

/// Clients that work until they are told to stop.
pub(crate) struct Load<'a> {
    pub(crate) kind: Kind,
    pub(crate) servers: &'a Raft,
    pub(crate) clients: u16,
    pub(crate) pace: Pace,
    /// In bytes.
    pub(crate) value_size: usize,
}

/// The results of the clients.
pub(crate) struct Measured {
    /// The duration of each operation, in microseconds.
    latencies: Histogram<u64>,
    took: Duration,
}

impl Measured {
    pub(crate) fn operations(&self) -> u64 {
        self.latencies.len()
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    /// In microseconds.
    pub(crate) fn percentile(&self, percentile: f64) -> u64 {
        self.latencies.value_at_percentile(percentile)
    }
}

/// What the clients should be doing.
#[derive(Default)]
struct Phase {
    /// Requests that are due from then on count.
    counts_from: OnceLock<Instant>,
    is_over: AtomicBool,
}

impl Phase {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn counts(&self, due: Instant) -> bool {
        self.counts_from.get().is_some_and(|from| due >= *from)
    }
}

impl Load<'_> {
    /// Lets the clients work as long as `watch` takes. Before that they warm up, which does not count.
    pub(crate) fn run<T>(&self, warm_up: Duration, watch: impl FnOnce() -> T) -> io::Result<(Measured, T)> {
        let all_connected = &Barrier::new(usize::from(self.clients) + 1);
        let phase = &Phase::default();
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..self.clients)
                .map(|number| scope.spawn(move || self.work(number, all_connected, phase)))
                .collect();
            all_connected.wait();
            std::thread::sleep(warm_up);
            let begin = *phase.counts_from.get_or_init(Instant::now);
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

    /// One client. Those of its operations count that are due after the warming up.
    fn work(&self, number: u16, all_connected: &Barrier, phase: &Phase) -> io::Result<Histogram<u64>> {
        let prepared = self.prepare(number);
        all_connected.wait();
        let mut client = prepared?;
        let mut timetable = match self.pace {
            Pace::Closed => None,
            Pace::Open(rate) => Some(Timetable::of(rate, number, self.clients)),
        };
        let mut next_turn = || match &mut timetable {
            None => (!phase.is_over()).then(Instant::now),
            Some(timetable) => timetable.await_turn(phase),
        };
        let mut latencies = new_histogram();
        while let Some(due) = next_turn() {
            let counts = phase.counts(due);
            client.ask()?;
            if counts {
                latencies.saturating_record(due.elapsed().as_micros() as u64);
            }
        }
        Ok(latencies)
    }

    /// A client of this number. If it reads, its key is there.
    fn prepare(&self, number: u16) -> io::Result<Client<'_>> {
        let (mut connection, key) = (self.servers.connect()?, format!("bench{number}"));
        let write = put(&key, self.value_size);
        let request = match self.kind {
            Kind::Writes => write,
            Kind::Reads => {
                connection.ask(&write)?;
                get(&key)
            }
        };
        Ok(Client { servers: self.servers, connection, request })
    }
}

fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_max(60_000_000, 3).expect("these bounds make sense")
}

/// Writes that are made once: they fill the log.
pub(crate) struct Filling<'a> {
    pub(crate) servers: &'a Raft,
    pub(crate) clients: u16,
    pub(crate) entries: u64,
    /// Number of different keys, written one after the other.
    pub(crate) keys: u64,
    /// In bytes.
    pub(crate) value_size: usize,
}

impl Filling<'_> {
    /// Returns how long it took.
    pub(crate) fn run(&self) -> io::Result<Duration> {
        let (begin, next) = (Instant::now(), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..self.clients).map(|_| scope.spawn(|| self.write(&next))).collect();
            writers.into_iter().try_for_each(|writer| writer.join().expect("writers don't panic"))
        })?;
        Ok(begin.elapsed())
    }

    fn write(&self, next: &AtomicU64) -> io::Result<()> {
        let mut connection = self.servers.connect()?;
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
pub(crate) fn key(number: u64) -> String {
    format!("key{number:08}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    #[test]
    fn clients_of_an_open_load_take_turns() {
        let clients = [0, 1, 2, 3].map(|number| Timetable::of(100, number, 4));
        for pair in clients.windows(2) {
            assert_eq!(pair[0].interval, Duration::from_millis(40));
            assert!(pair[1].next - pair[0].next >= Duration::from_millis(10));
        }
    }

    #[test]
    fn what_was_due_earlier_counts_from_then() {
        let (due, phase) = (Instant::now(), Phase::default());
        let mut late = Timetable { next: due, interval: Duration::ZERO };
        assert_eq!([late.await_turn(&phase), late.await_turn(&phase)], [Some(due); 2]);
    }

    #[test]
    fn nobody_waits_for_a_turn_that_comes_when_all_is_over() {
        let next = Instant::now() + Duration::from_secs(3600);
        let phase = Phase { is_over: true.into(), ..Phase::default() };
        assert_eq!(Timetable { next, interval: Duration::ZERO }.await_turn(&phase), None);
    }

    #[test]
    fn what_was_due_in_the_warming_up_does_not_count() {
        let (due, phase) = (Instant::now(), Phase::default());
        assert!(!phase.counts(due));
        let from = *phase.counts_from.get_or_init(Instant::now);
        assert!(phase.counts(from) && !phase.counts(from - Duration::from_millis(1)));
    }

    /// A server that becomes the leader only after it was asked for its role so often.
    fn leads_after(refusals: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for (asked, stream) in listener.incoming().enumerate() {
                let role = if asked < refusals { "candidate" } else { "leader" };
                let body = format!("{{\"role\":\"{role}\"}}");
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 1024]);
                let reply = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(reply.as_bytes());
            }
        });
        address
    }

    #[test]
    fn a_client_waits_for_an_election_that_is_in_progress() {
        let servers = Raft(vec![leads_after(3)]);
        assert!(servers.connect_anew().is_err(), "nobody leads yet");
        servers.connect().unwrap();
    }
}
