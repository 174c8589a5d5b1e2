//! What the committed entries act on.

use consensus::Index;
use std::error::Error;
use std::num::NonZeroUsize;
use trace::StoreContent;

/// A state machine that is replicated: given the same commands in the same order, it goes through the
/// same states and gives the same answers, on every server (§2).
///
/// It is told of every committed entry, in order: the indexes have no gaps.
pub trait StateMachine: Sized {
    /// What a client gets for its command.
    type Answer;
    /// The whole state as it was at one moment.
    type Snapshot: Snapshot;
    /// A state in the making.
    type Restore: Restore<Self>;

    /// Does what the command says, which the committed entry at this index holds.
    fn apply(&mut self, index: Index, command: &[u8]) -> Self::Answer;

    /// Goes past the committed entry at this index, which holds no command.
    fn skip(&mut self, index: Index);

    /// The state as it is now, to be written down while the state machine goes on. It should not take long.
    fn snapshot(&self) -> Self::Snapshot;

    /// What a command says, in a few words for people.
    fn words(command: &[u8]) -> String;

    /// What it holds, for people: under the keys that these commands are about or, with `None`, as a whole.
    fn content(&self, written_by: Option<&[&[u8]]>) -> StoreContent;
}

/// A state as bytes, given out piece by piece (§7). The same state gives the same bytes on all servers.
pub trait Snapshot {
    /// The next bytes, at least one and at most so many; none when all have been given out.
    fn next_chunk(&mut self, at_most: NonZeroUsize) -> Option<Vec<u8>>;
}

/// Makes a state of a snapshot's bytes. They may come from anybody, so nothing of them is believed.
pub trait Restore<M>: Default {
    /// Why bytes can't be a snapshot.
    type Error: Error + Send + Sync + 'static;

    /// Takes the next bytes.
    ///
    /// # Errors
    /// If nothing can become of them.
    fn feed(self, bytes: &[u8]) -> Result<Self, Self::Error>;

    /// The state machine, to which all up to `last_included` has been applied.
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

    fn skip(&mut self, _index: Index) {}

    fn snapshot(&self) {}

    fn words(command: &[u8]) -> String {
        format!("{} bytes", command.len())
    }

    fn content(&self, _written_by: Option<&[&[u8]]>) -> StoreContent {
        StoreContent::default()
    }
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
