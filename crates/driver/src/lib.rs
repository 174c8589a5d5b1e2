//! The order of things in a Raft server: decide, save, then send.
//!
//! The consensus core decides but does nothing; the [`Driver`] does what the core decided, in the only safe
//! order. It is written once. A server process runs it with a real disk, clock and network, the simulator
//! with ones that fail on command.
//!
//! * [`Driver`]: one server's core, its state machine, and the messages that wait for the disk. Everything
//!   that happens to it is an [`Input`], and comes in through one door, [`Driver::step`]; what must be done
//!   is in [`Effects`];
//! * [`perform`]: how a disk does a [`DiskJob`];
//! * [`StateMachine`]: what the committed commands act on; [`Outcomes`]: the results of clients' requests;
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

pub use clients::{ChangeOutcome, Outcomes, ReadOutcome, WriteOutcome};
pub use clock::{Clock, InvalidSpeed, Speed};
pub use consensus;
pub use disk_job::{DiskDone, DiskJob, perform};
pub use driver::{Driver, Effects, Envelope};
pub use recorder::TraceLevel;
pub use snapshots::{BrokenSnapshot, Restored, UnreadableSnapshot, WholeSnapshot};
pub use state_machine::{
    LoadingState, NotLoaded, Restore, SavedState, SmallState, Snapshot, StateMachine, Whole,
};
pub use trace::{Input, RECORDED, RequestId, StoreContent};
