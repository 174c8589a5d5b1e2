//! The contents of a snapshot: the configuration and the state machine (§7).

use crate::state_machine::{Restore, Snapshot, StateMachine};
use consensus::{Index, Membership};
use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::Arc;
use storage::{Disk, Storage, StorageError, decode_membership, encode_membership};

/// Number of bytes read from the disk at once.
const CHUNK: usize = 64 << 10;
/// Maximum size of a configuration that is read, in bytes. Those written have at most
/// [`Membership::LARGEST`], but earlier versions accepted any that could be sent.
const LONGEST_MEMBERSHIP: usize = 4 << 20;

/// A configuration and a state as bytes: the configuration's length (4 bytes, little-endian), the
/// [configuration](encode_membership), then the state machine's bytes.
#[derive(Debug)]
pub struct WholeSnapshot<S> {
    head: Vec<u8>,
    machine: S,
}

impl<S: Snapshot> WholeSnapshot<S> {
    pub(crate) fn new(membership: &Membership, machine: S) -> WholeSnapshot<S> {
        let mut encoded = Vec::new();
        encode_membership(membership, &mut encoded);
        let length = u32::try_from(encoded.len()).expect("no configuration is so large");
        WholeSnapshot { head: [&length.to_le_bytes()[..], &encoded].concat(), machine }
    }
}

impl<S: Snapshot> Snapshot for WholeSnapshot<S> {
    fn next_chunk(&mut self, at_most: NonZeroUsize) -> Option<Vec<u8>> {
        if self.head.is_empty() {
            return self.machine.next_chunk(at_most);
        }
        let mut chunk: Vec<u8> = self.head.drain(..self.head.len().min(at_most.get())).collect();
        if let Some(room) = NonZeroUsize::new(at_most.get() - chunk.len()) {
            chunk.extend(self.machine.next_chunk(room).unwrap_or_default());
        }
        Some(chunk)
    }
}

/// Why bytes are not a valid snapshot.
#[derive(Debug, thiserror::Error)]
pub enum BrokenSnapshot<E: Error> {
    /// It does not begin with a configuration.
    #[error("it does not begin with a configuration")]
    NoMembership,
    /// The state machine can't read its part.
    #[error(transparent)]
    State(E),
}

/// Why a server's own snapshot can't be read.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableSnapshot<E: Error> {
    /// The disk fails, or what it holds is damaged.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// It is not a snapshot of this state machine.
    #[error(transparent)]
    Broken(#[from] BrokenSnapshot<E>),
}

/// The contents of a snapshot.
#[derive(Debug)]
pub struct Restored<M> {
    /// The configuration.
    pub membership: Arc<Membership>,
    /// The state machine.
    pub machine: M,
}

type Broken<M> = BrokenSnapshot<<<M as StateMachine>::Restore as Restore<M>>::Error>;
type Unreadable<M> = UnreadableSnapshot<<<M as StateMachine>::Restore as Restore<M>>::Error>;

impl<M: StateMachine> Restored<M> {
    /// Reads the newest snapshot; `None` if there is none.
    ///
    /// # Errors
    /// If the disk fails, or what it holds is not a snapshot of this state machine.
    pub fn read<D: Disk>(storage: &mut Storage<D>) -> Result<Option<Restored<M>>, Unreadable<M>> {
        let Some(newest) = storage.snapshot() else { return Ok(None) };
        let mut restoring = Restoring::<M>::default();
        while let Some(chunk) = storage.read_snapshot(newest.position, restoring.size, CHUNK)? {
            restoring = restoring.feed(&chunk.bytes)?;
            if chunk.is_last {
                break;
            }
        }
        Ok(Some(restoring.finish(newest.position.index)?))
    }
}

/// The contents of a snapshot, as they arrive.
pub(crate) struct Restoring<M: StateMachine> {
    /// Number of bytes so far.
    size: u64,
    /// The bytes before those of the state machine, until they are complete.
    head: Vec<u8>,
    membership: Option<Arc<Membership>>,
    machine: M::Restore,
}

impl<M: StateMachine> Default for Restoring<M> {
    fn default() -> Restoring<M> {
        Restoring { size: 0, head: Vec::new(), membership: None, machine: M::Restore::default() }
    }
}

impl<M: StateMachine> Restoring<M> {
    pub(crate) fn feed(mut self, bytes: &[u8]) -> Result<Restoring<M>, Broken<M>> {
        self.size += bytes.len() as u64;
        if self.membership.is_some() {
            self.machine = self.machine.feed(bytes).map_err(BrokenSnapshot::State)?;
            return Ok(self);
        }
        self.head.extend_from_slice(bytes);
        let Some((length, rest)) = self.head.split_first_chunk::<4>() else { return Ok(self) };
        let length = u32::from_le_bytes(*length) as usize;
        if length > LONGEST_MEMBERSHIP {
            return Err(BrokenSnapshot::NoMembership);
        }
        if let Some((membership, rest)) = rest.split_at_checked(length) {
            let membership = decode_membership(membership).ok_or(BrokenSnapshot::NoMembership)?;
            self.membership = Some(Arc::new(membership));
            if !rest.is_empty() {
                self.machine = self.machine.feed(rest).map_err(BrokenSnapshot::State)?;
            }
            self.head = Vec::new();
        }
        Ok(self)
    }

    pub(crate) fn finish(self, last_included: Index) -> Result<Restored<M>, Broken<M>> {
        let membership = self.membership.ok_or(BrokenSnapshot::NoMembership)?;
        let machine = self.machine.finish(last_included).map_err(BrokenSnapshot::State)?;
        Ok(Restored { membership, machine })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::NodeId;

    /// A configuration of this size.
    fn of_size(bytes: usize) -> Membership {
        let empty = Membership { addresses: [(NodeId(1), String::new())].into(), ..Membership::default() };
        let addresses = [(NodeId(1), "h".repeat(bytes - empty.size()))].into();
        Membership { addresses, ..empty }
    }

    #[test]
    fn the_largest_configuration_is_read_again() {
        for bytes in [Membership::LARGEST, LONGEST_MEMBERSHIP] {
            let membership = of_size(bytes);
            assert_eq!(membership.size(), bytes);
            let mut snapshot = WholeSnapshot::new(&membership, ());
            let mut restoring = Restoring::<()>::default();
            while let Some(chunk) = snapshot.next_chunk(NonZeroUsize::new(CHUNK).unwrap()) {
                restoring = restoring.feed(&chunk).unwrap();
            }
            assert_eq!(*restoring.finish(Index(1)).unwrap().membership, membership);
        }
    }

    #[test]
    fn a_length_that_no_configuration_has_is_refused_before_its_bytes_arrive() {
        let length = u32::try_from(LONGEST_MEMBERSHIP + 1).unwrap();
        let fed = Restoring::<()>::default().feed(&length.to_le_bytes());
        assert!(matches!(fed, Err(BrokenSnapshot::NoMembership)));
    }
}
