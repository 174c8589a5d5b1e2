//! What was changed of late, for those who watch.
//!
//! Nobody has a queue: each reader asks for what came after the last change that it has seen. One that is too
//! slow finds the oldest changes gone, and learns that they are. So the memory is bounded, whatever readers do.

use consensus::{ClusterId, Index};
use kv::Changed;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::watch;

/// Maximum number of changes that are remembered, and of their bytes.
const MOST_CHANGES: usize = 16_384;
const MOST_BYTES: usize = 16 << 20;

/// Maximum number of changes that are given out at once, and the number of bytes at which it is enough: a reader that
/// does not read keeps them, and there may be many.
const AT_ONCE: usize = 256;
const BYTES_AT_ONCE: usize = 64 << 10;

/// A key's change. Its value is shared with the store, as long as that keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) key: Arc<[u8]>,
    /// The entry that made the change.
    pub(crate) version: Index,
    /// What the key has held since then; `None` if it is gone.
    pub(crate) value: Option<Arc<[u8]>>,
}

/// The latest changes, in the order of the log.
#[derive(Debug)]
pub(crate) struct Changes {
    recent: VecDeque<Change>,
    bytes: usize,
    /// All changes of later entries are here.
    complete_after: Index,
    news: watch::Sender<()>,
}

/// What a reader is given.
pub(crate) struct Batch {
    /// Changes, in order.
    pub(crate) changes: Vec<Change>,
    /// Changes after this entry are all there; earlier ones may be missing.
    pub(crate) complete_after: Index,
    /// With this batch, all changes up to this entry are given out.
    pub(crate) until: Index,
    /// What this server has applied.
    pub(crate) applied: Index,
    /// The cluster that the changes are of, which the engine knows.
    pub(crate) cluster: Option<ClusterId>,
    /// Is there perhaps more already?
    pub(crate) is_full: bool,
    /// Tells of changes after this batch. It closes if a snapshot takes the place of the store.
    pub(crate) news: watch::Receiver<()>,
}

impl Changes {
    /// The changes after this entry: none so far.
    pub(crate) fn after(index: Index) -> Changes {
        let news = watch::Sender::new(());
        Changes { recent: VecDeque::new(), bytes: 0, complete_after: index, news }
    }

    /// Remembers a change, and forgets the oldest if there is no room.
    pub(crate) fn note(&mut self, changed: &Changed<'_>) {
        let &Changed { key, version, ref value } = changed;
        let change = Change { key: key.into(), version, value: value.clone() };
        self.bytes += change.size();
        self.recent.push_back(change);
        while self.recent.len() > MOST_CHANGES || self.bytes > MOST_BYTES {
            let Some(oldest) = self.recent.pop_front() else { break };
            self.bytes -= oldest.size();
            self.complete_after = oldest.version;
        }
        self.news.send_replace(());
    }

    /// The next changes after this entry, if those up to `last_applied` are noted. Without an entry: those
    /// that are to come.
    pub(crate) fn next(&self, after: Option<Index>, last_applied: Index) -> Batch {
        let after = after.unwrap_or(last_applied);
        let first = self.recent.partition_point(|change| change.version <= after);
        let mut room = BYTES_AT_ONCE;
        let fitting = self.recent.range(first..).take(AT_ONCE).take_while(|change| {
            let has_room = room > 0;
            room = room.saturating_sub(change.size());
            has_room
        });
        let changes: Vec<Change> = fitting.cloned().collect();
        let is_full = first + changes.len() < self.recent.len();
        let until = match changes.last() {
            Some(last) if is_full => last.version,
            _ => last_applied.max(after),
        };
        let (complete_after, news) = (self.complete_after, self.news.subscribe());
        Batch { changes, complete_after, until, applied: last_applied, cluster: None, is_full, news }
    }
}

impl Change {
    pub(crate) fn size(&self) -> usize {
        self.key.len() + self.value.as_ref().map_or(0, |value| value.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(changes: &mut Changes, version: u64, value: &[u8]) {
        changes.note(&Changed { key: b"x", version: Index(version), value: Some(value.into()) });
    }

    fn versions(batch: &Batch) -> Vec<u64> {
        batch.changes.iter().map(|change| change.version.0).collect()
    }

    #[test]
    fn each_reader_goes_on_where_it_left_off() {
        let mut changes = Changes::after(Index(10));
        [12, 15, 16].iter().for_each(|&version| note(&mut changes, version, b"1"));
        let next = |after: Option<u64>| changes.next(after.map(Index), Index(17));
        assert_eq!(versions(&next(Some(10))), [12, 15, 16]);
        assert_eq!(versions(&next(Some(12))), [15, 16]);
        assert_eq!(next(Some(12)).until, Index(17));
        assert_eq!(versions(&next(None)), [0; 0]);
        assert_eq!(next(Some(99)).until, Index(99), "seen elsewhere, and still to come here");
        assert_eq!(next(Some(5)).complete_after, Index(10));
    }

    #[test]
    fn a_batch_is_bounded_and_the_next_one_goes_on() {
        let mut changes = Changes::after(Index(0));
        (1..=300).for_each(|version| note(&mut changes, version, b"1"));
        let first = changes.next(Some(Index(0)), Index(300));
        assert_eq!((first.changes.len(), first.until), (AT_ONCE, Index(256)));
        let second = changes.next(Some(first.until), Index(300));
        assert_eq!((second.changes.len(), second.until), (44, Index(300)));
    }

    #[test]
    fn a_batch_of_long_values_is_short() {
        let mut changes = Changes::after(Index(0));
        let long = vec![0; BYTES_AT_ONCE / 2];
        (1..=3).for_each(|version| note(&mut changes, version, &long));
        note(&mut changes, 4, &vec![0; BYTES_AT_ONCE * 4]);
        let batches = [0, 2, 3, 4].map(|after| changes.next(Some(Index(after)), Index(9)));
        let given: Vec<(Vec<u64>, Index, bool)> =
            batches.iter().map(|batch| (versions(batch), batch.until, batch.is_full)).collect();
        let expected = [
            (vec![1, 2], Index(2), true),
            (vec![3, 4], Index(9), false),
            (vec![4], Index(9), false),
            (vec![], Index(9), false),
        ];
        assert_eq!(given, expected);
    }

    /// A deleted key leaves nothing in the store, so a reader that misses the delete never learns of it.
    #[test]
    fn a_delete_that_is_forgotten_is_missed_and_not_passed_over() {
        let mut changes = Changes::after(Index(4));
        changes.note(&Changed { key: b"x", version: Index(5), value: None });
        (6..).take(MOST_CHANGES).for_each(|version| note(&mut changes, version, b""));
        let taken_over = Changes::after(Index(5));
        for forgotten in [&changes, &taken_over] {
            let is_missed = |seen| forgotten.next(Some(Index(seen)), Index(5)).complete_after > Index(seen);
            assert!(is_missed(4), "the delete is in entry 5");
            assert!(!is_missed(5), "nothing else is");
        }
    }

    #[test]
    fn the_oldest_changes_make_room() {
        let mut changes = Changes::after(Index(0));
        let megabyte = vec![0; 1 << 20];
        (1..=40).for_each(|version| note(&mut changes, version, &megabyte));
        let complete_after = changes.next(Some(Index(0)), Index(40)).complete_after;
        assert!((40 - complete_after.0) as usize * megabyte.len() <= MOST_BYTES);
        assert_eq!(versions(&changes.next(Some(complete_after), Index(40))), [complete_after.0 + 1]);

        let mut changes = Changes::after(Index(0));
        (1..=MOST_CHANGES as u64 + 5).for_each(|version| note(&mut changes, version, b""));
        assert_eq!(changes.next(None, Index(0)).complete_after, Index(5));
    }
}
