//! The store as Raft sees it: logs go in, answers and snapshots come out.

mod hostile;
mod log;
mod model;
mod once;
mod snapshot;
