//! What a disk has to do for a server, and how it does it: the same for real servers and in simulations. The
//! caller of a driver only decides the order if there are several things to do.

use crate::snapshots::WholeSnapshot;
use crate::state_machine::Snapshot;
use consensus::{Batch, Chunk, ChunkWanted, LogPosition, NodeId};
use std::num::NonZeroUsize;
use storage::{Disk, Storage, StorageError};
use trace::Input;

/// Size in bytes of the chunks in which this server's snapshot is written.
const CHUNK: NonZeroUsize = NonZeroUsize::new(1 << 20).unwrap();

/// A job for the disk. There is never more than one save at a time.
#[derive(Debug)]
pub enum DiskJob<S> {
    /// Save this batch. If there is no space for it, it is tried again until there is, and only what frees
    /// space goes before it.
    Save(Batch),
    /// A save waits for space. To free some, first make the log on disk begin after this entry.
    Forget(LogPosition),
    /// Write a snapshot of this server's state machine, chunk by chunk.
    Snapshot {
        /// The last entry that it covers.
        last_included: LogPosition,
        /// Number of bytes written.
        written: u64,
        /// The part still to be written.
        rest: WholeSnapshot<S>,
    },
    /// Read a chunk of the newest snapshot. This job may be dropped: a follower that needs the chunk asks
    /// again.
    Read(ChunkWanted),
    /// Save a chunk of a leader's snapshot and, if it is the last, the whole snapshot. An unfinished snapshot
    /// of this server is given up for it, without a report.
    Store(Chunk),
}

/// How a job ended, or how far it is.
#[derive(Debug)]
pub enum DiskDone {
    /// The batch is on disk.
    Saved,
    /// The system reports that there is no space for the batch. The job is not done.
    NoRoom(StorageError),
    /// The log begins later now; or, for lack of space, it does not: then it will next time.
    Forgotten,
    /// A chunk of this server's snapshot is written. The job is not done.
    PieceWritten,
    /// This server's snapshot, which covers entries up to this one, is on disk.
    SnapshotTaken(LogPosition),
    /// There was no space for this server's snapshot.
    SnapshotGivenUp,
    /// A chunk was read.
    ChunkRead {
        /// The follower that needs it.
        to: NodeId,
        /// The chunk; `None` if there is a newer snapshot by now.
        chunk: Option<Chunk>,
    },
    /// No file could be opened to read the chunk.
    ChunkNotRead,
    /// A chunk of a leader's snapshot is on disk.
    ChunkStored {
        /// The last entry that the snapshot covers.
        last_included: LogPosition,
        /// Offset at which the chunk ends.
        end: u64,
        /// Was it the last chunk? Then the whole snapshot is on disk.
        is_last: bool,
    },
    /// There was no space for the chunk.
    ChunkNotStored,
}

impl DiskDone {
    /// The driver's input about it; `None` if the driver need not know.
    pub fn input(self) -> Option<Input> {
        Some(match self {
            DiskDone::Saved => Input::Saved,
            DiskDone::NoRoom(_) => Input::DiskFull,
            DiskDone::Forgotten | DiskDone::PieceWritten | DiskDone::ChunkNotRead => return None,
            DiskDone::SnapshotTaken(last_included) => Input::SnapshotTaken { last_included },
            DiskDone::SnapshotGivenUp => Input::SnapshotGivenUp,
            DiskDone::ChunkRead { to, chunk } => Input::ChunkRead { to, chunk },
            DiskDone::ChunkStored { last_included, end, is_last } => {
                Input::ChunkStored { last_included, end, is_last }
            }
            DiskDone::ChunkNotStored => Input::ChunkNotStored,
        })
    }

    /// Is there a new snapshot, of another size?
    pub fn makes_snapshot(&self) -> bool {
        matches!(self, DiskDone::SnapshotTaken(_) | DiskDone::ChunkStored { is_last: true, .. })
    }
}

/// Does a job or, of this server's snapshot, a chunk. Without space, everything but a save is given up, which
/// is safe. A job that is [not](DiskDone::NoRoom) [done](DiskDone::PieceWritten) must be performed again.
///
/// # Errors
/// If the disk fails, or what it holds is damaged. Then the server must stop.
pub fn perform<S: Snapshot, D: Disk>(
    job: &mut DiskJob<S>,
    storage: &mut Storage<D>,
) -> Result<DiskDone, StorageError> {
    match attempt(job, storage) {
        Err(error) if error.is_full() && !storage.is_poisoned() => Ok(match job {
            DiskJob::Save(_) => DiskDone::NoRoom(error),
            DiskJob::Forget(_) => DiskDone::Forgotten,
            DiskJob::Snapshot { .. } => DiskDone::SnapshotGivenUp,
            DiskJob::Read(_) => DiskDone::ChunkNotRead,
            DiskJob::Store(_) => DiskDone::ChunkNotStored,
        }),
        done => done,
    }
}

fn attempt<S: Snapshot, D: Disk>(
    job: &mut DiskJob<S>,
    storage: &mut Storage<D>,
) -> Result<DiskDone, StorageError> {
    match job {
        DiskJob::Save(batch) => storage.save(batch).map(|()| DiskDone::Saved),
        DiskJob::Forget(position) => {
            let batch = Batch { begins_after: Some(*position), ..Batch::default() };
            storage.save(&batch).map(|()| DiskDone::Forgotten)
        }
        DiskJob::Snapshot { last_included, written, rest } => {
            let Some(bytes) = rest.next_chunk(CHUNK) else {
                return storage
                    .finish_snapshot(*last_included)
                    .map(|_| DiskDone::SnapshotTaken(*last_included));
            };
            storage.write_snapshot(*last_included, *written, &bytes)?;
            *written += bytes.len() as u64;
            Ok(DiskDone::PieceWritten)
        }
        DiskJob::Read(wanted) => {
            read_chunk(wanted, storage).map(|chunk| DiskDone::ChunkRead { to: wanted.to, chunk })
        }
        DiskJob::Store(chunk) => store_chunk(chunk, storage),
    }
}

fn read_chunk<D: Disk>(
    wanted: &ChunkWanted,
    storage: &mut Storage<D>,
) -> Result<Option<Chunk>, StorageError> {
    let &ChunkWanted { last_included, offset, at_most, .. } = wanted;
    let newest = storage.snapshot().filter(|newest| newest.position == last_included);
    // The offset comes from a follower, and may be wrong.
    let offset = newest.map_or(0, |newest| if offset < newest.size { offset } else { 0 });
    let chunk = storage.read_snapshot(last_included, offset, at_most)?;
    Ok(chunk.map(|read| Chunk { last_included, offset, bytes: read.bytes.into(), is_last: read.is_last }))
}

fn store_chunk<D: Disk>(chunk: &Chunk, storage: &mut Storage<D>) -> Result<DiskDone, StorageError> {
    let &Chunk { last_included, offset, ref bytes, is_last } = chunk;
    storage.write_snapshot(last_included, offset, bytes)?;
    if is_last {
        storage.finish_snapshot(last_included)?;
    }
    Ok(DiskDone::ChunkStored { last_included, end: chunk.end(), is_last })
}
