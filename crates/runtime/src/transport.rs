use crate::Address;
use consensus::{Membership, NodeId, Origin};
use driver::Envelope;

/// Carries a server's messages to the other servers.
///
/// What it receives, it hands in at the other server's [`Inlet`](crate::Inlet). It may lose messages, delay them,
/// double them and change their order, but must not change what they say. It must not wait: a message for which there is
/// no room is to be dropped.
///
/// Servers believe what messages say about where they come from, so a transport must let in only messages of servers that
/// may speak for the sender that they name.
pub trait Transport {
    /// Sends a message to the server that it names, or drops it.
    fn send(&self, envelope: Envelope);

    /// Where this server is, as HOST:PORT, if that is known. New servers learn it from the configuration.
    fn address_of(&self, _id: NodeId) -> Option<String> {
        None
    }

    /// From now on this server is to be found at this address, whether it was known before or not.
    fn set_address(&self, _id: NodeId, _address: Address) {}

    /// From now on these are the members of the cluster.
    fn set_members(&self, _membership: &Membership) {}

    /// From now on this server's messages come from there: it belongs to a cluster now. Each [`Envelope`] says so, too.
    fn set_origin(&self, _origin: Origin) {}

    /// This server has left the cluster.
    fn hang_up(&self, _id: NodeId) {}
}
