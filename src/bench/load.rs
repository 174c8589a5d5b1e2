//! Clients that ask over and over, each on a connection of its own.

use hdrhistogram::Histogram;
use std::io::{self, BufRead, BufReader, Error, Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::time::{Duration, Instant};

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
    pub(super) fn run(&self) -> io::Result<Measured> {
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
    fn work(&self, client: u16, all_connected: &Barrier) -> io::Result<Histogram<u64>> {
        let prepared = self.prepare(client);
        all_connected.wait();
        let (mut connection, request) = prepared?;
        let begin = Instant::now() + self.duration / 5;
        let end = begin + self.duration;
        let mut latencies = new_histogram();
        loop {
            let asked = Instant::now();
            if asked >= end {
                return Ok(latencies);
            }
            connection.ask(&request)?;
            if asked >= begin {
                latencies.saturating_record(asked.elapsed().as_micros() as u64);
            }
        }
    }

    /// The client's connection and its request; the key is there when it reads.
    fn prepare(&self, client: u16) -> io::Result<(Connection, Vec<u8>)> {
        let mut connection = Connection::to(&self.address)?;
        let size = self.value_size;
        let mut write =
            format!("PUT /kv/bench{client} HTTP/1.1\r\nHost: raft\r\nContent-Length: {size}\r\n\r\n")
                .into_bytes();
        write.resize(write.len() + size, b'x');
        if self.kind == Kind::Writes {
            return Ok((connection, write));
        }
        connection.ask(&write)?;
        Ok((connection, format!("GET /kv/bench{client} HTTP/1.1\r\nHost: raft\r\n\r\n").into_bytes()))
    }
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
    fn of(address: &str) -> io::Result<Counters> {
        let page = Connection::to(address)?.ask(b"GET /metrics HTTP/1.1\r\nHost: raft\r\n\r\n")?;
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
    let status = Connection::to(address)
        .and_then(|mut server| server.ask(b"GET /status HTTP/1.1\r\nHost: raft\r\n\r\n"));
    status.is_ok_and(|status| status.contains("\"role\":\"leader\""))
}

/// A connection to a server, on which one request follows the other.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn to(address: &str) -> io::Result<Connection> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Connection(BufReader::new(stream)))
    }

    /// Sends a whole request, and returns the answer's body.
    fn ask(&mut self, request: &[u8]) -> io::Result<String> {
        self.0.get_mut().write_all(request)?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        if !line.starts_with("HTTP/1.1 200") {
            return Err(Error::other(format!("a server answered: {}", line.trim_end())));
        }
        let mut length = 0;
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        String::from_utf8(body).map_err(Error::other)
    }
}
