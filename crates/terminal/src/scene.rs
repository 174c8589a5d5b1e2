//! The servers at one moment, as the table shows them.

use consensus::{Message, NodeId};
use std::collections::BTreeMap;
use trace::{ClusterView, ElectionTimer, Event, Io, Record};

/// The servers at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) view: ClusterView,
    /// The last message about a vote that each server sent or received.
    pub(crate) votes: BTreeMap<NodeId, (u64, Io)>,
    /// The servers' own time when their election timers were started.
    timers_started: BTreeMap<NodeId, f64>,
}

impl Scene {
    /// These servers, before anything has happened.
    pub(crate) fn new(servers: &[NodeId]) -> Scene {
        Scene {
            view: ClusterView::new(servers.iter().copied()),
            votes: BTreeMap::new(),
            timers_started: BTreeMap::new(),
        }
    }

    /// Processes a record that happened at this servers' own time.
    pub(crate) fn observe(&mut self, record: &Record, servers_time: f64) {
        let timer_before = self.timer(record.node);
        self.view.apply(record);
        if self.timer(record.node) != timer_before {
            self.timers_started.insert(record.node, servers_time);
        }
        if let Event::Io(io @ (Io::Sent { message, .. } | Io::Received { message, .. })) = &record.event
            && matches!(message, Message::RequestVote(_) | Message::RequestVoteReply(_))
        {
            self.votes.insert(record.node, (record.t, io.clone()));
        }
    }

    fn timer(&self, id: NodeId) -> Option<ElectionTimer> {
        self.view.server(id)?.timer
    }

    /// The fraction of a server's election timer that has passed, from 0 to 1.
    pub(crate) fn timer_progress(&self, id: NodeId, servers_time: f64) -> Option<f64> {
        let passed = servers_time - self.timers_started.get(&id)?;
        Some((passed / (self.timer(id)?.timeout_us as f64).max(1.0)).clamp(0.0, 1.0))
    }
}
