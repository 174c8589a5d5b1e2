//! The state machine: applies the log, answers reads.

use crate::answer::Answer;
use crate::command::{Command, Write};
use crate::records::{Page, Record, Records};
use crate::session::Sessions;
use consensus::Index;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// The replicated state: keys with values and versions, sessions, and the index up to which the log is
/// applied.
///
/// Cloning takes no time, whatever the size of the store: a clone shares all that stays the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Store {
    pub(crate) last_applied: Index,
    pub(crate) records: Records,
    pub(crate) sessions: Sessions,
}

/// The size of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Number of keys.
    pub keys: usize,
    /// Total size of the keys and their values in bytes.
    pub bytes: u64,
    /// Number of open sessions.
    pub sessions: usize,
}

/// A change made by a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The entry that holds the command: the key's version from then on, if it is still there.
    pub version: Index,
    /// The key's new value; `None` if it was removed.
    pub value: Option<Arc<[u8]>>,
}

impl Store {
    /// Applies the committed entry at `index`, which holds this command.
    ///
    /// The log is the same on all servers, so this does the same on all of them, even for bytes that are not
    /// a command: their answer is [`Answer::Invalid`].
    ///
    /// # Panics
    /// If this is not the entry after the last that was applied: one would be missing, or be applied twice.
    pub fn apply(&mut self, index: Index, command: &[u8]) -> Answer {
        self.apply_and_tell(index, command).0
    }

    /// The same, and returns what it changed: nothing, if a condition did not hold, or if the command is a
    /// request that was executed before.
    ///
    /// # Panics
    /// As [`Store::apply`].
    pub fn apply_and_tell<'a>(&mut self, index: Index, command: &'a [u8]) -> (Answer, Option<Changed<'a>>) {
        self.skip(index);
        match Command::decode(command) {
            Ok(Command::OpenSession { at_most }) => (self.sessions.open(index, at_most), None),
            Ok(Command::Write(write)) => self.write(index, &write),
            Err(reason) => (Answer::Invalid(reason), None),
        }
    }

    /// Skips the committed entry at `index`, which holds nothing for the store: the no-op entry of a new
    /// leader, say.
    ///
    /// # Panics
    /// As [`Store::apply`].
    pub fn skip(&mut self, index: Index) {
        let last = self.last_applied;
        assert!(last.0.checked_add(1) == Some(index.0), "entry {index} can't be applied after entry {last}");
        self.last_applied = index;
    }

    fn write<'a>(&mut self, index: Index, write: &Write<'a>) -> (Answer, Option<Changed<'a>>) {
        let mut is_executed = false;
        let mut execute = || {
            is_executed = true;
            self.records.execute(index, write)
        };
        let answer = match write.request {
            None => execute(),
            Some(request) => self.sessions.execute_once(index, request, execute),
        };
        let has_changed = is_executed && matches!(answer, Answer::Written { .. } | Answer::Deleted);
        let changed = has_changed.then(|| {
            let value = self.get(write.key).map(|record| record.value.clone());
            Changed { key: write.key, version: index, value }
        });
        (answer, changed)
    }

    /// lastApplied: the index of the last entry that was applied or skipped. 0 at first.
    pub fn last_applied(&self) -> Index {
        self.last_applied
    }

    /// The key's value and version, if there is such a key.
    pub fn get(&self, key: &[u8]) -> Option<&Record> {
        self.records.get(key)
    }

    /// The keys that begin with `prefix` and come after the key `after` (if empty: from the first on), in the
    /// order of their bytes, `limit` of them at most.
    pub fn list(&self, prefix: &[u8], after: &[u8], limit: NonZeroUsize) -> Page<'_> {
        self.records.page(prefix, after, limit)
    }

    /// Its size.
    pub fn counts(&self) -> Counts {
        Counts { keys: self.records.keys(), bytes: self.records.bytes(), sessions: self.sessions.count() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{DEFAULT_SESSIONS, InvalidCommand, Request, SessionId};

    fn apply(store: &mut Store, write: Write) -> Answer {
        let index = Index(store.last_applied().0 + 1);
        store.apply(index, &Command::Write(write).encode().unwrap())
    }

    fn written(version: u64) -> Answer {
        Answer::Written { version: Index(version) }
    }

    #[test]
    fn a_version_is_the_index_of_the_entry_that_wrote() {
        let mut store = Store::default();
        store.skip(Index(1));
        assert_eq!(apply(&mut store, Write::put(b"x", b"1")), written(2));
        assert_eq!(apply(&mut store, Write::put(b"y", b"2")), written(3));
        assert_eq!(store.get(b"x"), Some(&Record { value: (*b"1").into(), version: Index(2) }));
        assert_eq!(apply(&mut store, Write::delete(b"x")), Answer::Deleted);
        assert_eq!(apply(&mut store, Write::delete(b"x")), Answer::NotFound);
        assert_eq!(store.get(b"x"), None);
        assert_eq!(store.counts(), Counts { keys: 1, bytes: 2, sessions: 0 });
    }

    #[test]
    fn a_value_is_swapped_only_for_the_expected_one() {
        let mut store = Store::default();
        assert_eq!(apply(&mut store, Write::compare_and_swap(b"x", b"", b"1")), Answer::NotFound);
        apply(&mut store, Write::put(b"x", b"1"));
        let differs = Answer::ValueDiffers { version: Index(2) };
        assert_eq!(apply(&mut store, Write::compare_and_swap(b"x", b"2", b"3")), differs);
        assert_eq!(apply(&mut store, Write::compare_and_swap(b"x", b"1", b"3")), written(4));
    }

    #[test]
    fn a_condition_on_the_version_comes_before_all_else() {
        let mut store = Store::default();
        let if_version = |version, write| Write { if_version: Some(Index(version)), ..write };
        assert_eq!(apply(&mut store, if_version(0, Write::put(b"x", b"1"))), written(1));
        let differs = Answer::VersionDiffers { actual: Index(1) };
        for write in [Write::put(b"x", b"2"), Write::delete(b"x"), Write::compare_and_swap(b"x", b"1", b"2")]
        {
            assert_eq!(apply(&mut store, if_version(0, write)), differs);
        }
        let gone = Answer::VersionDiffers { actual: Index(0) };
        assert_eq!(apply(&mut store, if_version(7, Write::delete(b"y"))), gone);
        assert_eq!(apply(&mut store, if_version(0, Write::delete(b"y"))), Answer::NotFound);
        assert_eq!(apply(&mut store, if_version(1, Write::delete(b"x"))), Answer::Deleted);
    }

    #[test]
    fn a_lost_answer_is_given_again() {
        let mut store = Store::default();
        store.apply(Index(1), &Command::OpenSession { at_most: DEFAULT_SESSIONS }.encode().unwrap());
        let request = Some(Request { session: SessionId(Index(1)), sequence: 1 });
        let swap = Write { request, ..Write::compare_and_swap(b"x", b"1", b"2") };
        apply(&mut store, Write::put(b"x", b"1"));
        assert_eq!(apply(&mut store, swap), written(3));
        assert_eq!(apply(&mut store, Write::put(b"x", b"1")), written(4));
        assert_eq!(apply(&mut store, swap), written(3), "not a second time, although it would fit");
        assert_eq!(*store.get(b"x").unwrap().value, *b"1");
    }

    #[test]
    fn a_change_is_told_once_and_only_if_there_was_one() {
        let mut store = Store::default();
        let mut tell = |command: Command<'static>| {
            let index = Index(store.last_applied().0 + 1);
            let command = command.encode().unwrap();
            let (_, changed) = store.apply_and_tell(index, &command);
            changed.map(|changed| (changed.key.to_vec(), changed.version.0, changed.value))
        };
        let one: Arc<[u8]> = (*b"1").into();
        assert_eq!(tell(Command::OpenSession { at_most: DEFAULT_SESSIONS }), None);
        let request = Some(Request { session: SessionId(Index(1)), sequence: 1 });
        let put = Command::Write(Write { request, ..Write::put(b"x", b"1") });
        assert_eq!(tell(put), Some((b"x".to_vec(), 2, Some(one))));
        assert_eq!(tell(put), None, "it was executed before");
        assert_eq!(tell(Command::Write(Write::compare_and_swap(b"x", b"2", b"3"))), None);
        let request = Some(Request { session: SessionId(Index(1)), sequence: 2 });
        let delete = Command::Write(Write { request, ..Write::delete(b"x") });
        assert_eq!(tell(delete), Some((b"x".to_vec(), 5, None)));
        assert_eq!(tell(delete), None);
        assert_eq!(tell(Command::Write(Write::delete(b"x"))), None, "there was nothing to delete");
    }

    #[test]
    fn an_entry_that_is_no_command_changes_nothing_but_the_place() {
        let mut store = Store::default();
        assert_eq!(store.apply(Index(1), b""), Answer::Invalid(InvalidCommand::Nonsense));
        let newer = InvalidCommand::NewerVersion { version: 9 };
        assert_eq!(store.apply(Index(2), b"\x09"), Answer::Invalid(newer));
        assert_eq!(store, Store { last_applied: Index(2), ..Store::default() });
    }

    #[test]
    #[should_panic(expected = "entry 3 can't be applied after entry 1")]
    fn no_entry_is_left_out() {
        let mut store = Store::default();
        store.skip(Index(1));
        store.skip(Index(3));
    }

    #[test]
    #[should_panic(expected = "entry 1 can't be applied after entry 1")]
    fn no_entry_is_applied_twice() {
        let mut store = Store::default();
        store.skip(Index(1));
        store.apply(Index(1), b"");
    }
}
