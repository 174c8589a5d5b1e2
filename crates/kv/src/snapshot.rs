//! The whole store as a stream of bytes.
//!
//! ```text
//! "raft-kv" 1        eight bytes: what this is, and the version of its format
//! frame              what it holds: the last applied entry, how many sessions, how many keys
//! frame …            the sessions, least recently used first
//! frame …            the keys in order, each with its version and its value
//! checksum           CRC-32C of all bytes before it: four bytes, little-endian
//! ```
//!
//! A frame is a length (four bytes, little-endian) and that number of bytes in postcard's encoding. There is
//! only one way to write a state, so servers with the same state have the same snapshot.

use crate::command::{LONGEST_KEY, LONGEST_VALUE};
use crate::store::Store;
use consensus::Index;
use serde::{Deserialize, Serialize};
use std::mem;
use std::num::NonZeroUsize;
use std::sync::Arc;

pub(crate) const MAGIC: [u8; 7] = *b"raft-kv";
pub(crate) const VERSION: u8 = 1;
/// Maximum length of a frame in bytes: a key and a value, with room for their lengths and version.
pub(crate) const LONGEST_FRAME: usize = LONGEST_KEY + LONGEST_VALUE + 32;

/// What a snapshot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contents {
    pub last_applied: Index,
    /// Number of sessions: no more than the command that opens one can allow.
    pub sessions: u16,
    pub keys: u64,
}

/// A key with its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyFrame<'a> {
    #[serde(borrow, with = "serde_bytes")]
    pub key: &'a [u8],
    pub version: Index,
    #[serde(borrow, with = "serde_bytes")]
    pub value: &'a [u8],
}

/// The store at a point in time, given out as bytes chunk by chunk. It can be sent to another thread while
/// the store continues. [`Restore`](crate::Restore) builds a store from the bytes.
///
/// ```
/// # use raft_for_beginners_kv::{Restore, Store};
/// # use std::num::NonZeroUsize;
/// let store = Store::default();
/// let mut snapshot = store.snapshot();
/// let mut restore = Restore::default();
/// while let Some(chunk) = snapshot.next_chunk(NonZeroUsize::new(65_536).unwrap()) {
///     restore = restore.feed(&chunk)?;
/// }
/// assert_eq!(restore.finish()?, store);
/// # Ok::<(), raft_for_beginners_kv::RestoreError>(())
/// ```
#[derive(Debug)]
pub struct Snapshot {
    store: Store,
    next: Next,
    /// Checksum of all bytes written so far.
    checksum: u32,
    /// Written bytes; those from `given` on have not been given out yet.
    written: Vec<u8>,
    given: usize,
}

/// What is written next.
#[derive(Debug)]
enum Next {
    Contents,
    SessionUsedAfter(Index),
    KeyAfter(Arc<[u8]>),
    Checksum,
    Nothing,
}

impl Snapshot {
    /// The last entry that the snapshot covers.
    pub fn last_applied(&self) -> Index {
        self.store.last_applied
    }

    /// The next `at_most` bytes, or fewer at the end. `None` when all are given out. It does not matter where
    /// the chunks are cut.
    pub fn next_chunk(&mut self, at_most: NonZeroUsize) -> Option<Vec<u8>> {
        let mut chunk = Vec::new();
        while chunk.len() < at_most.get() && self.has_bytes() {
            let rest = &self.written[self.given..];
            let some = &rest[..rest.len().min(at_most.get() - chunk.len())];
            chunk.extend_from_slice(some);
            self.given += some.len();
        }
        (!chunk.is_empty()).then_some(chunk)
    }

    /// The checksum at the end.
    fn digest(mut self) -> u32 {
        while !matches!(self.next, Next::Checksum) {
            self.write_next();
        }
        self.checksum
    }

    /// Are there bytes to give out? Writes more if need be.
    fn has_bytes(&mut self) -> bool {
        while self.given == self.written.len() && !matches!(self.next, Next::Nothing) {
            self.write_next();
        }
        self.given < self.written.len()
    }

    /// Writes the next part; everything written before has been given out.
    fn write_next(&mut self) {
        self.written.clear();
        self.given = 0;
        let Snapshot { store, written, .. } = self;
        self.next = match &self.next {
            Next::Contents => {
                written.extend_from_slice(&MAGIC);
                written.push(VERSION);
                write_frame(written, &store.contents());
                Next::SessionUsedAfter(Index(0))
            }
            Next::SessionUsedAfter(index) => match store.sessions.next_after(*index) {
                Some(session) => {
                    write_frame(written, session);
                    Next::SessionUsedAfter(session.last_use)
                }
                None => Next::KeyAfter([].into()),
            },
            Next::KeyAfter(key) => match store.records.next_after(key) {
                Some((key, record)) => {
                    let frame = KeyFrame { key, version: record.version, value: &record.value };
                    write_frame(written, &frame);
                    Next::KeyAfter(key.clone())
                }
                None => Next::Checksum,
            },
            Next::Checksum => {
                written.extend_from_slice(&self.checksum.to_le_bytes());
                Next::Nothing
            }
            Next::Nothing => Next::Nothing,
        };
        self.checksum = crc32c::crc32c_append(self.checksum, &self.written);
    }
}

impl Store {
    /// The store as it is now, to be written while the store continues.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { store: self.clone(), next: Next::Contents, checksum: 0, written: Vec::new(), given: 0 }
    }

    /// A checksum of the whole state: that of its snapshot. Servers that have applied the same entries
    /// have the same digest. It takes as long as writing a snapshot.
    pub fn digest(&self) -> u32 {
        self.snapshot().digest()
    }

    fn contents(&self) -> Contents {
        Contents {
            last_applied: self.last_applied,
            sessions: u16::try_from(self.sessions.count()).expect("opening a session bounds their number"),
            keys: self.records.keys() as u64,
        }
    }
}

pub(crate) fn write_frame<T: Serialize>(written: &mut Vec<u8>, frame: &T) {
    let begin = written.len() + 4;
    written.extend_from_slice(&[0; 4]);
    *written = postcard::to_extend(frame, mem::take(written)).expect("every frame has an encoding");
    let length = u32::try_from(written.len() - begin).expect("keys and values are bounded");
    written[begin - 4..begin].copy_from_slice(&length.to_le_bytes());
}
