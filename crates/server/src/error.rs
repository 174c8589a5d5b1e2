use kv::RestoreError;
use std::io;

/// Why a server did not start, or ended early.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ServerError(#[from] runtime::ServerError);

impl From<io::Error> for ServerError {
    fn from(error: io::Error) -> ServerError {
        ServerError(error.into())
    }
}

impl ServerError {
    /// What the person who started the server can do about it.
    pub fn help(&self) -> String {
        use runtime::ServerError::{DiskThread, Listen, Snapshot, Storage, System};
        match &self.0 {
            Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                "another program listens there: stop it, or choose another port".to_owned()
            }
            Listen { .. } => "the address must be one of this machine's, as HOST:PORT, for example 127.0.0.1:4001".to_owned(),
            Storage(error) => error.help(),
            Snapshot(error) => match error.downcast_ref::<RestoreError>() {
                Some(error) => error.help().to_owned(),
                None => "it was written by an older version or another program: start this server with an empty data folder, \
                         and let it join the cluster again"
                    .to_owned(),
            },
            DiskThread => "this is a bug: please report it, with the lines above. Then start the server again: it finds out what \
                           was saved"
                .to_owned(),
            System(_) => "close other programs, or raise the limit on open files".to_owned(),
            _ => String::new(),
        }
    }
}
