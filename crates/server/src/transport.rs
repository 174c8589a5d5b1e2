//! What an engine needs of whatever carries its messages.

use crate::Address;
use consensus::{Membership, NodeId, Origin};
use driver::Envelope;

/// Carries messages to the other servers: over TCP (network.rs), or as lines of text (maelstrom/).
pub(crate) trait Transport {
    /// Sends a message, or loses it if too many wait already: Raft can stand that.
    fn send(&self, envelope: Envelope);

    /// Where this server is, as HOST:PORT, if that is known.
    fn address_of(&self, id: NodeId) -> Option<String>;

    /// From now on this server is to be found at this address, whether it was known before or not.
    fn set_address(&self, id: NodeId, address: Address);

    /// From now on these are the members of the cluster.
    fn set_members(&self, membership: &Membership);

    /// From now on this server's messages come from there: it belongs to a cluster now.
    fn set_origin(&self, origin: Origin);

    /// This server is none of the cluster's any more.
    fn hang_up(&self, id: NodeId);
}
