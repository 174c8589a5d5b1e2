//! The state machine of simulated servers.

use consensus::Index;
use driver::{Restore, Snapshot, StateMachine};
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Remembers all commands that it was given, to be compared.
#[derive(Debug, Default)]
pub(crate) struct Applied(pub(crate) Vec<(Index, Arc<[u8]>)>);

impl StateMachine for Applied {
    type Answer = ();
    type Snapshot = WrittenDown;
    type Restore = WrittenDown;

    fn apply(&mut self, index: Index, command: &[u8]) {
        self.0.push((index, command.into()));
    }

    fn skip(&mut self, _index: Index) {}

    fn snapshot(&self) -> WrittenDown {
        let mut bytes = vec![BEGINNING];
        for (Index(index), command) in &self.0 {
            bytes.extend(index.to_le_bytes());
            bytes.extend((command.len() as u64).to_le_bytes());
            bytes.extend_from_slice(command);
        }
        WrittenDown { bytes, given: 0 }
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

impl Restore<Applied> for WrittenDown {
    type Error = Infallible;

    fn feed(mut self, bytes: &[u8]) -> Result<WrittenDown, Infallible> {
        self.bytes.extend(bytes);
        Ok(self)
    }

    fn finish(self, _last_included: Index) -> Result<Applied, Infallible> {
        let mut applied = Applied::default();
        let mut rest = &self.bytes[1..];
        while let Some((index, behind)) = rest.split_first_chunk() {
            let (length, behind) = behind.split_first_chunk().expect("a length stands behind each index");
            let (command, behind) = behind.split_at(u64::from_le_bytes(*length) as usize);
            applied.0.push((Index(u64::from_le_bytes(*index)), command.into()));
            rest = behind;
        }
        Ok(applied)
    }
}
