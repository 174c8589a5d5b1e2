//! State machines whose state is small enough to be saved and loaded as a whole.

use crate::state_machine::{Restore, Snapshot, StateMachine};
use consensus::Index;
use std::num::NonZeroUsize;
use trace::StoreContent;

/// A state machine that is saved and loaded as a whole. [`Whole`] makes a [`StateMachine`] of it.
///
/// Given the same commands in the same order, it must go through the same states and give the same answers on every
/// server (§2): no clocks, no random numbers, no maps whose order differs from one process to the next.
///
/// ```
/// use consensus::Index;
/// use driver::{SmallState, StateMachine, Whole};
///
/// #[derive(Debug, Default)]
/// struct Counter(u64);
///
/// impl SmallState for Counter {
///     type Answer = u64;
///
///     fn apply(&mut self, _at: Index, command: &[u8]) -> u64 {
///         if command == b"add one" {
///             self.0 += 1;
///         }
///         self.0
///     }
///
///     fn save(&self) -> Vec<u8> {
///         self.0.to_le_bytes().to_vec()
///     }
///
///     fn load(bytes: &[u8]) -> Option<Counter> {
///         Some(Counter(u64::from_le_bytes(bytes.try_into().ok()?)))
///     }
/// }
///
/// let mut counter = Whole(Counter::default());
/// assert_eq!(counter.apply(Index(1), b"add one"), 1);
/// ```
pub trait SmallState: Sized {
    /// What a client gets for its command.
    type Answer;

    /// Executes the command of the committed entry at this index. A command that makes no sense must change nothing,
    /// but it has an answer like any other.
    fn apply(&mut self, at: Index, command: &[u8]) -> Self::Answer;

    /// The whole state as bytes. The same state gives the same bytes on every server.
    fn save(&self) -> Vec<u8>;

    /// The state that was [saved](SmallState::save) as these bytes; `None` if there is no such state. The bytes may come from
    /// the network: validate everything.
    fn load(bytes: &[u8]) -> Option<Self>;

    /// What a command says, in a few words for people. By default its text, if it is text.
    fn words(command: &[u8]) -> String {
        match str::from_utf8(command) {
            Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
            _ if command.len() == 1 => "1 byte".to_owned(),
            _ => format!("{} bytes", command.len()),
        }
    }
}

/// A [`SmallState`] as a [`StateMachine`].
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Whole<M>(pub M);

impl<M: SmallState> StateMachine for Whole<M> {
    type Answer = M::Answer;
    type Snapshot = SavedState;
    type Restore = LoadedState;

    fn apply(&mut self, index: Index, command: &[u8]) -> M::Answer {
        self.0.apply(index, command)
    }

    fn skip(&mut self, _index: Index) {}

    fn snapshot(&self) -> SavedState {
        let state = self.0.save();
        let mut bytes = (state.len() as u64).to_le_bytes().to_vec();
        bytes.extend(state);
        SavedState { bytes, given: 0 }
    }

    fn words(command: &[u8]) -> String {
        M::words(command)
    }

    fn content(&self, _written_by: Option<&[&[u8]]>) -> StoreContent {
        StoreContent::default()
    }
}

/// The snapshot of a [`Whole`] state: its length (8 bytes, little-endian), then its bytes.
#[derive(Debug)]
pub struct SavedState {
    bytes: Vec<u8>,
    /// The number of bytes that have been given out.
    given: usize,
}

impl Snapshot for SavedState {
    fn next_chunk(&mut self, at_most: NonZeroUsize) -> Option<Vec<u8>> {
        let rest = &self.bytes[self.given..];
        let chunk = rest[..rest.len().min(at_most.get())].to_vec();
        self.given += chunk.len();
        (!chunk.is_empty()).then_some(chunk)
    }
}

/// The bytes of a [`SavedState`] that have come so far.
#[derive(Debug, Default)]
pub struct LoadedState {
    bytes: Vec<u8>,
}

/// Why bytes can't be the snapshot of a [`Whole`] state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableState {
    /// There are more or fewer of them than they say themselves.
    #[error("its length is not the one with which it begins")]
    WrongLength,
    /// [`SmallState::load`] makes nothing of them.
    #[error("the state machine can't load it")]
    NoState,
}

impl LoadedState {
    /// The bytes of the state, and the number that there should be; `None` until that number has come.
    fn state(&self) -> Option<(&[u8], u64)> {
        let (length, state) = self.bytes.split_first_chunk()?;
        Some((state, u64::from_le_bytes(*length)))
    }
}

impl<M: SmallState> Restore<Whole<M>> for LoadedState {
    type Error = UnreadableState;

    fn feed(mut self, bytes: &[u8]) -> Result<LoadedState, UnreadableState> {
        self.bytes.extend_from_slice(bytes);
        match self.state() {
            Some((state, length)) if state.len() as u64 > length => Err(UnreadableState::WrongLength),
            _ => Ok(self),
        }
    }

    fn finish(self, _last_included: Index) -> Result<Whole<M>, UnreadableState> {
        let whole = self.state().filter(|(state, length)| state.len() as u64 == *length);
        let (state, _) = whole.ok_or(UnreadableState::WrongLength)?;
        M::load(state).map(Whole).ok_or(UnreadableState::NoState)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Remembers its commands, which are texts.
    #[derive(Debug, Default, PartialEq)]
    struct Words(String);

    impl SmallState for Words {
        type Answer = usize;

        fn apply(&mut self, _at: Index, command: &[u8]) -> usize {
            self.0 += &String::from_utf8_lossy(command);
            self.0.len()
        }

        fn save(&self) -> Vec<u8> {
            self.0.clone().into_bytes()
        }

        fn load(bytes: &[u8]) -> Option<Words> {
            String::from_utf8(bytes.to_vec()).ok().map(Words)
        }
    }

    fn saved(machine: &Whole<Words>) -> Vec<u8> {
        let mut snapshot = machine.snapshot();
        let all = snapshot.next_chunk(NonZeroUsize::MAX).unwrap();
        assert_eq!(snapshot.next_chunk(NonZeroUsize::MAX), None);
        all
    }

    fn loaded<'a>(mut chunks: impl Iterator<Item = &'a [u8]>) -> Result<Whole<Words>, UnreadableState> {
        let fed = chunks.try_fold(LoadedState::default(), Restore::<Whole<Words>>::feed);
        fed?.finish(Index(9))
    }

    #[test]
    fn a_state_is_loaded_as_it_was_saved_wherever_its_bytes_are_cut() {
        let mut machine = Whole(Words::default());
        assert_eq!(loaded([&saved(&machine)[..]].into_iter()), Ok(Whole(Words::default())));
        assert_eq!(machine.apply(Index(1), b"one "), 4);
        machine.skip(Index(2));
        assert_eq!(machine.apply(Index(3), b"two"), 7);
        let bytes = saved(&machine);
        for size in 1..=bytes.len() {
            let mut snapshot = machine.snapshot();
            let chunks: Vec<Vec<u8>> =
                std::iter::from_fn(|| snapshot.next_chunk(NonZeroUsize::new(size).unwrap())).collect();
            assert!(chunks.iter().all(|chunk| (1..=size).contains(&chunk.len())));
            assert_eq!(loaded(chunks.iter().map(Vec::as_slice)), Ok(Whole(Words("one two".to_owned()))));
        }
    }

    #[test]
    fn bytes_of_another_length_are_no_state() {
        let bytes = saved(&Whole(Words("whole".to_owned())));
        for length in 0..bytes.len() {
            assert_eq!(loaded([&bytes[..length]].into_iter()), Err(UnreadableState::WrongLength));
        }
        let more = [&bytes[..], b"!"];
        assert_eq!(loaded(more.into_iter()), Err(UnreadableState::WrongLength));
        assert_eq!(loaded([&[0xff; 8][..]].into_iter()), Err(UnreadableState::WrongLength));
    }

    #[test]
    fn what_the_state_machine_does_not_load_is_no_state() {
        let bytes = [&1u64.to_le_bytes()[..], &[0xff]].concat();
        assert_eq!(loaded([&bytes[..]].into_iter()), Err(UnreadableState::NoState));
    }

    #[test]
    fn a_command_is_shown_as_text_if_it_is_text() {
        assert_eq!(Whole::<Words>::words(b"add 3"), "add 3");
        assert_eq!(Whole::<Words>::words("\u{1b}[2J".as_bytes()), "4 bytes");
        assert_eq!(Whole::<Words>::words(&[0xff]), "1 byte");
    }
}
