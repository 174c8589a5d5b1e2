//! What the page in the browser is told by the web server of `raft up` and `raft replay`, in an exported file, or by
//! the simulator in the page itself.
//!
//! * [`Setup`]: what the page needs to know before the first record;
//! * [`Headlines`]: the text about each episode, and since when it applies;
//! * [`Library`]: the scenarios, in learning order;
//! * [`Run`]: a run that is complete; [`embedded`]: its JSON;
//! * [`Known`]: why something did not happen;
//! * `rules.rs`, `glossary.rs`: what the page itself contains.
//!
//! The page is in crates/web/page, in Svelte and TypeScript. Its types are generated from the Rust types here
//! (the feature `ts`).

#[cfg(feature = "ts")]
mod glossary;
mod headlines;
mod library;
#[cfg(feature = "ts")]
mod rules;
mod run;
mod setup;
mod why_not;

#[cfg(feature = "ts")]
pub use glossary::DefinitionTold;
pub use headlines::{Headline, Headlines};
pub use library::{Chapter, ChapterName, Library, ScenarioTitle, title};
#[cfg(feature = "ts")]
pub use rules::RuleTold;
pub use run::{RecordJson, Run, embedded};
pub use setup::{Mode, Scene, Setup, Timing, micros};
pub use why_not::{Known, ObstacleTold, Unanswerable, WhyNotTold};
