//! Why a server did not start, or ended early.

use driver::{BrokenSnapshot, UnreadableSnapshot};
use std::error::Error;
use storage::StorageError;

/// Why a server did not start, or ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// It can't listen where it should.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// Where, as HOST:PORT.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The settings don't fit together.
    #[error("{0}")]
    Settings(&'static str),
    /// Its data folder can't be used, or failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Its snapshot is whole, and yet holds no state of its state machine: it was written by an older version or another
    /// program.
    #[error("the data folder's snapshot can't be used: {0}")]
    Snapshot(Box<dyn Error + Send + Sync>),
    /// The thread that owns its data folder has panicked, and has said why on standard error.
    #[error("the thread that writes to the disk has panicked")]
    DiskThread,
    /// The system did not give it what every program needs.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}

impl<E: Error + Send + Sync + 'static> From<UnreadableSnapshot<E>> for ServerError {
    fn from(error: UnreadableSnapshot<E>) -> ServerError {
        match error {
            UnreadableSnapshot::Storage(error) => ServerError::Storage(error),
            UnreadableSnapshot::Broken(BrokenSnapshot::State(error)) => ServerError::Snapshot(error.into()),
            UnreadableSnapshot::Broken(error) => ServerError::Snapshot(error.into()),
        }
    }
}
