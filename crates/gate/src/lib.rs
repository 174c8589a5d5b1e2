//! What stands between the sockets on which browsers and other clients ask, and those who answer: the same for the ports of
//! the servers and for that of the page.
//!
//! * [`Names`], [`check`] (`access.rs`): who may ask. A page of somebody else, open in a browser on this machine, may not;
//! * [`Door`] (`door.rs`): through it comes each request, and leaves each answer; it gives up who keeps it waiting, with
//!   its answers too (`patient.rs`);
//! * [`Room`] (`room.rs`): how much answers may hold that nobody has read.

mod access;
mod door;
mod patient;
mod room;

pub use access::{Names, Stranger, check, host_of};
pub use door::{Door, SILENCE, accept};
pub use room::{Room, SMALL, Share};
