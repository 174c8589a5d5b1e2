//! The core, called as a library: messages that no honest server sends, late saves, and limits.

extern crate raft_for_beginners_consensus as consensus;

mod allocations;
mod bounds;
mod common;
mod eager;
mod hostile;
mod late_saves;
mod pre_votes;
mod reads;
mod snapshots;
