//! The core, called as a library: what it does with messages that no honest server sends, with late saves, and at its bounds.

extern crate raft_for_beginners_consensus as consensus;

mod allocations;
mod bounds;
mod common;
mod hostile;
mod late_saves;
mod pre_votes;
mod reads;
