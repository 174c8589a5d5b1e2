//! A Raft cluster on a page in the browser: live, or what happened to one played again.

mod history;
mod setup;
mod wish;

pub use history::Snapshot;
pub use setup::{Caption, Mode, Setup, Timing};
pub use wish::{ClientWish, Wish};
