//! Clients' requests on their way to the engine and back.

use crate::changes::Batch;
use consensus::{CannotChange, CannotTransfer, Change, Index, NodeId, ReadBy};
use driver::{Outcomes, RequestId};
use kv::Store;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// So many requests wait for their outcome, at most. More are refused: a cluster that can't commit must
/// not gather them without end.
const MOST_WAITING: usize = 16_384;

/// Writes wait while their commands have so many bytes together, and one more. A leader that can't commit holds
/// them in its log.
const MOST_BYTES_WAITING: usize = 64 << 20;

/// What a client wants of a server.
pub(crate) enum Request {
    /// To have a command in the log, and to know what the store says to it.
    Write { command: Arc<[u8]>, answer: oneshot::Sender<WriteOutcome> },
    /// To read what is committed by now.
    Read { by: ReadBy, answer: oneshot::Sender<ReadOutcome> },
    /// To read what this server has applied, however old it is.
    ReadStale { answer: oneshot::Sender<ReadOutcome> },
    /// To have other members.
    ChangeMembership { change: Change, answer: oneshot::Sender<ChangeOutcome> },
    /// To have another leader.
    TransferLeadership { to: NodeId, answer: oneshot::Sender<TransferOutcome> },
    /// To know what changed after this entry; without one, what changes from now on.
    Watch { after: Option<Index>, answer: oneshot::Sender<Batch> },
}

/// What a writing client is told.
pub(crate) type WriteOutcome = Result<kv::Answer, WriteRefusal>;

/// What a reading client is given: the whole store as it is then. It shares all that stays the same.
pub(crate) type ReadOutcome = Result<Store, ReadRefusal>;

/// What is told to a client that wants other members: that it has begun, or why not.
pub(crate) type ChangeOutcome = Result<(), ChangeRefusal>;

/// What is told to a client that wants another leader: that it has begun, or why not.
pub(crate) type TransferOutcome = Result<(), TransferRefusal>;

/// Why a write was not carried out. But for the last, it certainly was not, and never will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WriteRefusal {
    /// This server does not lead.
    NotLeader { leader: Option<NodeId> },
    /// A later leader's log was committed in its place.
    Replaced,
    /// Too many requests wait already.
    Busy,
    /// The server's disk is full, as the system says it, and nothing is committed without that disk.
    DiskFull { why: String },
    /// A leader's snapshot has taken the place of its entry: it may have been carried out or not.
    Uncertain,
}

/// Why a read was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReadRefusal {
    /// This server does not lead, or no longer.
    NotLeader { leader: Option<NodeId> },
    /// Too many requests wait already.
    Busy,
}

/// Why the members stay. But for the last, they certainly do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChangeRefusal {
    /// That change can't be.
    CannotChange(CannotChange),
    /// A later leader's log was committed in its place.
    Replaced,
    /// Too many requests wait already.
    Busy,
    /// A leader's snapshot has taken the place of its entry: it may have been carried out or not.
    Uncertain,
}

/// Why the leader stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TransferRefusal {
    /// That leader can't be.
    CannotTransfer(CannotTransfer),
    /// Too many requests wait already.
    Busy,
}

/// The requests whose outcome is not known yet.
#[derive(Default)]
pub(crate) struct Waiting {
    last: u64,
    replaced: u64,
    /// Each with the size of its command.
    writes: BTreeMap<RequestId, (usize, oneshot::Sender<WriteOutcome>)>,
    /// The sizes of all of them.
    bytes: usize,
    reads: BTreeMap<RequestId, oneshot::Sender<ReadOutcome>>,
    changes: BTreeMap<RequestId, oneshot::Sender<ChangeOutcome>>,
    transfers: BTreeMap<RequestId, oneshot::Sender<TransferOutcome>>,
}

impl Waiting {
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

    /// Takes a write in, with a command of so many bytes, unless too many wait.
    pub(crate) fn add_write(
        &mut self,
        size: usize,
        answer: oneshot::Sender<WriteOutcome>,
    ) -> Option<RequestId> {
        if self.is_full() || self.bytes >= MOST_BYTES_WAITING {
            // Whoever asked may be gone by now; so in all that follows.
            let _ = answer.send(Err(WriteRefusal::Busy));
            return None;
        }
        let id = self.next_id();
        self.writes.insert(id, (size, answer));
        self.bytes += size;
        Some(id)
    }

    /// Takes a read in, unless too many wait.
    pub(crate) fn add_read(&mut self, answer: oneshot::Sender<ReadOutcome>) -> Option<RequestId> {
        if self.is_full() {
            let _ = answer.send(Err(ReadRefusal::Busy));
            return None;
        }
        let id = self.next_id();
        self.reads.insert(id, answer);
        Some(id)
    }

    /// Takes in that a client wants other members, unless too many wait.
    pub(crate) fn add_change(&mut self, answer: oneshot::Sender<ChangeOutcome>) -> Option<RequestId> {
        if self.is_full() {
            let _ = answer.send(Err(ChangeRefusal::Busy));
            return None;
        }
        let id = self.next_id();
        self.changes.insert(id, answer);
        Some(id)
    }

    /// Takes in that a client wants another leader, unless too many wait.
    pub(crate) fn add_transfer(&mut self, answer: oneshot::Sender<TransferOutcome>) -> Option<RequestId> {
        if self.is_full() {
            let _ = answer.send(Err(TransferRefusal::Busy));
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

    /// Tells clients what came of their requests. Reads see this store.
    pub(crate) fn complete(&mut self, outcomes: &mut Outcomes<kv::Answer>, store: &Store) {
        let Outcomes { writes, reads, changes, transfers } = outcomes;
        for (id, outcome) in writes.drain(..) {
            self.settle_write(id, outcome);
        }
        for (id, outcome) in reads.drain(..) {
            send(self.reads.remove(&id), || match outcome {
                driver::ReadOutcome::Readable => Ok(store.clone()),
                driver::ReadOutcome::NotLeader { leader } => Err(ReadRefusal::NotLeader { leader }),
            });
        }
        for (id, outcome) in changes.drain(..) {
            send(self.changes.remove(&id), || match outcome {
                driver::ChangeOutcome::Begun { .. } => Ok(()),
                driver::ChangeOutcome::Refused(why) => Err(ChangeRefusal::CannotChange(why)),
                driver::ChangeOutcome::Replaced => Err(ChangeRefusal::Replaced),
                driver::ChangeOutcome::Uncertain => Err(ChangeRefusal::Uncertain),
            });
        }
        for (id, begun) in transfers.drain(..) {
            send(self.transfers.remove(&id), || begun.map_err(TransferRefusal::CannotTransfer));
        }
    }

    fn settle_write(&mut self, id: RequestId, outcome: driver::WriteOutcome<kv::Answer>) {
        let Some((size, client)) = self.writes.remove(&id) else { return };
        self.bytes -= size;
        send(Some(client), || match outcome {
            driver::WriteOutcome::Applied { answer, .. } => Ok(answer),
            driver::WriteOutcome::NotLeader { leader } => Err(WriteRefusal::NotLeader { leader }),
            driver::WriteOutcome::Uncertain => Err(WriteRefusal::Uncertain),
            driver::WriteOutcome::Replaced => {
                self.replaced += 1;
                Err(WriteRefusal::Replaced)
            }
        });
    }
}

fn send<T>(client: Option<oneshot::Sender<T>>, outcome: impl FnOnce() -> T) {
    if let Some(client) = client {
        let _ = client.send(outcome());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_that_wait_are_bounded_by_bytes_too() {
        let mut waiting = Waiting::default();
        let (answer, mut outcome) = oneshot::channel();
        let first = waiting.add_write(MOST_BYTES_WAITING - 1, answer).unwrap();
        let (answer, _) = oneshot::channel();
        assert!(waiting.add_write(100, answer).is_some(), "there is room for one more");
        let (answer, mut refused) = oneshot::channel();
        assert_eq!(waiting.add_write(1, answer), None);
        assert_eq!(refused.try_recv(), Ok(Err(WriteRefusal::Busy)));

        let writes = vec![(first, driver::WriteOutcome::Uncertain)];
        waiting.complete(&mut Outcomes { writes, ..Outcomes::default() }, &Store::default());
        assert_eq!(outcome.try_recv(), Ok(Err(WriteRefusal::Uncertain)));
        let (answer, _) = oneshot::channel();
        assert!(waiting.add_write(1, answer).is_some());
    }
}
