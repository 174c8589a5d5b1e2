//! What a server is started with.

use crate::Address;
use crate::secret::Secret;
use consensus::{Lease, NodeId, Profile, Timing};
use driver::{Speed, TraceLevel};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;
use trace::Faults;

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name of its cluster; servers of different clusters refuse each other.
    pub cluster: String,
    /// Which server it is.
    pub id: NodeId,
    /// The other servers, each with its address if that is known yet.
    pub peers: BTreeMap<NodeId, Option<Address>>,
    /// Whether it is to join a cluster that there is already, and belongs to none before. It has no peers then.
    pub joins: bool,
    /// The folder of its durable state. Made if it isn't there.
    pub data: PathBuf,
    /// How long it waits for what.
    pub timing: Timing,
    /// The secret that all servers of the cluster share, if there is one. A server without it is not heard.
    pub secret: Option<Secret>,
    /// Where its randomness comes from. Each life draws differently.
    pub seed: u64,
    /// How fast its clock runs.
    pub speed: Speed,
    /// How long each message to it is held, in its own time.
    pub latency: Duration,
    /// What the laboratory does to the messages of peers. See also [`Command::Link`](crate::Command::Link).
    pub faulty_links: BTreeMap<NodeId, Faults>,
    /// Whether leaders have leases, and what those rest on. All servers of a cluster must agree on that.
    pub lease: Option<Lease>,
    /// Which rules it follows beyond the paper's basic algorithm.
    pub profile: Profile,
    /// After about so many bytes of entries it takes a snapshot, and its log forgets what that covers.
    pub snapshot_after: usize,
    /// The cluster's start on the machine's monotonic clock: the zero of the records' time.
    pub epoch: Duration,
    /// How much it tells its observer.
    pub trace_level: TraceLevel,
}

impl Options {
    /// The servers with which it is to found a cluster: the same for all founders.
    pub(crate) fn founders(&self) -> BTreeSet<NodeId> {
        let founders = self.peers.keys().copied().chain([self.id]);
        founders.filter(|_| !self.joins).collect()
    }
}
