//! The order of things in a Raft server: decide, save, then speak.
//!
//! The consensus core decides but does nothing; the [`Driver`] does what it decided, in the only
//! order that is safe. It is written once. A server process drives it with a real disk, clock and
//! network, the simulator with ones that fail on command.
//!
//! * [`Driver`]: one server's core, its storage, and the messages that wait for the disk;
//! * [`Envelope`]: a message with its sender, its receiver and the event that sent it;
//! * [`Clock`]: real time, or slow motion.

mod clock;
mod driver;
mod scribe;

pub use clock::{Clock, InvalidSpeed, Speed};
pub use driver::{Driver, Effects, Envelope, Telling};
