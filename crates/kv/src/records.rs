//! The keys with their values and versions.

use crate::answer::Answer;
use crate::command::{Change, Write};
use consensus::Index;
use rpds::RedBlackTreeMapSync;
use std::num::NonZeroUsize;
use std::ops::Bound;
use std::sync::Arc;

/// What the store holds for a key. Cloning it is cheap: the value is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The key's value.
    pub value: Arc<[u8]>,
    /// The index of the entry that wrote it.
    pub version: Index,
}

/// Some keys, in order, with their records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<'a> {
    /// Keys and records, sorted by the keys' bytes.
    pub records: Vec<(&'a [u8], &'a Record)>,
    /// If there are more keys: the one after which the next page begins.
    pub more_after: Option<&'a [u8]>,
}

/// All keys, and their size. The map is a persistent one: cloning it takes no time, the clone shares all that
/// stays the same, and changes of the original don't affect it. So a snapshot doesn't stop the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Records {
    map: RedBlackTreeMapSync<Arc<[u8]>, Record>,
    bytes: u64,
}

impl Records {
    /// Executes the command of the entry at `index`, if its conditions hold.
    pub fn execute(&mut self, index: Index, write: &Write) -> Answer {
        let key = write.key;
        if let Some(wanted) = write.if_version {
            let actual = self.get(key).map_or(Index(0), |record| record.version);
            if actual != wanted {
                return Answer::VersionDiffers { actual };
            }
        }
        match write.change {
            Change::Put { value } => self.put(key, value, index),
            Change::Delete => self.delete(key),
            Change::CompareAndSwap { expected, new } => match self.get(key) {
                None => Answer::NotFound,
                Some(record) if *record.value != *expected => {
                    Answer::ValueDiffers { version: record.version }
                }
                Some(_) => self.put(key, new, index),
            },
        }
    }

    /// Sets a key. The value is copied once, so that the log's entry, which holds it too, can be freed.
    pub fn put(&mut self, key: &[u8], value: &[u8], version: Index) -> Answer {
        let record = Record { value: value.into(), version };
        self.bytes += value.len() as u64;
        match self.map.get_mut(key) {
            Some(old) => {
                self.bytes -= old.value.len() as u64;
                *old = record;
            }
            None => {
                self.bytes += key.len() as u64;
                self.map.insert_mut(key.into(), record);
            }
        }
        Answer::Written { version }
    }

    fn delete(&mut self, key: &[u8]) -> Answer {
        let Some(record) = self.map.get(key) else { return Answer::NotFound };
        self.bytes -= (key.len() + record.value.len()) as u64;
        self.map.remove_mut(key);
        Answer::Deleted
    }

    pub fn get(&self, key: &[u8]) -> Option<&Record> {
        self.map.get(key)
    }

    /// The first key after `key`, which need not be there itself.
    pub fn next_after(&self, key: &[u8]) -> Option<(&Arc<[u8]>, &Record)> {
        self.beginning_at(Bound::Excluded(key)).next()
    }

    pub fn last_key(&self) -> Option<&[u8]> {
        self.map.last().map(|(key, _)| &**key)
    }

    pub fn page(&self, prefix: &[u8], after: &[u8], limit: NonZeroUsize) -> Page<'_> {
        let begin = if after < prefix { Bound::Included(prefix) } else { Bound::Excluded(after) };
        let all = self.beginning_at(begin).map(|(key, record)| (&**key, record));
        let mut found = all.take_while(|(key, _)| key.starts_with(prefix));
        let records: Vec<_> = found.by_ref().take(limit.get()).collect();
        let last = records.last().map(|(key, _)| *key);
        Page { records, more_after: found.next().and(last) }
    }

    fn beginning_at(&self, begin: Bound<&[u8]>) -> impl Iterator<Item = (&Arc<[u8]>, &Record)> {
        self.map.range::<[u8], _>((begin, Bound::Unbounded))
    }

    pub fn keys(&self) -> usize {
        self.map.size()
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(keys: &[&str]) -> Records {
        let mut records = Records::default();
        for (index, key) in (1..).zip(keys) {
            records.put(key.as_bytes(), b"value", Index(index));
        }
        records
    }

    fn keys<'a>(page: &Page<'a>) -> Vec<&'a str> {
        page.records.iter().map(|(key, _)| str::from_utf8(key).unwrap()).collect()
    }

    #[test]
    fn pages_follow_each_other_in_order() {
        let records = records(&["b3", "a1", "b1", "c", "b2", "b"]);
        let two = NonZeroUsize::new(2).unwrap();
        let first = records.page(b"b", b"", two);
        assert_eq!(keys(&first), ["b", "b1"]);
        assert_eq!(first.records[1].1.version, Index(3));
        let second = records.page(b"b", first.more_after.unwrap(), two);
        assert_eq!(keys(&second), ["b2", "b3"]);
        assert_eq!(second.more_after, None);

        assert_eq!(keys(&records.page(b"", b"", NonZeroUsize::MAX)), ["a1", "b", "b1", "b2", "b3", "c"]);
        assert_eq!(
            keys(&records.page(b"b", b"b2 and more", NonZeroUsize::MAX)),
            ["b3"],
            "no key but a place"
        );
        assert_eq!(keys(&records.page(b"b", b"c", NonZeroUsize::MAX)), [""; 0]);
    }

    #[test]
    fn bytes_are_those_of_keys_and_values() {
        let mut records = records(&["a", "bc"]);
        assert_eq!(records.bytes(), 3 + 10);
        records.put(b"bc", b"2", Index(3));
        assert_eq!(records.bytes(), 3 + 5 + 1);
        records.delete(b"a");
        records.delete(b"a");
        assert_eq!((records.keys(), records.bytes()), (1, 3));
    }
}
