//! What the records say about a server's log.

use crate::content::RECORDED;
use consensus::{AppendEntries, Index, LogPosition, Term};
use serde::Serialize;
use std::collections::VecDeque;
use std::iter;
use std::sync::Arc;

/// Maximum number of entries of each log that are kept: the last ones.
const REMEMBERED: usize = RECORDED;

/// An entry, as known to an observer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct EntryView {
    /// Its term.
    pub term: Term,
    /// Its contents, in words such as `x = 3`; `None` if they were not recorded.
    pub command: Option<Arc<str>>,
}

/// A server's log, as known to an observer: its last entries, and what is saved, committed and applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LogView {
    begins_after: LogPosition,
    /// The entries after `begins_after`, in order.
    #[cfg_attr(feature = "ts", ts(as = "Vec<EntryView>"))]
    entries: VecDeque<EntryView>,
    /// Highest index on disk.
    saved: Index,
    commit_index: Index,
    last_applied: Index,
}

impl LogView {
    /// The entries up to this one are gone, because a snapshot covers them (§7), or no longer kept here.
    pub fn begins_after(&self) -> Index {
        self.begins_after.index
    }

    /// The last entry's index.
    pub fn last_index(&self) -> Index {
        Index(self.begins_after.index.0 + self.entries.len() as u64)
    }

    /// The term of the entry at this index, if known.
    pub fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.begins_after.index {
            return Some(self.begins_after.term);
        }
        Some(self.entry_at(index)?.term)
    }

    /// The contents of the entry at this index, in words, if known.
    pub fn command_at(&self, index: Index) -> Option<&str> {
        self.entry_at(index)?.command.as_deref()
    }

    fn entry_at(&self, index: Index) -> Option<&EntryView> {
        let place = index.0.checked_sub(self.begins_after.index.next().0)?;
        self.entries.get(usize::try_from(place).ok()?)
    }

    /// Highest index that the server has marked as committed.
    pub fn commit_index(&self) -> Index {
        self.commit_index
    }

    /// Highest index that its state machine has applied.
    pub fn last_applied(&self) -> Index {
        self.last_applied
    }

    /// A restarted server has found a snapshot on its disk, and a log after it.
    pub(super) fn restore(
        &mut self,
        snapshot: LogPosition,
        first_of_terms: &[LogPosition],
        last: LogPosition,
        commands: &[Arc<str>],
    ) {
        *self = LogView::default();
        self.install(snapshot, true);
        for (place, first) in first_of_terms.iter().enumerate() {
            let end = first_of_terms.get(place + 1).map_or(last.index, |next| next.index.previous());
            self.append_own(first.index, LogPosition { index: end, term: first.term }, &[]);
        }
        for (entry, command) in self.entries.iter_mut().rev().zip(commands.iter().rev()) {
            entry.command = Some(command.clone());
        }
        self.record_saved(last);
    }

    /// A leader has appended entries of its own term.
    pub(super) fn append_own(&mut self, first: Index, last: LogPosition, commands: &[Arc<str>]) {
        // A record from a file may name more entries than there is memory for.
        let begin = first.max(Index(last.index.0.saturating_sub(REMEMBERED as u64)));
        if begin > first {
            self.begins_after = LogPosition { index: begin.previous(), term: last.term };
            self.entries.clear();
        }
        let commands = commands.get((begin.0 - first.0) as usize..).unwrap_or_default();
        self.append(begin, (begin.0..=last.index.0).map(|_| last.term), commands);
    }

    /// A follower has appended some of the entries of this request, from `first` on.
    pub(super) fn append_from(&mut self, request: &AppendEntries, first: Index, commands: &[Arc<str>]) {
        let known = first.0.saturating_sub(request.prev_log_index.next().0) as usize;
        self.append(first, request.entries.iter().skip(known).map(|entry| entry.term), commands);
    }

    fn append(&mut self, first: Index, terms: impl Iterator<Item = Term>, commands: &[Arc<str>]) {
        if first != self.last_index().next() {
            // The entries in between were not recorded.
            self.begins_after = LogPosition { index: first.previous(), term: Term(0) };
            self.entries.clear();
        }
        let commands = commands.iter().cloned().map(Some).chain(iter::repeat(None));
        self.entries.extend(terms.zip(commands).map(|(term, command)| EntryView { term, command }));
        let surplus = self.entries.len().saturating_sub(REMEMBERED) as u64;
        self.compact_to(Index(self.begins_after.index.0 + surplus));
    }

    /// The entries up to this one are gone, if they were there.
    pub(super) fn compact_to(&mut self, index: Index) {
        if let Some(term) = self.term_at(index) {
            self.entries.drain(..(index.0 - self.begins_after.index.0) as usize);
            self.begins_after = LogPosition { index, term };
        }
    }

    /// A snapshot replaces the entries up to this one, and all others too if they did not match.
    pub(super) fn install(&mut self, last_included: LogPosition, is_whole: bool) {
        let index = last_included.index;
        if is_whole || self.term_at(index).is_none() {
            self.entries.clear();
            self.begins_after = last_included;
        } else {
            self.compact_to(index);
        }
        self.saved = self.saved.clamp(index, self.last_index());
        self.commit_index = self.commit_index.max(index);
        self.last_applied = self.last_applied.max(index);
    }

    /// The entry at this index and all after it are gone.
    pub(super) fn truncate_from(&mut self, first: Index) {
        let kept = first.previous();
        if kept < self.begins_after.index {
            self.begins_after = LogPosition { index: kept, term: Term(0) };
        }
        self.entries.truncate((kept.0 - self.begins_after.index.0) as usize);
        self.saved = self.saved.min(kept);
    }

    /// The log up to this entry is on disk. It may have been truncated since: then this says nothing.
    pub(super) fn record_saved(&mut self, last: LogPosition) {
        if self.term_at(last.index) == Some(last.term) {
            self.saved = last.index;
        }
    }

    pub(super) fn record_committed(&mut self, index: Index) {
        self.commit_index = index;
    }

    pub(super) fn record_applied(&mut self, index: Index) {
        self.last_applied = index;
    }

    /// The server has crashed: it has what its disk has.
    pub(super) fn lose_unsaved(&mut self) {
        self.truncate_from(self.saved.next());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(index: u64) -> LogPosition {
        LogPosition { index: Index(index), term: Term(7) }
    }

    #[test]
    fn many_entries_at_once_are_as_if_each_had_come_alone() {
        let commands: Vec<Arc<str>> = (1..=3).map(|number| format!("x = {number}").into()).collect();
        for count in [3, REMEMBERED as u64 - 1, REMEMBERED as u64, REMEMBERED as u64 + 1, 9_999] {
            let (mut at_once, mut alone) = (LogView::default(), LogView::default());
            at_once.append_own(Index(1), position(count), &commands);
            for index in 1..=count {
                let command = commands.get(index as usize - 1).cloned();
                alone.append_own(Index(index), position(index), command.as_slice());
            }
            assert_eq!(at_once, alone, "{count}");
        }
    }

    #[test]
    fn a_record_that_names_more_entries_than_there_can_be_takes_no_memory() {
        let mut log = LogView::default();
        log.append_own(Index(1), position(u64::MAX - 1), &[]);
        assert_eq!(log.last_index(), Index(u64::MAX - 1));
        log.restore(LogPosition::default(), &[position(1)], position(u64::MAX - 1), &[]);
        assert_eq!(log.last_index(), Index(u64::MAX - 1));
        assert_eq!(log.entries.len(), REMEMBERED);
    }
}
