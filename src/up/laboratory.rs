//! The running cluster, as the terminal view sees it.

use super::watched::Watched;
use cluster::{Action, SlowMotionState};
use consensus::NodeId;
use signal_hook::consts::SIGQUIT;
use signal_hook::iterator::Signals;
use std::time::Duration;
use terminal::{End, Lab};
use trace::Record;

pub(crate) struct Laboratory {
    cluster: Watched,
    signals: Signals,
    announcements: Vec<Result<String, String>>,
}

impl Laboratory {
    /// A lab with these announcements at its beginning.
    pub(crate) fn new(cluster: Watched, signals: Signals, remarks: Vec<String>) -> Laboratory {
        let announcements = remarks.into_iter().map(Ok).collect();
        Laboratory { cluster, signals, announcements }
    }

    pub(crate) fn stop(self) {
        self.cluster.stop();
    }
}

impl Lab for Laboratory {
    fn news(&mut self) -> Vec<Record> {
        self.cluster.news(Duration::ZERO)
    }

    fn perform(&mut self, action: &Action) -> Result<String, String> {
        self.cluster.perform(action)
    }

    fn slow_motion(&self) -> SlowMotionState {
        self.cluster.slow_motion()
    }

    fn want_slow_motion(&mut self, is_wanted: bool) -> String {
        self.cluster.want_slow_motion(is_wanted)
    }

    fn put(&mut self, at: Option<NodeId>) -> Result<String, String> {
        self.cluster.put_next(at)
    }

    fn end_requested(&mut self) -> Option<End> {
        for signal in self.signals.pending() {
            if signal != SIGQUIT {
                return Some(End::Interrupted(signal));
            }
            let outcome = self.cluster.kill_leader();
            self.announcements.push(outcome);
        }
        None
    }

    fn announcements(&mut self) -> Vec<Result<String, String>> {
        self.announcements.extend(self.cluster.announcements());
        std::mem::take(&mut self.announcements)
    }

    fn now(&self) -> u64 {
        self.cluster.now()
    }
}
