//! Starts, watches, kills and restarts the server processes of a Raft cluster.
//!
//! * [`Cluster`]: the servers as a whole, what is done to them and what they report;
//! * `member.rs`: one server's process and the pipes to it;
//! * `chronicle.rs`: puts the reports of several servers in one order;
//! * `folder.rs`: where a cluster keeps its data, and how others find it;
//! * `list.rs`: the clusters that run on this machine;
//! * [`SlowMotion`]: when the clocks run slowly, so that an election can be watched.
//!
//! No server outlives its cluster: each reads its standard input and ends with it, and where the
//! system offers it, a server also asks to be killed when its parent dies.

mod action;
mod chronicle;
mod cluster;
mod folder;
mod list;
mod member;
mod slow_motion;

pub use action::{Action, Links};
pub use cluster::{Cluster, ClusterError, Options};
pub use folder::{FolderError, RunningCluster, Whereabouts, find_running};
pub use slow_motion::{SLOW, SlowMotion, SlowMotionState};
