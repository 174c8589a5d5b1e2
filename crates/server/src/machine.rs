//! The server's state machine: the store, and what was changed in it of late.

use crate::changes::Changes;
use crate::error::ServerError;
use crate::http;
use consensus::Index;
use driver::{StateMachine, StoreContent};
use kv::{RestoreError, Snapshot, Store};
use prometheus_client::metrics::histogram::Histogram;
use runtime::{Server, Settings};
use std::path::Path;
use storage::FolderDisk;

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

/// Takes the data folder of a server, and counts how long its syncs take.
///
/// # Errors
/// If it can't be had. Nothing has been changed in a folder that belongs to another server.
pub(crate) fn open(data: &Path, settings: Settings) -> Result<(Server<Machine>, Histogram), ServerError> {
    let syncs = http::sync_histogram();
    let observed = syncs.clone();
    let disk = FolderDisk::open(data).map_err(runtime::ServerError::from)?;
    let disk = disk.telling_syncs(move |took| observed.observe(took.as_secs_f64()));
    Ok((Server::on(disk, settings, Machine::new(Store::default()))?, syncs))
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

#[cfg(test)]
mod tests {
    use super::*;
    use kv::{Command, LONGEST_KEY, LONGEST_VALUE, Request, SessionId, Write};

    /// What the store takes, a server takes.
    #[test]
    fn the_largest_command_of_the_store_is_a_command() {
        let (key, value) = (vec![1; LONGEST_KEY], vec![1; LONGEST_VALUE]);
        let request = Some(Request { session: SessionId(Index(u64::MAX)), sequence: u64::MAX });
        let swap = Write::compare_and_swap(&key, &value, &value);
        let write = Write { if_version: Some(Index(u64::MAX)), request, ..swap };
        let command = Command::Write(write).encode().unwrap();
        assert!(command.len() <= runtime::LONGEST_COMMAND, "{}", command.len());
    }
}
