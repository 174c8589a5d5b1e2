//! The order of things in a Raft server: decide, save, then speak.
//!
//! The consensus core decides but does nothing; the [`Driver`] does what it decided, in the only
//! order that is safe. It is written once. A server process drives it with a real disk, clock and
//! network, the simulator with ones that fail on command.
//!
//! * [`Driver`]: one server's core, its state machine, and the messages that wait for the disk;
//! * [`StateMachine`]: what the committed commands act on; [`Outcome`]: what a client hears of its own;
//! * [`Envelope`]: a message with its sender, its receiver and the event that sent it;
//! * [`Clock`]: real time, or slow motion.

mod clients;
mod clock;
mod driver;
mod reasons;
mod scribe;
mod snapshots;
mod state_machine;

pub use clients::{ChangeOutcome, Outcome, ReadOutcome, RequestId, WriteOutcome};
pub use clock::{Clock, InvalidSpeed, Speed};
pub use driver::{Driver, Effects, Envelope};
pub use scribe::Telling;
pub use snapshots::{BrokenSnapshot, Restored, UnreadableSnapshot, WholeSnapshot, read_chunk, store_chunk};
pub use state_machine::{Restore, Snapshot, StateMachine};
pub use trace::{RECORDED, StoreContent};
