//! The log: its entries, where it begins and ends, how it grows and shrinks.

use crate::{Index, LogPosition, Membership, Term};
use std::sync::Arc;

/// One entry of the replicated log (§5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Entry {
    /// The term in which a leader created it.
    pub term: Term,
    /// The content.
    pub payload: Payload,
}

impl Entry {
    /// Approximate size in bytes, in a message or on disk.
    pub fn size(&self) -> usize {
        match &self.payload {
            Payload::NoOp => 16,
            Payload::Command(command) => 16 + command.len(),
            Payload::Membership(membership) => 16 + membership.size(),
        }
    }
}

/// The content of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Payload {
    /// Nothing: the no-op entry with which a new leader starts its term (§8).
    NoOp,
    /// A command for the state machine. Shared, never copied.
    Command(
        #[cfg_attr(feature = "serde", serde(with = "crate::shared_bytes"))]
        #[cfg_attr(feature = "ts", ts(as = "Vec<u8>"))]
        Arc<[u8]>,
    ),
    /// The configuration from this entry on (§6).
    Membership(#[cfg_attr(feature = "ts", ts(as = "Membership"))] Arc<Membership>),
}

/// A server's log: entries with indexes 1, 2, 3, … (§5.3). Its first entries may be gone, once a snapshot
/// covers them (§7).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Log {
    begins_after: LogPosition,
    entries: Vec<Entry>,
}

impl Log {
    /// A log of these entries, which come after the entry `begins_after`. A complete log begins after index 0
    /// of term 0.
    pub fn new(begins_after: LogPosition, entries: Vec<Entry>) -> Log {
        let terms = [begins_after.term].into_iter().chain(entries.iter().map(|entry| entry.term));
        assert!(terms.is_sorted(), "terms never fall along a log");
        Log { begins_after, entries }
    }

    /// The last entry that is gone, with all entries before it; index 0 of term 0 if none is gone.
    pub fn begins_after(&self) -> LogPosition {
        self.begins_after
    }

    /// Index and term of the last entry; both are 0 for an empty log.
    pub fn last(&self) -> LogPosition {
        match self.entries.last() {
            Some(entry) => {
                let index = Index(self.begins_after.index.0 + self.entries.len() as u64);
                LogPosition { index, term: entry.term }
            }
            None => self.begins_after,
        }
    }

    /// Is this log known to have, or have had, an entry with this index and this term? Index 0 with term 0
    /// always matches: every log begins there.
    pub fn contains(&self, position: LogPosition) -> bool {
        self.term_at(position.index) == Some(position.term)
    }

    /// The entries, each with its index.
    pub fn entries(&self) -> impl Iterator<Item = (Index, &Entry)> {
        let first = self.begins_after.index.0 + 1;
        (first..).map(Index).zip(&self.entries)
    }

    /// The term of the entry at this index, if known. That of the last entry that is gone is known too.
    pub fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.begins_after.index {
            return Some(self.begins_after.term);
        }
        self.get(index).map(|entry| entry.term)
    }

    /// The entry at this index, if the log holds it.
    pub fn get(&self, index: Index) -> Option<&Entry> {
        let offset = index.0.checked_sub(self.begins_after.index.0)?.checked_sub(1)?;
        self.entries.get(usize::try_from(offset).ok()?)
    }

    /// The entries after this index.
    ///
    /// # Panics
    /// If some of them are gone.
    pub fn after(&self, index: Index) -> &[Entry] {
        let gone = self.begins_after.index;
        assert!(index >= gone, "the entries after {index} were asked for, and those up to {gone} are gone");
        let start = usize::try_from(index.0 - gone.0).unwrap_or(usize::MAX);
        &self.entries[start.min(self.entries.len())..]
    }

    /// The last entry at or before `limit.index` whose term is at most `limit.term`: the furthest point up to
    /// which this log can agree with one that ends at `limit`. Entries that are gone may agree: nothing is
    /// known about them.
    pub(crate) fn find_conflict_by_term(&self, limit: LogPosition) -> LogPosition {
        let first = self.begins_after;
        if limit.index < first.index {
            return limit;
        }
        if limit.term < first.term {
            return LogPosition { index: first.index.previous(), term: limit.term };
        }
        let end = limit.index.min(self.last().index);
        let among = &self.entries[..(end.0 - first.index.0) as usize];
        let count = among.partition_point(|entry| entry.term <= limit.term);
        let index = Index(first.index.0 + count as u64);
        LogPosition { index, term: self.term_at(index).unwrap_or_default() }
    }

    pub(crate) fn append(&mut self, entries: impl IntoIterator<Item = Entry>) {
        let (before, first) = (self.last().term, self.entries.len());
        self.entries.extend(entries);
        let terms = std::iter::once(before).chain(self.entries[first..].iter().map(|entry| entry.term));
        assert!(terms.is_sorted(), "terms never fall along a log");
    }

    /// Removes the entry at this index and all entries after it.
    pub(crate) fn truncate_from(&mut self, index: Index) {
        let gone = self.begins_after.index;
        assert!(index > gone, "entry {index} can't be replaced: those up to {gone} are gone");
        self.entries.truncate((index.0 - gone.0 - 1) as usize);
    }

    /// Makes the log begin after this entry, which it holds. The entries after it stay.
    pub(crate) fn compact_to(&mut self, position: LogPosition) {
        assert!(self.contains(position), "a log can only forget what it holds");
        self.entries.drain(..(position.index.0 - self.begins_after.index.0) as usize);
        self.begins_after = position;
    }

    /// Replaces the whole log with an empty one that begins after this entry.
    pub(crate) fn reset_to(&mut self, position: LogPosition) {
        *self = Log::new(position, Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(terms: &[u64]) -> Log {
        let entry = |&term: &u64| Entry { term: Term(term), payload: Payload::NoOp };
        Log::new(LogPosition::default(), terms.iter().map(entry).collect())
    }

    fn position(index: u64, term: u64) -> LogPosition {
        LogPosition { index: Index(index), term: Term(term) }
    }

    #[test]
    fn the_last_position_is_the_last_entry_or_zero() {
        assert_eq!(log(&[]).last(), position(0, 0));
        assert_eq!(log(&[1, 1, 3]).last(), position(3, 3));
    }

    #[test]
    fn contains_compares_index_and_term() {
        let log = log(&[1, 1, 3]);
        assert!(log.contains(position(0, 0)));
        assert!(log.contains(position(3, 3)));
        assert!(!log.contains(position(3, 1)));
        assert!(!log.contains(position(4, 3)));
        assert!(!log.contains(position(u64::MAX, 3)));
    }

    #[test]
    fn the_last_not_beyond_compares_index_and_term() {
        let log = log(&[1, 1, 3, 3]);
        assert_eq!(log.find_conflict_by_term(position(9, 9)), position(4, 3));
        assert_eq!(log.find_conflict_by_term(position(3, 9)), position(3, 3));
        assert_eq!(log.find_conflict_by_term(position(9, 2)), position(2, 1));
        assert_eq!(log.find_conflict_by_term(position(1, 2)), position(1, 1));
        assert_eq!(log.find_conflict_by_term(position(9, 0)), position(0, 0));
    }

    #[test]
    fn a_log_that_has_forgotten_its_beginning_keeps_its_indexes() {
        let mut log = log(&[1, 1, 3, 3, 4]);
        log.compact_to(position(3, 3));
        assert_eq!(log.begins_after(), position(3, 3));
        assert_eq!(log.last(), position(5, 4));
        assert!(log.contains(position(3, 3)) && log.contains(position(4, 3)));
        assert!(!log.contains(position(2, 1)), "that is no longer known");
        assert_eq!(log.after(Index(4)).len(), 1);
        assert_eq!(log.find_conflict_by_term(position(9, 3)), position(4, 3));
        assert_eq!(log.find_conflict_by_term(position(2, 1)), position(2, 1), "it may agree there");
        assert_eq!(log.find_conflict_by_term(position(4, 2)), position(2, 2), "it does not agree at 3");
        log.truncate_from(Index(4));
        assert_eq!(log.last(), position(3, 3));
        log.reset_to(position(8, 4));
        assert_eq!(log.last(), position(8, 4));
    }

    #[test]
    #[should_panic(expected = "those up to 3 are gone")]
    fn what_is_gone_cant_be_read() {
        let mut log = log(&[1, 1, 3, 3]);
        log.compact_to(position(3, 3));
        log.after(Index(2));
    }

    #[test]
    #[should_panic(expected = "terms never fall")]
    fn a_log_whose_terms_fall_is_refused() {
        log(&[2, 1]);
    }
}
