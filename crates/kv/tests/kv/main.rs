//! The store as Raft sees it: logs go in, answers and snapshots come out.

extern crate raft_for_beginners_kv as kv;

mod hostile;
mod log;
mod model;
mod once;
mod snapshot;
