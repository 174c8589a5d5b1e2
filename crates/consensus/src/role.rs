//! The roles of a server (§5.1, Figure 4), each with the data that only it has.

use crate::progress::Progress;
use crate::read::Reads;
use crate::transfer::Transfer;
use crate::{Index, Instant, NodeId};
use std::collections::BTreeMap;
use std::fmt;

/// What a server currently is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    Follower(Follower),
    PreCandidate(PreCandidate),
    Candidate(Candidate),
    Leader(Leader),
}

/// Passive: replies to requests, and waits to hear from a leader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Follower {
    /// The leader of this term, once the server has heard from it.
    pub(crate) leader: Option<NodeId>,
    /// When the election timer runs out.
    pub(crate) election_deadline: Instant,
}

/// Asks whether it could win an election, before it disturbs others with one (thesis §9.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PreCandidate {
    /// The servers that would vote for this one.
    pub(crate) votes: Vec<NodeId>,
    /// When it asks again.
    pub(crate) election_deadline: Instant,
}

/// Wants to lead, and gathers votes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The servers that have voted for this one in this term.
    pub(crate) votes: Vec<NodeId>,
    /// When it gives the election up as lost.
    pub(crate) election_deadline: Instant,
}

/// Leads the term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leader {
    /// When the next heartbeats are due.
    pub(crate) heartbeat_deadline: Instant,
    /// What it knows of each other server's log.
    pub(crate) progress: BTreeMap<NodeId, Progress>,
    /// Highest index a majority holds that can't be committed yet, because it is of an earlier term (§5.4.2).
    pub(crate) blocked_by_term: Index,
    /// Reads that wait until it is certain that it still leads.
    pub(crate) reads: Reads,
    /// The transfer of leadership in progress.
    pub(crate) transfer: Option<Transfer>,
}

impl Role {
    pub(crate) fn kind(&self) -> RoleKind {
        match self {
            Role::Follower(_) => RoleKind::Follower,
            Role::PreCandidate(_) => RoleKind::PreCandidate,
            Role::Candidate(_) => RoleKind::Candidate,
            Role::Leader(_) => RoleKind::Leader,
        }
    }
}

/// A role's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum RoleKind {
    /// Replies to requests, and waits to hear from a leader.
    Follower,
    /// Asks whether it would get votes.
    PreCandidate,
    /// Asks for votes.
    Candidate,
    /// Leads the term.
    Leader,
}

impl fmt::Display for RoleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            RoleKind::Follower => "follower",
            RoleKind::PreCandidate => "pre-candidate",
            RoleKind::Candidate => "candidate",
            RoleKind::Leader => "leader",
        })
    }
}
