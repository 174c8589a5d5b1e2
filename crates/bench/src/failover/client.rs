//! The client whose leaders fail.

use crate::connection::{Connection, put};
use crate::failed;
use crate::servers::TIMEOUT;
use command::Failure;
use consensus::NodeId;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Size of its values in bytes.
pub(super) const VALUE_SIZE: usize = 256;

/// A client that writes all the time: as soon as a write is acknowledged, the next one goes to the same
/// server.
///
/// While it has no answer, it asks every server once in each probing interval, except those that still owe it
/// an answer: that may be a frozen leader. The server that acknowledges the write gets the next one.
pub(super) struct Client {
    acknowledgements: Receiver<Acknowledgement>,
    /// Its writes that have been awaited so far, in the order of their acknowledgements.
    writes: Vec<Acknowledgement>,
}

/// A write was done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acknowledgement {
    /// When the client got the acknowledgement.
    pub(super) at: Instant,
    /// The server that sent it.
    pub(super) by: NodeId,
}

impl Client {
    /// Starts writing to these servers, each at its HOST:PORT, until the client is dropped.
    pub(super) fn start(servers: Vec<(NodeId, String)>, probing_interval: Duration) -> Client {
        let (tell, acknowledgements) = channel();
        thread::spawn(move || write_all_the_time(servers, probing_interval, &tell));
        Client { acknowledgements, writes: Vec::new() }
    }

    /// Waits until this number of further writes of this kind are acknowledged, at least one, and returns the
    /// last of them.
    pub(super) fn await_writes(
        &mut self,
        count: usize,
        is_of_kind: impl Fn(&Acknowledgement) -> bool,
    ) -> Result<Acknowledgement, Failure> {
        let mut counted = 0;
        loop {
            let write = self.acknowledgements.recv_timeout(TIMEOUT);
            let write =
                write.map_err(|_| failed(format_args!("no write was acknowledged for {TIMEOUT:?}")))?;
            self.writes.push(write);
            counted += usize::from(is_of_kind(&write));
            if counted >= count {
                return Ok(write);
            }
        }
    }

    /// The longest time between two of its writes, of those that end before this moment, and of the others.
    pub(super) fn longest_gaps_around(&self, moment: Instant) -> [Duration; 2] {
        let first_after = self.writes.partition_point(|write| write.at <= moment);
        [&self.writes[..first_after], &self.writes[first_after.saturating_sub(1)..]].map(|writes| {
            let gaps = writes.windows(2).map(|pair| pair[1].at - pair[0].at);
            gaps.max().unwrap_or_default()
        })
    }
}

fn write_all_the_time(
    servers: Vec<(NodeId, String)>,
    probing_interval: Duration,
    tell: &Sender<Acknowledgement>,
) {
    let (answer, answers) = channel();
    let mut servers: Vec<Asked> =
        servers.into_iter().map(|(id, address)| Asked::new(id, address, answer.clone())).collect();
    let mut probe_at = Instant::now();
    loop {
        match answers.recv_timeout(probe_at.saturating_duration_since(Instant::now())) {
            Ok(Answer { by, at, is_done }) => {
                let server = servers.iter_mut().find(|server| server.id == by).expect("it was asked");
                server.owes_answer = false;
                if is_done {
                    if tell.send(Acknowledgement { at, by }).is_err() {
                        return;
                    }
                    server.ask();
                    probe_at = at + probing_interval;
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                servers.iter_mut().filter(|server| !server.owes_answer).for_each(Asked::ask);
                probe_at = Instant::now() + probing_interval;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// A server, and the thread that asks it.
struct Asked {
    id: NodeId,
    ask: Sender<()>,
    owes_answer: bool,
}

/// A server's response to a write, with its connection.
struct Answer {
    by: NodeId,
    at: Instant,
    is_done: bool,
}

impl Asked {
    fn new(id: NodeId, address: String, answer: Sender<Answer>) -> Asked {
        let (ask, asked) = channel();
        thread::spawn(move || {
            let (request, mut kept) = (put("failover", VALUE_SIZE), None);
            for () in asked {
                let is_done = write(&address, &request, &mut kept);
                if answer.send(Answer { by: id, at: Instant::now(), is_done }).is_err() {
                    return;
                }
            }
        });
        Asked { id, ask, owes_answer: false }
    }

    fn ask(&mut self) {
        // Its thread ends only after this one.
        self.owes_answer = self.ask.send(()).is_ok();
    }
}

/// Sends the request on the connection that was kept, or on a new one. A connection that breaks is not kept.
fn write(address: &str, request: &[u8], kept: &mut Option<Connection>) -> bool {
    let connection = kept.take().map_or_else(|| Connection::to(address), Ok);
    let Ok(mut connection) = connection else { return false };
    let was_done = connection.was_done(request);
    if was_done.is_ok() {
        *kept = Some(connection);
    }
    was_done.unwrap_or(false)
}
