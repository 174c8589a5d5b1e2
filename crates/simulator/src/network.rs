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

/// What one link does to messages, where that is not what the network does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LinkWeather {
    /// How long messages are in flight; `None` for as long as on other links.
    pub latency: Option<RangeInclusive<Duration>>,
    /// The share of messages that are lost; `None` for as many as on other links.
    pub loss: Option<f64>,
    /// The share of messages that arrive twice; `None` for as many as on other links.
    pub duplication: Option<f64>,
}

/// The network of a world.
#[derive(Debug)]
pub(crate) struct Network {
    weather: Weather,
    /// Links with a weather of their own, each in one direction: from, to.
    links: BTreeMap<(NodeId, NodeId), Weather>,
    random: Rng,
    in_flight: BTreeMap<Place, Envelope>,
    sent: u64,
    /// Links on which nothing arrives, each in one direction: from, to.
    cut: BTreeSet<(NodeId, NodeId)>,
    /// How many times each server has changed its address.
    addresses: BTreeMap<NodeId, u64>,
    /// The address of the second server that the first one knows.
    known: BTreeMap<(NodeId, NodeId), u64>,
}

/// A message's place among those in flight: when it is due, and its number in the order of sending.
pub(crate) type Place = (Due, u64);

/// When a message in flight arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    At(Duration),
    /// It is held until an action delivers it.
    Never,
}

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
            links: BTreeMap::new(),
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
        let Weather { loss, duplication, .. } = *self.weather_on(link);
        if self.cut.contains(&link) || !self.knows_address(link) || self.happens(loss) {
            return Fate::Lost;
        }
        let is_doubled = self.happens(duplication);
        if is_doubled {
            self.add(now, envelope.clone());
        }
        self.add(now, envelope);
        if is_doubled { Fate::UnderWayTwice } else { Fate::UnderWay }
    }

    fn add(&mut self, now: Duration, envelope: Envelope) {
        self.sent += 1;
        let due = now + self.draw_latency((envelope.from, envelope.to));
        self.in_flight.insert((Due::At(due), self.sent), envelope);
    }

    fn weather_on(&self, link: (NodeId, NodeId)) -> &Weather {
        self.links.get(&link).unwrap_or(&self.weather)
    }

    fn draw_latency(&mut self, link: (NodeId, NodeId)) -> Duration {
        let latency = &self.weather_on(link).latency;
        let (min, max) = (*latency.start(), *latency.end());
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
        match self.in_flight.first_key_value()?.0.0 {
            Due::At(due) => Some(due),
            Due::Never => None,
        }
    }

    /// Takes the next message that is due by now.
    pub(crate) fn take_due(&mut self, now: Duration) -> Option<Envelope> {
        let next = self.in_flight.first_entry()?;
        (next.key().0 <= Due::At(now)).then(|| next.remove())
    }

    /// The places of the messages that are meant, in the order in which they were sent.
    pub(crate) fn find(&self, selection: &Selection) -> Vec<Place> {
        let meant = self.in_flight.iter().filter(|(_, envelope)| selection.matches(envelope));
        let mut places: Vec<Place> = meant.map(|(&place, _)| place).collect();
        places.sort_by_key(|&(_, number)| number);
        places.drain(..selection.skip.unwrap_or_default().min(places.len()));
        places.truncate(selection.count.unwrap_or(usize::MAX));
        places
    }

    pub(crate) fn get(&self, place: Place) -> Option<&Envelope> {
        self.in_flight.get(&place)
    }

    /// Takes back a message that has arrived and was not heard.
    pub(crate) fn put_back(&mut self, now: Duration, envelope: Envelope) {
        self.sent += 1;
        self.in_flight.insert((Due::At(now), self.sent), envelope);
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

    /// The message that is in flight here does not arrive by itself.
    pub(crate) fn hold(&mut self, place: Place) {
        self.set_due(place, Due::Never);
    }

    /// The message that is in flight here arrives that much later or, if it is held, that long from now.
    pub(crate) fn delay(&mut self, now: Duration, place: Place, by: Duration) {
        let due = match place.0 {
            Due::At(due) => due,
            Due::Never => now,
        };
        self.set_due(place, Due::At(due + by));
    }

    fn set_due(&mut self, place: Place, due: Due) {
        if let Some(envelope) = self.in_flight.remove(&place) {
            self.in_flight.insert((due, place.1), envelope);
        }
    }

    /// What means the message that is in flight here and no other: as few words as possible.
    pub(crate) fn name(&self, place: Place) -> Selection {
        let exact = Selection::of(&self.in_flight[&place]);
        let Selection { from, to, kind, count, .. } = exact;
        let brief = Selection { from, to, kind, count, ..Selection::default() };
        let earlier = self.in_flight.iter().filter(|((_, number), _)| *number < place.1);
        let similar: Vec<&Envelope> =
            earlier.map(|(_, envelope)| envelope).filter(|envelope| brief.matches(envelope)).collect();
        if similar.is_empty() {
            return brief;
        }
        let alike = similar.into_iter().filter(|envelope| exact.matches(envelope)).count();
        Selection { skip: Some(alike).filter(|alike| *alike > 0), ..exact }
    }

    /// The number of messages in flight.
    pub(crate) fn count(&self) -> usize {
        self.in_flight.len()
    }

    /// The link has a weather of its own from now on; without a difference it has that of the network.
    pub(crate) fn set_weather(&mut self, link: (NodeId, NodeId), own: &LinkWeather) {
        let LinkWeather { latency, loss, duplication } = own.clone();
        let usual = &self.weather;
        let weather = Weather {
            latency: latency.unwrap_or(usual.latency.clone()),
            loss: loss.unwrap_or(usual.loss),
            duplication: duplication.unwrap_or(usual.duplication),
        };
        if weather == *usual {
            self.links.remove(&link)
        } else {
            self.links.insert(link, weather)
        };
    }

    /// From now on no message is lost or duplicated. Returns the longest time that one is in flight.
    pub(crate) fn calm_down(&mut self) -> Duration {
        let mut longest = Duration::ZERO;
        for weather in self.links.values_mut().chain([&mut self.weather]) {
            (weather.loss, weather.duplication) = (0.0, 0.0);
            longest = longest.max(*weather.latency.end());
        }
        longest
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
        self.links.clear();
    }

    pub(crate) fn has_cuts(&self) -> bool {
        !self.cut.is_empty()
    }

    pub(crate) fn holds_any(&self) -> bool {
        self.in_flight.last_key_value().is_some_and(|((due, _), _)| *due == Due::Never)
    }
}
