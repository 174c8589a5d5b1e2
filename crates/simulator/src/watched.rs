//! The state machine of a user's application, on a simulated server.

use crate::machine::{Applied, Machine, read_commands, write_commands};
use consensus::Index;
use driver::{Restore, Snapshot, StateMachine, StoreContent};
use std::fmt;
use std::hash::{DefaultHasher, Hasher as _};
use std::num::NonZeroUsize;

/// A state machine that a [`Simulation`](crate::Simulation) can test: one with an initial state, whose answers can be
/// compared and shown.
pub trait Testable: StateMachine<Answer: Clone + PartialEq + fmt::Debug> + Default + 'static {}

impl<M> Testable for M where M: StateMachine<Answer: Clone + PartialEq + fmt::Debug> + Default + 'static {}

/// A state machine that remembers the commands that it was given, and the states that they led to.
pub struct Watched<M: StateMachine> {
    pub(crate) inner: M,
    commands: Vec<Applied>,
    /// Its states in this life, in the order of the entries.
    pub(crate) states: Vec<Seen<M::Answer>>,
}

/// What is compared of a state.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen<A> {
    /// The last entry that it contains.
    pub(crate) index: Index,
    /// What led to it.
    pub(crate) origin: Origin<A>,
    /// The hash of its snapshot.
    pub(crate) hash: u64,
}

/// What led to a state.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin<A> {
    /// A command was applied, with this answer.
    Answered(A),
    /// An entry without a command was skipped.
    Skipped,
    /// A snapshot was loaded.
    Loaded,
}

impl<M: Testable> Default for Watched<M> {
    fn default() -> Watched<M> {
        Watched { inner: M::default(), commands: Vec::new(), states: Vec::new() }
    }
}

impl<M: Testable> Machine for Watched<M> {
    fn commands(&self) -> &[Applied] {
        &self.commands
    }
}

impl<M: Testable> Watched<M> {
    fn see(&mut self, index: Index, origin: Origin<M::Answer>) {
        let mut hasher = DefaultHasher::new();
        let mut snapshot = self.inner.snapshot();
        while let Some(chunk) = snapshot.next_chunk(NonZeroUsize::MAX) {
            hasher.write(&chunk);
        }
        self.states.push(Seen { index, origin, hash: hasher.finish() });
    }
}

impl<M: Testable> StateMachine for Watched<M> {
    type Answer = M::Answer;
    type Snapshot = WatchedSnapshot<M::Snapshot>;
    type Restore = WatchedRestore<M>;

    fn apply(&mut self, index: Index, command: &[u8]) -> M::Answer {
        self.commands.push((index, command.into()));
        let answer = self.inner.apply(index, command);
        self.see(index, Origin::Answered(answer.clone()));
        answer
    }

    fn skip(&mut self, index: Index) {
        self.inner.skip(index);
        self.see(index, Origin::Skipped);
    }

    fn snapshot(&self) -> Self::Snapshot {
        let mut commands = Vec::new();
        write_commands(&self.commands, &mut commands);
        let head = [&(commands.len() as u64).to_le_bytes()[..], &commands].concat();
        WatchedSnapshot { head, inner: self.inner.snapshot() }
    }

    fn words(command: &[u8]) -> String {
        M::words(command)
    }

    fn content(&self, written_by: Option<&[&[u8]]>) -> StoreContent {
        self.inner.content(written_by)
    }
}

/// The length of the commands (8 bytes, little-endian), the commands, then the snapshot of the state machine itself.
pub struct WatchedSnapshot<S> {
    head: Vec<u8>,
    inner: S,
}

impl<S: Snapshot> Snapshot for WatchedSnapshot<S> {
    fn next_chunk(&mut self, at_most: NonZeroUsize) -> Option<Vec<u8>> {
        if self.head.is_empty() {
            return self.inner.next_chunk(at_most);
        }
        Some(self.head.drain(..self.head.len().min(at_most.get())).collect())
    }
}

/// Such a snapshot as far as its chunks have arrived.
pub struct WatchedRestore<M: StateMachine> {
    /// The bytes up to the end of the commands, as long as they are not all there.
    head: Vec<u8>,
    commands: Option<Vec<Applied>>,
    inner: M::Restore,
}

impl<M: Testable> Default for WatchedRestore<M> {
    fn default() -> WatchedRestore<M> {
        WatchedRestore { head: Vec::new(), commands: None, inner: M::Restore::default() }
    }
}

impl<M: Testable> Restore<Watched<M>> for WatchedRestore<M> {
    type Error = <M::Restore as Restore<M>>::Error;

    fn feed(mut self, bytes: &[u8]) -> Result<WatchedRestore<M>, Self::Error> {
        if self.commands.is_some() {
            self.inner = self.inner.feed(bytes)?;
            return Ok(self);
        }
        self.head.extend_from_slice(bytes);
        let Some((length, rest)) = self.head.split_first_chunk() else { return Ok(self) };
        let Some((commands, rest)) = rest.split_at_checked(u64::from_le_bytes(*length) as usize) else {
            return Ok(self);
        };
        self.commands = Some(read_commands(commands).collect());
        if !rest.is_empty() {
            self.inner = self.inner.feed(rest)?;
        }
        self.head = Vec::new();
        Ok(self)
    }

    fn finish(self, last_included: Index) -> Result<Watched<M>, Self::Error> {
        let inner = self.inner.finish(last_included)?;
        let commands = self.commands.expect("a server of the same world wrote it");
        let mut machine = Watched { inner, commands, states: Vec::new() };
        machine.see(last_included, Origin::Loaded);
        Ok(machine)
    }
}
