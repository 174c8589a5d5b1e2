//! What every HTTP port of the project shares, those of the servers and that of the page: who may send
//! requests, and how much a client may hold up.
//!
//! * [`Names`], [`check`] (`access.rs`): which requests are served. Those of a foreign web page are not;
//! * [`Door`] (`door.rs`): serves connections, and closes those of clients that keep it waiting, or that do
//!   not read their responses (`patient.rs`);
//! * [`Room`] (`room.rs`): a bound on the bytes of unread responses.

mod access;
mod door;
mod patient;
mod room;

pub use access::{Names, Stranger, check, host_of};
pub use door::{Door, SILENCE, accept};
pub use room::{Room, SMALL, Share};
