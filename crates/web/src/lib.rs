//! A Raft cluster on a page in the browser: live, or what happened to one played again.
//!
//! * [`Site`]: the web server (`site.rs`);
//! * `access.rs`: who may ask, and `refusal.rs`: what all others are told;
//! * [`Setup`]: what the page must know before the first record;
//! * `history.rs`: what has happened so far, and `events.rs`: how the page is told of it;
//! * `actions.rs`, `wish.rs`: what somebody in front of the page wants;
//! * [`export`] (`page.rs`): the page as a file that needs no server.
//!
//! The page itself is in crates/web/page, in Svelte and TypeScript. Its types are made from the Rust types here (the
//! feature `ts`), and what is built of it is embedded: nobody needs Node to have it.

mod access;
mod actions;
mod events;
mod history;
mod page;
mod refusal;
mod setup;
mod site;
mod wish;

pub use actions::{Outcome, Request};
pub use history::Snapshot;
pub use page::export;
pub use setup::{Caption, Mode, RuleTold, Setup, Timing};
pub use site::{Site, SiteError};
pub use wish::{ClientWish, Wish};
