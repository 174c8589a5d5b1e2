//! A number for a run.

use crate::fnv1a::Fnv1a;
use std::borrow::Cow;
use std::fmt;
use trace::{Event, Laboratory, Record};

/// A number that two runs share only if they have the same records. The English of the records does not count, and
/// neither do the last words of servers. It is 64-bit FNV-1a over the records' lines, the same on each machine.
#[derive(Debug, Default, Clone)]
pub struct RunHash(Fnv1a);

impl RunHash {
    /// That of a run with these records.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> RunHash {
        let mut hash = RunHash::default();
        records.into_iter().for_each(|record| hash.add(record));
        hash
    }

    /// Counts in what has happened next.
    pub fn add(&mut self, record: &Record) {
        let mut record = Cow::Borrowed(record);
        if matches!(record.event, Event::Laboratory(Laboratory::Died { .. }))
            && let Event::Laboratory(Laboratory::Died { last_words, .. }) = &mut record.to_mut().event
        {
            last_words.clear();
        }
        let line = serde_json::to_string(&*record).expect("a record has only string keys") + "\n";
        self.0.add(line.as_bytes());
    }

    /// The number.
    pub fn number(&self) -> u64 {
        self.0.number()
    }
}

impl fmt::Display for RunHash {
    /// In 16 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.number())
    }
}
