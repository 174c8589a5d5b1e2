//! What simulated clients have asked for, and what they were told.

use crate::machine::Machine;
use crate::server::Server;
use consensus::Index;
use driver::{Outcomes, ReadOutcome, RequestId, WriteOutcome};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All clients of a world.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// Commands that were proposed.
    writes: BTreeMap<RequestId, Arc<[u8]>>,
    /// Reads, each with what was committed when it was asked for.
    reads: BTreeMap<RequestId, Index>,
    asked: u64,
    /// Highest index that some server has marked as committed.
    committed: Index,
}

/// A client has got its answer.
#[derive(Debug)]
pub(crate) enum Answered {
    /// Its command is done.
    Written {
        /// The command.
        command: Arc<[u8]>,
        /// The entry that is said to hold it.
        index: Index,
    },
    /// It reads what a state machine holds.
    Read {
        /// It must see the entries up to this one, because they were committed when it asked.
        must_see: Index,
        /// It sees the entries up to this one.
        sees: Index,
    },
}

impl Clients {
    pub(crate) fn write(&mut self, command: Arc<[u8]>) -> RequestId {
        let id = self.next_id();
        self.writes.insert(id, command);
        id
    }

    pub(crate) fn read(&mut self) -> RequestId {
        let id = self.next_id();
        self.reads.insert(id, self.committed);
        id
    }

    /// For an operator who wants to change the members or the leader.
    pub(crate) fn next_id(&mut self) -> RequestId {
        self.asked += 1;
        RequestId(self.asked)
    }

    /// The latest of these numbers.
    pub(crate) fn last_id(&self) -> RequestId {
        RequestId(self.asked)
    }

    /// Some server has marked the entries up to this one as committed.
    pub(crate) fn note_committed(&mut self, index: Index) {
        self.committed = self.committed.max(index);
    }

    /// Hands out what a server answers, at the moment at which it does.
    pub(crate) fn note<M: Machine>(
        &mut self,
        server: &Server<M>,
        outcomes: &mut Outcomes<M::Answer>,
    ) -> Vec<Answered> {
        let mut answers = Vec::new();
        for (id, outcome) in outcomes.writes.drain(..) {
            if let (Some(command), WriteOutcome::Applied { index, .. }) = (self.writes.remove(&id), outcome) {
                answers.push(Answered::Written { command, index });
            }
        }
        for (id, outcome) in outcomes.reads.drain(..) {
            if let (Some(must_see), ReadOutcome::Readable) = (self.reads.remove(&id), outcome) {
                answers.push(Answered::Read { must_see, sees: server.last_applied() });
            }
        }
        // Nobody waits for these.
        outcomes.changes.clear();
        outcomes.transfers.clear();
        answers
    }
}
