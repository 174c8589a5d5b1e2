// The README's links to files of the repository lead nowhere in here. Of several targets the first one counts.
//! [examples/counter.rs]: https://docs.rs/crate/raft-for-beginners-raft/latest/source/examples/counter.rs
//! [examples/own_transport.rs]: https://docs.rs/crate/raft-for-beginners-raft/latest/source/examples/own_transport.rs
//! [examples/own_store.rs]: https://docs.rs/crate/raft-for-beginners-raft/latest/source/examples/own_store.rs
//! [in_memory.rs]: https://docs.rs/crate/raft-for-beginners-simulator/latest/source/examples/in_memory.rs
//! [the simulator]: https://docs.rs/raft-for-beginners-simulator
//!
#![doc = include_str!("../README.md")]

mod error;
mod form;
mod obstacle;
mod raft;

pub use consensus::event::Problem;
pub use consensus::{
    CannotChange, CannotTransfer, Change, Index, InvalidTiming, Lease, Membership, Message, NodeId, Origin,
    Profile, Quorum, Retirement, Rule, Term, Timing,
};
pub use driver::SmallState as StateMachine;
pub use driver::{Envelope, Restore, Snapshot, StateMachine as StreamedStateMachine};
pub use error::{Error, Result};
pub use form::{Form, Streamed, Whole};
pub use obstacle::Obstacle;
pub use raft::{Opened, Raft};
pub use runtime::{
    Address, ChangeError, Ended, FolderDisk, Health, Inlet, InvalidAddress, InvalidSecret, LONGEST_COMMAND,
    Leadership, MemoryDisk, ProposeError, ReadError, Secret, ServerError, Settings, StorageError,
    TransferError, Transport,
};
