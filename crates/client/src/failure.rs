//! How a request can end without an answer.

use consensus::NodeId;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It was certainly not done, and never will be.
    #[error(transparent)]
    NotDone(#[from] NotDone),
    /// It is unknown: it may have taken effect, or may still do so. Never the result of a read.
    #[error("uncertain: it may have taken effect, or may still do so ({0})")]
    Uncertain(String),
}

/// Why a request was certainly not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// Another server leads.
    #[error("{node} does not lead, {leader} does")]
    Elsewhere {
        /// The server that was asked.
        node: NodeId,
        /// The leader, according to that server.
        leader: NodeId,
        /// The leader's address, as HOST:PORT.
        address: String,
    },
    /// The server was not reached, or did not answer a read in time.
    #[error("{server} does not respond: {why}")]
    Silent {
        /// Its name or, if that is unknown, its address.
        server: String,
        /// What went wrong.
        why: String,
    },
    /// The server can't do it now, for example because it knows no leader. Another one may be able to, or the
    /// same one later.
    #[error("{error}")]
    NotNow {
        /// What the server said.
        error: String,
        /// What to do, according to the server.
        help: String,
    },
    /// The request makes no sense, here or elsewhere, now or later.
    #[error("{error}")]
    Refused {
        /// What is wrong with it.
        error: String,
        /// What to do.
        help: String,
    },
}

impl NotDone {
    /// The answer of a server, or of another program at its address, makes no sense.
    pub(crate) fn nonsense(server: &str) -> NotDone {
        let why = "its response can't be understood: it is not a Raft server of this version".to_owned();
        NotDone::Silent { server: server.to_owned(), why }
    }

    /// What to do about it, if there is more to say than the message does.
    pub fn help(&self) -> Option<&str> {
        match self {
            NotDone::NotNow { help, .. } | NotDone::Refused { help, .. } => Some(help),
            NotDone::Elsewhere { .. } | NotDone::Silent { .. } => None,
        }
    }
}
