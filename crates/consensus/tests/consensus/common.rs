//! What the tests of single servers share.
#![allow(dead_code, reason = "each test file uses its own part of this")]

use consensus::{
    AppendEntries, Config, Credentials, Index, Limits, Membership, NodeId, Profile, Term, Timing,
};

/// The settings of a server that follows the paper's basic algorithm.
pub fn config(id: NodeId, membership: Membership) -> Config {
    Config {
        id,
        membership: membership.into(),
        credentials: Credentials::default(),
        timing: Timing::default(),
        limits: Limits::default(),
        lease: None,
        profile: Profile::PAPER,
        seed: id.0,
    }
}

/// A heartbeat of a leader whose log is empty.
pub fn heartbeat(term: u64) -> AppendEntries {
    AppendEntries {
        term: Term(term),
        prev_log_index: Index(0),
        prev_log_term: Term(0),
        entries: Vec::new(),
        leader_commit: Index(0),
        round: 0,
    }
}
