//! Clients' requests on their way to the engine and back.

use crate::view::View;
use consensus::{CannotChange, CannotTransfer, Change, NodeId, ReadBy};
use driver::{Outcomes, RequestId, StateMachine};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Maximum number of requests without an outcome. More are refused: a cluster that can't commit must not gather them
/// forever.
const MOST_WAITING: usize = 16_384;

/// Writes wait while their commands have this many bytes together, and one more. A leader that can't commit holds
/// them in its log.
const MOST_BYTES_WAITING: usize = 64 << 20;

/// Gets the state machine when it may be read, or why it may not.
pub(crate) type Reader<M> = Box<dyn FnOnce(Result<&M, ReadError>) + Send>;

/// Looks at a server.
pub(crate) type Looker<M> = Box<dyn FnOnce(&View<'_, M>) + Send>;

/// What a client wants of a server.
pub(crate) enum Request<M: StateMachine> {
    /// To have a command in the log, and to know what the state machine says to it.
    Propose { command: Arc<[u8]>, answer: oneshot::Sender<Result<M::Answer, ProposeError>> },
    /// To read what is committed by now.
    Read { by: ReadBy, reader: Reader<M> },
    /// To look at the server as it is.
    Look(Looker<M>),
    /// To have other members.
    ChangeMembers { change: Change, answer: oneshot::Sender<Result<(), ChangeError>> },
    /// To have another leader.
    Transfer { to: NodeId, answer: oneshot::Sender<Result<(), TransferError>> },
}

/// Why a command has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// This server does not lead. Ask the leader, if one is known. The command was not carried out.
    #[error("this server does not lead; {}", who_leads(*.leader))]
    NotLeader {
        /// The server that leads, if this one knows.
        leader: Option<NodeId>,
    },
    /// The leader changed, and the entry of a later leader has taken the command's place. It was not carried out.
    #[error("the leader changed, and the command was removed from the log before it was committed")]
    Replaced,
    /// Too many requests wait already. The command was not carried out.
    #[error("too many requests wait for this server")]
    Busy,
    /// The leader's disk is full, and nothing can be committed without that disk. The command was not carried out.
    #[error("the disk is full: {why}")]
    DiskFull {
        /// What the system says.
        why: String,
    },
    /// The command is longer than [`LONGEST_COMMAND`](crate::LONGEST_COMMAND). It was not carried out.
    #[error("the command has {length} bytes, but at most {} are allowed", crate::LONGEST_COMMAND)]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The server had stopped. The command was not carried out.
    #[error("the server has stopped")]
    Stopped,
    /// The command is in the log of some servers, and this one can't know whether it will be committed: it was stopped, or
    /// a snapshot has taken the place of the entry. The command may have been carried out, or may be later.
    #[error("it is unknown whether the command was or will be carried out")]
    Uncertain,
}

impl ProposeError {
    /// May the command have been carried out, or be carried out later? If not, it is safe to try it again.
    pub fn may_have_happened(&self) -> bool {
        matches!(self, ProposeError::Uncertain)
    }
}

/// Why the state machine can't be read. A read changes nothing, so it is always safe to try it again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// This server does not lead, or no longer. Ask the leader, if one is known.
    #[error("this server does not lead; {}", who_leads(*.leader))]
    NotLeader {
        /// The server that leads, if this one knows.
        leader: Option<NodeId>,
    },
    /// Too many requests wait already.
    #[error("too many requests wait for this server")]
    Busy,
    /// The server has stopped.
    #[error("the server has stopped")]
    Stopped,
}

/// Why the members stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// That change is not possible, for example since this server does not lead. Nothing has changed.
    #[error(transparent)]
    Refused(#[from] CannotChange),
    /// The leader changed, and a later leader's entry has taken the change's place. Nothing has changed.
    #[error("the leader changed, and the change was removed from the log before it was committed")]
    Replaced,
    /// Too many requests wait already. Nothing has changed.
    #[error("too many requests wait for this server")]
    Busy,
    /// The server had stopped. Nothing has changed.
    #[error("the server has stopped")]
    Stopped,
    /// The members may have changed, or may change later.
    #[error("it is unknown whether the members have changed or will change")]
    Uncertain,
}

impl ChangeError {
    /// May the members have changed, or change later?
    pub fn may_have_happened(&self) -> bool {
        matches!(self, ChangeError::Uncertain)
    }
}

/// Why this server does not hand its leadership over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// That server can't become leader, or this one does not lead.
    #[error(transparent)]
    Refused(#[from] CannotTransfer),
    /// Too many requests wait already.
    #[error("too many requests wait for this server")]
    Busy,
    /// The server had stopped.
    #[error("the server has stopped")]
    Stopped,
    /// The server was stopped meanwhile. It may have handed its leadership over.
    #[error("it is unknown whether the leadership is handed over")]
    Uncertain,
}

/// Why a server takes no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Too many requests wait already.
    #[error("too many requests wait for this server")]
    Busy,
    /// The server has stopped.
    #[error("the server has stopped")]
    Stopped,
}

macro_rules! from_unavailable {
    ($($error:ident)*) => {$(
        impl From<Unavailable> for $error {
            fn from(why: Unavailable) -> $error {
                match why {
                    Unavailable::Busy => $error::Busy,
                    Unavailable::Stopped => $error::Stopped,
                }
            }
        }
    )*};
}

from_unavailable!(ProposeError ReadError ChangeError TransferError);

fn who_leads(leader: Option<NodeId>) -> String {
    leader.map_or_else(|| "no leader is known".to_owned(), |leader| format!("{leader} does"))
}

/// A write that waits.
struct Write<A> {
    /// The size of its command in bytes.
    size: usize,
    answer: oneshot::Sender<Result<A, ProposeError>>,
}

/// The requests whose outcome is not known yet.
pub(crate) struct Waiting<M: StateMachine> {
    last: u64,
    replaced: u64,
    writes: BTreeMap<RequestId, Write<M::Answer>>,
    /// The sizes of all of their commands.
    bytes: usize,
    reads: BTreeMap<RequestId, Reader<M>>,
    changes: BTreeMap<RequestId, oneshot::Sender<Result<(), ChangeError>>>,
    transfers: BTreeMap<RequestId, oneshot::Sender<Result<(), TransferError>>>,
}

impl<M: StateMachine> Default for Waiting<M> {
    fn default() -> Waiting<M> {
        Waiting {
            last: 0,
            replaced: 0,
            writes: BTreeMap::new(),
            bytes: 0,
            reads: BTreeMap::new(),
            changes: BTreeMap::new(),
            transfers: BTreeMap::new(),
        }
    }
}

impl<M: StateMachine> Waiting<M> {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.writes.len() + self.reads.len() + self.changes.len() + self.transfers.len()
    }

    /// How many proposals another one took the place of.
    pub(crate) fn replaced(&self) -> u64 {
        self.replaced
    }

    fn is_full(&self) -> bool {
        self.len() >= MOST_WAITING
    }

    /// Takes in a write with a command of this size, unless too many wait.
    pub(crate) fn add_write(
        &mut self,
        size: usize,
        answer: oneshot::Sender<Result<M::Answer, ProposeError>>,
    ) -> Option<RequestId> {
        if self.is_full() || self.bytes >= MOST_BYTES_WAITING {
            // The client may be gone by now; so in all that follows.
            let _ = answer.send(Err(ProposeError::Busy));
            return None;
        }
        let id = self.next_id();
        self.writes.insert(id, Write { size, answer });
        self.bytes += size;
        Some(id)
    }

    /// Takes in a read, unless too many wait.
    pub(crate) fn add_read(&mut self, reader: Reader<M>) -> Option<RequestId> {
        if self.is_full() {
            reader(Err(ReadError::Busy));
            return None;
        }
        let id = self.next_id();
        self.reads.insert(id, reader);
        Some(id)
    }

    /// Takes in a change of the members, unless too many wait.
    pub(crate) fn add_change(
        &mut self,
        answer: oneshot::Sender<Result<(), ChangeError>>,
    ) -> Option<RequestId> {
        if self.is_full() {
            let _ = answer.send(Err(ChangeError::Busy));
            return None;
        }
        let id = self.next_id();
        self.changes.insert(id, answer);
        Some(id)
    }

    /// Takes in a transfer of the leadership, unless too many wait.
    pub(crate) fn add_transfer(
        &mut self,
        answer: oneshot::Sender<Result<(), TransferError>>,
    ) -> Option<RequestId> {
        if self.is_full() {
            let _ = answer.send(Err(TransferError::Busy));
            return None;
        }
        let id = self.next_id();
        self.transfers.insert(id, answer);
        Some(id)
    }

    fn next_id(&mut self) -> RequestId {
        self.last += 1;
        RequestId(self.last)
    }

    /// Tells clients the outcomes of their requests. Reads see this state.
    pub(crate) fn complete(&mut self, outcomes: &mut Outcomes<M::Answer>, machine: &M) {
        let Outcomes { writes, reads, changes, transfers } = outcomes;
        for (id, outcome) in writes.drain(..) {
            self.complete_write(id, outcome);
        }
        for (id, outcome) in reads.drain(..) {
            if let Some(reader) = self.reads.remove(&id) {
                reader(match outcome {
                    driver::ReadOutcome::Readable => Ok(machine),
                    driver::ReadOutcome::NotLeader { leader } => Err(ReadError::NotLeader { leader }),
                });
            }
        }
        for (id, outcome) in changes.drain(..) {
            send(
                self.changes.remove(&id),
                match outcome {
                    driver::ChangeOutcome::Begun { .. } => Ok(()),
                    driver::ChangeOutcome::Refused(why) => Err(ChangeError::Refused(why)),
                    driver::ChangeOutcome::Replaced => Err(ChangeError::Replaced),
                    driver::ChangeOutcome::Uncertain => Err(ChangeError::Uncertain),
                },
            );
        }
        for (id, begun) in transfers.drain(..) {
            send(self.transfers.remove(&id), begun.map_err(TransferError::Refused));
        }
    }

    fn complete_write(&mut self, id: RequestId, outcome: driver::WriteOutcome<M::Answer>) {
        let Some(Write { size, answer }) = self.writes.remove(&id) else { return };
        self.bytes -= size;
        let _ = answer.send(match outcome {
            driver::WriteOutcome::Applied { answer, .. } => Ok(answer),
            driver::WriteOutcome::NotLeader { leader } => Err(ProposeError::NotLeader { leader }),
            driver::WriteOutcome::Uncertain => Err(ProposeError::Uncertain),
            driver::WriteOutcome::Replaced => {
                self.replaced += 1;
                Err(ProposeError::Replaced)
            }
        });
    }
}

fn send<T>(client: Option<oneshot::Sender<T>>, outcome: T) {
    if let Some(client) = client {
        let _ = client.send(outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_that_wait_are_bounded_by_bytes_too() {
        let mut waiting = Waiting::<()>::default();
        let (answer, mut outcome) = oneshot::channel();
        let first = waiting.add_write(MOST_BYTES_WAITING - 1, answer).unwrap();
        let (answer, _) = oneshot::channel();
        assert!(waiting.add_write(100, answer).is_some(), "there is room for one more");
        let (answer, mut refused) = oneshot::channel();
        assert_eq!(waiting.add_write(1, answer), None);
        assert_eq!(refused.try_recv(), Ok(Err(ProposeError::Busy)));

        let writes = vec![(first, driver::WriteOutcome::Uncertain)];
        waiting.complete(&mut Outcomes { writes, ..Outcomes::default() }, &());
        assert_eq!(outcome.try_recv(), Ok(Err(ProposeError::Uncertain)));
        let (answer, _) = oneshot::channel();
        assert!(waiting.add_write(1, answer).is_some());
    }

    #[test]
    fn requests_of_all_kinds_are_bounded_together() {
        let mut waiting = Waiting::<()>::default();
        while waiting.len() < MOST_WAITING {
            waiting.add_read(Box::new(|_| {})).unwrap();
        }
        let (answer, mut refused) = oneshot::channel();
        assert_eq!(waiting.add_write(1, answer), None);
        assert_eq!(refused.try_recv(), Ok(Err(ProposeError::Busy)));
        let (answer, mut refused) = oneshot::channel();
        assert_eq!(waiting.add_change(answer), None);
        assert_eq!(refused.try_recv(), Ok(Err(ChangeError::Busy)));
    }
}
