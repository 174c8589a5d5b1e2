//! The running cluster, and the recording that is made of it.

use crate::recording::Recording;
use cluster::{Action, Cluster};
use std::time::Duration;
use trace::{ClusterView, Record};

pub(crate) struct Watched {
    cluster: Cluster,
    recording: Option<Recording>,
}

impl Watched {
    pub(crate) fn new(cluster: Cluster, recording: Option<Recording>) -> Watched {
        Watched { cluster, recording }
    }

    /// What has happened since the last call. Waits up to `patience` for something to happen.
    pub(crate) fn news(&mut self, patience: Duration) -> Vec<Record> {
        let news = self.cluster.news(patience);
        if let Some(recording) = &mut self.recording {
            recording.add(&news);
        }
        news
    }

    /// What is known of the servers at this moment.
    pub(crate) fn view(&self) -> &ClusterView {
        self.cluster.view()
    }

    pub(crate) fn perform(&mut self, action: &Action) -> Result<String, String> {
        self.cluster.perform(action)
    }

    /// Microseconds since the cluster's start.
    pub(crate) fn now(&self) -> u64 {
        self.cluster.now()
    }

    /// Stops all servers, and returns the last that they had to tell.
    pub(crate) fn stop(self) -> Vec<Record> {
        let Watched { cluster, mut recording } = self;
        let news = cluster.stop();
        if let Some(recording) = &mut recording {
            recording.add(&news);
        }
        news
    }
}
