//! The core, called as a library: messages that no honest server sends, late saves, and limits.

mod allocations;
mod bounds;
mod common;
mod hostile;
mod late_saves;
mod pre_votes;
mod reads;
