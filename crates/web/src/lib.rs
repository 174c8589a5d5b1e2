//! A Raft cluster on a page in the browser: live, or a replay of what happened to one.
//!
//! * `served.rs`: the web server; [`Site`] (`site.rs`): the page of a cluster; [`LabSite`] (`lab.rs`): the page as a
//!   lab, in which clusters are simulated;
//! * `access.rs`: who is served; `refusal.rs`: the errors that all others get;
//! * `history.rs`: what has happened so far; `worth.rs`: which of it is kept longest; `records.rs`: how the
//!   page reads it; `events.rs`: how the page gets what happens next;
//! * `actions.rs`, `wish.rs`: what a user asks for on the page; `why_not.rs`: why something did not happen;
//! * [`export`], [`lab`] (`built.rs`): the page as a file that needs no server.
//!
//! The page itself is in crates/web/page, in Svelte and TypeScript. Its types are generated from the Rust
//! types here and in crates/page (the feature `ts`). The built page is committed and embedded, so that the program builds
//! without Node.

mod access;
mod actions;
mod built;
mod events;
mod history;
mod lab;
mod packed;
mod records;
mod refusal;
mod scenarios;
mod served;
mod site;
mod why_not;
mod wish;
mod worth;

pub use actions::{Outcome, Request};
pub use built::{ENGINE, ENGINE_NAME, EnginePlace, export, is_page, lab};
pub use history::Snapshot;
pub use lab::LabSite;
pub use served::SiteError;
pub use site::Site;
pub use wish::{ClientWish, Setting, Wish};
