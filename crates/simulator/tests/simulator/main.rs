//! The simulator: its scenarios, its search, and its headlines.

extern crate raft_for_beginners_simulator as simulator;

mod beginnings;
mod episodes;
mod scenarios;
mod search;
