//! The server's state machine: the store, and what was changed in it of late.

use crate::changes::Changes;
use consensus::Index;
use driver::{StateMachine, StoreContent};
use kv::{RestoreError, Snapshot, Store};

/// The store, with its recent changes for those who watch. Those are no part of the replicated state.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) store: Store,
    pub(crate) changes: Changes,
}

impl Machine {
    /// Goes on from this store.
    pub(crate) fn new(store: Store) -> Machine {
        let changes = Changes::after(store.last_applied());
        Machine { store, changes }
    }
}

impl StateMachine for Machine {
    type Answer = kv::Answer;
    type Snapshot = Snapshot;
    type Restore = Restore;

    fn apply(&mut self, index: Index, command: &[u8]) -> kv::Answer {
        let (answer, changed) = self.store.apply_and_tell(index, command);
        if let Some(changed) = changed {
            self.changes.note(&changed);
        }
        answer
    }

    fn skip(&mut self, index: Index) {
        self.store.skip(index);
    }

    fn snapshot(&self) -> Snapshot {
        self.store.snapshot()
    }

    fn words(command: &[u8]) -> String {
        Store::words(command)
    }

    fn content(&self, written_by: Option<&[&[u8]]>) -> StoreContent {
        self.store.content(written_by)
    }
}

/// Makes the store of a snapshot.
#[derive(Default)]
pub(crate) struct Restore(kv::Restore);

impl driver::Restore<Machine> for Restore {
    type Error = RestoreError;

    fn feed(self, bytes: &[u8]) -> Result<Restore, RestoreError> {
        self.0.feed(bytes).map(Restore)
    }

    fn finish(self, last_included: Index) -> Result<Machine, RestoreError> {
        driver::Restore::finish(self.0, last_included).map(Machine::new)
    }
}
