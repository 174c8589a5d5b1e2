//! What can happen to a server.

use crate::{Change, Chunk, HardState, Instant, LogPosition, Membership, Message, NodeId, Origin, Profile};
use std::sync::Arc;

/// One thing that happens to a server. See [`Node::step`](crate::Node::step).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Time has passed, perhaps beyond [`Node::next_deadline`](crate::Node::next_deadline).
    Tick,
    /// A message has arrived.
    Message {
        /// Its sender, as the transport knows it.
        from: NodeId,
        /// Where it comes from, as the transport knows it.
        origin: Origin,
        /// What it says.
        message: Message,
    },
    /// Clients want these commands in the log. A leader appends them, one after the other; anybody else
    /// says who leads.
    Propose {
        /// The commands for the state machine.
        commands: Vec<Arc<[u8]>>,
    },
    /// A client wants to read what is committed by now, or something newer (§8).
    Read {
        /// Its number, chosen by the driver.
        id: u64,
        /// How the leader is to make sure that it still leads.
        by: ReadBy,
    },
    /// This is on disk now: a crash can't take it away any more. Older things than the server's present
    /// state are no surprise: it may have moved on while the disk was busy.
    Persisted {
        /// How many times the [memory](crate::Memory) had changed when the saved one was put out.
        memory: u64,
        /// The hard state that was saved.
        hard_state: HardState,
        /// Where the saved log ends. If the log has been cut before there since, this says nothing.
        log: LogPosition,
    },
    /// A snapshot of the state machine, with all up to this entry applied, is on disk: the log need not hold
    /// that any more (§7).
    SnapshotTaken {
        /// The last entry that it covers.
        last_included: LogPosition,
    },
    /// A piece of the newest snapshot was read, as [`Output::read_chunks`](crate::Output::read_chunks)
    /// asked for.
    ChunkRead {
        /// For whom.
        to: NodeId,
        /// The piece; none if the snapshot that was asked for is not the newest any more.
        chunk: Option<Chunk>,
    },
    /// A piece of a leader's snapshot is on disk, as [`Output::store_chunk`](crate::Output::store_chunk)
    /// asked for; and if it was the last, the whole snapshot is.
    ChunkStored {
        /// The last entry that the snapshot covers.
        last_included: LogPosition,
        /// Where in the snapshot the piece ends.
        end: u64,
        /// If it was the last piece: the configuration that the snapshot holds.
        whole: Option<Arc<Membership>>,
    },
    /// There was no room for the piece. What was stored of that snapshot is gone.
    ChunkNotStored,
    /// What has come of a leader's snapshot can't be one. It was not stored.
    SnapshotBroken {
        /// Who sent it.
        from: NodeId,
    },
    /// The members of the cluster shall change (§6).
    ChangeMembership {
        /// In this way.
        change: Change,
    },
    /// The leader shall hand over its leadership (thesis §3.10).
    TransferLeadership {
        /// To this server.
        to: NodeId,
    },
    /// The connection to another server broke, which may be because its process died. Only a hint.
    ConnectionLost {
        /// The other server.
        peer: NodeId,
    },
    /// Another server has connected to this one: they can hear each other now. Only a hint, but for where it comes
    /// from.
    ConnectionMade {
        /// The other server.
        peer: NodeId,
        /// Where it comes from, as it says in its handshake.
        origin: Origin,
    },
    /// The disk is full: what is to be saved waits until there is room.
    DiskFull,
    /// The disk has room again, and what waited for that is saved.
    DiskHasRoom,
    /// From now on this server follows another profile.
    SetProfile(Profile),
    /// For the laboratory: let the election timer run out at this moment, whatever it was drawn to.
    /// A leader, which has no such timer, becomes a follower first; stepping down is always safe.
    SetElectionTimer {
        /// When the timer shall run out.
        deadline: Instant,
    },
}

/// How a leader makes sure, before a client reads, that nobody else leads.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ReadBy {
    /// It asks the others (thesis §6.4).
    #[default]
    Round,
    /// It has a lease (thesis §6.4.1). If it has none at the moment, it asks.
    Lease,
}
