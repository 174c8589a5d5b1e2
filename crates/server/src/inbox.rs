//! What comes to the engine.

use crate::clients::Request;
use crate::command::Command;
use crate::disk::Done;
use api::Status;
use consensus::{NodeId, Origin};
use driver::Envelope;
use std::net::SocketAddr;
use tokio::sync::oneshot;

/// So many happenings wait for the engine, at most.
pub(crate) const INBOX: usize = 4096;

/// What can happen to a server from outside.
pub(crate) enum Inbound {
    /// A message has come.
    Envelope(Envelope),
    /// Whoever started the server wants something.
    Command(Command),
    /// A client wants something.
    Client(Request),
    /// Somebody wants to know how it is.
    StatusAsked(oneshot::Sender<Status>),
    /// The disk has done something, or has failed.
    Disk(Done),
    /// The connection ended on which this server's messages came.
    ConnectionLost(NodeId),
    /// One was made on which they will come, and this is where they come from.
    ConnectionMade(NodeId, Origin),
    /// A connection brought what it should not.
    Garbage { from: SocketAddr, problem: &'static str },
}
