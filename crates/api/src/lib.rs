//! What servers and clients say to each other over HTTP: the servers write it in JSON, our own clients read it, and
//! docs/clients.md explains it to everybody else.
//!
//! * `outcome.rs`: what a client is told that does not get what it wanted;
//! * `store.rs`: keys and values, and their changes; `place.rs`: how far a reader of changes has come;
//! * `members.rs`, `status.rs`: who belongs to the cluster, and how a server is;
//! * [`headers`]: what is not in a body.

pub mod headers;
mod members;
mod outcome;
mod place;
mod status;
mod store;

pub use members::{MembersBody, Successor};
pub use outcome::{OutcomeBody, Told};
pub use place::{InvalidPlace, Place};
pub use status::{PeerTrouble, SnapshotBeingSent, Status, Trouble};
pub use store::{ChangeEvent, Listed, Listing, Missed, Text};
