//! What a server answers when it is asked how it is.

use consensus::{ClusterId, Index, LogPosition, Membership, NodeId, Profile, RoleKind, Start, Term};
use serde::{Deserialize, Serialize};
use trace::SlowDisk;

/// A server's own account of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Which server answers.
    pub node: NodeId,
    /// The cluster that it belongs to.
    pub cluster: String,
    /// The id of that cluster, once it has one.
    pub cluster_id: Option<ClusterId>,
    /// This start of its data folder.
    pub start: Option<Start>,
    /// What is wrong with it until somebody does something.
    pub trouble: Option<Trouble>,
    /// Why clients had better ask another server at the moment.
    pub not_ready: Option<String>,
    /// What is wrong with other servers, as it sees them. A leader knows most.
    pub peers: Vec<PeerTrouble>,
    /// How many messages in this life contradicted what it knows to be committed, or that it leads its term.
    pub contradictions: u64,
    /// The members of that, in its eyes.
    pub membership: Membership,
    /// Is it committed, as far as it knows, that these are the members?
    pub is_membership_committed: bool,
    /// Which rules it follows beyond the paper's basic algorithm.
    pub profile: Profile,
    /// Its role.
    pub role: RoleKind,
    /// Its current term.
    pub term: Term,
    /// Who has its vote in this term.
    pub voted_for: Option<NodeId>,
    /// Who leads this term, as far as it knows.
    pub leader: Option<NodeId>,
    /// The last entry that its newest snapshot covers; index 0 if it has none.
    pub snapshot: LogPosition,
    /// Where its log ends.
    pub last_log: LogPosition,
    /// Up to here its log is known to be committed.
    pub commit_index: Index,
    /// Up to here the committed entries have been applied.
    pub last_applied: Index,
    /// How many clients' requests wait for their outcome.
    pub waiting: u64,
    /// How many leaders it has seen come, in this life.
    pub leader_changes: u64,
    /// How many of its proposals another one took the place of, in this life.
    pub failed: u64,
    /// How often it was started.
    pub life: u64,
    /// How many connections and messages it has rejected in this life.
    pub rejected: u64,
    /// If its disk has no room for what is to be saved: what the system says.
    pub disk_full: Option<String>,
    /// If its disk is too slow for the election timeout: what was measured.
    pub slow_disk: Option<SlowDisk>,
    /// The snapshots on their way to followers, if it leads. While there are any, it takes no newer one, and its log grows.
    pub snapshots_being_sent: Vec<SnapshotBeingSent>,
    /// About how many bytes of entries it has applied since its newest snapshot was begun.
    pub bytes_since_snapshot: u64,
    /// At this many bytes it takes a newer snapshot all the same.
    pub most_bytes_while_sending: u64,
}

/// A snapshot on its way to a follower.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotBeingSent {
    /// The follower.
    pub to: NodeId,
    /// The last entry that the snapshot covers.
    pub last_included: LogPosition,
    /// The number of its bytes that the follower is known to have.
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

/// What is wrong with another server, as this one sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerTrouble {
    /// The other server.
    pub id: NodeId,
    /// What is wrong with it, as in `far behind: 1200 entries are missing`.
    pub what: String,
}
