//! What happened in a Raft cluster: one schema of events, its JSON, and its English.
//!
//! Servers report [`Record`]s. Every view of a cluster (the plain output, the terminal view, the scenarios)
//! reads the same records and uses the same words, so no two views can disagree:
//!
//! * [`Record`] and its JSON lines: `record.rs`, documented for other programs in docs/trace.md;
//! * [`Input`]: what can happen to a server. A recording has all inputs, so it can be replayed;
//! * [`Content`]: the contents of entries and the store, in the words of the server that reads them;
//! * [`english`]: each event in words;
//! * [`Feed`]: records as the lines of a story, the routine left out;
//! * [`Episodes`]: the headlines, a sentence for each thing that matters;
//! * [`why`]: the chain of causes that led to an event;
//! * [`why_not`]: what prevented something that did not happen;
//! * [`glossary`]: the words of Raft in a text, explained;
//! * [`FirstStep`]: what a learner tries first, as seen in the records;
//! * [`shown`](shown()): foreign text, made safe for a terminal;
//! * [`ClusterView`]: what the records so far say about each server, and about its log.

mod content;
pub mod english;
mod episodes;
mod feed;
mod first_steps;
pub mod glossary;
mod input;
mod record;
mod shown;
mod slow_disk;
mod view;
pub mod why;
pub mod why_not;

pub use consensus;
pub use content::{Content, RECORDED, StoreContent};
pub use episodes::{Episode, Episodes};
pub use feed::{Feed, FeedLine, Sieve, Sifted};
pub use first_steps::FirstStep;
pub use input::{Beginning, Input, RequestId, StepInput};
pub use record::{
    Answer, Event, EventId, Io, Laboratory, Link, OutcomeKind, Process, Record, State, UnknownEvent,
    Unsynced, Wish,
};
pub use shown::{is_obeyed, shown, shown_bytes, shown_lines};
pub use slow_disk::SlowDisk;
pub use view::{
    ClusterView, Condition, ElectionTimer, EntryView, Faults, FaultyLink, LogView, NetworkView, OutcomeView,
    ProgressView, RequestView, ServerView, StoreView, Trouble,
};
