//! The order of things in a Raft server: decide, save, then speak.
//!
//! The consensus core decides but does nothing; the [`Driver`] does what it decided, in the only
//! order that is safe. It is written once. A server process drives it with a real disk, clock and
//! network, the simulator with ones that fail on command.
//!
//! * [`Driver`]: one server's core, its state machine, and the messages that wait for the disk. All that happens to it
//!   is an [`Input`], and comes in by one door, [`Driver::step`]; what is to be done is in [`Effects`];
//! * [`perform`]: how a disk does what it is asked for, a [`DiskJob`];
//! * [`StateMachine`]: what the committed commands act on; [`Whole`]: one whose state is small;
//!   [`Outcomes`]: what clients hear of their own;
//! * [`Envelope`]: a message with its sender, its receiver and the event that sent it;
//! * [`Clock`]: real time, or slow motion.

mod clients;
mod clock;
mod disk_job;
mod driver;
mod reasons;
mod recorder;
mod snapshots;
mod state_machine;
mod whole;

pub use clients::{ChangeOutcome, Outcomes, ReadOutcome, WriteOutcome};
pub use clock::{Clock, InvalidSpeed, Speed};
pub use disk_job::{DiskDone, DiskJob, perform};
pub use driver::{Driver, Effects, Envelope};
pub use recorder::TraceLevel;
pub use snapshots::{BrokenSnapshot, Restored, UnreadableSnapshot, WholeSnapshot};
pub use state_machine::{Restore, Snapshot, StateMachine};
pub use trace::{Input, RECORDED, RequestId, StoreContent};
pub use whole::{LoadedState, SavedState, SmallState, UnreadableState, Whole};
