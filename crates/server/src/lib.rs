//! One Raft server process: what the [driver] needs of a real machine.
//!
//! * `wire.rs`: what goes over a TCP connection, and how little of it is believed;
//! * `network.rs`: the listener, and one connection to each peer; `secret.rs`: how servers of one cluster know each other;
//! * `engine.rs`: owns the [driver::Driver]: it waits for a message, a command or a deadline, lets the
//!   driver act, and passes on what came of it; `inbox.rs`: all that can happen to it from outside;
//! * `address.rs`: where a server is reached;
//! * `alarm.rs`: wakes it at the deadline, exactly;
//! * `links.rs`: what the laboratory does to messages on their way;
//! * `disk.rs`: the thread that saves, so that the engine need not wait; `pace.rs`: how fast it is;
//! * `http.rs`: what clients can ask for, and what they are told in the words of [api];
//! * `machine.rs`, `changes.rs`: the store, and its latest changes, for those who watch;
//! * `member.rs`: puts the engine and the disk together, whatever carries the messages;
//! * `server.rs`: with TCP and HTTP; `maelstrom.rs`: with lines on standard input and output.
//!
//! Every queue is bounded. A message that finds its queue full is dropped: to Raft, that is a message
//! that the network has lost.

mod address;
mod alarm;
mod background;
#[cfg(test)]
mod bounds;
mod broadcast;
mod changes;
mod clients;
mod command;
mod disk;
mod engine;
mod error;
mod http;
mod inbox;
mod links;
mod machine;
mod maelstrom;
mod member;
mod monotonic;
mod network;
mod options;
mod pace;
mod secret;
mod server;
mod transport;
mod trouble;
mod wire;

pub use address::{Address, InvalidAddress};
pub use background::tell_in_background;
pub use command::Command;
pub use error::ServerError;
pub use maelstrom::{Introduction, MaelstromNode};
pub use member::Remote;
pub use monotonic::monotonic_now;
pub use options::Options;
pub use secret::{InvalidSecret, Secret};
pub use server::Server;
