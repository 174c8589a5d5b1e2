//! Messages under way, and the links that are cut.

use consensus::NodeId;
use driver::Envelope;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The network of a world.
#[derive(Debug)]
pub(crate) struct Network {
    /// How long a message is under way.
    pub(crate) latency: Duration,
    /// Messages under way, in the order in which they were sent.
    in_flight: BTreeMap<u64, InFlight>,
    sent: u64,
    /// Links on which nothing arrives, each in one direction: from, to.
    cut: BTreeSet<(NodeId, NodeId)>,
}

#[derive(Debug, Clone)]
pub(crate) struct InFlight {
    pub(crate) due: Duration,
    pub(crate) envelope: Envelope,
}

impl InFlight {
    pub(crate) fn goes(&self, from: Option<NodeId>, to: Option<NodeId>) -> bool {
        from.is_none_or(|from| from == self.envelope.from) && to.is_none_or(|to| to == self.envelope.to)
    }
}

impl Network {
    pub(crate) fn new(latency: Duration) -> Network {
        Network { latency, in_flight: BTreeMap::new(), sent: 0, cut: BTreeSet::new() }
    }

    /// Sends a message. On a cut link it is lost.
    pub(crate) fn send(&mut self, now: Duration, envelope: Envelope) {
        if self.cut.contains(&(envelope.from, envelope.to)) {
            return;
        }
        self.sent += 1;
        self.in_flight.insert(self.sent, InFlight { due: now + self.latency, envelope });
    }

    /// The numbers of the messages under way for which `is_wanted` holds, in order.
    pub(crate) fn find(&self, is_wanted: impl Fn(&InFlight) -> bool) -> Vec<u64> {
        self.in_flight.iter().filter(|(_, message)| is_wanted(message)).map(|(&number, _)| number).collect()
    }

    /// Takes a message from the network: delivered or lost, it is under way no longer.
    pub(crate) fn take(&mut self, number: u64) -> Option<Envelope> {
        self.in_flight.remove(&number).map(|message| message.envelope)
    }

    /// Sends once more what is under way under this number.
    pub(crate) fn duplicate(&mut self, now: Duration, number: u64) {
        if let Some(message) = self.in_flight.get(&number) {
            self.send(now, message.envelope.clone());
        }
    }

    pub(crate) fn in_flight(&self) -> impl Iterator<Item = &InFlight> {
        self.in_flight.values()
    }

    /// Cuts the link in this direction. What is under way on it is lost.
    pub(crate) fn cut(&mut self, from: NodeId, to: NodeId) {
        self.cut.insert((from, to));
        self.in_flight.retain(|_, message| !message.goes(Some(from), Some(to)));
    }

    pub(crate) fn heal(&mut self) {
        self.cut.clear();
    }
}
