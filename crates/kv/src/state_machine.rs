//! The store as a driver's state machine. The methods are the store's own of these names, and those of its
//! snapshots.

use crate::answer::Answer;
use crate::restore::{Restore, RestoreError};
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::text;
use consensus::Index;
use driver::{StateMachine, StoreContent};
use std::num::NonZeroUsize;

impl StateMachine for Store {
    type Answer = Answer;
    type Snapshot = Snapshot;
    type Restore = Restore;

    fn apply(&mut self, index: Index, command: &[u8]) -> Answer {
        self.apply(index, command)
    }

    fn skip(&mut self, index: Index) {
        self.skip(index);
    }

    fn snapshot(&self) -> Snapshot {
        self.snapshot()
    }

    fn words(command: &[u8]) -> String {
        text::words(command)
    }

    fn content(&self, written_by: Option<&[&[u8]]>) -> StoreContent {
        text::content(self, written_by)
    }
}

impl driver::Snapshot for Snapshot {
    fn next_chunk(&mut self, at_most: NonZeroUsize) -> Option<Vec<u8>> {
        self.next_chunk(at_most)
    }
}

impl driver::Restore<Store> for Restore {
    type Error = RestoreError;

    fn feed(self, bytes: &[u8]) -> Result<Restore, RestoreError> {
        self.feed(bytes)
    }

    fn finish(self, last_included: Index) -> Result<Store, RestoreError> {
        let store = self.finish()?;
        let found = store.last_applied();
        if found == last_included {
            Ok(store)
        } else {
            Err(RestoreError::OtherState { last_included, found })
        }
    }
}
