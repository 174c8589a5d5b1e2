//! A Raft cluster on a page in the browser: live, or what happened to one played again.
//!
//! * [`Site`]: the web server (`site.rs`);
//! * `access.rs`: who may ask; `refusal.rs`: the errors that all others get;
//! * [`Setup`]: what the page needs to know before the first record;
//! * [`Scenarios`]: what else can be opened on it;
//! * `headlines.rs`: what is said of each episode, and since when;
//! * `history.rs`: what has happened so far; `worth.rs`: what of it is kept longest; `records.rs`: how the page reads it; `events.rs`: how it gets what happens
//!   next;
//! * `actions.rs`, `wish.rs`: what is asked for on the page; `why_not.rs`: why something did not happen;
//! * [`export`] (`page.rs`): the page as a file that needs no server.
//!
//! The page itself is in crates/web/page, in Svelte and TypeScript. Its types are generated from the Rust types here (the
//! feature `ts`). The built page is committed and embedded, so that the program builds without Node.

mod access;
mod actions;
mod events;
#[cfg(feature = "ts")]
mod glossary;
mod headlines;
mod history;
mod page;
mod records;
mod refusal;
#[cfg(feature = "ts")]
mod rules;
mod scenarios;
mod setup;
mod site;
mod why_not;
mod wish;
mod worth;

pub use actions::{Outcome, Request};
#[cfg(feature = "ts")]
pub use glossary::DefinitionTold;
pub use headlines::Headline;
pub use history::Snapshot;
pub use page::{embedded, export};
#[cfg(feature = "ts")]
pub use rules::RuleTold;
pub use scenarios::{Chapter, ScenarioTitle, Scenarios};
pub use setup::{Mode, Scene, Setup, Timing};
pub use site::{Site, SiteError};
pub use why_not::{ObstacleTold, WhyNotTold};
pub use wish::{ClientWish, Setting, Wish};
