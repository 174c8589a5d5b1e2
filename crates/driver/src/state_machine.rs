//! What the committed entries act on.

use consensus::Index;
use std::error::Error;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use trace::StoreContent;

/// A state machine that is replicated: given the same commands in the same order, it goes through the
/// same states and gives the same answers, on every server (§2).
///
/// It gets every committed entry, in order: the indexes have no gaps.
pub trait StateMachine: Sized {
    /// What a client gets for its command.
    type Answer;
    /// The whole state as it was at one moment.
    type Snapshot: Snapshot;
    /// A state that is being built from a snapshot.
    type Restore: Restore<Self>;

    /// Does what the command says, which the committed entry at this index holds.
    fn apply(&mut self, index: Index, command: &[u8]) -> Self::Answer;

    /// Goes past the committed entry at this index, which holds no command.
    fn skip(&mut self, _index: Index) {}

    /// The state as it is now, to be written down while the state machine goes on. It should not take long.
    fn snapshot(&self) -> Self::Snapshot;

    /// What a command says, in a few words for people.
    fn words(command: &[u8]) -> String {
        match str::from_utf8(command) {
            Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
            _ if command.len() == 1 => "1 byte".to_owned(),
            _ => format!("{} bytes", command.len()),
        }
    }

    /// What it holds, for people: under the keys that these commands are about or, with `None`, as a whole.
    fn content(&self, _written_by: Option<&[&[u8]]>) -> StoreContent {
        StoreContent::default()
    }
}

/// A state as bytes, given out chunk by chunk (§7). The same state gives the same bytes on all servers.
pub trait Snapshot {
    /// The next bytes, at least one and at most `at_most`; `None` when all have been given out.
    fn next_chunk(&mut self, at_most: NonZeroUsize) -> Option<Vec<u8>>;
}

/// Builds a state from a snapshot's bytes. They come from the network: validate everything.
pub trait Restore<M>: Default {
    /// Why bytes can't be a snapshot.
    type Error: Error + Send + Sync + 'static;

    /// Takes the next bytes.
    ///
    /// # Errors
    /// If nothing can become of them.
    fn feed(self, bytes: &[u8]) -> Result<Self, Self::Error>;

    /// The state machine, to which the entries up to `last_included` have been applied.
    ///
    /// # Errors
    /// If the bytes were not all, or those of another snapshot.
    fn finish(self, last_included: Index) -> Result<M, Self::Error>;
}

/// For a driver of which only the consensus matters.
impl StateMachine for () {
    type Answer = ();
    type Snapshot = ();
    type Restore = ();

    fn apply(&mut self, _index: Index, _command: &[u8]) {}

    fn snapshot(&self) {}
}

impl Snapshot for () {
    fn next_chunk(&mut self, _at_most: NonZeroUsize) -> Option<Vec<u8>> {
        None
    }
}

impl Restore<()> for () {
    type Error = std::convert::Infallible;

    fn feed(self, _bytes: &[u8]) -> Result<(), Self::Error> {
        Ok(())
    }

    fn finish(self, _last_included: Index) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// A state machine with a small state, which is saved and loaded as a whole.
///
/// While it is saved, the server does nothing else. If that takes longer than an election timeout, which may be so from
/// some ten megabytes on, stream it instead.
pub trait SmallState: Sized {
    /// What a client gets for its command.
    type Answer;

    /// Does what the command says, which the committed entry at this index holds. It must do the same on all servers, so it
    /// must depend on nothing but the state, the command and its index: not on time, randomness or settings.
    ///
    /// It must not panic, whatever the command is. The server would end, and end again after each start: the command is in
    /// the log. Have a bad command change nothing, and answer so.
    fn apply(&mut self, index: Index, command: &[u8]) -> Self::Answer;

    /// The state as bytes.
    fn save(&self) -> Vec<u8>;

    /// The state of these bytes; `None` if they can't come from [`save`](SmallState::save). They may come from another
    /// server, so check them.
    fn load(bytes: &[u8]) -> Option<Self>;
}

/// Makes a [`StateMachine`] of a [`SmallState`]. A snapshot is the number of the state's bytes (8 bytes, little-endian), then
/// those.
///
/// ```
/// use raft_for_beginners_driver::consensus::Index;
/// use raft_for_beginners_driver::{SmallState, StateMachine, Whole};
///
/// #[derive(Default)]
/// struct Sum(u64);
///
/// impl SmallState for Sum {
///     type Answer = u64;
///
///     fn apply(&mut self, _: Index, command: &[u8]) -> u64 {
///         self.0 += command.len() as u64;
///         self.0
///     }
///
///     fn save(&self) -> Vec<u8> {
///         self.0.to_le_bytes().to_vec()
///     }
///
///     fn load(bytes: &[u8]) -> Option<Sum> {
///         Some(Sum(u64::from_le_bytes(bytes.try_into().ok()?)))
///     }
/// }
///
/// let mut machine = Whole(Sum::default());
/// assert_eq!(machine.apply(Index(1), b"three"), 5);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Whole<S>(pub S);

/// The snapshot of a [`Whole`], and how many of its bytes were given out.
#[derive(Debug, Clone)]
pub struct SavedState {
    bytes: Vec<u8>,
    given: usize,
}

/// The bytes that have come of the snapshot of a [`Whole`].
#[derive(Debug, Clone)]
pub struct LoadingState<S> {
    bytes: Vec<u8>,
    state: PhantomData<fn() -> S>,
}

/// Why bytes are not the snapshot of a [`Whole`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotLoaded {
    /// There are more or fewer of them than they say themselves.
    #[error("its length is not the one with which it begins")]
    WrongLength,
    /// The state does not [load](SmallState::load) them.
    #[error("the state machine can't load these {bytes} bytes")]
    NoState {
        /// Number of bytes.
        bytes: usize,
    },
}

impl<S: SmallState> StateMachine for Whole<S> {
    type Answer = S::Answer;
    type Snapshot = SavedState;
    type Restore = LoadingState<S>;

    fn apply(&mut self, index: Index, command: &[u8]) -> S::Answer {
        self.0.apply(index, command)
    }

    fn snapshot(&self) -> SavedState {
        let state = self.0.save();
        SavedState { bytes: [&(state.len() as u64).to_le_bytes()[..], &state].concat(), given: 0 }
    }
}

impl Snapshot for SavedState {
    fn next_chunk(&mut self, at_most: NonZeroUsize) -> Option<Vec<u8>> {
        let rest = &self.bytes[self.given..];
        let chunk = rest[..rest.len().min(at_most.get())].to_vec();
        self.given += chunk.len();
        (!chunk.is_empty()).then_some(chunk)
    }
}

impl<S> Default for LoadingState<S> {
    fn default() -> LoadingState<S> {
        LoadingState { bytes: Vec::new(), state: PhantomData }
    }
}

impl<S> LoadingState<S> {
    /// The length that the state should have, and what has come of it; `None` until the length has come.
    fn state(&self) -> Option<(u64, &[u8])> {
        let (length, state) = self.bytes.split_first_chunk()?;
        Some((u64::from_le_bytes(*length), state))
    }
}

impl<S: SmallState> Restore<Whole<S>> for LoadingState<S> {
    type Error = NotLoaded;

    fn feed(mut self, bytes: &[u8]) -> Result<LoadingState<S>, NotLoaded> {
        self.bytes.extend_from_slice(bytes);
        match self.state() {
            Some((length, state)) if state.len() as u64 > length => Err(NotLoaded::WrongLength),
            _ => Ok(self),
        }
    }

    fn finish(self, _last_included: Index) -> Result<Whole<S>, NotLoaded> {
        let whole = self.state().filter(|(length, state)| state.len() as u64 == *length);
        let (_, state) = whole.ok_or(NotLoaded::WrongLength)?;
        S::load(state).map(Whole).ok_or(NotLoaded::NoState { bytes: state.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_text_if_it_is_text() {
        assert_eq!(<() as StateMachine>::words(b"add 3"), "add 3");
        assert_eq!(<() as StateMachine>::words("\u{1b}[2J".as_bytes()), "4 bytes");
        assert_eq!(<() as StateMachine>::words(&[0xff]), "1 byte");
    }

    #[derive(Debug, PartialEq)]
    struct Text(String);

    impl SmallState for Text {
        type Answer = ();

        fn apply(&mut self, _: Index, command: &[u8]) {
            self.0 += &String::from_utf8_lossy(command);
        }

        fn save(&self) -> Vec<u8> {
            self.0.clone().into_bytes()
        }

        fn load(bytes: &[u8]) -> Option<Text> {
            String::from_utf8(bytes.to_vec()).ok().map(Text)
        }
    }

    #[test]
    fn a_state_comes_back_whole_however_its_bytes_are_cut() {
        for text in ["", "x", "a longer text"] {
            for at_most in [1, 4, 100].map(|at_most| NonZeroUsize::new(at_most).unwrap()) {
                let mut snapshot = Whole(Text(text.to_owned())).snapshot();
                let chunks: Vec<_> = std::iter::from_fn(|| snapshot.next_chunk(at_most)).collect();
                assert!(chunks.iter().all(|chunk| (1..=at_most.get()).contains(&chunk.len())));
                let fed = chunks.iter().try_fold(LoadingState::default(), |state, chunk| state.feed(chunk));
                assert_eq!(fed.unwrap().finish(Index(1)), Ok(Whole(Text(text.to_owned()))));
            }
        }
    }

    fn loaded(bytes: &[u8]) -> Result<Whole<Text>, NotLoaded> {
        LoadingState::default().feed(bytes)?.finish(Index(1))
    }

    #[test]
    fn bytes_of_another_length_are_refused_the_longer_ones_as_soon_as_they_come() {
        let bytes = Whole(Text("whole".to_owned())).snapshot().next_chunk(NonZeroUsize::MAX).unwrap();
        for length in 0..bytes.len() {
            assert_eq!(loaded(&bytes[..length]), Err(NotLoaded::WrongLength));
        }
        let fed = LoadingState::<Text>::default().feed(&bytes).unwrap().feed(b"!");
        assert_eq!(fed.err(), Some(NotLoaded::WrongLength));
        assert_eq!(loaded(&[0xff; 8]), Err(NotLoaded::WrongLength));
    }

    #[test]
    fn bytes_that_are_no_state_are_refused() {
        assert_eq!(loaded(b"\x01\0\0\0\0\0\0\0\xff"), Err(NotLoaded::NoState { bytes: 1 }));
    }
}
