//! Who belongs to the cluster, and who leads it.

use crate::status::{PeerTrouble, Status};
use consensus::{Membership, NodeId};
use serde::{Deserialize, Serialize};

/// Who belongs to the cluster, in the eyes of the server that tells it: the answer of `/members`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembersBody {
    /// The server that tells it.
    pub node: NodeId,
    /// Who leads, as far as it knows.
    pub leader: Option<NodeId>,
    /// The configuration that counts.
    #[serde(flatten)]
    pub membership: Membership,
    /// Is it committed, as far as this server knows?
    pub is_committed: bool,
    /// What is wrong with other members, as this server sees them. A leader knows most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<PeerTrouble>,
}

impl From<Status> for MembersBody {
    fn from(status: Status) -> MembersBody {
        let Status { node, leader, membership, is_membership_committed: is_committed, peers, .. } = status;
        MembersBody { node, leader, membership, is_committed, troubles: peers }
    }
}

/// To whom the leadership shall go: what is sent to `/leader`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Successor {
    /// That server.
    pub to: NodeId,
}
