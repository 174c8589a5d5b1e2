//! What can happen to a server: what its driver is told, and what is recorded of that.

use crate::record::{EventId, is_none};
use consensus::{
    Change, Chunk, Credentials, Entry, HardState, Instant, Lease, Limits, LogPosition, Membership, Message,
    NodeId, Origin, Profile, ReadBy,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// A request's number, chosen by the driver's keeper; no two that wait at once have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u64);

/// One thing that happens to a server which runs, as its driver sees it.
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
        /// How the leader is to make sure that it still leads.
        #[serde(default)]
        by: ReadBy,
    },
    /// A message has come.
    Receive {
        /// The sender.
        from: NodeId,
        /// The event in which it was sent.
        sent_as: EventId,
        /// Where it comes from.
        #[serde(default)]
        origin: Origin,
        /// What it says.
        message: Message,
    },
    /// Somebody wants to change the members.
    ChangeMembership {
        /// In this way.
        change: Change,
        /// The number of the request.
        request: RequestId,
    },
    /// Somebody wants another server to lead.
    TransferLeadership {
        /// That one.
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
        /// Where it comes from.
        #[serde(default)]
        origin: Origin,
    },
    /// Its disk is full.
    DiskFull,
    /// Its disk has room again.
    DiskHasRoom,
    /// It follows another profile from now on.
    SetProfile(Profile),
    /// Somebody sets its election timer.
    SetElectionTimer {
        /// When it shall run out, on the server's own clock.
        deadline: Instant,
    },
    /// What it had decided is on disk.
    Saved,
    /// What is committed is applied, in order, and who waited for that gets an answer.
    Apply {
        /// So many entries, at most.
        at_most: usize,
    },
    /// A snapshot is to be taken.
    TakeSnapshot,
    /// A snapshot that was begun is on disk.
    SnapshotTaken {
        /// The last entry that it covers.
        last_included: LogPosition,
    },
    /// There was no room for a snapshot that was begun.
    SnapshotGivenUp,
    /// A piece of the own snapshot was read for a follower.
    ChunkRead {
        /// For whom.
        to: NodeId,
        /// The piece; none if there is a newer snapshot by now.
        chunk: Option<Chunk>,
    },
    /// A piece of a leader's snapshot is on disk.
    ChunkStored {
        /// The last entry that the snapshot covers.
        last_included: LogPosition,
        /// Where in it the piece ends.
        end: u64,
        /// Was it the last piece?
        is_last: bool,
    },
    /// There was no room for a piece of a leader's snapshot.
    ChunkNotStored,
}

impl Input {
    /// Clients want these commands in the log, each with the number of its request.
    pub fn propose(requests: impl IntoIterator<Item = (RequestId, Arc<[u8]>)>) -> Input {
        let (requests, commands) = requests.into_iter().unzip();
        Input::Propose { commands, requests }
    }
}

/// What a server begins a life with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beginning {
    /// The configuration that its snapshot holds or, without one, that the cluster began with.
    pub membership: Membership,
    /// Who it is to others, and where it belongs.
    #[serde(default)]
    pub credentials: Credentials,
    /// How often a leader sends heartbeats.
    pub heartbeat_interval: Duration,
    /// The shortest election timeout.
    pub election_timeout_min: Duration,
    /// The longest election timeout.
    pub election_timeout_max: Duration,
    /// How much it sends at once.
    pub limits: Limits,
    /// What its leases rest on; none if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// Which rules it follows beyond the basic algorithm.
    pub profile: Profile,
    /// Where its timeouts come from.
    pub seed: u64,
    /// The hard state that its disk held.
    pub hard_state: HardState,
    /// The last entry that its snapshot covers; index 0 if it has none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub snapshot: LogPosition,
    /// The log that its disk held, after that.
    pub log: Vec<Entry>,
}

/// What happened in a step: the first of each life is the server's start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(
    clippy::large_enum_variant,
    reason = "a server starts once; the record of a step holds this in a box"
)]
pub enum StepInput {
    /// It started.
    Start {
        /// With this.
        start: Beginning,
    },
    /// Something happened to it.
    Input(Input),
}
