//! What can happen to a server.

use crate::{
    Change, Chunk, HardState, Index, Instant, LogPosition, Membership, Message, NodeId, Origin, Profile,
};
use std::sync::Arc;

/// An input to a server. See [`Node::step`](crate::Node::step).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Time has passed, perhaps beyond [`Node::next_deadline`](crate::Node::next_deadline).
    Tick,
    /// A message has arrived.
    Message {
        /// Its sender, according to the transport.
        from: NodeId,
        /// Its origin, according to the transport.
        origin: Origin,
        /// The message.
        message: Message,
    },
    /// Clients want these commands in the log. A leader appends them, in this order; any other server replies
    /// with the leader it knows.
    Propose {
        /// The commands for the state machine.
        commands: Vec<Arc<[u8]>>,
    },
    /// A client wants to read what is committed by now, or a later state (§8).
    Read {
        /// Its number, chosen by the driver.
        id: u64,
        /// How the leader must make certain that it still leads.
        by: ReadBy,
    },
    /// A save is complete: a crash can no longer lose this. It may be older than the server's current state,
    /// which may have changed while the disk was busy.
    Persisted {
        /// The number of changes of the [memory](crate::Memory) when the saved one was put out.
        memory: u64,
        /// The hard state that was saved.
        hard_state: HardState,
        /// The end of the saved log. If the log has been truncated before it since then, this says nothing.
        log: LogPosition,
    },
    /// A snapshot of the state machine, with entries up to this one applied, is on disk: the log no longer
    /// needs them (§7).
    SnapshotTaken {
        /// The last entry that it covers.
        last_included: LogPosition,
    },
    /// A chunk of the newest snapshot was read, as requested by
    /// [`Output::read_chunks`](crate::Output::read_chunks).
    ChunkRead {
        /// The follower that needs it.
        to: NodeId,
        /// The chunk; `None` if the requested snapshot is no longer the newest.
        chunk: Option<Chunk>,
    },
    /// A chunk of a leader's snapshot is on disk, as requested by
    /// [`Output::store_chunk`](crate::Output::store_chunk); if it was the last one, the whole snapshot is.
    ChunkStored {
        /// The last entry that the snapshot covers.
        last_included: LogPosition,
        /// Offset at which the chunk ends.
        end: u64,
        /// If it was the last chunk: the configuration that the snapshot holds.
        whole: Option<Arc<Membership>>,
    },
    /// There was no space for the chunk. What was stored of that snapshot is gone.
    ChunkNotStored,
    /// What a leader sent is not a valid snapshot. It was not stored.
    SnapshotBroken {
        /// The leader.
        from: NodeId,
    },
    /// Change the members of the cluster (§6).
    ChangeMembership {
        /// The change.
        change: Change,
    },
    /// Hand leadership over to another server (thesis §3.10).
    TransferLeadership {
        /// The other server.
        to: NodeId,
    },
    /// The connection to another server broke, perhaps because its process died. Only a hint.
    ConnectionLost {
        /// The other server.
        peer: NodeId,
    },
    /// Another server has connected to this one: they can communicate now. Only a hint, except for the
    /// origin.
    ConnectionMade {
        /// The other server.
        peer: NodeId,
        /// Its origin, from the handshake.
        origin: Origin,
    },
    /// The disk is full: saves wait until there is space.
    DiskFull,
    /// The disk has space again, and what waited is saved.
    DiskHasRoom,
    /// This server follows another profile from now on.
    SetProfile(Profile),
    /// For the lab: make the election timer run out at this time, whatever its timeout was. A leader, which
    /// has no such timer, becomes a follower first; stepping down is always safe.
    SetElectionTimer {
        /// When the timer runs out.
        deadline: Instant,
    },
    /// For the simulator: a leader's nextIndex for a follower gets another value, as if it had been
    /// corrupted. The runtime never does this. A wrong nextIndex is always safe: the follower checks what
    /// it is sent.
    SetNextIndex {
        /// The follower.
        follower: NodeId,
        /// The next entry to send, at most one after the leader's last.
        next: Index,
    },
}

/// How a leader makes certain, before a client reads, that no other server leads.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ReadBy {
    /// It asks the others (thesis §6.4).
    #[default]
    Round,
    /// It relies on its lease (thesis §6.4.1). Without a valid lease it asks.
    Lease,
}
