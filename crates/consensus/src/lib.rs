//! Raft, as a state machine that does no I/O.
//!
//! # A guided tour
//!
//! A [`Node`] is one server of a Raft cluster. It has no clock, no socket, no disk and no thread:
//! whoever drives it calls [`Node::step`] with the time and one [`Input`] (time has passed, a message
//! has come, a save is done) and gets an [`Output`] back: what to save, what to send and what was
//! decided. The same inputs always give the same outputs. So the very same code runs in a real
//! server process and in a simulator.
//!
//! Read it in this order:
//!
//! 1. `types.rs`, `message.rs`: the words. A [`Term`] is a number that only rises; each has at most
//!    one leader. There are two requests, each with its answer: RequestVote and AppendEntries.
//! 2. `role.rs`: a server is a follower, a candidate or a leader.
//! 3. `node.rs`: [`Node::step`], the one place where terms are compared, and the transitions between
//!    the roles.
//! 4. `request_vote.rs`: an election, from the timeout to the majority.
//! 5. `append_entries.rs`: heartbeats, which keep a leader in office.
//! 6. `rule.rs`: the rules that all of this obeys. Each decision in the code names its [`Rule`].
//!
//! Section numbers (§5.2) are those of the paper "In Search of an Understandable Consensus
//! Algorithm (Extended Version)" by Diego Ongaro and John Ousterhout.
//!
//! # What it promises
//!
//! If every server of a cluster is driven honestly (what [`Output`] asks to save is on disk before a
//! message that rests on it leaves; a message claims to come only from who sent it), then no term
//! ever has two leaders, however messages are lost, delayed, repeated or reordered, and whichever
//! servers crash and come back.
//!
//! # What it does not do yet
//!
//! It elects leaders. Messages carry the log's fields and votes compare logs, but entries are not
//! replicated yet: a message that carries some is rejected.

mod append_entries;
mod config;
pub mod event;
mod input;
mod log;
mod message;
mod node;
mod output;
mod progress;
mod quorum;
mod random;
mod read;
mod request_vote;
mod role;
mod rule;
mod types;

pub use config::{Config, InvalidTiming, Limits, Timing};
pub use input::Input;
pub use log::{Entry, Log, Payload};
pub use message::{AppendEntries, AppendEntriesReply, AppendOutcome, Message, RequestVote, RequestVoteReply};
pub use node::Node;
pub use output::{Append, Durability, Outgoing, Output, Proposed, ReadOutcome};
pub use progress::Progress;
pub use quorum::Quorum;
pub use role::RoleKind;
pub use rule::{EveryRule, Guards, Rule, Rules, UnknownRule};
pub use types::{HardState, Index, Instant, LogPosition, NodeId, Term};
