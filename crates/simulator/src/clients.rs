//! What simulated clients have asked for, and what they were told.

use crate::machine::Machine;
use crate::server::Server;
use consensus::Index;
use driver::{Effects, Outcome, ReadOutcome, RequestId, WriteOutcome};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All clients of a world.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    requests: BTreeMap<RequestId, Request>,
    asked: u64,
    /// As far as this some server has taken the log for committed.
    committed: Index,
}

#[derive(Debug)]
enum Request {
    Write {
        command: Arc<[u8]>,
    },
    Read {
        /// What was committed when it was asked for.
        must_see: Index,
    },
    /// Of the members, or of the leader.
    Change,
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
        /// It must see all up to here, because that was committed when it asked.
        must_see: Index,
        /// It sees all up to here.
        sees: Index,
    },
}

impl Clients {
    pub(crate) fn write(&mut self, command: Arc<[u8]>) -> RequestId {
        self.ask(Request::Write { command })
    }

    pub(crate) fn read(&mut self) -> RequestId {
        self.ask(Request::Read { must_see: self.committed })
    }

    pub(crate) fn change(&mut self) -> RequestId {
        self.ask(Request::Change)
    }

    fn ask(&mut self, request: Request) -> RequestId {
        self.asked += 1;
        self.requests.insert(RequestId(self.asked), request);
        RequestId(self.asked)
    }

    /// Some server takes the log for committed up to here.
    pub(crate) fn note_committed(&mut self, index: Index) {
        self.committed = self.committed.max(index);
    }

    /// Hands out what a server answers, at the moment at which it does.
    pub(crate) fn note(&mut self, server: &Server, effects: &mut Effects<Machine>) -> Vec<Answered> {
        let answers = effects.outcomes.drain(..).filter_map(|(id, outcome)| {
            Some(match (self.requests.remove(&id)?, outcome) {
                (Request::Write { command }, Outcome::Write(WriteOutcome::Applied { index, .. })) => {
                    Answered::Written { command, index }
                }
                (Request::Read { must_see }, Outcome::Read(ReadOutcome::Readable)) => {
                    Answered::Read { must_see, sees: server.last_applied() }
                }
                _ => return None,
            })
        });
        answers.collect()
    }
}
