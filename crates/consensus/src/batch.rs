//! What must reach the disk together, and how two batches become one.

use crate::{Entry, HardState, Index, LogPosition, Memory};

/// Changes that must become durable together: after a crash all of them are there, or none. Only the memory,
/// which has a file of its own, may be there without the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The new memory, if it changed.
    pub memory: Option<Memory>,
    /// The new hard state, if it changed.
    pub hard_state: Option<HardState>,
    /// The log begins after this entry, which a snapshot covers, from now on: it and the entries before it
    /// are gone. If the log holds this very entry, with this index and this term, the entries after it stay.
    /// Otherwise they do not belong to what the snapshot holds, and are gone too (§7).
    pub begins_after: Option<LogPosition>,
    /// Entries to append, in the same atomic write, and from where on they replace others. Applied last: to a
    /// log that begins where [`Batch::begins_after`] says.
    pub append: Option<Append>,
}

/// Entries for the durable log. They replace what it held at `first` and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Index of the first one.
    pub first: Index,
    /// The entries, in order.
    pub entries: Vec<Entry>,
}

impl Batch {
    /// Is there nothing to save?
    pub fn is_empty(&self) -> bool {
        *self == Batch::default()
    }

    /// Is there something for the log?
    pub fn is_in_log(&self) -> bool {
        self.hard_state.is_some() || self.begins_after.is_some() || self.append.is_some()
    }

    /// The first entry of the log that changes; `None` if the batch also moves the beginning of the log.
    pub fn changes_from(&self) -> Option<Index> {
        let first = self.append.as_ref().map_or(Index(u64::MAX), |append| append.first);
        Some(first).filter(|_| self.begins_after.is_none())
    }

    /// Adds a batch that was put out later. Saving the result leaves on disk what saving both, one after the
    /// other, would.
    ///
    /// # Panics
    /// If there would be a gap in the log.
    pub fn merge(&mut self, later: Batch) {
        let Batch { memory, hard_state, begins_after, append } = later;
        self.memory = memory.or_else(|| self.memory.take());
        self.hard_state = hard_state.or(self.hard_state);
        if let Some(begins_after) = begins_after {
            self.begins_after = Some(begins_after);
            self.append = self.append.take().map(|append| append.after(begins_after.index));
        }
        if let Some(append) = append {
            self.append = Some(match self.append.take() {
                None => append,
                Some(earlier) => earlier.followed_by(append),
            });
        }
    }
}

impl Append {
    /// What remains of it in a log that begins after this entry.
    fn after(self, begins_after: Index) -> Append {
        if self.first > begins_after {
            return self;
        }
        let gone = (begins_after.next().0 - self.first.0) as usize;
        let entries = self.entries.into_iter().skip(gone).collect();
        Append { first: begins_after.next(), entries }
    }

    /// Both as one: the later one replaces the earlier one from its first entry on.
    fn followed_by(self, later: Append) -> Append {
        if later.first <= self.first {
            return later;
        }
        let kept = (later.first.0 - self.first.0) as usize;
        let mut entries = self.entries;
        assert!(kept <= entries.len(), "the log has no holes");
        entries.truncate(kept);
        entries.extend(later.entries);
        Append { first: self.first, entries }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::{Log, NodeId, Payload, Term};

    /// What is on a disk, for a model of it.
    #[derive(Debug, Default, Clone, PartialEq)]
    struct Saved {
        memory: Memory,
        hard_state: HardState,
        log: Log,
    }

    impl Saved {
        fn save(&mut self, batch: Batch) {
            self.memory = batch.memory.unwrap_or(std::mem::take(&mut self.memory));
            self.hard_state = batch.hard_state.unwrap_or(self.hard_state);
            if let Some(position) = batch.begins_after {
                match self.log.contains(position) {
                    true => self.log.compact_to(position),
                    false => self.log.reset_to(position),
                }
            }
            if let Some(Append { first, entries }) = batch.append {
                assert!(first.previous() <= self.log.last().index, "the log has no holes");
                self.log.truncate_from(first);
                self.log.append(entries);
            }
        }
    }

    /// A batch that a server with this on its disk might put out. Nothing it appends is of an earlier term
    /// than what it had.
    fn drawn(saved: &Saved, term: Term, random: &mut Random) -> Batch {
        let draws = |random: &mut Random, of: usize| random.place_in(of).is_some_and(|place| place == 0);
        let mut batch = Batch::default();
        if draws(random, 3) {
            let is_founded = !saved.memory.is_founded;
            batch.memory = Some(Memory { is_founded, ..Memory::default() });
        }
        if draws(random, 2) {
            batch.hard_state = Some(HardState { current_term: term, voted_for: Some(NodeId(1)) });
        }
        let mut log = saved.log.clone();
        if draws(random, 5) {
            // A snapshot covers some of the log, or replaces it: it reaches further, or ends in another
            // entry.
            let index = Index(log.begins_after().index.0 + 1 + random.place_in(5).unwrap() as u64);
            let own = log.term_at(index).filter(|_| !draws(random, 8));
            let position = LogPosition { index, term: own.unwrap_or(term) };
            batch.begins_after = Some(position);
            if log.contains(position) {
                log.compact_to(position);
            } else {
                log.reset_to(position);
                batch.append = Some(Append { first: index.next(), entries: Vec::new() });
            }
        }
        if draws(random, 2) {
            let (begin, last) = (log.begins_after().index.0 + 1, log.last().index.0 + 1);
            let first = Index(begin + random.place_in((last - begin + 1) as usize).unwrap() as u64);
            let entries = vec![Entry { term, payload: Payload::NoOp }; random.place_in(12).unwrap()];
            batch.append = Some(Append { first, entries });
        }
        batch
    }

    #[test]
    fn batches_saved_as_one_leave_what_they_leave_one_by_one() {
        let (mut kept, mut replaced) = (0, 0);
        for seed in 0..20_000 {
            let mut random = Random::from_seed(seed);
            let mut before = Saved::default();
            for term in 1..4 {
                before.save(drawn(&before, Term(term), &mut random));
            }
            let (mut one_by_one, mut merged) = (before.clone(), Batch::default());
            for term in 4..8 {
                let batch = drawn(&one_by_one, Term(term), &mut random);
                one_by_one.save(batch.clone());
                merged.merge(batch);
            }
            let begins_after = before.log.begins_after();
            match before.log.contains(one_by_one.log.begins_after()) {
                true => kept += usize::from(one_by_one.log.begins_after() != begins_after),
                false => replaced += 1,
            }
            let mut at_once = before;
            at_once.save(merged);
            assert_eq!(at_once, one_by_one, "seed {seed}");
        }
        assert!(kept > 1000 && replaced > 1000, "{kept} logs have forgotten some, {replaced} all");
    }

    #[test]
    #[should_panic(expected = "the log has no holes")]
    fn a_hole_in_the_log_is_noticed() {
        let append = |first: u64| Some(Append { first: Index(first), entries: Vec::new() });
        let mut batch = Batch { append: append(3), ..Batch::default() };
        batch.merge(Batch { append: append(5), ..Batch::default() });
    }
}
