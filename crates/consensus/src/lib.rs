//! Raft, as a state machine that does no I/O.
//!
//! # A guided tour
//!
//! A [`Node`] is one server of a Raft cluster. It has no clock, no socket, no disk and no thread. The driver
//! calls [`Node::step`] with the time and one [`Input`] (time has passed, a message has arrived, a save is
//! done) and gets an [`Output`] back: what to save, what to send and what was decided. The same inputs always
//! give the same outputs, so the very same code runs in a real server process and in a simulator.
//!
//! Read it in this order:
//!
//! 1. `types.rs`, `message.rs`: the vocabulary. A [`Term`] is a number that only rises; each has at most one
//!    leader. The paper has three requests, each with its reply: RequestVote, AppendEntries and
//!    InstallSnapshot.
//! 2. `role.rs`: a server is a follower, a (pre-)candidate or a leader.
//! 3. `node.rs`: [`Node::step`], the one place where terms are compared, and the transitions between
//!    the roles; `validate.rs`: what is wrong with a message; `timer.rs`: the election timer.
//! 4. `request_vote.rs`: an election, from the timeout to the majority.
//! 5. `log.rs`, `append_entries.rs`: how all logs become copies of the leader's, and when an entry is
//!    committed; `progress.rs`: what a leader knows about each follower.
//! 6. `read.rs`: reads that don't go through the log.
//! 7. `install_snapshot.rs`: how the beginning of the log is discarded, and how a follower that needs it is
//!    served.
//! 8. `membership.rs`: how servers are added and removed; `pre_vote.rs`, `eager.rs`, `transfer.rs`: how a
//!    cluster is protected from needless elections, finds a new leader soon, and hands leadership over;
//!    `full_disk.rs`: a server that can save nothing does not lead.
//! 9. `identity.rs`, `recognition.rs`, `founding.rs`: who is who: clusters, data folders and their starts,
//!    which servers a server listens to, and how a cluster begins.
//! 10. `output.rs`, `batch.rs`: what a driver must do, and in which order.
//! 11. `rule.rs`: the rules that all of this follows. Each decision in the code names its [`Rule`]. `rules.rs`: the
//!     conditions that are easy to get wrong, each a pure function of one or two lines.
//!
//! Section numbers (§5.2) are those of the paper "In Search of an Understandable Consensus
//! Algorithm (Extended Version)" by Diego Ongaro and John Ousterhout.
//!
//! # What it promises
//!
//! If every server of a cluster is driven correctly (what [`Output`] asks to save is on disk before any
//! message that depends on it leaves; a message names only its true sender), then no term ever has two
//! leaders, and what is committed at an index is the same on all servers forever, however messages are lost,
//! delayed, repeated or reordered, and whichever servers crash and restart.

mod append_entries;
mod batch;
#[cfg(feature = "serde")]
mod bounded;
mod config;
mod eager;
pub mod event;
mod founding;
mod full_disk;
mod identity;
mod input;
mod install_snapshot;
mod log;
mod membership;
mod message;
mod node;
mod output;
#[cfg(feature = "serde")]
mod pairs;
mod pre_vote;
mod progress;
mod quorum;
mod random;
mod read;
mod recognition;
mod request_vote;
mod role;
mod rule;
mod rules;
#[cfg(feature = "serde")]
mod shared_bytes;
mod timer;
mod transfer;
mod types;
mod validate;

pub use batch::{Append, Batch};
pub use config::{Config, InvalidTiming, Lease, Limits, Profile, Timing};
pub use identity::{
    ClusterId, Credentials, EarlierRuns, Incarnation, InvalidId, Memory, Origin, Retirement, Start,
};
pub use input::{Input, ReadBy};
pub use log::{Entry, Log, Payload};
pub use membership::{CannotChange, Change, Membership};
pub use message::{
    AppendEntries, AppendEntriesReply, AppendOutcome, Chunk, Found, InstallSnapshot, InstallSnapshotReply,
    Message, PreVote, PreVoteReply, Refusal, RequestVote, RequestVoteReply, SnapshotOutcome, TimeoutNow,
};
pub use node::Node;
pub use output::{ChunkWanted, Durability, Outgoing, Output, Proposed, ReadOutcome};
pub use progress::Progress;
pub use quorum::Quorum;
pub use role::RoleKind;
pub use rule::{Protects, Rule, UnknownRule};
pub use rules::{EveryRule, Rules};
pub use transfer::CannotTransfer;
pub use types::{HardState, Index, Instant, LogPosition, NodeId, Term};
