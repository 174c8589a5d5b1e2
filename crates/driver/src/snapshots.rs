//! What a driver's keeper does with its storage for [`Effects::read_chunks`](crate::Effects) and
//! [`Effects::store_chunk`](crate::Effects), the same in every world.

use consensus::{Chunk, ChunkWanted};
use storage::{Disk, Storage, StorageError};

/// Reads a piece of the newest snapshot; none if another one was wanted.
///
/// # Errors
/// If the disk fails, or what it holds is damaged.
pub fn read_chunk<D: Disk>(
    storage: &mut Storage<D>,
    wanted: &ChunkWanted,
) -> Result<Option<Chunk>, StorageError> {
    let &ChunkWanted { last_included, offset, at_most, .. } = wanted;
    let newest = storage.snapshot().filter(|newest| newest.position == last_included);
    // It is a follower that says where the piece begins, and it may be wrong.
    let offset = newest.map_or(0, |newest| if offset < newest.size { offset } else { 0 });
    let chunk = storage.read_snapshot(last_included, offset, at_most)?;
    Ok(chunk.map(|read| Chunk { last_included, offset, bytes: read.bytes.into(), is_last: read.is_last }))
}

/// Saves a piece of a leader's snapshot, and if it is the last, the whole snapshot.
///
/// # Errors
/// If the disk fails, or has no room.
pub fn store_chunk<D: Disk>(storage: &mut Storage<D>, chunk: &Chunk) -> Result<(), StorageError> {
    storage.write_snapshot(chunk.last_included, chunk.offset, &chunk.bytes)?;
    if chunk.is_last {
        storage.finish_snapshot(chunk.last_included)?;
    }
    Ok(())
}
