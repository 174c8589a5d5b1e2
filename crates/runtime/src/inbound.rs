//! What comes to the engine, besides requests.

use crate::Address;
use crate::disk::Done;
use crate::lab::LabCommand;
use consensus::{NodeId, Origin};
use driver::Envelope;
use std::net::SocketAddr;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// Maximum number of inputs that wait for the engine, and maximum number of requests.
pub(crate) const INBOX: usize = 4096;

/// What can happen to a server from outside.
pub(crate) enum Inbound {
    /// A message has come.
    Envelope(Envelope),
    /// The disk has done something, or has failed.
    Disk(Done),
    /// The connection ended on which this server's messages came.
    ConnectionLost(NodeId),
    /// One was made on which they will come, and this is where they come from.
    ConnectionMade(NodeId, Origin),
    /// A connection brought what it should not.
    Garbage { from: SocketAddr, problem: &'static str },
    /// A server is reached at this address from now on.
    Address(NodeId, Address),
    /// The lab wants something.
    Lab(LabCommand),
    /// The server is to stop.
    Stop,
}

/// Where a [`Transport`](crate::Transport) hands in what has come for a server. It never waits: a server with too much to
/// do loses messages, which Raft can stand. Clones hand in to the same server.
#[derive(Debug, Clone)]
pub struct Inlet(mpsc::Sender<Inbound>);

/// The server has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server has ended")]
pub struct Ended;

impl Inlet {
    pub(crate) fn new(inbox: mpsc::Sender<Inbound>) -> Inlet {
        Inlet(inbox)
    }

    /// Hands in a message.
    ///
    /// # Errors
    /// If the server has ended. A message that is lost is no error.
    pub fn deliver(&self, envelope: Envelope) -> Result<(), Ended> {
        match self.0.try_send(Inbound::Envelope(envelope)) {
            Ok(()) | Err(TrySendError::Full(_)) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(Ended),
        }
    }

    /// Is there so much to do that only members' messages should be handed in?
    pub fn is_half_full(&self) -> bool {
        self.0.capacity() < self.0.max_capacity() / 2
    }

    /// Reports that `peer` has a connection to this server from now on, and where its messages come from. This is a hint,
    /// which makes elections faster.
    pub fn connection_made(&self, peer: NodeId, origin: Origin) {
        let _ = self.0.try_send(Inbound::ConnectionMade(peer, origin));
    }

    /// Reports that the connection ended on which the messages of `peer` came. This is a hint, which makes elections
    /// faster.
    pub fn connection_lost(&self, peer: NodeId) {
        let _ = self.0.try_send(Inbound::ConnectionLost(peer));
    }

    /// Reports that something came from this address which was rejected, and why.
    pub fn rejected(&self, from: SocketAddr, problem: &'static str) {
        let _ = self.0.try_send(Inbound::Garbage { from, problem });
    }
}
