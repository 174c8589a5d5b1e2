//! What a disk has to do for a server, and how it does it: the same in every world. A driver's keeper has only to
//! decide what comes first where several things are to be done.

use crate::snapshots::WholeSnapshot;
use crate::state_machine::Snapshot;
use consensus::{Batch, Chunk, ChunkWanted, LogPosition, NodeId};
use std::num::NonZeroUsize;
use storage::{Disk, Storage, StorageError};
use trace::Input;

/// An own snapshot is written in pieces of so many bytes.
const PIECE: NonZeroUsize = NonZeroUsize::new(1 << 20).unwrap();

/// What a disk is to do. Of saves there is never more than one.
#[derive(Debug)]
pub enum DiskJob<S> {
    /// To save this. Where there is no room for it, it is tried again until there is, and only that gives room goes before it.
    Save(Batch),
    /// A save waits for room. Before it, the log on the disk is to begin after this entry, which gives room.
    Forget(LogPosition),
    /// To write down a snapshot of the own state machine, piece by piece.
    Snapshot {
        /// The last entry that it covers.
        last_included: LogPosition,
        /// So many bytes of it are written.
        written: u64,
        /// What is still to be written.
        rest: WholeSnapshot<S>,
    },
    /// To read a piece of the newest snapshot. This one may be dropped: who needs the piece asks again.
    Read(ChunkWanted),
    /// To save a piece of a leader's snapshot and, if it is the last, the whole snapshot. An own snapshot that is not on
    /// the disk yet is given up for it, and nothing is said of that one.
    Store(Chunk),
}

/// How a job has ended, or how far it is.
#[derive(Debug)]
pub enum DiskDone {
    /// What was to be saved is on the disk.
    Saved,
    /// There is no room for what is to be saved, says the system. The job is not done.
    NoRoom(StorageError),
    /// The log begins later now; or it does not, for lack of room: the next time will do.
    Forgotten,
    /// A piece of an own snapshot is written. The job is not done.
    PieceWritten,
    /// The own snapshot is on the disk that covers the log up to this entry.
    SnapshotTaken(LogPosition),
    /// There was no room for the own snapshot.
    SnapshotGivenUp,
    /// A piece was read.
    ChunkRead {
        /// For whom.
        to: NodeId,
        /// The piece; none if there is a newer snapshot by now.
        chunk: Option<Chunk>,
    },
    /// No file could be opened for that.
    ChunkNotRead,
    /// A piece of a leader's snapshot is on the disk.
    ChunkStored {
        /// The last entry that the snapshot covers.
        last_included: LogPosition,
        /// Where in it the piece ends.
        end: u64,
        /// Was it the last piece? Then the whole snapshot is there.
        is_last: bool,
    },
    /// There was no room for it.
    ChunkNotStored,
}

impl DiskDone {
    /// What the driver is told of it; none of what it need not know.
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

/// Does a job or, of an own snapshot, a piece of it. Where there is no room, all but a save is given up, and that does no
/// harm. A job that is [not](DiskDone::NoRoom) [done](DiskDone::PieceWritten) is to be performed again.
///
/// # Errors
/// If the disk fails, or what it holds is damaged. Then the server must not go on.
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
            let Some(bytes) = rest.next_chunk(PIECE) else {
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
    // It is a follower that says where the piece begins, and it may be wrong.
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
