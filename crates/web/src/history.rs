use serde::Serialize;
use trace::ClusterView;

pub(crate) const KEPT: usize = 50_000;

/// What the records up to one add up to.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Snapshot {
    /// The number of that record.
    pub after: u64,
    /// The cluster after it.
    pub view: ClusterView,
}
