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
    Address, ChangeError, Ended, Health, Inlet, InvalidAddress, InvalidSecret, LONGEST_COMMAND, Leadership,
    ProposeError, ReadError, Secret, ServerError, Settings, StorageError, TransferError, Transport,
};
