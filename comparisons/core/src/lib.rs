//! Three servers in one thread, without disk and network, that commit what is proposed: once with the
//! project's `consensus`, once with the crate `raft` (raft-rs, the core of TiKV).
//!
//! Both are driven alike. What is to be saved counts as saved at once, messages arrive at once and in order,
//! committed entries are looked at and not applied. Every [`FORGET_AFTER`] entries both forget the beginnings
//! of their logs, as a server with snapshots does.

pub mod raft_rs;
#[path = "../../../src/bench/core/trio.rs"]
mod trio;

use std::sync::Arc;
pub use trio::{FORGET_AFTER, Trio};

/// A cluster that a benchmark drives.
pub trait Cluster {
    /// A command on its way into the log, in the form that the library takes.
    type Command: Clone;

    /// Three servers, of which one leads.
    fn start() -> Self;

    /// A command of so many bytes.
    fn command(size: usize) -> Self::Command;

    /// Proposes the commands together, and lets the servers talk until all is said. Returns how many entries
    /// the leader has committed by then.
    fn commit(&mut self, commands: Vec<Self::Command>) -> u64;
}

impl Cluster for Trio {
    type Command = Arc<[u8]>;

    fn start() -> Trio {
        Trio::default()
    }

    fn command(size: usize) -> Arc<[u8]> {
        vec![7; size].into()
    }

    fn commit(&mut self, commands: Vec<Arc<[u8]>>) -> u64 {
        Trio::commit(self, commands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commits_what_is_proposed<C: Cluster>() {
        let mut cluster = C::start();
        let before = cluster.commit(Vec::new());
        for batch in [1, 64, 1, 5000, 64] {
            let already = cluster.commit(Vec::new());
            let after = cluster.commit(vec![C::command(256); batch]);
            assert_eq!(after, already + batch as u64);
        }
        assert!(cluster.commit(Vec::new()) > before);
    }

    #[test]
    fn ours_commits_what_is_proposed() {
        commits_what_is_proposed::<Trio>();
    }

    #[test]
    fn raft_rs_commits_what_is_proposed() {
        commits_what_is_proposed::<raft_rs::RaftRs>();
    }
}
