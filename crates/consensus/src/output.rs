//! What a server wants done.

use crate::event::{Decision, What};
use crate::{Batch, CannotChange, CannotTransfer, Chunk, Index, LogPosition, Message, NodeId, Rule};

/// What one [`step`](crate::Node::step) asks its driver to do, in buffers that are reused.
///
/// The driver takes all of it out before the next step. The next step adds to lists, but it overwrites
/// [`proposed`](Output::proposed), [`changed`](Output::changed), [`transferred`](Output::transferred),
/// [`store_chunk`](Output::store_chunk) and [`install`](Output::install), and parts of [`save`](Output::save). Where the
/// disk is busy, [`Batch::merge`] joins what is to be saved. It is done in this order:
///
/// 1. **Save.** Batches become durable in the order in which they were put out; then the driver says
///    [`Persisted`](crate::Input::Persisted). Meanwhile the server takes further steps: it does not wait for the
///    disk. A batch that lets the log begin later is about a snapshot that is on the disk already.
/// 2. **Send.** A message leaves when its [`Durability`] is met, or later, or never: any message may be lost.
/// 3. **Store.** A piece of a leader's snapshot is stored when the term of its last entry is
///    [on disk](crate::Node::persisted_hard_state), not before: after a crash the server would have entries of a term that it
///    does not know.
/// 4. **Install, then answer.** A snapshot replaces the state machine before any later entry is applied, and before
///    reads of the same output take place. A read takes place when all up to its index is applied.
///
/// Committed entries are not put out: they are in the [log](crate::Node::log), up to the
/// [commit index](crate::Node::commit_index), and are applied whenever the driver wants, in order.
#[derive(Debug, Default)]
pub struct Output {
    /// To be saved, durably; then the driver says [`Persisted`](crate::Input::Persisted).
    pub save: Batch,
    /// Pieces of the newest snapshot that are to be read; then the driver says
    /// [`ChunkRead`](crate::Input::ChunkRead).
    pub read_chunks: Vec<ChunkWanted>,
    /// A piece of a leader's snapshot, with its sender, that is to be stored durably; then the driver says
    /// [`ChunkStored`](crate::Input::ChunkStored). One at offset 0 begins a snapshot anew.
    pub store_chunk: Option<(NodeId, Chunk)>,
    /// The state machine is to go on from the snapshot that was stored: it covers all up to this entry.
    pub install: Option<LogPosition>,
    /// What became of a proposal: there after each [`Propose`](crate::Input::Propose), and never else.
    pub proposed: Option<Proposed>,
    /// What became of a change of the membership, after each [`ChangeMembership`](crate::Input::ChangeMembership): where
    /// in the log the new configuration stands, which counts from now on. As with proposals, that does not mean that it
    /// stays there.
    pub changed: Option<Result<LogPosition, CannotChange>>,
    /// What became of the wish to transfer the leadership, after each
    /// [`TransferLeadership`](crate::Input::TransferLeadership): whether it has begun.
    pub transferred: Option<Result<(), CannotTransfer>>,
    /// What became of reads, each with the number of its [`Read`](crate::Input::Read): in the same step or in a later one.
    pub reads: Vec<(u64, ReadOutcome)>,
    /// To be sent, each not before its [`Durability`] is met.
    pub messages: Vec<Outgoing>,
    /// What was decided, in order.
    pub decisions: Vec<Decision>,
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
        self.decisions.push(Decision { rule: Some(rule), what });
    }

    /// Notes what happened where no rule decided.
    pub(crate) fn noted(&mut self, what: What) {
        self.decisions.push(Decision { rule: None, what });
    }
}
