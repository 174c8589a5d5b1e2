//! Raft clusters in one deterministic, scripted world.
//!
//! The servers here are the [`driver::Driver`] and the [`storage::Storage`] of the real ones. Only
//! what is around them is simulated: a clock that moves when it is told to, a network whose messages
//! wait to be delivered, lost or doubled, disks that forget what was not synced.
//!
//! * [`World`]: servers, clock and network;
//! * [`SimulatedDisk`]: a disk that can crash and fail;
//! * [`AllBut`]: the rules of Raft, or all but one;
//! * `properties/`: what must hold whatever happens, checked after every step;
//! * [`Scenario`]: plays the scripts in scenarios/.

mod disk;
mod network;
mod properties;
mod rules;
mod scenario;
mod server;
mod world;

pub use disk::SimulatedDisk;
pub use properties::Violation;
pub use rules::AllBut;
pub use scenario::Scenario;
pub use world::{Refusal, World, WorldOptions};
