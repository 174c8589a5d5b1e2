//! A Raft cluster on a page in the browser: live, or what happened to one played again.
//!
//! * [`Site`]: the web server (`site.rs`);
//! * `access.rs`: who may ask, and `refusal.rs`: what all others are told;
//! * [`Setup`]: what the page must know before the first record;
//! * [`Scenarios`]: what else can be opened on it;
//! * `history.rs`: what has happened so far, `records.rs`: how the page reads it, and `events.rs`: how it is told what
//!   comes;
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
mod records;
mod refusal;
#[cfg(feature = "ts")]
mod rules;
mod scenarios;
mod setup;
mod site;
mod wish;

pub use actions::{Outcome, Request};
pub use history::Snapshot;
pub use page::{embedded, export};
#[cfg(feature = "ts")]
pub use rules::RuleTold;
pub use scenarios::{Chapter, ScenarioTitle, Scenarios};
pub use setup::{Caption, Mode, Setup, Timing};
pub use site::{Site, SiteError};
pub use wish::{ClientWish, Wish};
