//! What a server shows of itself.

use consensus::{Instant, Membership, NodeId, Term};
use driver::{Driver, StateMachine};
use std::sync::Arc;
use trace::SlowDisk;

/// Who leads, and who belongs to the cluster, as one server knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leadership {
    /// The server's current term.
    pub term: Term,
    /// The leader of that term, if it is known.
    pub leader: Option<NodeId>,
    /// The latest configuration in the server's log.
    pub members: Arc<Membership>,
}

/// A server at one moment, for [`Handle::look`](crate::Handle::look).
pub struct View<'a, M: StateMachine> {
    /// The driver, with the state machine and the core.
    pub driver: &'a Driver<M>,
    /// The time on the server's own clock.
    pub now: Instant,
    /// What is known of it besides.
    pub health: Health,
}

/// How a server is: what only the runtime knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// Number of requests without an outcome.
    pub waiting: usize,
    /// Number of proposals that were replaced by another one.
    pub replaced: u64,
    /// Number of changes of leader that this server has seen.
    pub leader_changes: u64,
    /// Number of connections and messages that were rejected.
    pub rejected: u64,
    /// Number of messages that contradicted what is committed, or that this server leads its term: that can only be if a
    /// server has lost data, or if they belong to different clusters.
    pub contradictions: u64,
    /// The sender of the latest such message, if it came within the last ten seconds.
    pub contradicted_by: Option<NodeId>,
    /// What the system says of a disk that has no room for the next save.
    pub disk_full: Option<String>,
    /// Why the disk is too slow for the election timeout, if it is.
    pub slow_disk: Option<SlowDisk>,
}
