//! Raft clusters in one deterministic world, and the search for what breaks them.
//!
//! The servers here are the [`driver::Driver`] and the [`storage::Storage`] of the real ones. Only
//! what is around them is simulated: a clock that moves when it is told to, a network that delays,
//! loses and doubles messages, disks that are slow, full, or forget what was not synced.
//!
//! * [`World`]: servers, clock, network and disks; [`Action`]: everything that can be done to one;
//! * [`SimulatedDisk`]: a disk that breaks what a disk may break;
//! * [`AllBut`]: the rules of Raft, or all but one; [`Substitute`]: a learner's answer in the place of one of its conditions;
//! * `properties/`: what must hold whatever happens, checked after every step;
//! * [`Scenario`]: plays the scripts in scenarios/, and goes on command by command, or back and another way;
//! * [`commands`]: what the commands of these scripts do, for those who write them;
//! * [`draw`]: a seed's [`Script`], the world and all that befalls it; [`shrink`]: the shortest script
//!   that still breaks the same promise;
//! * [`hunt`]: the search, seed by seed, and the shortest of what it finds; on all cores, or a slice at a time;
//! * [`Simulation`]: a state machine of your own in such worlds; [`Cluster`]: a cluster that does what a test says;
//! * [`reenact`]: a recorded run of real servers, played again with the same code.

mod action;
mod application;
mod beginning;
mod chance;
pub mod claim;
mod clients;
mod cluster;
pub mod commands;
mod coverage;
mod disk;
mod elections;
mod enact;
mod expression;
mod failure;
mod fnv1a;
mod history;
pub mod hunt;
mod interactive;
mod logs;
mod machine;
mod network;
pub mod origin;
mod properties;
mod prose;
mod quiet;
mod reading;
mod reenact;
mod rules;
mod run_hash;
mod scenario;
mod script;
mod search;
mod server;
mod shrink;
mod simulation;
mod stage;
mod store_clients;
mod substitute;
mod tested;
mod watched;
mod world;

pub use action::{Action, Answer, Kind, Selection, Wish};
pub use chance::Random;
pub use cluster::{Cluster, Proposal};
pub use coverage::Coverage;
pub use disk::SimulatedDisk;
pub use enact::Run;
pub use expression::Mistake;
pub use failure::Failure;
pub use fnv1a::Fnv1a;
pub use network::{LinkWeather, Weather};
pub use properties::{Promise, Violation};
pub use quiet::quietly;
pub use reenact::{Divergence, Misfit, Reenacted, reenact};
pub use rules::{AllBut, NOT_FOUND_BY_CHANCE, UNSHOWN, why_in_vain};
pub use run_hash::RunHash;
pub use scenario::{Film, Scenario, Scene, with_all_rules};
pub use script::Script;
pub use search::{Faults, SearchOptions, draw};
pub use shrink::{Effort, Shrunk, shrink};
pub use simulation::Simulation;
pub use substitute::{Condition, Question, Substitute};
pub use trace::Unsynced;
pub use watched::Testable;
pub use world::{Ending, MessageInFlight, Refusal, World, WorldOptions};
pub use {consensus, consensus::event::Verdict, driver};

/// Its code is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
