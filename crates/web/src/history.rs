//! What has happened so far: the latest records, and the story of those before them.

use crate::worth::{Judge, Judged, Worth};
use cluster::SlowMotionState;
use page::{Headline, Headlines};
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;
use trace::{ClusterView, Event, Io, Record};

/// At least this many of the latest records are kept, unless their JSON is longer than this many bytes. From
/// those before them the routine is dropped.
pub(crate) const KEPT: usize = 50_000;
const MOST_BYTES: usize = 24 << 20;

/// Maximum size in bytes of the records without routine that come before those. If they exceed it, the oldest
/// are reduced to their elections, and in the end these are dropped too.
const MOST_STORY_BYTES: usize = 8 << 20;

/// Number of records, or of bytes of JSON, with which a chunk is full. Each chunk begins with the sum of all
/// records before it.
const CHUNK: usize = 2_000;
const CHUNK_BYTES: usize = 2 << 20;

/// Maximum length of the JSON that a reader gets at once, in bytes. The last record may exceed it.
const BYTES_AT_ONCE: usize = 256 << 10;

/// The history that all readers share. Readers have no queues: each asks for what comes after the last record
/// that it has seen. So a slow reader can't make it grow, and no one waits for a slow reader.
#[derive(Debug, Clone)]
pub(crate) struct History {
    records: Arc<Mutex<Records>>,
    /// The number of the latest record. A change wakes the waiting readers.
    latest: watch::Sender<u64>,
}

#[derive(Debug)]
struct Records {
    /// Minimum number that are kept; `None` if all are.
    kept: Option<usize>,
    /// The remaining records from before `chunks`.
    story: VecDeque<Chunk>,
    /// Never empty. All chunks but the last are full.
    chunks: VecDeque<Chunk>,
    judge: Judge,
    headlines: Headlines,
    slow_motion: Option<SlowMotionState>,
    /// The cluster after all of them.
    view: ClusterView,
    /// Is it complete, so that there will be no more?
    is_whole: bool,
}

/// Some records, and the sum of all before them.
#[derive(Debug)]
struct Chunk {
    before: Snapshot,
    records: Vec<Kept>,
    /// The length of their JSON.
    bytes: usize,
    /// Those of lower worth have been dropped.
    least: Worth,
}

#[derive(Debug, Clone)]
struct Kept {
    number: u64,
    worth: Worth,
    json: Arc<str>,
}

/// The sum of the records up to a certain one.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Snapshot {
    /// The number of that record.
    pub after: u64,
    /// The cluster after it.
    pub view: ClusterView,
}

/// Consecutive records, and the sum of all before them.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) snapshot: Snapshot,
    pub(crate) json: Vec<Arc<str>>,
}

/// Records of the story with gaps in between, and the sum of all before the first of them.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) snapshot: Snapshot,
    pub(crate) numbers: Vec<u64>,
    pub(crate) json: Vec<Arc<str>>,
}

/// What comes next for a reader.
#[derive(Debug)]
pub(crate) enum Next {
    /// These records, the first of which has this number.
    Records { first: u64, json: Vec<Arc<str>>, headlines: Vec<Headline> },
    /// The next ones are no longer kept. This is the sum of those so far, with their headlines.
    Forgotten(Box<Snapshot>, Vec<Headline>),
    /// None yet: it has seen everything so far.
    NothingYet,
    /// None, ever.
    End,
}

impl History {
    /// An empty history that keeps at least this many records, or all.
    pub(crate) fn new(beginning: ClusterView, kept: Option<usize>) -> History {
        let first = Chunk::after(0, beginning.clone());
        let records = Records {
            kept,
            story: VecDeque::new(),
            chunks: [first].into(),
            judge: Judge::default(),
            headlines: Headlines::default(),
            slow_motion: None,
            view: beginning,
            is_whole: false,
        };
        History { records: Arc::new(Mutex::new(records)), latest: watch::Sender::new(0) }
    }

    /// Adds records. Steps are left out: they only sum up the records before them.
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
        let mut records = self.lock();
        records.is_whole = true;
        let last = records.last();
        records.headlines.end(last);
        drop(records);
        self.latest.send_modify(|_| {});
    }

    /// What comes after the record with this number: at most `at_most` records.
    pub(crate) fn next(&self, after: u64, at_most: usize) -> Next {
        self.lock().next(after, at_most)
    }

    /// The records up to this number, or up to the latest one: at least [`CHUNK`] of them if that many are
    /// kept and they are not too long, and at most twice as many.
    pub(crate) fn stretch(&self, up_to: Option<u64>) -> Stretch {
        self.lock().stretch(up_to)
    }

    /// The story up to this record, from the beginning. If it is long, only the elections remain of its
    /// beginning.
    pub(crate) fn story(&self, up_to: u64) -> Vec<Part> {
        self.lock().story(up_to)
    }

    /// The headlines up to this record.
    pub(crate) fn headlines(&self, up_to: u64) -> Vec<Headline> {
        self.lock().headlines.between(0, up_to).cloned().collect()
    }

    /// The current state of slow motion, if there is any.
    pub(crate) fn slow_motion(&self) -> Option<SlowMotionState> {
        self.lock().slow_motion
    }

    /// Slow motion is in this state from now on.
    pub(crate) fn record_slow_motion(&self, state: SlowMotionState) {
        let before = self.lock().slow_motion.replace(state);
        if before != Some(state) {
            self.latest.send_modify(|_| {});
        }
    }

    /// All records that are kept, as JSON lines.
    pub(crate) fn lines(&self) -> String {
        let records = self.lock();
        let kept = records.all().flat_map(|chunk| &chunk.records);
        let json: Vec<Arc<str>> = kept.map(|record| record.json.clone()).collect();
        drop(records);
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
        let number = self.last() + 1;
        self.headlines.observe(number, record);
        let Judged { worth, reason } = self.judge.judge(number, record);
        if let Some(reason) = reason.and_then(|number| self.record_mut(number)) {
            reason.worth = worth;
        }
        let json = record.to_json().into();
        self.chunks.back_mut().expect(NEVER_EMPTY).push(Kept { number, worth, json });
    }

    /// Drops the routine of the oldest chunks if enough remains complete, and the records of lowest worth of
    /// the oldest story.
    fn forget(&mut self) {
        let Some(kept) = self.kept else { return };
        let mut bytes: usize = self.chunks.iter().map(|chunk| chunk.bytes).sum();
        while let Some(second) = self.chunks.get(1)
            && (self.last() - second.before.after >= kept as u64 || bytes > MOST_BYTES)
        {
            let oldest = self.chunks.pop_front().expect(NEVER_EMPTY);
            bytes -= oldest.bytes;
            self.story.push_back(oldest.without_less_than(Worth::Story));
        }
        while self.story.iter().map(|chunk| chunk.bytes).sum::<usize>() > MOST_STORY_BYTES {
            match self.story.iter().position(|chunk| chunk.least < Worth::Election) {
                Some(place) => {
                    let chunk = self.story.remove(place).expect("it has just been found");
                    self.story.insert(place, chunk.without_less_than(Worth::Election));
                }
                None => drop(self.story.pop_front()),
            }
        }
        self.join_story();
    }

    /// Joins small neighbours, so that there are few snapshots.
    fn join_story(&mut self) {
        let mut joined: VecDeque<Chunk> = VecDeque::new();
        for chunk in self.story.drain(..) {
            match joined.back_mut() {
                Some(before) if before.has_room_for(&chunk) => before.append(chunk),
                _ => joined.push_back(chunk),
            }
        }
        self.story = joined;
    }

    /// All chunks, the oldest first.
    fn all(&self) -> impl DoubleEndedIterator<Item = &Chunk> {
        self.story.iter().chain(&self.chunks)
    }

    fn record_mut(&mut self, number: u64) -> Option<&mut Kept> {
        let place = self.place_of(number.saturating_sub(1));
        let chunk = &mut self.chunks[place];
        let found = chunk.records.binary_search_by_key(&number, |record| record.number);
        found.ok().map(|place| &mut chunk.records[place])
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
            let headlines = self.headlines.between(after, oldest.after).cloned().collect();
            return Next::Forgotten(Box::new(oldest.clone()), headlines);
        }
        let mut room = BYTES_AT_ONCE;
        let fitting = self.json_after(after).take(at_most).take_while(|json| {
            let has_room = room > 0;
            room = room.saturating_sub(json.len());
            has_room
        });
        let json: Vec<Arc<str>> = fitting.cloned().collect();
        match (json.is_empty(), self.is_whole) {
            (false, _) => {
                let headlines = self.headlines.between(after, after + json.len() as u64).cloned().collect();
                Next::Records { first: after + 1, json, headlines }
            }
            (true, false) => Next::NothingYet,
            (true, true) => Next::End,
        }
    }

    fn stretch(&self, up_to: Option<u64>) -> Stretch {
        let last = self.last().min(up_to.unwrap_or(u64::MAX));
        // If records are long, two chunks of them are enough.
        let one_before = self.place_of(last.saturating_sub(1)).saturating_sub(1);
        let place = self.place_of(last.saturating_sub(CHUNK as u64)).max(one_before);
        let snapshot = self.chunks[place].before.clone();
        let count = usize::try_from(last.saturating_sub(snapshot.after)).unwrap_or(usize::MAX);
        let json = self.json_after(snapshot.after).take(count).cloned().collect();
        Stretch { snapshot, json }
    }

    fn story(&self, up_to: u64) -> Vec<Part> {
        let mut room = MOST_STORY_BYTES;
        let mut parts = Vec::new();
        for chunk in self.all().rev() {
            let least = if room > 0 { Worth::Story } else { Worth::Election };
            let told = chunk.records.iter().filter(|record| record.number <= up_to && record.worth >= least);
            let (numbers, json): (Vec<u64>, Vec<Arc<str>>) =
                told.map(|record| (record.number, record.json.clone())).unzip();
            if !json.is_empty() {
                room = room.saturating_sub(json.iter().map(|json| json.len()).sum());
                parts.push(Part { snapshot: chunk.before.clone(), numbers, json });
            }
        }
        parts.reverse();
        parts
    }

    /// The kept records that come after the one with this number.
    fn json_after(&self, number: u64) -> impl Iterator<Item = &Arc<str>> {
        let place = self.place_of(number);
        let seen = number.saturating_sub(self.chunks[place].before.after);
        let chunks = self.chunks.range(place..);
        let json = chunks.flat_map(|chunk| &chunk.records).map(|record| &record.json);
        json.skip(usize::try_from(seen).unwrap_or(usize::MAX))
    }

    /// Index of the chunk with the record after the one with this number; the nearest one, if there is none.
    fn place_of(&self, number: u64) -> usize {
        self.chunks.partition_point(|chunk| chunk.before.after <= number).saturating_sub(1)
    }
}

/// Why there is always a chunk.
const NEVER_EMPTY: &str = "a chunk is forgotten only when there are others";

impl Chunk {
    fn after(number: u64, view: ClusterView) -> Chunk {
        Chunk {
            before: Snapshot { after: number, view },
            records: Vec::new(),
            bytes: 0,
            least: Worth::Routine,
        }
    }

    fn push(&mut self, record: Kept) {
        self.bytes += record.json.len();
        self.records.push(record);
    }

    fn is_full(&self) -> bool {
        self.records.len() >= CHUNK || self.bytes >= CHUNK_BYTES
    }

    /// The number of its last record; of the one before it, if it has none yet.
    fn last(&self) -> u64 {
        self.records.last().map_or(self.before.after, |record| record.number)
    }

    fn without_less_than(self, least: Worth) -> Chunk {
        let records: Vec<Kept> = self.records.into_iter().filter(|record| record.worth >= least).collect();
        let bytes = records.iter().map(|record| record.json.len()).sum();
        Chunk { before: self.before, records, bytes, least }
    }

    fn has_room_for(&self, next: &Chunk) -> bool {
        self.least == next.least
            && self.records.len() + next.records.len() <= CHUNK
            && self.bytes + next.bytes <= CHUNK_BYTES
    }

    fn append(&mut self, next: Chunk) {
        self.bytes += next.bytes;
        self.records.extend(next.records);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::event::What;
    use consensus::{AppendEntries, Index, Message, NodeId, Term};
    use trace::{EventId, Laboratory, Process};

    fn record(t: u64) -> Record {
        let event = Event::Process(Process::Stopped);
        Record { t, node: NodeId(1), life: 1, seq: None, cause: None, term: Term(0), event, content: None }
    }

    fn history(kept: usize) -> History {
        History::new(ClusterView::new([NodeId(1)]), Some(kept))
    }

    fn numbers(next: Next) -> (u64, usize) {
        match next {
            Next::Records { first, json, .. } => (first, json.len()),
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

    fn said(headlines: &[Headline]) -> Vec<(u64, &str)> {
        headlines.iter().map(|headline| (headline.after, &*headline.text)).collect()
    }

    #[test]
    fn headlines_come_with_the_records_after_which_they_are_said() {
        let history = history(CHUNK);
        let healed = |t| Record { event: Event::Laboratory(Laboratory::LinksHealed), ..record(t) };
        history.add(&[record(1), decision(2, What::Heartbeat), healed(3), healed(4)]);
        let Next::Records { headlines, .. } = history.next(0, 3) else { panic!("no records") };
        assert_eq!(
            said(&headlines),
            [(1, "n1 stopped."), (3, "All links work again: nothing is cut, delayed or lost.")]
        );
        let Next::Records { headlines, .. } = history.next(3, 3) else { panic!("no records") };
        assert_eq!(said(&headlines), [(4, "All links work again: nothing is cut, delayed or lost.")]);
        assert_eq!(history.headlines(1).len(), 1);
        // The headlines of dropped records are not dropped with them.
        for t in 5..3 * CHUNK as u64 {
            history.add(&[decision(t, What::Heartbeat)]);
        }
        let Next::Forgotten(_, headlines) = history.next(1, 10) else { panic!("all is still there") };
        assert_eq!(headlines.len(), 2);
    }

    #[test]
    fn readers_wake_when_slow_motion_changes() {
        let history = history(CHUNK);
        let mut changes = history.subscribe();
        assert_eq!(history.slow_motion(), None);
        let wanted = SlowMotionState { is_wanted: true, is_on: false };
        for (state, wakes) in
            [(wanted, true), (wanted, false), (SlowMotionState { is_on: true, ..wanted }, true)]
        {
            changes.mark_unchanged();
            history.record_slow_motion(state);
            assert_eq!(changes.has_changed().unwrap(), wakes);
            assert_eq!(history.slow_motion(), Some(state));
        }
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
        let Next::Forgotten(snapshot, _) = history.next(0, 10) else {
            panic!("the first record is still there")
        };
        assert_eq!(snapshot.after, CHUNK as u64);
        let server = snapshot.view.server(NodeId(1)).unwrap();
        assert_eq!(server.condition, trace::Condition::Dead);
        assert_eq!(numbers(history.next(snapshot.after, 9999)), (snapshot.after + 1, CHUNK + 1));
        // The story keeps them: they are not routine.
        assert_eq!(history.lines().lines().count(), 2 * CHUNK + 1);
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
        // There is no more, and nothing comes twice.
        assert_eq!(ends(&history.stretch(Some(3 * chunk))), (3 * chunk, 3 * chunk));
        assert_eq!(ends(&history.stretch(Some(1))), (3 * chunk, 3 * chunk));
        assert_eq!(ends(&history.stretch(Some(u64::MAX))), (6 * chunk, 7 * chunk + 10));
    }

    /// A record whose JSON, which contains the problem twice, is a bit longer than a mebibyte.
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
        let Next::Forgotten(snapshot, _) = history.next(0, 10) else { panic!("all is still there") };
        assert!((20..=34).contains(&(60 - snapshot.after)), "{}", snapshot.after);
        assert!(history.lines().len() < MOST_BYTES + MOST_STORY_BYTES + 2 * CHUNK_BYTES);

        // The way back goes by short stretches that meet.
        let mut first = 60;
        while first > snapshot.after {
            let stretch = history.stretch(Some(first));
            assert_eq!(ends(&stretch).1, first);
            assert!((1..=4).contains(&stretch.json.len()), "{}", stretch.json.len());
            first = ends(&stretch).0;
        }
    }

    fn numbers_of(parts: &[Part]) -> Vec<u64> {
        parts.iter().flat_map(|part| part.numbers.clone()).collect()
    }

    fn decision(t: u64, what: What) -> Record {
        let event = Event::Decision(consensus::event::Decision::new(None, what));
        Record { seq: Some(t), event, ..record(t) }
    }

    /// A history in which every thousandth record is news, and all others are heartbeats.
    fn beating(count: u64) -> History {
        let history = history(CHUNK);
        let what = |t| if t % 1000 == 0 { What::NoVoter } else { What::Heartbeat };
        (1..=count).for_each(|t| history.add(&[decision(t, what(t))]));
        history
    }

    #[test]
    fn the_story_is_kept_without_its_routine() {
        let history = beating(30_000);
        let all: Vec<u64> = (1..=30).map(|thousand| 1000 * thousand).collect();
        let parts = history.story(u64::MAX);
        assert_eq!(numbers_of(&parts), all);
        assert_eq!(numbers_of(&history.story(4_500)), all[..4]);
        // The routine of the past is gone, and the rest of it needs few snapshots.
        assert!(history.lines().lines().count() < 3 * CHUNK);
        assert!(parts.len() <= 3, "{}", parts.len());
        assert_eq!(parts[0].snapshot.after, 0);
        // Streams and stretches continue while nothing is missing.
        let Next::Forgotten(snapshot, _) = history.next(0, 10) else { panic!("all is still there") };
        assert_eq!(ends(&history.stretch(Some(5))), (snapshot.after, snapshot.after));
    }

    #[test]
    fn a_long_story_loses_its_elections_last() {
        let history = history(10);
        let vote = What::Leader { leader: NodeId(1) };
        history.add(&[decision(1, vote)]);
        (2..=100).for_each(|t| {
            let answer = "x".repeat(1 << 19);
            history.add(&[Record {
                event: Event::Laboratory(Laboratory::ClientHears { client: 1, answer, outcome: None }),
                ..record(t)
            }]);
        });
        let numbers = numbers_of(&history.story(u64::MAX));
        assert_eq!(numbers[0], 1);
        assert!(numbers[1] > 20, "{numbers:?}");
        assert_eq!(numbers.last(), Some(&100));
        assert!(history.lines().len() < MOST_BYTES + MOST_STORY_BYTES + 2 * CHUNK_BYTES);
        (101..=200).for_each(|t| history.add(&[long(t)]));
        assert!(numbers_of(&history.story(u64::MAX))[0] > 1, "even elections have an end");
    }

    #[test]
    fn what_led_to_a_record_of_the_story_belongs_to_it() {
        let history = history(CHUNK);
        let message = Message::AppendEntries(AppendEntries {
            term: Term(1),
            prev_log_index: Index(0),
            prev_log_term: Term(0),
            entries: Vec::new(),
            leader_commit: Index(0),
            round: 0,
        });
        let received = Event::Io(Io::Received { from: NodeId(2), message });
        history.add(&[
            decision(1, What::Heartbeat),
            Record { seq: Some(2), event: received, ..record(2) },
            Record {
                cause: Some(EventId { node: NodeId(1), life: 1, seq: 2 }),
                ..decision(3, What::NoVoter)
            },
        ]);
        assert_eq!(numbers_of(&history.story(9)), [2, 3]);
    }

    #[test]
    fn a_history_that_is_to_be_whole_is_kept_whole() {
        let history = History::new(ClusterView::new([NodeId(1)]), None);
        (1..=40).for_each(|t| history.add(&[long(t)]));
        assert_eq!(numbers(history.next(0, 10)), (1, 1));
    }
}
