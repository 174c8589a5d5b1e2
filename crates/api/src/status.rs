//! A server's report about its own state.

use consensus::{ClusterId, Index, LogPosition, Membership, NodeId, Profile, RoleKind, Start, Term};
use serde::{Deserialize, Serialize};
use trace::SlowDisk;

/// A server's report about its own state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The server.
    pub node: NodeId,
    /// The cluster that it belongs to.
    pub cluster: String,
    /// The id of that cluster, once it has one.
    pub cluster_id: Option<ClusterId>,
    /// This start of its data folder.
    pub start: Option<Start>,
    /// A problem that remains until an operator does something about it.
    pub trouble: Option<Trouble>,
    /// Why clients should rather ask another server at the moment.
    pub not_ready: Option<String>,
    /// What is wrong with other servers, according to this one. A leader knows most.
    pub peers: Vec<PeerTrouble>,
    /// Number of messages since this start that contradicted what the server knows to be committed, or that
    /// it leads its term.
    pub contradictions: u64,
    /// The members of the cluster, as far as it knows.
    pub membership: Membership,
    /// Is this configuration known to be committed?
    pub is_membership_committed: bool,
    /// The rules that it follows beyond the paper's basic algorithm.
    pub profile: Profile,
    /// Its role.
    pub role: RoleKind,
    /// Its current term.
    pub term: Term,
    /// The server that has its vote in this term.
    pub voted_for: Option<NodeId>,
    /// The leader of this term, if known.
    pub leader: Option<NodeId>,
    /// The last entry that its newest snapshot covers; index 0 if it has none.
    pub snapshot: LogPosition,
    /// The last entry of its log.
    pub last_log: LogPosition,
    /// Highest index known to be committed.
    pub commit_index: Index,
    /// Highest index applied.
    pub last_applied: Index,
    /// Number of clients' requests that wait for their outcome.
    pub waiting: u64,
    /// Number of new leaders seen since this start.
    pub leader_changes: u64,
    /// Number of its proposals that were replaced since this start.
    pub failed: u64,
    /// The start number.
    pub life: u64,
    /// Number of connections and messages rejected since this start.
    pub rejected: u64,
    /// If its disk has no space for what must be saved: the system's error.
    pub disk_full: Option<String>,
    /// If its disk is too slow for the election timeout: the measurement.
    pub slow_disk: Option<SlowDisk>,
    /// For a leader: the snapshots being sent to followers. While there are any, it takes no newer one, and
    /// its log grows.
    pub snapshots_being_sent: Vec<SnapshotBeingSent>,
    /// Approximate number of bytes of entries applied since its newest snapshot was begun.
    pub bytes_since_snapshot: u64,
    /// At this number of bytes it takes a newer snapshot all the same.
    pub most_bytes_while_sending: u64,
}

/// A snapshot being sent to a follower.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotBeingSent {
    /// The follower.
    pub to: NodeId,
    /// The last entry that the snapshot covers.
    pub last_included: LogPosition,
    /// Number of its bytes that the follower is known to have.
    pub bytes: u64,
}

/// What is wrong with a server, in a sentence, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What is wrong.
    pub what: String,
    /// What its operator can do.
    pub help: String,
}

/// What is wrong with another server, according to this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerTrouble {
    /// The other server.
    pub id: NodeId,
    /// What is wrong with it, as in `far behind: 1200 entries are missing`.
    pub what: String,
}
