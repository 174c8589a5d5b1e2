//! The steps on the way to an answer.

use consensus::NodeId;
use std::fmt;
use std::time::Duration;

/// Something that a person who waits for an answer may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A server has named the leader.
    Redirected {
        /// The server that was asked.
        node: NodeId,
        /// The leader.
        leader: NodeId,
    },
    /// A server did not do it, for another reason. The next one is asked, or the same one again if only one
    /// is known.
    NotDone {
        /// Why not.
        why: String,
    },
    /// The outcome is unknown. The request is sent again, which is safe.
    Uncertain {
        /// Why it is unknown.
        why: String,
    },
    /// All known servers were asked in vain. They are asked again.
    StillTrying {
        /// The pause before that, at most.
        rest: Duration,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Redirected { node, leader } => write!(f, "{node} is not the leader: asking {leader}"),
            Step::NotDone { why } => write!(f, "{why}; trying again"),
            Step::Uncertain { why } => {
                write!(
                    f,
                    "{why}: it is unknown whether it was done; sending it again, which executes it only once"
                )
            }
            Step::StillTrying { rest } => {
                write!(f, "no server could do it yet: trying for {} s more", rest.as_secs_f64().round())
            }
        }
    }
}
