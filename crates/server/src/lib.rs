//! One Raft server process: what the [driver] needs of a real machine.
//!
//! * `wire.rs`: what goes over a TCP connection, and how little of it is believed;
//! * `network.rs`: the listener, and one connection to each peer;
//! * `engine.rs`: the thread that owns the [driver::Driver]: it waits for a message, a command or a
//!   deadline, lets the driver act, and passes on what came of it;
//! * `disk.rs`: the thread that saves, so that the engine need not wait;
//! * `http.rs`, `json.rs`: what clients can ask for, and what they are told;
//! * `server.rs`: puts them together.
//!
//! Every queue is bounded. A message that finds its queue full is dropped: to Raft, that is a message
//! that the network has lost.

mod background;
mod clients;
mod command;
mod disk;
mod engine;
mod http;
mod json;
mod monotonic;
mod network;
mod server;
mod status;
mod wire;

pub use background::tell_in_background;
pub use command::Command;
pub use json::{Listed, Listing, OutcomeTold, Text, Told};
pub use monotonic::monotonic_now;
pub use server::{Options, Remote, Server, ServerError};
pub use status::{Status, StatusError, ask_status};
