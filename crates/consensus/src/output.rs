//! What a server asks its driver to do.

use crate::event::{Decision, What};
use crate::{Batch, CannotChange, CannotTransfer, Chunk, Index, LogPosition, Message, NodeId, Rule};

/// What one [`step`](crate::Node::step) asks its driver to do, in buffers that are reused.
///
/// The driver takes everything out before the next step. A step adds to lists, but overwrites
/// [`proposed`](Output::proposed), [`changed`](Output::changed), [`transferred`](Output::transferred),
/// [`store_chunk`](Output::store_chunk) and [`install`](Output::install), and parts of
/// [`save`](Output::save). While the disk is busy, [`Batch::merge`] combines what is to be saved. The order
/// is:
///
/// 1. **Save.** Batches become durable in the order in which they were put out; then the driver reports
///    [`Persisted`](crate::Input::Persisted). Meanwhile the server takes further steps: it does not wait for
///    the disk. A batch that moves the beginning of the log is about a snapshot that is already on disk.
/// 2. **Send.** A message leaves when its [`Durability`] is met, or later, or never: any message may be lost.
/// 3. **Store.** A chunk of a leader's snapshot is stored once the term of its last entry is [on
///    disk](crate::Node::persisted_hard_state), not before: after a crash the server would have entries of a
///    term that it does not know.
/// 4. **Install, then answer.** A snapshot replaces the state machine before any later entry is applied, and
///    before reads of the same output take place. A read takes place once the entries up to its index are
///    applied.
///
/// Committed entries are not put out: they are in the [log](crate::Node::log), up to the
/// [commit index](crate::Node::commit_index), and are applied whenever the driver wants, in order.
#[derive(Debug, Default)]
pub struct Output {
    /// To be saved durably; then the driver reports [`Persisted`](crate::Input::Persisted).
    pub save: Batch,
    /// Chunks of the newest snapshot to be read; then the driver reports
    /// [`ChunkRead`](crate::Input::ChunkRead).
    pub read_chunks: Vec<ChunkWanted>,
    /// A chunk of a leader's snapshot, with its sender, to be stored durably; then the driver reports
    /// [`ChunkStored`](crate::Input::ChunkStored). A chunk at offset 0 starts the snapshot again.
    pub store_chunk: Option<(NodeId, Chunk)>,
    /// The state machine must continue from the stored snapshot, which covers entries up to this one.
    pub install: Option<LogPosition>,
    /// The outcome of a proposal: set by each [`Propose`](crate::Input::Propose), and by nothing else.
    pub proposed: Option<Proposed>,
    /// The outcome of a membership change, after each [`ChangeMembership`](crate::Input::ChangeMembership):
    /// the position in the log of the new configuration, which is in effect from now on. As with proposals,
    /// the entry may still be replaced.
    pub changed: Option<Result<LogPosition, CannotChange>>,
    /// The outcome of a leadership transfer, after each
    /// [`TransferLeadership`](crate::Input::TransferLeadership): whether it has begun.
    pub transferred: Option<Result<(), CannotTransfer>>,
    /// The outcomes of reads, each with the number of its [`Read`](crate::Input::Read), in the same step or a
    /// later one.
    pub reads: Vec<(u64, ReadOutcome)>,
    /// Messages to send, each not before its [`Durability`] is met.
    pub messages: Vec<Outgoing>,
    /// The decisions, in order.
    pub decisions: Vec<Decision>,
}

/// A chunk of a snapshot that a follower needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkWanted {
    /// The follower.
    pub to: NodeId,
    /// The last entry that the snapshot covers.
    pub last_included: LogPosition,
    /// Offset of the chunk. If the snapshot is shorter than that, the first chunk is wanted.
    pub offset: u64,
    /// Maximum size in bytes.
    pub at_most: usize,
}

/// The outcome of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proposed {
    /// The commands are in the leader's log: the first at this position, the others after it. They may still
    /// be replaced; only a commit of the same index **and** term means that they stay.
    At(LogPosition),
    /// This server does not lead.
    NotLeader {
        /// The leader, if known.
        leader: Option<NodeId>,
    },
}

/// The outcome of a read (§8; thesis §6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadOutcome {
    /// The read may take place in any state in which entries up to this index are applied.
    At(Index),
    /// This server does not lead, or does so no longer.
    NotLeader {
        /// The leader, if known.
        leader: Option<NodeId>,
    },
}

/// A message on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The receiver.
    pub to: NodeId,
    /// The message.
    pub message: Message,
    /// What must be on disk before the message may leave.
    pub durability: Durability,
    /// The decision that led to it: its place in [`Output::decisions`]. `None` if the input itself did.
    pub because_of: Option<usize>,
}

/// What a message depends on ([`Rule::PersistBeforeAnswer`]). If it were sent earlier, a crash could make its
/// sender forget what it has just said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing beyond what is on disk already.
    Nothing,
    /// The latest hard state that the server has put out.
    HardState,
    /// The same, and the log as the server has put it out so far.
    Log,
}

impl Output {
    /// Records a decision, and the rule behind it.
    pub(crate) fn decided(&mut self, rule: Rule, what: What) {
        self.decisions.push(Decision::new(Some(rule), what));
    }

    /// Records something that no rule decided.
    pub(crate) fn noted(&mut self, what: What) {
        self.decisions.push(Decision::new(None, what));
    }
}
