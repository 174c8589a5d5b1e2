//! A Raft cluster on a page in the browser: live, or a replay of what happened to one.
//!
//! * [`Site`]: the web server (`site.rs`);
//! * `access.rs`: who is served; `refusal.rs`: the errors that all others get;
//! * [`Setup`]: what the page needs to know before the first record;
//! * [`Scenarios`]: what else can be opened on it;
//! * `headlines.rs`: the text about each episode, and since when it applies;
//! * `history.rs`: what has happened so far; `worth.rs`: which of it is kept longest; `records.rs`: how the
//!   page reads it; `events.rs`: how the page gets what happens next;
//! * `actions.rs`, `wish.rs`: what a user asks for on the page; `why_not.rs`: why something did not happen;
//! * [`export`] (`page.rs`): the page as a file that needs no server.
//!
//! The page itself is in crates/web/page, in Svelte and TypeScript. Its types are generated from the Rust
//! types here (the feature `ts`). The built page is committed and embedded, so that the program builds
//! without Node.

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
