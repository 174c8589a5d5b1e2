//! The log: what it holds where, how far it reaches, how it grows and shrinks.

use crate::{Index, LogPosition, Term};
use std::sync::Arc;

/// One entry of the replicated log (§5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Entry {
    /// The term in which a leader created it.
    pub term: Term,
    /// What it holds.
    pub payload: Payload,
}

impl Entry {
    /// About how many bytes it takes on the way or on disk.
    pub fn size(&self) -> usize {
        match &self.payload {
            Payload::NoOp => 16,
            Payload::Command(command) => 16 + command.len(),
        }
    }
}

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Payload {
    /// Nothing: a new leader's first entry (§8).
    NoOp,
    /// A command for the state machine. Shared, never copied.
    Command(Arc<[u8]>),
}

/// A server's log: entries with indexes 1, 2, 3, … (§5.3).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Log {
    entries: Vec<Entry>,
}

impl Log {
    /// A log that holds these entries from index 1 on.
    pub fn from_entries(entries: Vec<Entry>) -> Log {
        assert!(entries.is_sorted_by_key(|entry| entry.term), "terms never fall along a log");
        Log { entries }
    }

    /// The last entry's index and term; those of the empty log are 0 and 0.
    pub fn last(&self) -> LogPosition {
        LogPosition {
            index: Index(self.entries.len() as u64),
            term: self.entries.last().map_or(Term(0), |entry| entry.term),
        }
    }

    /// Does this log hold an entry with this index and this term? Index 0 with term 0 always
    /// matches: there every log begins.
    pub fn contains(&self, position: LogPosition) -> bool {
        self.term_at(position.index) == Some(position.term)
    }

    /// The terms of its entries, from index 1 on.
    pub fn terms(&self) -> impl Iterator<Item = Term> {
        self.entries.iter().map(|entry| entry.term)
    }

    /// The term of the entry at this index, if there is one; 0 before the first.
    pub fn term_at(&self, index: Index) -> Option<Term> {
        match index {
            Index(0) => Some(Term(0)),
            index => Some(self.get(index)?.term),
        }
    }

    /// The entry at this index, if there is one.
    pub fn get(&self, index: Index) -> Option<&Entry> {
        self.entries.get(usize::try_from(index.0.checked_sub(1)?).ok()?)
    }

    /// The entries after this index.
    pub fn after(&self, index: Index) -> &[Entry] {
        let start =
            usize::try_from(index.0).map_or(self.entries.len(), |start| start.min(self.entries.len()));
        &self.entries[start..]
    }

    /// The last entry that is neither behind `limit.index` nor of a later term than `limit.term`: as far
    /// as that, two logs of which one ends there may agree.
    pub(crate) fn last_not_beyond(&self, limit: LogPosition) -> LogPosition {
        let end = limit.index.min(self.last().index);
        let among = &self.entries[..end.0 as usize];
        let count = among.partition_point(|entry| entry.term <= limit.term);
        let index = Index(count as u64);
        LogPosition { index, term: self.term_at(index).unwrap_or_default() }
    }

    pub(crate) fn append(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for entry in entries {
            assert!(self.last().term <= entry.term, "terms never fall along a log");
            self.entries.push(entry);
        }
    }

    /// Removes the entry at this index and all after it.
    pub(crate) fn truncate_from(&mut self, index: Index) {
        self.entries.truncate(index.0.saturating_sub(1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(terms: &[u64]) -> Log {
        Log::from_entries(
            terms.iter().map(|&term| Entry { term: Term(term), payload: Payload::NoOp }).collect(),
        )
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
        assert_eq!(log.last_not_beyond(position(9, 9)), position(4, 3));
        assert_eq!(log.last_not_beyond(position(3, 9)), position(3, 3));
        assert_eq!(log.last_not_beyond(position(9, 2)), position(2, 1));
        assert_eq!(log.last_not_beyond(position(1, 2)), position(1, 1));
        assert_eq!(log.last_not_beyond(position(9, 0)), position(0, 0));
    }

    #[test]
    #[should_panic(expected = "terms never fall")]
    fn a_log_whose_terms_fall_is_refused() {
        log(&[2, 1]);
    }
}
