//! One order for the reports of several servers.

use std::collections::VecDeque;
use trace::Record;

/// How much later than a later report of another server a report may arrive, in microseconds.
const MAX_DELAY: u64 = 20_000;

/// Holds records for a moment, so that they come out in the order in which things happened.
#[derive(Debug, Default)]
pub(crate) struct Chronicle {
    /// Ascending by time; equal times in the order of arrival.
    waiting: VecDeque<Record>,
}

impl Chronicle {
    pub(crate) fn add(&mut self, record: Record) {
        let place = self.waiting.partition_point(|earlier| earlier.t <= record.t);
        self.waiting.insert(place, record);
    }

    /// The records that nothing earlier can still overtake at the time `now`.
    pub(crate) fn settled(&mut self, now: u64) -> Vec<Record> {
        let count = self.waiting.partition_point(|record| record.t + MAX_DELAY <= now);
        self.waiting.drain(..count).collect()
    }

    /// All records: nothing more will come.
    pub(crate) fn rest(&mut self) -> Vec<Record> {
        self.waiting.drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::{NodeId, Term};
    use trace::{Event, Process};

    fn record(t: u64, node: u64) -> Record {
        let event = Event::Process(Process::Stopped);
        Record { t, node: NodeId(node), life: 1, seq: None, cause: None, term: Term(0), event, content: None }
    }

    fn times_and_nodes(records: Vec<Record>) -> Vec<(u64, u64)> {
        records.into_iter().map(|record| (record.t, record.node.0)).collect()
    }

    #[test]
    fn late_reports_find_their_place() {
        let mut chronicle = Chronicle::default();
        for (t, node) in [(100, 1), (300, 1), (200, 2), (300, 2)] {
            chronicle.add(record(t, node));
        }
        assert_eq!(times_and_nodes(chronicle.settled(MAX_DELAY)), []);
        assert_eq!(times_and_nodes(chronicle.settled(MAX_DELAY + 200)), [(100, 1), (200, 2)]);
        assert_eq!(times_and_nodes(chronicle.rest()), [(300, 1), (300, 2)]);
        assert_eq!(chronicle.rest(), []);
    }
}
