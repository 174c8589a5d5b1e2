//! The state machine of simulated servers.

use consensus::Index;
use driver::{Restore, Snapshot, StateMachine, StoreContent};
use kv::{Answer, InvalidCommand, Store};
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// A command with the index of its entry.
pub(crate) type Applied = (Index, Arc<[u8]>);

/// A state machine that remembers all commands that it was given, to be compared.
pub trait Machine: StateMachine + Default {
    /// The commands, each with the index of its entry, in the order in which they came.
    fn commands(&self) -> &[(Index, Arc<[u8]>)];
}

/// The key-value store.
#[derive(Debug, Default)]
pub struct StoreMachine {
    commands: Vec<Applied>,
    pub(crate) store: Store,
}

impl Machine for StoreMachine {
    fn commands(&self) -> &[Applied] {
        &self.commands
    }
}

impl StoreMachine {
    /// Goes past what comes before this entry. (With a rule off, it may not have been told of all.)
    fn skip_to(&mut self, index: Index) {
        while self.store.last_applied().next() < index {
            let next = self.store.last_applied().next();
            self.store.skip(next);
        }
    }
}

impl StateMachine for StoreMachine {
    type Answer = Answer;
    type Snapshot = WrittenDown;
    type Restore = WrittenDown;

    fn apply(&mut self, index: Index, command: &[u8]) -> Answer {
        self.commands.push((index, command.into()));
        self.skip_to(index);
        match self.store.last_applied() < index {
            true => self.store.apply(index, command),
            // With a rule off, it comes twice; that is found out elsewhere.
            false => Answer::Invalid(InvalidCommand::Nonsense),
        }
    }

    fn skip(&mut self, index: Index) {
        self.skip_to(index.next());
    }

    fn snapshot(&self) -> WrittenDown {
        let mut bytes = vec![BEGINNING];
        write_commands(&self.commands, &mut bytes);
        WrittenDown { bytes, given: 0 }
    }

    fn words(command: &[u8]) -> String {
        Store::words(command)
    }

    fn content(&self, written_by: Option<&[&[u8]]>) -> StoreContent {
        self.store.content(written_by)
    }
}

/// So no snapshot is empty.
const BEGINNING: u8 = 1;

/// All commands as bytes: each with its index and its length.
#[derive(Debug, Default)]
pub struct WrittenDown {
    bytes: Vec<u8>,
    /// Number of bytes that have been given out.
    given: usize,
}

impl Snapshot for WrittenDown {
    fn next_chunk(&mut self, at_most: NonZeroUsize) -> Option<Vec<u8>> {
        let rest = &self.bytes[self.given..];
        let chunk = rest[..rest.len().min(at_most.get())].to_vec();
        self.given += chunk.len();
        (!chunk.is_empty()).then_some(chunk)
    }
}

impl Restore<StoreMachine> for WrittenDown {
    type Error = Infallible;

    fn feed(mut self, bytes: &[u8]) -> Result<WrittenDown, Infallible> {
        self.bytes.extend(bytes);
        Ok(self)
    }

    fn finish(self, last_included: Index) -> Result<StoreMachine, Infallible> {
        let mut machine = StoreMachine::default();
        for (index, command) in read_commands(&self.bytes[1..]) {
            machine.apply(index, &command);
        }
        machine.skip(last_included);
        Ok(machine)
    }
}

/// Adds these commands: each with its index and its length.
pub(crate) fn write_commands(commands: &[Applied], bytes: &mut Vec<u8>) {
    for (Index(index), command) in commands {
        bytes.extend(index.to_le_bytes());
        bytes.extend((command.len() as u64).to_le_bytes());
        bytes.extend_from_slice(command);
    }
}

/// The commands that were written down as these bytes, by a server of the same world.
pub(crate) fn read_commands(mut bytes: &[u8]) -> impl Iterator<Item = Applied> {
    std::iter::from_fn(move || {
        let (index, rest) = bytes.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk().expect("a length follows each index");
        let (command, rest) = rest.split_at(u64::from_le_bytes(*length) as usize);
        bytes = rest;
        Some((Index(u64::from_le_bytes(*index)), command.into()))
    })
}
