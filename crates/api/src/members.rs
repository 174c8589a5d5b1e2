//! The members of the cluster, and its leader.

use crate::status::{PeerTrouble, Status};
use consensus::{Membership, NodeId};
use serde::{Deserialize, Serialize};

/// The members of the cluster, as far as the replying server knows: the response to `/members`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembersBody {
    /// The replying server.
    pub node: NodeId,
    /// The leader, if known.
    pub leader: Option<NodeId>,
    /// The configuration in effect.
    #[serde(flatten)]
    pub membership: Membership,
    /// Is that configuration known to be committed?
    pub is_committed: bool,
    /// What is wrong with other members, according to this server. A leader knows most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<PeerTrouble>,
}

impl From<Status> for MembersBody {
    fn from(status: Status) -> MembersBody {
        let Status { node, leader, membership, is_membership_committed: is_committed, peers, .. } = status;
        MembersBody { node, leader, membership, is_committed, troubles: peers }
    }
}

/// The server that leadership must be handed over to: what is sent to `/leader`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Successor {
    /// The other server.
    pub to: NodeId,
}
