//! What a server is started with.

use crate::lab::LabSettings;
use crate::secret::Secret;
use crate::{Address, InvalidAddress, monotonic_now};
use consensus::{Lease, NodeId, Profile, Timing};
use driver::{Speed, TraceLevel};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a server is started with. [`Settings::new`] has defaults for all but its name; every field can be set,
/// by a method or in a literal that ends in `..Settings::new(…)`.
///
/// The servers that found a cluster are all named at each of them, with [`voters`](Settings::voters), and all of them must
/// run before the first leader is elected: each remembers the data folders of all others, so that a server that loses its
/// data is found out later. A server that comes later is told to [join](Settings::join), and is added at the leader.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name of the cluster; servers of clusters with different names reject each other.
    pub cluster: String,
    /// Which server it is.
    pub id: NodeId,
    /// The servers with which it founds a cluster, itself included: the same for all founders. Each has its address if that
    /// is known yet. Empty for a server that joins a cluster.
    pub founders: BTreeMap<NodeId, Option<Address>>,
    /// The secret that all servers of the cluster share, if there is one. A server without it is not heard.
    pub secret: Option<Secret>,
    /// How long it waits for what. By default: elections after 150 to 300 ms without a leader, heartbeats every 15 ms.
    pub timing: Timing,
    /// Whether leaders have leases, and what those rest on. All servers of a cluster must agree on that. By default they have
    /// none.
    pub lease: Option<Lease>,
    /// Which rules it follows beyond the paper's basic algorithm. By default all of them.
    pub profile: Profile,
    /// After about this many bytes of log entries it takes a snapshot, and drops those entries. By default 64 MiB.
    pub snapshot_after: usize,
    /// The seed of its election timeouts; each start draws differently. By default drawn at random.
    pub seed: u64,
    /// How much it records for its observer, if it has one. By default the least.
    pub trace_level: TraceLevel,
    /// The zero of the records' time, on the machine's monotonic clock. By default now.
    pub epoch: Duration,
    /// Where this server can be reached, as HOST:PORT, if it is one place: servers that join are told. By default unknown.
    pub address: Option<String>,
    /// The lab's features, which slow a server down or disturb it. By default none of them is there.
    pub lab: Option<LabSettings>,
}

impl Settings {
    /// A server of the cluster with this name, with this number. It founds a cluster of its own, unless it is
    /// told [who else does](Settings::voters) or to [join](Settings::join) one.
    pub fn new(cluster: impl Into<String>, id: impl Into<NodeId>) -> Settings {
        let id = id.into();
        Settings {
            cluster: cluster.into(),
            id,
            founders: BTreeMap::from([(id, None)]),
            secret: None,
            timing: Timing::default(),
            lease: None,
            profile: Profile::PRODUCTION,
            snapshot_after: 64 << 20,
            seed: fastrand::u64(..),
            trace_level: TraceLevel::Essential,
            epoch: monotonic_now(),
            address: None,
            lab: None,
        }
    }

    /// Names the servers that found the cluster, each with its address as HOST:PORT. All of them are given the same list,
    /// each time they start.
    ///
    /// # Errors
    /// If a text is no address.
    pub fn voters(
        mut self,
        voters: impl IntoIterator<Item = (impl Into<NodeId>, impl ToString)>,
    ) -> Result<Settings, InvalidAddress> {
        self.founders.clear();
        for (id, address) in voters {
            self.founders.insert(id.into(), Some(address.to_string().parse()?));
        }
        Ok(self)
    }

    /// Has the server join an existing cluster: it starts empty, and waits to be added there. It is told to join each time
    /// it starts, also if it has taken the place of a founder.
    pub fn join(mut self) -> Settings {
        self.founders.clear();
        self
    }

    /// Has the server speak only with servers that know this secret.
    pub fn secret(mut self, secret: Secret) -> Settings {
        self.secret = Some(secret);
        self
    }

    /// Sets how long it waits for what.
    pub fn timing(mut self, timing: Timing) -> Settings {
        self.timing = timing;
        self
    }

    /// Has it take a snapshot after about this many bytes of log entries.
    pub fn snapshot_after(mut self, bytes: usize) -> Settings {
        self.snapshot_after = bytes;
        self
    }

    /// The numbers of the servers with which it founds a cluster.
    pub(crate) fn founding(&self) -> BTreeSet<NodeId> {
        self.founders.keys().copied().collect()
    }

    /// How fast its clock runs at first.
    pub(crate) fn speed(&self) -> Speed {
        self.lab.as_ref().map_or(Speed::REAL_TIME, |lab| lab.speed)
    }

    /// Why a server can't be started so, if it can't.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let founds_without_itself = !self.founders.is_empty() && !self.founders.contains_key(&self.id);
        founds_without_itself
            .then_some("the server itself is not among the voters with which it founds the cluster")
    }
}
