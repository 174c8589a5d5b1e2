//! What has happened so far: the latest records, and what all before them add up to.

use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;
use trace::{ClusterView, Event, Io, Record};

/// At least this many of the latest records are kept, unless their JSON is longer than this many bytes.
pub(crate) const KEPT: usize = 50_000;
const MOST_BYTES: usize = 32 << 20;

/// A chunk is full with this many records, or with this many bytes of JSON. Each chunk begins with what all records before
/// it add up to.
const CHUNK: usize = 2_000;
const CHUNK_BYTES: usize = 2 << 20;

/// Maximum length of the JSON that a reader gets at once, in bytes. The last record may exceed it.
const BYTES_AT_ONCE: usize = 256 << 10;

/// The history that all readers share. Readers have no queues: each asks for what comes after the last record that it
/// has seen. So a slow reader can't make it grow, and no one waits for a slow reader.
#[derive(Debug, Clone)]
pub(crate) struct History {
    records: Arc<Mutex<Records>>,
    /// The number of the latest record. A change wakes the waiting readers.
    latest: watch::Sender<u64>,
}

#[derive(Debug)]
struct Records {
    /// How many are kept at least; `None` if all are.
    kept: Option<usize>,
    /// Never empty. All chunks but the last are full.
    chunks: VecDeque<Chunk>,
    /// The cluster after all of them.
    view: ClusterView,
    /// Will there be no more?
    is_whole: bool,
}

/// Some records, as JSON, and what all before them add up to.
#[derive(Debug)]
struct Chunk {
    before: Snapshot,
    json: Vec<Arc<str>>,
    /// How long that is.
    bytes: usize,
}

/// What the records up to one add up to.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Snapshot {
    /// The number of that record.
    pub after: u64,
    /// The cluster after it.
    pub view: ClusterView,
}

/// Records that follow each other, and what all before them add up to.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) snapshot: Snapshot,
    pub(crate) json: Vec<Arc<str>>,
}

/// What comes next for a reader.
#[derive(Debug)]
pub(crate) enum Next {
    /// These, the first of which has this number.
    Records { first: u64, json: Vec<Arc<str>> },
    /// The next ones are forgotten. This is what all up to here add up to.
    Forgotten(Box<Snapshot>),
    /// Nothing yet: it has seen everything so far.
    NothingYet,
    /// Nothing, ever.
    End,
}

impl History {
    /// An empty history that keeps at least this many records, or all.
    pub(crate) fn new(beginning: ClusterView, kept: Option<usize>) -> History {
        let first = Chunk::after(0, beginning.clone());
        let records = Records { kept, chunks: [first].into(), view: beginning, is_whole: false };
        History { records: Arc::new(Mutex::new(records)), latest: watch::Sender::new(0) }
    }

    /// Adds what has happened. Steps are left out: they only sum up the records before them.
    pub(crate) fn add<'a>(&self, news: impl IntoIterator<Item = &'a Record>) {
        let mut records = self.lock();
        for record in news {
            if !matches!(record.event, Event::Io(Io::Step { .. })) {
                records.add(record);
            }
        }
        let last = records.last();
        drop(records);
        self.latest.send_if_modified(|latest| std::mem::replace(latest, last) != last);
    }

    /// There will be no more.
    pub(crate) fn end(&self) {
        self.lock().is_whole = true;
        self.latest.send_modify(|_| {});
    }

    /// What comes after the record with this number, `at_most` records.
    pub(crate) fn next(&self, after: u64, at_most: usize) -> Next {
        self.lock().next(after, at_most)
    }

    /// The records up to this number, or up to the latest one: at least [`CHUNK`] of them if so many are kept and they are
    /// not too long, and at most twice as many.
    pub(crate) fn stretch(&self, up_to: Option<u64>) -> Stretch {
        self.lock().stretch(up_to)
    }

    /// All records that are kept, as JSON lines.
    pub(crate) fn lines(&self) -> String {
        let json: Vec<Arc<str>> = self.lock().chunks.iter().flat_map(|chunk| chunk.json.clone()).collect();
        json.iter().flat_map(|json| [&**json, "\n"]).collect()
    }

    /// A receiver that wakes when there is more.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().expect("no thread panics while it holds the lock")
    }
}

impl Records {
    fn add(&mut self, record: &Record) {
        if self.newest().is_full() {
            let chunk = Chunk::after(self.last(), self.view.clone());
            self.chunks.push_back(chunk);
            self.forget();
        }
        self.view.apply(record);
        self.chunks.back_mut().expect(NEVER_EMPTY).push(record.to_json().into());
    }

    /// Forgets the oldest chunks if enough is left without them.
    fn forget(&mut self) {
        let Some(kept) = self.kept else { return };
        let mut bytes: usize = self.chunks.iter().map(|chunk| chunk.bytes).sum();
        while let Some(second) = self.chunks.get(1)
            && (self.last() - second.before.after >= kept as u64 || bytes > MOST_BYTES)
        {
            bytes -= self.chunks.pop_front().expect(NEVER_EMPTY).bytes;
        }
    }

    fn newest(&self) -> &Chunk {
        self.chunks.back().expect(NEVER_EMPTY)
    }

    fn last(&self) -> u64 {
        self.newest().last()
    }

    fn next(&self, after: u64, at_most: usize) -> Next {
        let oldest = &self.chunks.front().expect(NEVER_EMPTY).before;
        if after < oldest.after {
            return Next::Forgotten(Box::new(oldest.clone()));
        }
        let mut room = BYTES_AT_ONCE;
        let fitting = self.after(after).take(at_most).take_while(|json| {
            let has_room = room > 0;
            room = room.saturating_sub(json.len());
            has_room
        });
        let json: Vec<Arc<str>> = fitting.cloned().collect();
        match (json.is_empty(), self.is_whole) {
            (false, _) => Next::Records { first: after + 1, json },
            (true, false) => Next::NothingYet,
            (true, true) => Next::End,
        }
    }

    fn stretch(&self, up_to: Option<u64>) -> Stretch {
        let last = self.last().min(up_to.unwrap_or(u64::MAX));
        // Where records are long, two chunks of them are enough.
        let one_before = self.place_of(last.saturating_sub(1)).saturating_sub(1);
        let place = self.place_of(last.saturating_sub(CHUNK as u64)).max(one_before);
        let snapshot = self.chunks[place].before.clone();
        let count = usize::try_from(last.saturating_sub(snapshot.after)).unwrap_or(usize::MAX);
        let json = self.after(snapshot.after).take(count).cloned().collect();
        Stretch { snapshot, json }
    }

    /// The kept records that come after the one with this number.
    fn after(&self, number: u64) -> impl Iterator<Item = &Arc<str>> {
        let place = self.place_of(number);
        let seen = number.saturating_sub(self.chunks[place].before.after);
        let chunks = self.chunks.range(place..);
        chunks.flat_map(|chunk| &chunk.json).skip(usize::try_from(seen).unwrap_or(usize::MAX))
    }

    /// Where the chunk is that has the record after the one with this number; the nearest one, if none has.
    fn place_of(&self, number: u64) -> usize {
        self.chunks.partition_point(|chunk| chunk.before.after <= number).saturating_sub(1)
    }
}

/// Why there is always a chunk.
const NEVER_EMPTY: &str = "a chunk is forgotten only when there are others";

impl Chunk {
    fn after(number: u64, view: ClusterView) -> Chunk {
        Chunk { before: Snapshot { after: number, view }, json: Vec::new(), bytes: 0 }
    }

    fn push(&mut self, json: Arc<str>) {
        self.bytes += json.len();
        self.json.push(json);
    }

    fn is_full(&self) -> bool {
        self.json.len() >= CHUNK || self.bytes >= CHUNK_BYTES
    }

    /// The number of its last record; of the one before it, if it has none yet.
    fn last(&self) -> u64 {
        self.before.after + self.json.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::{NodeId, Term};
    use trace::{Laboratory, Process};

    fn record(t: u64) -> Record {
        let event = Event::Process(Process::Stopped);
        Record { t, node: NodeId(1), life: 1, seq: None, cause: None, term: Term(0), event }
    }

    fn history(kept: usize) -> History {
        History::new(ClusterView::new([NodeId(1)]), Some(kept))
    }

    fn numbers(next: Next) -> (u64, usize) {
        match next {
            Next::Records { first, json } => (first, json.len()),
            other => panic!("no records but {other:?}"),
        }
    }

    #[test]
    fn a_reader_is_given_what_it_has_not_seen() {
        let history = history(100);
        assert!(matches!(history.next(0, 10), Next::NothingYet));
        history.add(&[record(1), record(2), record(3)]);
        assert_eq!(numbers(history.next(0, 10)), (1, 3));
        assert_eq!(numbers(history.next(0, 2)), (1, 2));
        assert_eq!(numbers(history.next(2, 10)), (3, 1));
        assert!(matches!(history.next(3, 10), Next::NothingYet));
        assert!(matches!(history.next(1000, 10), Next::NothingYet));
        history.end();
        assert!(matches!(history.next(3, 10), Next::End));
    }

    fn add(history: &History, count: usize) {
        history.add(&(0..count as u64).map(record).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_forgotten_is_summed_up() {
        let history = history(CHUNK);
        let paused = Record { event: Event::Laboratory(Laboratory::Paused), ..record(1) };
        history.add(&[paused]);
        add(&history, 2 * CHUNK - 1);
        assert_eq!(numbers(history.next(0, 10)), (1, 10));
        add(&history, 1);
        let Next::Forgotten(snapshot) = history.next(0, 10) else {
            panic!("the first record is still there")
        };
        assert_eq!(snapshot.after, CHUNK as u64);
        let server = snapshot.view.server(NodeId(1)).unwrap();
        assert_eq!(server.condition, trace::Condition::Dead);
        assert_eq!(numbers(history.next(snapshot.after, 9999)), (snapshot.after + 1, CHUNK + 1));
        assert_eq!(history.lines().lines().count(), CHUNK + 1);
    }

    #[test]
    fn a_reader_is_given_records_across_chunks() {
        let history = history(10 * CHUNK);
        add(&history, 2 * CHUNK + 5);
        let seen = CHUNK as u64 - 3;
        assert_eq!(numbers(history.next(seen, 7)), (seen + 1, 7));
        assert_eq!(numbers(history.next(seen, 9999)), (seen + 1, CHUNK + 8));
        assert_eq!(numbers(history.next(2 * CHUNK as u64, 10)), (2 * CHUNK as u64 + 1, 5));
    }

    fn ends(stretch: &Stretch) -> (u64, u64) {
        (stretch.snapshot.after, stretch.snapshot.after + stretch.json.len() as u64)
    }

    #[test]
    fn the_way_back_goes_by_stretches_that_meet() {
        let history = history(4 * CHUNK);
        let chunk = CHUNK as u64;
        assert_eq!(ends(&history.stretch(None)), (0, 0));
        add(&history, CHUNK + 10);
        assert_eq!(ends(&history.stretch(None)), (0, chunk + 10));
        add(&history, 6 * CHUNK);
        let mut stretch = history.stretch(None);
        assert_eq!(ends(&stretch), (6 * chunk, 7 * chunk + 10));
        for first in [5, 4, 3] {
            stretch = history.stretch(Some(stretch.snapshot.after));
            assert_eq!(ends(&stretch), (first * chunk, (first + 1) * chunk));
        }
        // There is no more, and nothing is told twice.
        assert_eq!(ends(&history.stretch(Some(3 * chunk))), (3 * chunk, 3 * chunk));
        assert_eq!(ends(&history.stretch(Some(1))), (3 * chunk, 3 * chunk));
        assert_eq!(ends(&history.stretch(Some(u64::MAX))), (6 * chunk, 7 * chunk + 10));
    }

    /// A record whose JSON, which tells the problem twice, has a bit more than a mebibyte.
    fn long(t: u64) -> Record {
        let (from, problem) = ("127.0.0.1:1".to_owned(), "x".repeat(1 << 19));
        Record { event: Event::Process(Process::Garbage { from, problem }), ..record(t) }
    }

    #[test]
    fn long_records_are_forgotten_sooner_and_given_out_one_by_one() {
        let history = history(1000);
        history.add(&[long(1), record(2), long(3)]);
        assert_eq!(numbers(history.next(0, 10)), (1, 1));
        assert_eq!(numbers(history.next(1, 10)), (2, 2));
        (4..=60).for_each(|t| history.add(&[long(t)]));
        let Next::Forgotten(snapshot) = history.next(0, 10) else { panic!("all is still there") };
        assert!((20..=34).contains(&(60 - snapshot.after)), "{}", snapshot.after);
        assert!(history.lines().len() < MOST_BYTES + 2 * CHUNK_BYTES);

        // The way back goes by short stretches that meet.
        let mut first = 60;
        while first > snapshot.after {
            let stretch = history.stretch(Some(first));
            assert_eq!(ends(&stretch).1, first);
            assert!((1..=4).contains(&stretch.json.len()), "{}", stretch.json.len());
            first = ends(&stretch).0;
        }
    }

    #[test]
    fn a_history_that_is_to_be_whole_is_kept_whole() {
        let history = History::new(ClusterView::new([NodeId(1)]), None);
        (1..=40).for_each(|t| history.add(&[long(t)]));
        assert_eq!(numbers(history.next(0, 10)), (1, 1));
    }
}
