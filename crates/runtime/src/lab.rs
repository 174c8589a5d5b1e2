//! The lab: what disturbs a server or slows it down, so that people can watch it. A server in production has nothing of
//! it.

use consensus::{Instant, NodeId, Profile};
use driver::{Envelope, Speed};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use trace::Faults;

/// Maximum number of messages that are held for their latency. More are lost.
const IN_FLIGHT: usize = 4096;

/// What the lab does at first.
#[derive(Debug, Clone)]
pub struct LabSettings {
    /// How fast the server's clock runs.
    pub speed: Speed,
    /// How long each message to it is held, in its own time.
    pub latency: Duration,
    /// What happens to the messages of peers on their way.
    pub links: BTreeMap<NodeId, Faults>,
}

impl Default for LabSettings {
    /// Nothing yet.
    fn default() -> LabSettings {
        LabSettings { speed: Speed::REAL_TIME, latency: Duration::ZERO, links: BTreeMap::new() }
    }
}

impl LabSettings {
    /// Does the lab do nothing so?
    pub fn is_idle(&self) -> bool {
        self.speed == Speed::REAL_TIME && self.latency.is_zero() && self.links.is_empty()
    }
}

/// What the lab does to a running server.
#[derive(Debug, Clone, PartialEq)]
pub enum LabCommand {
    /// The clock runs at this speed from now on. Nothing happens where leaders have leases.
    Speed(Speed),
    /// The election timer runs out at this moment, whatever comes in between.
    ExpireElectionTimer {
        /// Microseconds since the [epoch](crate::Settings::epoch); at once if that is past.
        at: u64,
    },
    /// This happens to messages of a peer from now on.
    Link {
        /// Which peer.
        from: NodeId,
        /// What.
        faults: Faults,
    },
    /// The server follows this profile from now on.
    Profile(Profile),
}

/// The lab's features of one server.
#[derive(Debug)]
pub(crate) struct Lab {
    latency: Duration,
    links: Links,
    /// Messages that are held for a while, ascending by when they are due.
    in_flight: VecDeque<(Instant, Envelope)>,
    /// When the election timer is to run out.
    forced_timeout: Option<Instant>,
}

impl Lab {
    /// Loses messages as `seed` decides.
    pub(crate) fn new(settings: &LabSettings, seed: u64) -> Lab {
        let links = Links { faulty: settings.links.clone(), chance: fastrand::Rng::with_seed(seed) };
        Lab { latency: settings.latency, links, in_flight: VecDeque::new(), forced_timeout: None }
    }

    /// Holds a message for as long as it takes on its way, if it is not lost there.
    pub(crate) fn hold(&mut self, envelope: Envelope, now: Instant) {
        if self.in_flight.len() < IN_FLIGHT
            && let Some(delay) = self.links.carry(envelope.from)
        {
            let due = now + self.latency + delay;
            let place = self.in_flight.partition_point(|(earlier, _)| *earlier <= due);
            self.in_flight.insert(place, (due, envelope));
        }
    }

    /// The next message that is due, if one is.
    pub(crate) fn next_due(&mut self, now: Instant) -> Option<Envelope> {
        self.in_flight.pop_front_if(|(due, _)| *due <= now).map(|(_, envelope)| envelope)
    }

    /// When it next has something to do.
    pub(crate) fn next_moment(&self) -> Option<Instant> {
        let due = self.in_flight.front().map(|(due, _)| *due);
        due.into_iter().chain(self.forced_timeout).min()
    }

    /// From now on this happens to what the peer sends. What is in flight on a link that is cut is lost.
    pub(crate) fn set_link(&mut self, from: NodeId, faults: Faults) {
        self.links.faulty.insert(from, faults);
        self.in_flight.retain(|(_, envelope)| !self.links.is_cut(envelope.from));
    }

    /// The election timer is to run out then.
    pub(crate) fn force_timeout(&mut self, deadline: Instant) {
        self.forced_timeout = Some(deadline);
    }

    /// Is it time for the election timer to run out? Says so once.
    pub(crate) fn is_timeout_forced(&mut self, now: Instant) -> bool {
        self.forced_timeout.take_if(|deadline| *deadline <= now).is_some()
    }
}

/// The links from the peers. Until that is changed, each of them is whole.
#[derive(Debug)]
struct Links {
    /// Those with a fault.
    faulty: BTreeMap<NodeId, Faults>,
    chance: fastrand::Rng,
}

impl Links {
    /// How long a message of this peer is held; `None` if it is lost.
    fn carry(&mut self, from: NodeId) -> Option<Duration> {
        let Some(faults) = self.faulty.get(&from) else { return Some(Duration::ZERO) };
        let is_lost = faults.cut || self.chance.u8(0..100) < faults.loss_percent;
        (!is_lost).then(|| Duration::from_micros(faults.delay_us))
    }

    /// Does nothing from this peer come through?
    fn is_cut(&self, from: NodeId) -> bool {
        self.faulty.get(&from).is_some_and(|faults| faults.cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: NodeId = NodeId(2);

    fn links(faulty: impl Into<BTreeMap<NodeId, Faults>>, seed: u64) -> Links {
        Links { faulty: faulty.into(), chance: fastrand::Rng::with_seed(seed) }
    }

    fn carried(faults: Faults, seed: u64) -> Vec<bool> {
        let mut links = links([(PEER, faults)], seed);
        (0..1000).map(|_| links.carry(PEER).is_some()).collect()
    }

    #[test]
    fn a_whole_link_carries_all_at_once() {
        let mut links = links([], 1);
        assert_eq!(links.carry(PEER), Some(Duration::ZERO));
        links.faulty.insert(PEER, Faults { delay_us: 1500, ..Faults::default() });
        assert_eq!(links.carry(PEER), Some(Duration::from_micros(1500)));
        assert_eq!(links.carry(NodeId(3)), Some(Duration::ZERO));
    }

    #[test]
    fn a_cut_link_carries_nothing() {
        assert!(!carried(Faults { cut: true, ..Faults::default() }, 1).contains(&true));
        assert!(!carried(Faults { loss_percent: 100, ..Faults::default() }, 1).contains(&true));
    }

    #[test]
    fn a_lossy_link_loses_its_share_and_the_same_seed_the_same_messages() {
        let lossy = Faults { loss_percent: 20, ..Faults::default() };
        let lost = carried(lossy, 7).iter().filter(|&&is_carried| !is_carried).count();
        assert!((150..250).contains(&lost), "{lost} of 1000");
        assert_eq!(carried(lossy, 7), carried(lossy, 7));
        assert_ne!(carried(lossy, 7), carried(lossy, 8));
    }
}
