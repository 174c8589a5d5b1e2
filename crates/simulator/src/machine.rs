//! The state machine of simulated servers.

use consensus::Index;
use driver::{Restore, Snapshot, StateMachine, StoreContent};
use kv::{Answer, InvalidCommand, Store};
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// A key-value store that remembers all commands that it was given, to be compared.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    pub(crate) commands: Vec<(Index, Arc<[u8]>)>,
    pub(crate) store: Store,
}

impl Machine {
    /// Goes past what comes before this entry. (With a rule off, it may not have been told of all.)
    fn skip_to(&mut self, index: Index) {
        while self.store.last_applied().next() < index {
            let next = self.store.last_applied().next();
            self.store.skip(next);
        }
    }
}

impl StateMachine for Machine {
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
        for (Index(index), command) in &self.commands {
            bytes.extend(index.to_le_bytes());
            bytes.extend((command.len() as u64).to_le_bytes());
            bytes.extend_from_slice(command);
        }
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
pub(crate) struct WrittenDown {
    bytes: Vec<u8>,
    /// So many of them have been given out.
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

impl Restore<Machine> for WrittenDown {
    type Error = Infallible;

    fn feed(mut self, bytes: &[u8]) -> Result<WrittenDown, Infallible> {
        self.bytes.extend(bytes);
        Ok(self)
    }

    fn finish(self, last_included: Index) -> Result<Machine, Infallible> {
        let mut machine = Machine::default();
        let mut rest = &self.bytes[1..];
        while let Some((index, behind)) = rest.split_first_chunk() {
            let (length, behind) = behind.split_first_chunk().expect("a length stands behind each index");
            let (command, behind) = behind.split_at(u64::from_le_bytes(*length) as usize);
            machine.apply(Index(u64::from_le_bytes(*index)), command);
            rest = behind;
        }
        machine.skip(last_included);
        Ok(machine)
    }
}
