use consensus::InvalidTiming;
use runtime::{
    ChangeError, InvalidAddress, InvalidSecret, ProposeError, ReadError, ServerError, TransferError,
};
use std::net::SocketAddr;

/// Whatever went wrong. Each method has an error type of its own, which says more; this one is for those who pass all of
/// them on with `?`.
///
/// ```
/// use raft_for_beginners::{Error, ProposeError};
///
/// let error = Error::from(ProposeError::NotLeader { leader: None });
/// assert_eq!(error.to_string(), "this server does not lead; no leader is known");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A server did not start, or its disk failed.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A text is no address.
    #[error(transparent)]
    Address(#[from] InvalidAddress),
    /// The durations of a [`Timing`](crate::Timing) don't fit together.
    #[error(transparent)]
    Timing(#[from] InvalidTiming),
    /// A text is no secret.
    #[error(transparent)]
    Secret(#[from] InvalidSecret),
    /// Other machines can reach a server that trusts all who speak its protocol.
    #[error(
        "other machines could reach this server at {0}, and it has no secret: give all servers the same one \
         (Settings::secret), or trust the network (Opened::trust_network)"
    )]
    NeedsSecret(SocketAddr),
    /// The state machine has panicked.
    #[error("the server has panicked: {0}")]
    Panicked(String),
    /// A command has no answer.
    #[error(transparent)]
    Propose(#[from] ProposeError),
    /// The state can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The members stay as they are.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The leadership is not handed over.
    #[error(transparent)]
    Transfer(#[from] TransferError),
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        Error::Server(error.into())
    }
}

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
