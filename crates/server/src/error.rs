//! Why a server did not start, or ended early.

use driver::{BrokenSnapshot, UnreadableSnapshot};
use kv::RestoreError;
use storage::StorageError;

/// Why a server did not start, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It can't listen where it should.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// Where, as HOST:PORT.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Its data folder can't be used, or failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Its snapshot is whole, and yet holds no store.
    #[error("the data folder's snapshot can't be used: {0}")]
    Snapshot(BrokenSnapshot<RestoreError>),
    /// The thread that owns its data folder has panicked, and has said why on standard error.
    #[error("the thread that writes to the disk has panicked")]
    DiskThread,
    /// The system did not give it what every program needs.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}

impl ServerError {
    /// What the person who started the server can do about it.
    pub fn help(&self) -> String {
        match self {
            ServerError::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
                "another program listens there: stop it, or choose another port".to_owned()
            }
            ServerError::Listen { .. } => {
                "the address must be one of this machine's, as HOST:PORT, for example 127.0.0.1:4001"
                    .to_owned()
            }
            ServerError::Storage(error) => error.help(),
            ServerError::Snapshot(BrokenSnapshot::State(error)) => error.help().to_owned(),
            ServerError::Snapshot(BrokenSnapshot::NoMembership) => {
                "it was written by an older version or another program: start this server with an empty data folder, \
                 and let it join the cluster again"
                    .to_owned()
            }
            ServerError::DiskThread => {
                "this is a bug: please report it, with the lines above. Then start the server again: it finds out what \
                 was saved"
                    .to_owned()
            }
            ServerError::System(_) => "close other programs, or raise the limit on open files".to_owned(),
        }
    }
}

impl From<UnreadableSnapshot<RestoreError>> for ServerError {
    fn from(error: UnreadableSnapshot<RestoreError>) -> ServerError {
        match error {
            UnreadableSnapshot::Storage(error) => ServerError::Storage(error),
            UnreadableSnapshot::Broken(error) => ServerError::Snapshot(error),
        }
    }
}
