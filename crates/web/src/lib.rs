//! A Raft cluster on a page in the browser: live, or a replay of what happened to one.
//!
//! * [`Site`]: the web server (`site.rs`);
//! * `access.rs`: who is served; `refusal.rs`: the errors that all others get;
//! * `history.rs`: what has happened so far; `worth.rs`: which of it is kept longest; `records.rs`: how the
//!   page reads it; `events.rs`: how the page gets what happens next;
//! * `actions.rs`, `wish.rs`: what a user asks for on the page; `why_not.rs`: why something did not happen;
//! * [`export`] (`built.rs`): the page as a file that needs no server.
//!
//! The page itself is in crates/web/page, in Svelte and TypeScript. Its types are generated from the Rust
//! types here and in crates/page (the feature `ts`). The built page is committed and embedded, so that the program builds
//! without Node.

mod access;
mod actions;
mod built;
mod events;
mod history;
mod records;
mod refusal;
mod scenarios;
mod site;
mod why_not;
mod wish;
mod worth;

pub use actions::{Outcome, Request};
pub use built::export;
pub use history::Snapshot;
pub use site::{Site, SiteError};
pub use wish::{ClientWish, Setting, Wish};
