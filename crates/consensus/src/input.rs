//! What can happen to a server.

use crate::{HardState, Instant, LogPosition, Message, NodeId};
use std::sync::Arc;

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
    /// Clients want these commands in the log. A leader appends them, one after the other; anybody else
    /// says who leads.
    Propose {
        /// The commands for the state machine.
        commands: Vec<Arc<[u8]>>,
    },
    /// A client wants to read what is committed by now, or something newer (§8).
    Read {
        /// Its number, chosen by the driver.
        id: u64,
    },
    /// This is on disk now: a crash can't take it away any more. Older things than the server's present
    /// state are no surprise: it may have moved on while the disk was busy.
    Persisted {
        /// The hard state that was saved.
        hard_state: HardState,
        /// Where the saved log ends. If the log has been cut before there since, this says nothing.
        log: LogPosition,
    },
    /// For the laboratory: let the election timer run out at this moment, whatever it was drawn to.
    /// A leader, which has no such timer, becomes a follower first; stepping down is always safe.
    SetElectionTimer {
        /// When the timer shall run out.
        deadline: Instant,
    },
}
