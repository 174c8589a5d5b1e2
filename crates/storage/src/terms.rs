//! The terms of the log's entries, in short.

use consensus::{Append, Entry, Index, LogPosition, Term};
use std::collections::BTreeMap;

/// The index at which each term begins. Entries of the same term follow each other, so this gives the term of
/// each of them, and takes next to no memory.
#[derive(Debug, Clone)]
pub(crate) struct Terms(BTreeMap<Index, Term>);

impl Terms {
    /// The terms of a log that begins after this entry.
    pub(crate) fn of(begins_after: LogPosition, log: &[Entry]) -> Terms {
        let mut terms = Terms(BTreeMap::from([(begins_after.index, begins_after.term)]));
        terms.push(begins_after.index.next(), log);
        terms
    }

    /// Is this the term of the entry with this index? The log must reach that index.
    pub(crate) fn agree_with(&self, position: LogPosition) -> bool {
        let beginning = self.0.range(..=position.index).next_back();
        beginning.is_some_and(|(_, term)| *term == position.term)
    }

    pub(crate) fn begin_after(&mut self, position: LogPosition) {
        self.0 = self.0.split_off(&position.index.next());
        self.0.insert(position.index, position.term);
    }

    pub(crate) fn append(&mut self, append: &Append) {
        self.0.split_off(&append.first);
        self.push(append.first, &append.entries);
    }

    fn push(&mut self, first: Index, entries: &[Entry]) {
        let mut last = self.0.last_key_value().map(|(_, term)| *term);
        for (index, entry) in (first.0..).zip(entries) {
            if last != Some(entry.term) {
                self.0.insert(Index(index), entry.term);
                last = Some(entry.term);
            }
        }
    }
}
