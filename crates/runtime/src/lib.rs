//! Runs one server of a replicated state machine: what the [driver] needs of a real machine.
//!
//! * [`Server`]: holds the data folder, and runs the server as one task; [`Settings`]: what it is started with;
//! * [`Handle`]: proposes, reads, changes the members, watches who leads, and stops the server;
//! * [`Transport`]: carries messages to other servers, and hands in at their [`Inlet`] what has come. [`Tcp`] is one;
//! * [`Observer`]: gets the records of what happens;
//! * [`LabSettings`], [`LabCommand`]: what disturbs a server so that people can watch it. A server in production has
//!   nothing of it.
//!
//! Within: `engine.rs` owns the [`driver::Driver`]: it waits for a message, a request or a deadline, lets the driver act,
//! and passes on the effects. `requests.rs` has the requests that wait for their outcome, `inbound.rs` all else that
//! can happen. `alarm.rs` wakes it at the deadline, exactly. `disk.rs` is the thread that saves, so that the engine need not
//! wait; `pace.rs` how fast it is. `wire.rs` is what goes over a TCP connection, and `secret.rs` how servers prove
//! that they belong together.
//!
//! Every queue is bounded. A message that finds its queue full is dropped: to Raft, that is a message that the network has
//! lost. A request that finds its queue full is refused.

mod address;
mod alarm;
#[cfg(test)]
mod bounds;
mod disk;
mod engine;
mod error;
mod handle;
mod inbound;
mod lab;
mod monotonic;
mod observer;
mod pace;
mod replicated;
mod requests;
mod secret;
mod server;
mod settings;
mod tcp;
mod transport;
mod view;
mod wire;

pub use address::{Address, InvalidAddress};
pub use error::ServerError;
pub use handle::{Handle, LONGEST_COMMAND};
pub use inbound::{Ended, Inlet};
pub use lab::{LabCommand, LabSettings};
pub use monotonic::monotonic_now;
pub use observer::Observer;
pub use replicated::Replicated;
pub use requests::{ChangeError, ProposeError, ReadError, TransferError, Unavailable};
pub use secret::{InvalidSecret, Secret};
pub use server::{BYTES_PER_MESSAGE, Server};
pub use settings::Settings;
pub use storage::{Disk, FolderDisk, MemoryDisk, StorageError};
pub use tcp::{Clients, Tcp};
pub use transport::Transport;
pub use view::{Health, Leadership, View};
pub use {consensus, driver};
