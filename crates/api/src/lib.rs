//! What servers and clients send each other over HTTP: the servers write it in JSON, our own clients read it,
//! and docs/clients.md explains it to everyone else.
//!
//! * `outcome.rs`: the body of a response that is not a success;
//! * `store.rs`: keys and values, and their changes; `place.rs`: how far a reader of changes has got;
//! * `members.rs`, `status.rs`: the members of the cluster, and the state of a server;
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
