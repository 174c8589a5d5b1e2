use consensus::{Change, NodeId, Profile};
use runtime::Address;
use serde::{Deserialize, Serialize};
use trace::Faults;

/// A command to a running server, from the program that started it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// A peer is to be found at this address from now on.
    Peer {
        /// Which peer.
        id: NodeId,
        /// Where.
        address: Address,
    },
    /// The clock runs at this multiple of real time from now on.
    Speed {
        /// See [`driver::Speed`].
        multiple: f64,
    },
    /// The election timer runs out at this moment, whatever comes in between.
    ExpireElectionTimer {
        /// Microseconds since the cluster's start; at once if it is past.
        at: u64,
    },
    /// This is done to messages of a peer from now on.
    Link {
        /// Which peer.
        from: NodeId,
        /// What.
        faults: Faults,
    },
    /// It follows this profile from now on.
    Profile(Profile),
    /// The members change, if this server leads.
    ChangeMembership(Change),
    /// Another server leads, if this one does so far.
    TransferLeadership {
        /// That one.
        to: NodeId,
    },
    /// End in good order.
    Stop,
}
