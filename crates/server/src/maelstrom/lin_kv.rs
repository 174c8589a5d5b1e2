//! Maelstrom's workload lin-kv: clients read, write, and compare and swap.
//!
//! Each client talks to one node only. So a node that does not lead passes the request on to the node that
//! does, and the answer back. What makes this delicate is that a client may be told that nothing was done
//! only where that is certain:
//!
//! * A request that is refused by the engine, here or at the leader, was not done. It is tried again, as long
//!   as the client waits: there may be a leader by then.
//! * From the moment at which a write is in a leader's log, or in flight to a leader, only its own outcome
//!   counts. If none comes in time, the client is told that it is uncertain, and the write is never tried
//!   again: it could be done twice.
//! * A write that is passed on is a request of a session of the store, which the node has opened for this. However
//!   often the message arrives, and wherever it is tried again, it is executed once (thesis §6.3). When it has left
//!   once, a refusal makes nothing certain: another copy may arrive when its receiver leads.
//! * A forwarded request is not forwarded again, so it can't go round in circles.
//!
//! The network may lose messages, double them and delay them for any time. Only a client's own request must not
//! come twice, and does not from Maelstrom: it can't be told from a second one.

use super::lines::{Outbox, Said};
use super::message::{Answer, Code, Forward, Forwarded, Reply, Request};
use crate::machine::Machine;
use consensus::{NodeId, ReadBy};
use kv::{Command, DEFAULT_SESSIONS, Write};
use runtime::{Handle, ProposeError, ReadError};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout_at};

/// The pause before it is looked whether a request that was refused can be tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// Serves clients.
pub(super) struct LinKv {
    handle: Handle<Machine>,
    outbox: Outbox,
    life: u64,
    /// How long a client waits for its outcome.
    patience: Duration,
    forwards: Mutex<Forwards>,
    /// Sessions that are free, each with its latest request.
    sessions: Mutex<Vec<kv::Request>>,
}

/// The requests that were passed on and not answered yet, by the number of the message.
#[derive(Default)]
struct Forwards {
    last: i64,
    waiting: BTreeMap<i64, (NodeId, oneshot::Sender<Answer>)>,
}

/// The outcome of one try.
enum Tried {
    /// The client can be told this.
    Answered(Answer),
    /// Certainly nothing was done, and why.
    NotDone(String),
    /// Likewise: another node leads.
    Elsewhere(NodeId),
}

impl Tried {
    fn error(code: Code, text: impl Into<String>) -> Tried {
        Tried::Answered(Answer::error(code, text))
    }

    fn not_here(leader: Option<NodeId>) -> Tried {
        leader.map_or_else(|| Tried::NotDone("this node knows no leader".to_owned()), Tried::Elsewhere)
    }

    fn busy() -> Tried {
        Tried::NotDone("too many requests wait for this node".to_owned())
    }

    fn stopping() -> Tried {
        Tried::NotDone("this node is stopping".to_owned())
    }

    fn late() -> Tried {
        Tried::error(Code::Timeout, "no outcome in time: the request may have been executed, or may still be")
    }
}

impl LinKv {
    pub(super) fn new(handle: Handle<Machine>, outbox: Outbox, life: u64, patience: Duration) -> LinKv {
        LinKv { handle, outbox, life, patience, forwards: Mutex::default(), sessions: Mutex::default() }
    }

    /// Does what a client wants, and answers.
    pub(super) async fn serve(&self, client: &str, msg_id: i64, request: &Request) {
        let answer = self.carry_out(request).await;
        let _ = self.outbox.say(client, Said::Reply(Reply { in_reply_to: msg_id, answer })).await;
    }

    /// Does what another node wants, for a client of it or for itself, and tells that node.
    pub(super) async fn serve_forwarded(&self, from: NodeId, forward: &Forward) {
        let &Forward { msg_id, life, ref request, once } = forward;
        let answer = match self.try_here(request, once, Instant::now() + self.patience).await {
            Tried::Answered(answer) => answer,
            Tried::NotDone(why) => Answer::error(Code::TemporarilyUnavailable, why),
            Tried::Elsewhere(leader) => {
                let text = format!("this node does not lead; {leader} does");
                Answer::error(Code::TemporarilyUnavailable, text)
            }
        };
        let forwarded = Forwarded { in_reply_to: msg_id, life, answer };
        let _ = self.outbox.say(&from.to_string(), Said::Forwarded(forwarded)).await;
    }

    /// Another node reports the outcome of a request that was passed on to it. If that comes too late, belongs to
    /// another life or comes again, nobody waits for it.
    pub(super) fn note_forwarded(&self, from: NodeId, in_reply_to: i64, forwarded: Forwarded) {
        if forwarded.life == self.life {
            let waiting = &mut self.forwards().waiting;
            if waiting.get(&in_reply_to).is_some_and(|(to, _)| *to == from)
                && let Some((_, client)) = waiting.remove(&in_reply_to)
            {
                let _ = client.send(forwarded.answer);
            }
        }
    }

    async fn carry_out(&self, request: &Request) -> Answer {
        let deadline = Instant::now() + self.patience;
        // From the first time that it is passed on, a write stays this request of this session.
        let mut once = None;
        let answer = loop {
            let tried = match self.try_here(request, once, deadline).await {
                Tried::Elsewhere(leader) => self.pass_on(leader, request, &mut once, deadline).await,
                tried => tried,
            };
            let why = match tried {
                Tried::Answered(answer) => break answer,
                Tried::NotDone(why) => why,
                Tried::Elsewhere(_) => unreachable!("what is tried elsewhere is not passed on"),
            };
            if !self.leader_appears(deadline).await {
                break match once {
                    None => Answer::error(Code::TemporarilyUnavailable, why),
                    Some(_) => {
                        let text = format!("{why}; but the request was forwarded, and may still be executed");
                        Answer::error(Code::Crash, text)
                    }
                };
            }
        };
        // The session of a request that is still in doubt is not used again: eventually it is forgotten.
        if answer.is_certain() {
            self.sessions().extend(once);
        }
        answer
    }

    /// Has the node that is said to lead do it: a write as a request of a session.
    async fn pass_on(
        &self,
        leader: NodeId,
        request: &Request,
        once: &mut Option<kv::Request>,
        deadline: Instant,
    ) -> Tried {
        if request.is_write() && once.is_none() {
            let free = self.sessions().pop();
            let latest = match free {
                Some(latest) => latest,
                None => match self.try_there(leader, &Request::OpenSession, None, deadline).await {
                    Tried::Answered(Answer::SessionOpened { session }) => {
                        kv::Request { session, sequence: 0 }
                    }
                    Tried::Answered(_) => return Tried::NotDone(format!("{leader} has opened no session")),
                    not_done => return not_done,
                },
            };
            *once = Some(kv::Request { sequence: latest.sequence + 1, ..latest });
        }
        self.try_there(leader, request, *once, deadline).await
    }

    fn sessions(&self) -> MutexGuard<'_, Vec<kv::Request>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a leader is known: after a pause, since the server that seems to lead may have refused just now.
    async fn leader_appears(&self, deadline: Instant) -> bool {
        while Instant::now() + PAUSE < deadline {
            sleep(PAUSE).await;
            if self.handle.watch().borrow().leader.is_some() {
                return true;
            }
        }
        false
    }

    /// Asks the own engine.
    async fn try_here(&self, request: &Request, once: Option<kv::Request>, deadline: Instant) -> Tried {
        let write = |write| Command::Write(Write { request: once, ..write });
        match request {
            Request::Read { key } => self.read(&bytes_of(key), deadline).await,
            Request::Write { key, value } => {
                let (key, value) = (bytes_of(key), bytes_of(value));
                self.execute(&write(Write::put(&key, &value)), Answer::WriteOk, deadline).await
            }
            Request::Cas { key, from, to } => {
                let (key, from, to) = (bytes_of(key), bytes_of(from), bytes_of(to));
                let swap = Write::compare_and_swap(&key, &from, &to);
                self.execute(&write(swap), Answer::CasOk, deadline).await
            }
            Request::OpenSession => {
                let open = Command::OpenSession { at_most: DEFAULT_SESSIONS };
                self.execute(&open, Answer::WriteOk, deadline).await
            }
        }
    }

    async fn read(&self, key: &[u8], deadline: Instant) -> Tried {
        let read = self.handle.read(ReadBy::Lease, |machine| machine.store.clone());
        match timeout_at(deadline, read).await {
            Ok(Ok(store)) => Tried::Answered(match store.get(key) {
                None => Answer::error(Code::KeyDoesNotExist, "there is no such key"),
                Some(record) => match serde_json::from_slice(&record.value) {
                    Ok(value) => Answer::ReadOk { value },
                    Err(_) => Answer::error(Code::Abort, "the value of the key is not JSON"),
                },
            }),
            Ok(Err(error)) => read_refused(error),
            Err(_) => Tried::late(),
        }
    }

    /// Has a command replicated and applied. `done` is the answer for a write that was done.
    async fn execute(&self, command: &Command<'_>, done: Answer, deadline: Instant) -> Tried {
        let command = match command.encode() {
            Ok(command) => command,
            Err(reason) => return Tried::error(Code::MalformedRequest, reason.to_string()),
        };
        match timeout_at(deadline, self.handle.propose(command)).await {
            Ok(Ok(answer)) => Tried::Answered(told(answer, done)),
            Ok(Err(error)) => write_refused(error),
            Err(_) => Tried::late(),
        }
    }

    /// Asks the node that is said to lead.
    async fn try_there(
        &self,
        leader: NodeId,
        request: &Request,
        once: Option<kv::Request>,
        deadline: Instant,
    ) -> Tried {
        let (answer, outcome) = oneshot::channel();
        let msg_id = {
            let mut forwards = self.forwards();
            forwards.last += 1;
            let msg_id = forwards.last;
            forwards.waiting.insert(msg_id, (leader, answer));
            msg_id
        };
        let forward = Forward { msg_id, life: self.life, request: request.clone(), once };
        let said = self.outbox.say(&leader.to_string(), Said::Forward(forward)).await;
        let outcome = timeout_at(deadline, outcome).await;
        self.forwards().waiting.remove(&msg_id);
        match outcome {
            _ if said.is_err() => Tried::NotDone("this node can't write its output".to_owned()),
            Ok(Ok(Answer::Error { code: Code::TemporarilyUnavailable, text })) => Tried::NotDone(text),
            Ok(Ok(answer)) if answer.fits(request) => Tried::Answered(answer),
            Ok(_) => Tried::error(Code::Crash, format!("the reply of {leader} does not match the request")),
            Err(_) => Tried::late(),
        }
    }

    fn forwards(&self) -> MutexGuard<'_, Forwards> {
        self.forwards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// JSON as the store keeps it: the fields of objects are sorted, so that equal values are equal bytes.
fn bytes_of(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// What the store says to a command, where `done` is what the client is told if it was done.
fn told(answer: kv::Answer, done: Answer) -> Answer {
    match answer {
        kv::Answer::Written { .. } => done,
        kv::Answer::NotFound => Answer::error(Code::KeyDoesNotExist, answer.to_string()),
        kv::Answer::SessionOpened { session } => Answer::SessionOpened { session },
        kv::Answer::SessionUnknown { .. } | kv::Answer::SequenceForgotten { .. } => {
            Answer::error(Code::Crash, answer.to_string())
        }
        kv::Answer::ValueDiffers { .. } => Answer::error(Code::PreconditionFailed, answer.to_string()),
        // Nothing else is answered to commands like these; and to none of them was anything done.
        _ => Answer::error(Code::Abort, answer.to_string()),
    }
}

fn write_refused(error: ProposeError) -> Tried {
    match error {
        ProposeError::NotLeader { leader } => Tried::not_here(leader),
        ProposeError::Replaced => {
            Tried::NotDone("the leader changed, and another command took the place of this one".to_owned())
        }
        ProposeError::Busy => Tried::busy(),
        ProposeError::DiskFull { why } => Tried::NotDone(format!("the disk is full: {why}")),
        ProposeError::TooLong { .. } => Tried::error(Code::MalformedRequest, error.to_string()),
        ProposeError::Stopped => Tried::stopping(),
        ProposeError::Uncertain => Tried::error(
            Code::Crash,
            "the leader changed, or this node is stopping: the request may have been executed",
        ),
    }
}

fn read_refused(error: ReadError) -> Tried {
    match error {
        ReadError::NotLeader { leader } => Tried::not_here(leader),
        ReadError::Busy => Tried::busy(),
        ReadError::Stopped => Tried::stopping(),
    }
}
