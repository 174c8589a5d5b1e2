//! What can happen to a server.

use crate::{HardState, Instant, Message, NodeId};

/// One thing that happens to a server. See [`Node::step`](crate::Node::step).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Time has passed, perhaps beyond [`Node::next_deadline`](crate::Node::next_deadline).
    Tick,
    /// A message has arrived.
    Message {
        /// Its sender, as the transport knows it.
        from: NodeId,
        /// What it says.
        message: Message,
    },
    /// This hard state is on disk now: a crash can't take it away any more.
    Persisted {
        /// What was saved. An older one than the server's present state is no surprise: it may
        /// have moved on while the disk was busy.
        hard_state: HardState,
    },
    /// For the laboratory: let the election timer run out at this moment, whatever it was drawn to.
    /// A leader, which has no such timer, becomes a follower first; stepping down is always safe.
    SetElectionTimer {
        /// When the timer shall run out.
        deadline: Instant,
    },
}
