//! The inputs of a server's driver, and what is recorded of them.

use crate::record::{EventId, is_none};
use consensus::{
    Change, Chunk, Credentials, Entry, HardState, Index, Instant, Lease, Limits, LogPosition, Membership,
    Message, NodeId, Origin, Profile, ReadBy,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// A request's number, chosen by the driver's caller; no two that wait at once have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u64);

/// One input of a running server, as its driver sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A deadline has passed.
    Tick,
    /// Clients want these commands in the log.
    Propose {
        /// The commands.
        commands: Vec<Arc<[u8]>>,
        /// The numbers of their requests, one for each command.
        requests: Vec<RequestId>,
    },
    /// A client wants to read.
    Read {
        /// The read's number.
        id: RequestId,
        /// How the leader must make certain that it still leads.
        #[serde(default)]
        by: ReadBy,
    },
    /// A message has arrived.
    Receive {
        /// The sender.
        from: NodeId,
        /// The event in which it was sent.
        sent_as: EventId,
        /// Its origin.
        #[serde(default)]
        origin: Origin,
        /// The message.
        message: Message,
    },
    /// A client wants to change the members.
    ChangeMembership {
        /// The change.
        change: Change,
        /// The number of the request.
        request: RequestId,
    },
    /// A client wants another server to lead.
    TransferLeadership {
        /// The other server.
        to: NodeId,
        /// The number of the request.
        request: RequestId,
    },
    /// The connection to another server broke.
    ConnectionLost {
        /// The other server.
        peer: NodeId,
    },
    /// Another server has connected.
    ConnectionMade {
        /// The other server.
        peer: NodeId,
        /// Its origin.
        #[serde(default)]
        origin: Origin,
    },
    /// The disk is full.
    DiskFull,
    /// The disk has space again.
    DiskHasRoom,
    /// The server follows another profile from now on.
    SetProfile(Profile),
    /// The lab sets the election timer.
    SetElectionTimer {
        /// When it runs out, on the server's own clock.
        deadline: Instant,
    },
    /// The simulator changes a leader's nextIndex.
    SetNextIndex {
        /// The follower whose next entry it is.
        follower: NodeId,
        /// The next entry.
        next: Index,
    },
    /// What the server had decided is on disk.
    Saved,
    /// Committed entries are applied, in order, and the requests that waited for them are answered.
    Apply {
        /// Maximum number of entries.
        at_most: usize,
    },
    /// A snapshot must be taken.
    TakeSnapshot,
    /// A snapshot of this server is on disk.
    SnapshotTaken {
        /// The last entry that it covers.
        last_included: LogPosition,
    },
    /// There was no space for a snapshot of this server.
    SnapshotGivenUp,
    /// A chunk of this server's snapshot was read for a follower.
    ChunkRead {
        /// The follower.
        to: NodeId,
        /// The chunk; `None` if there is a newer snapshot by now.
        chunk: Option<Chunk>,
    },
    /// A chunk of a leader's snapshot is on disk.
    ChunkStored {
        /// The last entry that the snapshot covers.
        last_included: LogPosition,
        /// Offset at which the chunk ends.
        end: u64,
        /// Was it the last chunk?
        is_last: bool,
    },
    /// There was no space for a chunk of a leader's snapshot.
    ChunkNotStored,
}

impl Input {
    /// Clients want these commands in the log, each with the number of its request.
    pub fn propose(requests: impl IntoIterator<Item = (RequestId, Arc<[u8]>)>) -> Input {
        let (requests, commands) = requests.into_iter().unzip();
        Input::Propose { commands, requests }
    }
}

/// The state in which a server starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beginning {
    /// The configuration that its snapshot holds or, without one, that the cluster began with.
    pub membership: Membership,
    /// Its identity, and the cluster it belongs to.
    #[serde(default)]
    pub credentials: Credentials,
    /// How often a leader sends heartbeats.
    pub heartbeat_interval: Duration,
    /// The shortest election timeout.
    pub election_timeout_min: Duration,
    /// The longest election timeout.
    pub election_timeout_max: Duration,
    /// Limits on what it sends at once.
    pub limits: Limits,
    /// How its leases are computed; `None` if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// The rules that it follows beyond the basic algorithm.
    pub profile: Profile,
    /// The seed of its election timeouts.
    pub seed: u64,
    /// The hard state that was on its disk.
    pub hard_state: HardState,
    /// The last entry that its snapshot covers; index 0 if it has none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub snapshot: LogPosition,
    /// The log that was on its disk, after the snapshot.
    pub log: Vec<Entry>,
}

/// The input of a step: the first after each start is the start itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(
    clippy::large_enum_variant,
    reason = "a server starts once; the record of a step holds this in a box"
)]
pub enum StepInput {
    /// The server started.
    Start {
        /// Its state.
        start: Beginning,
    },
    /// Something happened to it.
    Input(Input),
}
