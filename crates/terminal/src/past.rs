//! The latest records, and the servers before them, so that the live view can go back to any moment of the
//! recent past, and forward again.

use crate::scene::Scene;
use consensus::{Message, NodeId};
use std::collections::VecDeque;
use trace::{Event, Io, Record};

/// Maximum number of records that are kept, and of bytes of the entries in them.
const KEPT: usize = 20_000;
const KEPT_BYTES: usize = 64 << 20;

/// The latest records.
pub(crate) struct Past {
    records: VecDeque<Seen>,
    /// The servers before the first of them.
    before: Scene,
    /// Number of records before them, and the last of those.
    forgotten: u64,
    last_forgotten: Option<Seen>,
    bytes: usize,
}

/// A record, and what was known when it arrived.
struct Seen {
    record: Record,
    /// The servers' own time then, and its speed from then on.
    servers_time: f64,
    speed: f64,
    /// Number of lines in the story, including its own.
    told: u64,
}

/// A moment, as the view shows it.
#[derive(Clone)]
pub(crate) struct Moment {
    pub(crate) scene: Scene,
    /// In microseconds since the cluster's start.
    pub(crate) at: u64,
    pub(crate) servers_time: f64,
    /// Number of lines in the story by then.
    pub(crate) told: u64,
    /// Number of records by then.
    place: u64,
}

impl Past {
    pub(crate) fn new(servers: &[NodeId]) -> Past {
        let before = Scene::new(servers);
        Past { records: VecDeque::new(), before, forgotten: 0, last_forgotten: None, bytes: 0 }
    }

    /// Adds a record; `told` is the number of lines in the story, including its own.
    pub(crate) fn add(&mut self, record: &Record, servers_time: f64, speed: f64, told: u64) {
        self.bytes += bytes_of_entries(record);
        self.records.push_back(Seen { record: record.clone(), servers_time, speed, told });
        while self.records.len() > KEPT || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.records.pop_front() else { return };
            self.bytes -= bytes_of_entries(&oldest.record);
            self.forgotten += 1;
            self.before.observe(&oldest.record, oldest.servers_time);
            self.last_forgotten = Some(oldest);
        }
    }

    /// The present.
    pub(crate) fn present(&self, scene: Scene, at: u64, servers_time: f64, told: u64) -> Moment {
        Moment { scene, at, servers_time, told, place: self.end() }
    }

    /// The moment of the next line of the story, if there is one already.
    pub(crate) fn next(&self, moment: &Moment) -> Option<Moment> {
        let place = self.records.partition_point(|seen| seen.told <= moment.told);
        (place < self.records.len()).then(|| self.moment_of(place))
    }

    /// The moment of the latest line of the story before this one, if it is kept.
    pub(crate) fn previous(&self, moment: &Moment) -> Option<Moment> {
        let first_with = |told: u64| self.records.partition_point(|seen| seen.told < told);
        let own = first_with(moment.told);
        let is_own_earlier = own < self.records.len() && self.forgotten + own as u64 + 1 < moment.place;
        let place =
            if is_own_earlier { own } else { first_with(self.records.get(own.checked_sub(1)?)?.told) };
        // It is not known whether the story has a line about the oldest record.
        let is_line = (place > 0 || self.forgotten == 0) && self.records[place].told > 0;
        is_line.then(|| self.moment_of(place))
    }

    fn moment_of(&self, place: usize) -> Moment {
        self.moment_after(self.forgotten + place as u64 + 1)
    }

    /// The moment at this time, or the earliest that is kept.
    pub(crate) fn at(&self, t: u64) -> Moment {
        let happened = self.records.partition_point(|seen| seen.record.t <= t);
        let mut moment = self.moment_after(self.forgotten + happened as u64);
        self.wait(&mut moment, t);
        moment
    }

    /// Moves a moment forward to a later time.
    pub(crate) fn go_on(&self, moment: &mut Moment, t: u64) {
        let due = self.after(moment.place).take_while(|seen| seen.record.t <= t);
        for seen in due {
            moment.scene.observe(&seen.record, seen.servers_time);
            moment.told = seen.told;
            moment.place += 1;
        }
        self.wait(moment, t);
    }

    /// Lets time pass up to `t`; nothing happens until then.
    fn wait(&self, moment: &mut Moment, t: u64) {
        let Some(latest) = self.before(moment.place) else { return };
        moment.at = t.max(latest.record.t);
        moment.servers_time = latest.servers_time + (moment.at - latest.record.t) as f64 * latest.speed;
    }

    /// The moment after this number of records.
    fn moment_after(&self, place: u64) -> Moment {
        let mut scene = self.before.clone();
        let count = place.saturating_sub(self.forgotten) as usize;
        for seen in self.records.range(..count) {
            scene.observe(&seen.record, seen.servers_time);
        }
        let (at, servers_time, told) = self
            .before(place)
            .map_or((0, 0.0, 0), |latest| (latest.record.t, latest.servers_time, latest.told));
        Moment { scene, at, servers_time, told, place }
    }

    /// The latest of this number of records, if it is kept.
    fn before(&self, place: u64) -> Option<&Seen> {
        match place.checked_sub(self.forgotten)?.checked_sub(1) {
            Some(kept) => self.records.get(usize::try_from(kept).ok()?),
            None => self.last_forgotten.as_ref(),
        }
    }

    /// The records after this number of them.
    fn after(&self, place: u64) -> impl Iterator<Item = &Seen> {
        let seen = place.saturating_sub(self.forgotten);
        self.records.range(self.records.len().min(seen as usize)..)
    }

    fn end(&self) -> u64 {
        self.forgotten + self.records.len() as u64
    }
}

fn bytes_of_entries(record: &Record) -> usize {
    match &record.event {
        Event::Io(Io::Sent { message, .. } | Io::Received { message, .. }) => match message {
            Message::AppendEntries(request) => request.entries.iter().map(|entry| entry.size()).sum(),
            _ => 0,
        },
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::Term;
    use trace::{Condition, Laboratory};

    /// A record each millisecond; every tenth pauses a server, or resumes it, and is a line of the story.
    fn past(records: u64) -> Past {
        let mut past = Past::new(&[NodeId(1)]);
        for number in 1..=records {
            let is_line = number % 10 == 0;
            let event = match (is_line, number % 20) {
                (true, 0) => Laboratory::Resumed,
                (true, _) => Laboratory::Paused,
                _ => Laboratory::Speed { millionths: 1_000_000 },
            };
            let event = Event::Laboratory(event);
            let record = Record {
                t: 1000 * number,
                node: NodeId(1),
                life: 1,
                seq: None,
                cause: None,
                term: Term(0),
                content: None,
                event,
            };
            past.add(&record, number as f64 * 500.0, 0.5, number / 10);
        }
        past
    }

    fn is_paused(moment: &Moment) -> bool {
        moment.scene.view.server(NodeId(1)).unwrap().condition == Condition::Paused
    }

    #[test]
    fn steps_go_from_line_to_line_with_the_servers_of_that_moment() {
        let past = past(45);
        let mut moment = past.present(Scene::new(&[NodeId(1)]), 45_500, 22_750.0, 4);
        for (t, paused) in [(40_000, false), (30_000, true), (20_000, false), (10_000, true)] {
            moment = past.previous(&moment).unwrap();
            assert_eq!((moment.at, moment.servers_time, is_paused(&moment)), (t, t as f64 / 2.0, paused));
        }
        assert!(past.previous(&moment).is_none());
        for t in [20_000, 30_000, 40_000] {
            moment = past.next(&moment).unwrap();
            assert_eq!((moment.at, moment.told), (t, t / 10_000));
        }
        assert!(past.next(&moment).is_none());
    }

    #[test]
    fn a_moment_goes_on_as_what_it_would_be_if_it_were_looked_up() {
        let past = past(100);
        let mut moment = past.at(5_000);
        for t in [5_400, 10_000, 33_700, 100_900] {
            past.go_on(&mut moment, t);
            let found = past.at(t);
            assert_eq!(format!("{:?}", moment.scene), format!("{:?}", found.scene));
            assert_eq!((moment.at, moment.place, moment.told), (t, found.place, found.told));
            assert_eq!(moment.servers_time, t as f64 / 2.0);
        }
    }

    #[test]
    fn what_is_too_old_is_forgotten_and_the_rest_stays_right() {
        let past = past(KEPT as u64 + 1015);
        assert_eq!(past.records.len(), KEPT);
        let mut moment = past.at(0);
        assert_eq!((moment.place, moment.at), (1015, 1_015_000), "the earliest that is kept");
        assert!(past.previous(&moment).is_none());
        moment = past.next(&moment).unwrap();
        assert_eq!((moment.at, is_paused(&moment)), (1_020_000, false));
        assert!(past.previous(&moment).is_none(), "the line before is forgotten");
        assert!(is_paused(&past.next(&moment).unwrap()));
    }
}
