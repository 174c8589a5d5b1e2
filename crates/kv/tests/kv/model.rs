//! The store does what a much simpler one does.

use crate::log::{Log, apply, apply_all, logs};
use consensus::Index;
use kv::{Answer, Change, Command, Counts, SessionId, Store, Write};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

#[derive(Debug, Default)]
struct Model {
    keys: BTreeMap<Vec<u8>, (Vec<u8>, Index)>,
    /// Each with its latest request and the answer to it, the least recently used first.
    sessions: Vec<(SessionId, u64, Answer)>,
}

impl Model {
    fn apply(&mut self, index: Index, command: &[u8]) -> Answer {
        match Command::decode(command) {
            Err(reason) => Answer::Invalid(reason),
            Ok(Command::OpenSession { at_most }) => {
                let session = SessionId(index);
                let answer = Answer::SessionOpened { session };
                self.sessions.push((session, 0, answer));
                let too_many = self.sessions.len().saturating_sub(at_most.get().into());
                self.sessions.drain(..too_many);
                answer
            }
            Ok(Command::Write(write)) => self.write(index, &write),
        }
    }

    fn write(&mut self, index: Index, write: &Write) -> Answer {
        let Some(request) = write.request else { return self.execute(index, write) };
        let Some(place) = self.sessions.iter().position(|(id, ..)| *id == request.session) else {
            return Answer::SessionUnknown { session: request.session };
        };
        let (id, latest, answer) = self.sessions.remove(place);
        let (latest_now, answer_now) = if request.sequence > latest {
            (request.sequence, self.execute(index, write))
        } else {
            (latest, answer)
        };
        self.sessions.push((id, latest_now, answer_now));
        if request.sequence < latest { Answer::SequenceForgotten { latest } } else { answer_now }
    }

    fn execute(&mut self, index: Index, write: &Write) -> Answer {
        let found = self.keys.get(write.key).cloned();
        let actual = found.as_ref().map_or(Index(0), |(_, version)| *version);
        match (write.if_version, write.change, found) {
            (Some(wanted), _, _) if wanted != actual => Answer::VersionDiffers { actual },
            (_, Change::Delete | Change::CompareAndSwap { .. }, None) => Answer::NotFound,
            (_, Change::CompareAndSwap { expected, .. }, Some((value, version))) if value != expected => {
                Answer::ValueDiffers { version }
            }
            (_, Change::Delete, _) => {
                self.keys.remove(write.key);
                Answer::Deleted
            }
            (_, Change::Put { value: new } | Change::CompareAndSwap { new, .. }, _) => {
                self.keys.insert(write.key.to_vec(), (new.to_vec(), index));
                Answer::Written { version: index }
            }
        }
    }

    fn counts(&self) -> Counts {
        let bytes = self.keys.iter().map(|(key, (value, _))| (key.len() + value.len()) as u64).sum();
        Counts { keys: self.keys.len(), bytes, sessions: self.sessions.len() }
    }
}

/// Reads all keys, some at a time.
fn read_all(store: &Store, at_a_time: usize) -> BTreeMap<Vec<u8>, (Vec<u8>, Index)> {
    let at_a_time = NonZeroUsize::new(at_a_time).unwrap();
    let mut found = BTreeMap::new();
    let mut after: &[u8] = b"";
    loop {
        let page = store.list(b"", after, at_a_time);
        found.extend(
            page.records.iter().map(|(key, record)| (key.to_vec(), (record.value.to_vec(), record.version))),
        );
        match page.more_after {
            Some(last) => after = last,
            None => return found,
        }
    }
}

fn assert_agrees_with_model(log: &Log) {
    let (mut store, mut model) = (Store::default(), Model::default());
    for (index, entry) in (1..).zip(log) {
        let expected = entry.as_ref().map(|command| model.apply(Index(index), command));
        assert_eq!(apply(&mut store, entry.as_deref()), expected, "entry {index}");
        assert_eq!(store.counts(), model.counts());
    }
    assert_eq!(read_all(&store, 2), model.keys);
    for (key, (value, version)) in &model.keys {
        let record = store.get(key).unwrap();
        assert_eq!((&*record.value, record.version), (&value[..], *version));
    }
}

proptest! {
    #[test]
    fn the_store_agrees_with_a_model(log in logs()) {
        assert_agrees_with_model(&log);
    }

    #[test]
    fn a_prefix_lists_its_keys(log in logs(), prefix in "[abc]{0,2}", after in "[abc]{0,2}") {
        let mut store = Store::default();
        apply_all(&mut store, &log);
        let (prefix, after) = (prefix.as_bytes(), after.as_bytes());
        let listed = store.list(prefix, after, NonZeroUsize::MAX);
        let found: Vec<&[u8]> = listed.records.iter().map(|(key, _)| *key).collect();
        let all = read_all(&store, 7);
        let is_meant = |key: &&[u8]| key.starts_with(prefix) && *key > after;
        let expected: Vec<&[u8]> = all.keys().map(Vec::as_slice).filter(is_meant).collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(listed.more_after, None);
    }
}
