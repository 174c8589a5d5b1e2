//! The checker of linearizability.

extern crate raft_for_beginners_linearizability as linearizability;

mod bad;
mod bound;
mod docs;
mod draw;
mod files;
mod good;
mod notation;
mod oracle;
mod random;
mod versions;
