//! Messages in flight, and the links that are cut.

use crate::action::Selection;
use consensus::NodeId;
use driver::Envelope;
use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How the network treats messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Weather {
    /// How long a message is in flight: drawn from this range for each message, so that messages overtake
    /// each other.
    pub latency: RangeInclusive<Duration>,
    /// The share of messages that are lost, from 0 to 1.
    pub loss: f64,
    /// The share of messages that arrive twice, from 0 to 1.
    pub duplication: f64,
}

impl Weather {
    /// Nothing is lost, nothing duplicated, and each message is in flight for `latency`.
    pub fn fair(latency: Duration) -> Weather {
        Weather { latency: latency..=latency, loss: 0.0, duplication: 0.0 }
    }
}

/// The network of a world.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) weather: Weather,
    random: Rng,
    /// Messages in flight: when each is due, and its number in the order of sending.
    in_flight: BTreeMap<Place, Envelope>,
    sent: u64,
    /// Links on which nothing arrives, each in one direction: from, to.
    cut: BTreeSet<(NodeId, NodeId)>,
    /// How many times each server has changed its address.
    addresses: BTreeMap<NodeId, u64>,
    /// The address of the second server that the first one knows.
    known: BTreeMap<(NodeId, NodeId), u64>,
}

/// A message's place among those in flight: when it is due, and its number.
pub(crate) type Place = (Duration, u64);

/// What happened to a message when it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    UnderWay,
    UnderWayTwice,
    Lost,
}

impl Network {
    pub(crate) fn new(weather: Weather, random: Rng) -> Network {
        Network {
            weather,
            random,
            in_flight: BTreeMap::new(),
            sent: 0,
            cut: BTreeSet::new(),
            addresses: BTreeMap::new(),
            known: BTreeMap::new(),
        }
    }

    pub(crate) fn send(&mut self, now: Duration, envelope: Envelope) -> Fate {
        let link = (envelope.from, envelope.to);
        if self.cut.contains(&link) || !self.knows_address(link) || self.happens(self.weather.loss) {
            return Fate::Lost;
        }
        let is_doubled = self.happens(self.weather.duplication);
        if is_doubled {
            self.add(now, envelope.clone());
        }
        self.add(now, envelope);
        if is_doubled { Fate::UnderWayTwice } else { Fate::UnderWay }
    }

    fn add(&mut self, now: Duration, envelope: Envelope) {
        self.sent += 1;
        let due = now + self.draw_latency();
        self.in_flight.insert((due, self.sent), envelope);
    }

    fn draw_latency(&mut self) -> Duration {
        let (min, max) = (*self.weather.latency.start(), *self.weather.latency.end());
        if min == max {
            return min;
        }
        // Most messages take little more than the least time, and a few very long.
        let draw = self.random.f64();
        // Not powi, whose result may differ between machines.
        let share = draw * draw * draw;
        min + (max - min).mul_f64(share)
    }

    fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && self.random.f64() < share
    }

    /// When the next message is due.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.in_flight.first_key_value().map(|(&(due, _), _)| due)
    }

    /// Takes the next message that is due by now.
    pub(crate) fn take_due(&mut self, now: Duration) -> Option<Envelope> {
        let next = self.in_flight.first_entry()?;
        (next.key().0 <= now).then(|| next.remove())
    }

    /// The places of the messages that are meant, in the order in which they were sent.
    pub(crate) fn find(&self, selection: &Selection) -> Vec<Place> {
        let meant = self.in_flight.iter().filter(|(_, envelope)| selection.matches(envelope));
        let mut places: Vec<Place> = meant.map(|(&place, _)| place).collect();
        places.sort_by_key(|&(_, number)| number);
        places.truncate(selection.count.unwrap_or(usize::MAX));
        places
    }

    pub(crate) fn get(&self, place: Place) -> Option<&Envelope> {
        self.in_flight.get(&place)
    }

    /// Takes back a message that has arrived and was not heard.
    pub(crate) fn put_back(&mut self, now: Duration, envelope: Envelope) {
        self.sent += 1;
        self.in_flight.insert((now, self.sent), envelope);
    }

    /// Takes a message from the network: delivered or lost, it is no longer in flight.
    pub(crate) fn take(&mut self, place: Place) -> Option<Envelope> {
        self.in_flight.remove(&place)
    }

    /// Sends once more the message that is in flight here.
    pub(crate) fn duplicate(&mut self, now: Duration, place: Place) {
        if let Some(envelope) = self.in_flight.get(&place) {
            self.add(now, envelope.clone());
        }
    }

    /// The messages in flight, in the order in which they were sent.
    pub(crate) fn in_flight(&self) -> impl Iterator<Item = &Envelope> {
        self.find(&Selection::default()).into_iter().map(|place| &self.in_flight[&place])
    }

    /// The server is somewhere else from now on, and messages in flight to it are lost. The others learn of
    /// it when they hear from it.
    pub(crate) fn change_address(&mut self, id: NodeId) {
        *self.addresses.entry(id).or_default() += 1;
        self.in_flight.retain(|_, envelope| envelope.to != id);
    }

    /// The first server has heard from the second.
    pub(crate) fn learn_address(&mut self, id: NodeId, of: NodeId) {
        if let Some(address) = self.addresses.get(&of) {
            self.known.insert((id, of), *address);
        }
    }

    /// All have called each other by now.
    pub(crate) fn learn_all_addresses(&mut self) {
        self.addresses.clear();
        self.known.clear();
    }

    fn knows_address(&self, (from, to): (NodeId, NodeId)) -> bool {
        let known = self.known.get(&(from, to)).copied().unwrap_or_default();
        known == self.addresses.get(&to).copied().unwrap_or_default()
    }

    /// Cuts the link in this direction. Messages in flight on it are lost.
    pub(crate) fn cut(&mut self, from: NodeId, to: NodeId) {
        self.cut.insert((from, to));
        self.in_flight.retain(|_, envelope| (envelope.from, envelope.to) != (from, to));
    }

    pub(crate) fn mend(&mut self, from: NodeId, to: NodeId) {
        self.cut.remove(&(from, to));
    }

    pub(crate) fn heal(&mut self) {
        self.cut.clear();
    }

    pub(crate) fn has_cuts(&self) -> bool {
        !self.cut.is_empty()
    }
}
