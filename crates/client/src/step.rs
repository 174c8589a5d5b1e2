//! What happens on the way to an answer.

use consensus::NodeId;
use std::fmt;

/// Something that a person may want to know who waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A server has told who leads.
    Redirected {
        /// The server that was asked.
        node: NodeId,
        /// The one that leads.
        leader: NodeId,
    },
    /// A server did not do it, for another reason: the next one is asked.
    NotDone {
        /// The server's name or address.
        server: String,
        /// Why not.
        why: String,
    },
    /// What came of it is unknown. It is sent again, which is safe.
    Uncertain {
        /// The server's name or address.
        server: String,
        /// Why nobody knows.
        why: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Redirected { node, leader } => write!(f, "{node} was not the leader, {leader} is"),
            Step::NotDone { server, why } => write!(f, "{server} did not do it ({why}): asking on"),
            Step::Uncertain { server, why } => {
                write!(f, "unknown what {server} did ({why}): asking again, in the same session")
            }
        }
    }
}
