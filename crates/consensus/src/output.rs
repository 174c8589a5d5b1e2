//! What a server wants done.

use crate::event::{Event, What};
use crate::{
    CannotChange, CannotTransfer, Chunk, Entry, HardState, Index, LogPosition, Memory, Message, NodeId, Rule,
};

/// What one [`step`](crate::Node::step) asks its driver to do, in buffers that are reused.
#[derive(Debug, Default)]
pub struct Output {
    /// To be saved, durably; then the driver says [`Persisted`](crate::Input::Persisted).
    pub hard_state: Option<HardState>,
    /// To be saved likewise, before it.
    pub memory: Option<Memory>,
    /// To be saved likewise, together with it.
    pub append: Option<Append>,
    /// To be saved likewise, before what is appended: the log begins after this entry from now on, which a
    /// snapshot on the disk covers.
    pub begins_after: Option<LogPosition>,
    /// Pieces of the newest snapshot that are to be read; then the driver says
    /// [`ChunkRead`](crate::Input::ChunkRead).
    pub read_chunks: Vec<ChunkWanted>,
    /// A piece of a leader's snapshot, with its sender, that is to be stored durably; then the driver says
    /// [`ChunkStored`](crate::Input::ChunkStored). One at offset 0 begins a snapshot anew.
    pub store_chunk: Option<(NodeId, Chunk)>,
    /// The state machine is to go on from the snapshot that was stored: it covers all up to this entry.
    pub install: Option<LogPosition>,
    /// What became of a proposal.
    pub proposed: Option<Proposed>,
    /// What became of a change of the membership: where in the log the new configuration stands, which counts from
    /// now on. As with proposals, that does not mean that it stays there.
    pub changed: Option<Result<LogPosition, CannotChange>>,
    /// What became of the wish to transfer the leadership: whether it has begun.
    pub transferred: Option<Result<(), CannotTransfer>>,
    /// What became of reads, each with its number.
    pub reads: Vec<(u64, ReadOutcome)>,
    /// To be sent, each not before its [`Durability`] is met.
    pub messages: Vec<Outgoing>,
    /// What was decided, in order.
    pub events: Vec<Event>,
}

/// Entries for the durable log. What it held at `first` and after is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Where the first of them belongs.
    pub first: Index,
    /// The entries, one after the other.
    pub entries: Vec<Entry>,
}

/// A piece of a snapshot that a follower needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkWanted {
    /// Who needs it.
    pub to: NodeId,
    /// The last entry that the snapshot covers.
    pub last_included: LogPosition,
    /// Where the piece begins. If the snapshot is shorter, that of its beginning is wanted.
    pub offset: u64,
    /// How many bytes it has, at most.
    pub at_most: usize,
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proposed {
    /// The commands are in the leader's log, the first of them here, the others behind it. That does not
    /// mean that they will stay there: only a commit of the same index **and** term does.
    At(LogPosition),
    /// This server does not lead.
    NotLeader {
        /// Who does, as far as it knows.
        leader: Option<NodeId>,
    },
}

/// What became of a read (§8; thesis §6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadOutcome {
    /// It may take place in any state in which all up to this index is applied.
    At(Index),
    /// This server does not lead, or no longer.
    NotLeader {
        /// Who does, as far as it knows.
        leader: Option<NodeId>,
    },
}

/// A message on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The receiver.
    pub to: NodeId,
    /// What to tell it.
    pub message: Message,
    /// What must be on disk before the message may leave.
    pub durability: Durability,
    /// The decision that led to it: its place in [`Output::events`]. None where the input itself did.
    pub because_of: Option<usize>,
}

/// What a message rests on ([`Rule::PersistBeforeAnswer`]). If it left earlier, a crash could make
/// its sender forget what it has just said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that isn't on disk already.
    Nothing,
    /// The latest hard state that the server has put out.
    HardState,
    /// Besides that, the log as the server has put it out so far.
    Log,
}

impl Output {
    /// Notes what was decided, and the rule that decided it.
    pub(crate) fn decided(&mut self, rule: Rule, what: What) {
        self.events.push(Event { rule: Some(rule), what });
    }

    /// Notes what happened where no rule decided.
    pub(crate) fn noted(&mut self, what: What) {
        self.events.push(Event { rule: None, what });
    }
}
