//! A server of the replicated key-value store: a user of the [runtime], with [kv] as its state machine.
//!
//! * `machine.rs`, `changes.rs`: the store, and its latest changes, for those who watch;
//! * `http.rs`: what clients can ask for, and what they are told in the words of [api];
//! * `status.rs`, `trouble.rs`: how a server is, and what is wrong with it, in words; `broadcast.rs`: its records, for
//!   those who listen;
//! * `command.rs`, `remote.rs`: what `raft up` tells its servers;
//! * `server.rs`: with TCP and HTTP; `maelstrom.rs`: with lines on standard input and output.

mod background;
mod broadcast;
mod changes;
mod command;
mod error;
mod http;
mod machine;
mod maelstrom;
mod remote;
mod server;
mod status;
mod trouble;

pub use background::tell_in_background;
pub use command::Command;
pub use error::ServerError;
pub use maelstrom::{Introduction, MaelstromNode};
pub use remote::Remote;
pub use runtime::{Address, InvalidAddress, InvalidSecret, LabSettings, Secret, Settings, monotonic_now};
pub use server::Server;
