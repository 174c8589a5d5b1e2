//! The simulator: its scenarios, its search, and its headlines.

extern crate raft_for_beginners_simulator as simulator;

mod applications;
mod beginnings;
mod by_hand;
mod commands;
mod disk;
mod episodes;
mod expressions;
mod hunt;
mod interactive;
mod language;
mod lost_entry;
mod origins;
mod prose;
mod recordings;
mod scenarios;
mod search;
mod substitutes;
mod time;
