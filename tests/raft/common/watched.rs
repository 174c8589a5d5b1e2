//! A cluster without the command around it.

use super::TIMEOUT;
use cluster::{Action, Cluster, Options};
use consensus::{NodeId, Profile, Timing};
use driver::Speed;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use trace::{ClusterView, Record};

/// A cluster whose records are kept.
pub struct Watched {
    pub cluster: Cluster,
    pub records: Vec<Record>,
    pub view: ClusterView,
    _data: Option<TempDir>,
}

impl Watched {
    pub fn start(servers: u64) -> Watched {
        let data = tempfile::tempdir().unwrap();
        let watched = Watched::start_on(servers, &data.path().join("cluster"));
        Watched { _data: Some(data), ..watched }
    }

    /// A cluster whose data is in this folder, and stays there.
    pub fn start_on(servers: u64, data: &Path) -> Watched {
        Watched::start_with(Watched::options(servers, data))
    }

    pub fn options(servers: u64, data: &Path) -> Options {
        Options {
            program: env!("CARGO_BIN_EXE_raft").into(),
            servers: (1..=servers).map(NodeId).collect(),
            timing: Timing::default(),
            seed: 1,
            speed: Speed::REAL_TIME,
            lease: None,
            profile: Profile::PAPER,
            latency: Duration::ZERO,
            data: Some(data.to_owned()),
            base_port: None,
            snapshot_after: 64 << 20,
            tells_steps: false,
            is_quiet: false,
            is_listed: false,
        }
    }

    pub fn start_with(options: Options) -> Watched {
        let cluster = Cluster::start(options).unwrap();
        let view = cluster.view().clone();
        Watched { cluster, records: Vec::new(), view, _data: None }
    }

    pub fn wait_until(&mut self, what: &str, is_so: impl Fn(&Watched) -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        while !is_so(self) {
            assert!(Instant::now() < deadline, "waited in vain for {what}: {}", self.view);
            for record in self.cluster.news(Duration::from_millis(10)) {
                self.view.apply(&record);
                self.records.push(record);
            }
        }
    }

    pub fn wait_for_leader(&mut self) -> NodeId {
        self.wait_until("a leader", |watched| watched.view.leader().is_some());
        self.view.leader().unwrap()
    }

    /// Waits for a leader that all running servers follow.
    pub fn wait_for_agreement(&mut self) -> NodeId {
        self.wait_until("a leader whom all follow", |watched| {
            let leader = watched.view.leader();
            let mut running = watched.view.servers().filter(|(_, server)| server.is_running());
            leader.is_some() && running.all(|(_, server)| server.leader == leader)
        });
        self.view.leader().unwrap()
    }

    pub fn perform(&mut self, action: &Action) {
        self.cluster.perform(action).unwrap();
    }
}
