//! A server's snapshots: the newest intact one, and the one that is being written.

use crate::disk::Disk;
use crate::error::{Failure, StorageError};
use crate::files::{Files, aside};
use crate::snapshot::{self, BLOCK, Chunk, FILE, Snapshot, SnapshotInfo};
use consensus::LogPosition;

/// Maximum number of bytes of a snapshot that wait for a sync, so that no sync takes long.
const UNSYNCED: u64 = 4 << 20;

#[derive(Debug)]
pub(crate) struct Snapshots {
    cluster: String,
    newest: Option<Snapshot>,
    unfinished: Option<Unfinished>,
}

/// A snapshot that is partly written.
#[derive(Debug)]
struct Unfinished {
    position: LogPosition,
    header: Vec<u8>,
    /// Number of bytes of the body so far.
    size: u64,
    /// Number of bytes that are not synced.
    unsynced: u64,
    /// The checksums of the blocks; the last one may be of a block that is still growing.
    checksums: Vec<u32>,
}

impl Snapshots {
    pub(crate) fn new(cluster: String, newest: Option<Snapshot>) -> Snapshots {
        Snapshots { cluster, newest, unfinished: None }
    }

    /// Position and size of the newest snapshot.
    pub(crate) fn newest(&self) -> Option<SnapshotInfo> {
        self.newest.as_ref().map(|newest| newest.info)
    }

    /// A part of the snapshot of this position, if that is the newest.
    pub(crate) fn read(
        &self,
        files: &mut Files<impl Disk>,
        position: LogPosition,
        offset: u64,
        at_most: usize,
    ) -> Result<Option<Chunk>, StorageError> {
        let wanted = self.newest.as_ref().filter(|newest| newest.info.position == position);
        wanted.map(|wanted| wanted.read(files, offset, at_most)).transpose()
    }

    /// Rewrites the newest snapshot. Its name may be in the system's memory only, after an earlier start in
    /// which the folder's sync failed.
    pub(crate) fn renew(&mut self, files: &mut Files<impl Disk>) -> Result<(), Failure> {
        let Some(newest) = self.newest.take() else { return Ok(()) };
        let position = newest.info.position;
        let mut offset = 0;
        loop {
            let chunk = newest.read(files, offset, BLOCK)?;
            self.write(files, position, offset, &chunk.bytes)?;
            offset += chunk.bytes.len() as u64;
            if chunk.is_last {
                break;
            }
        }
        self.finish(files, position).map(drop)
    }

    /// Adds bytes to the snapshot that is being written; at offset 0 one begins.
    ///
    /// # Panics
    /// If the bytes don't follow those before, or the snapshot would cover no more than the newest.
    pub(crate) fn write(
        &mut self,
        files: &mut Files<impl Disk>,
        position: LogPosition,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), Failure> {
        let covered = self.newest().unwrap_or_default().position.index;
        assert!(position.index > covered, "a snapshot covers more than the one before it");
        let before = self.unfinished.take().filter(|it| (it.position, it.size) == (position, offset));
        let written = match offset {
            0 => Unfinished::begin(files, position, &self.cluster),
            _ => Ok(before.expect("a snapshot that is written from its beginning to its end")),
        };
        let written = written.and_then(|it| it.add(files, bytes));
        self.unfinished = Some(written.map_err(|error| files.give_up(FILE, error))?);
        Ok(())
    }

    /// Makes the snapshot that was written the newest, durably.
    ///
    /// # Panics
    /// If no snapshot of this position was being written.
    pub(crate) fn finish(
        &mut self,
        files: &mut Files<impl Disk>,
        position: LogPosition,
    ) -> Result<SnapshotInfo, Failure> {
        let unfinished = self.unfinished.take().filter(|it| it.position == position);
        let unfinished = unfinished.expect("a snapshot of this position, of which all is written");
        unfinished.close(files).map_err(|error| files.give_up(FILE, error))?;
        files.put_in_place(FILE)?;
        let Unfinished { header, size, checksums, .. } = unfinished;
        let info = SnapshotInfo { position, size };
        self.newest = Some(Snapshot { info, body: header.len() as u64, checksums });
        Ok(info)
    }
}

impl Unfinished {
    fn begin(
        files: &mut Files<impl Disk>,
        position: LogPosition,
        cluster: &str,
    ) -> Result<Unfinished, StorageError> {
        let header = snapshot::encode_header(position, cluster);
        files.write(&aside(FILE), &header)?;
        Ok(Unfinished { position, header, size: 0, unsynced: 0, checksums: Vec::new() })
    }

    fn add(mut self, files: &mut Files<impl Disk>, bytes: &[u8]) -> Result<Unfinished, StorageError> {
        files.append(&aside(FILE), bytes)?;
        self.add_checksums(bytes);
        self.size += bytes.len() as u64;
        self.unsynced += bytes.len() as u64;
        if self.unsynced >= UNSYNCED {
            files.sync(&aside(FILE))?;
            self.unsynced = 0;
        }
        Ok(self)
    }

    fn add_checksums(&mut self, bytes: &[u8]) {
        let in_the_last_block = (self.size % BLOCK as u64) as usize;
        let missing = if in_the_last_block == 0 { 0 } else { BLOCK - in_the_last_block };
        let (to_the_last_block, blocks) = bytes.split_at(missing.min(bytes.len()));
        if let Some(last) = self.checksums.last_mut() {
            *last = crc32c::crc32c_append(*last, to_the_last_block);
        }
        self.checksums.extend(blocks.chunks(BLOCK).map(crc32c::crc32c));
    }

    /// Writes the end, and makes the whole file durable.
    fn close(&self, files: &mut Files<impl Disk>) -> Result<(), StorageError> {
        let end = snapshot::encode_end(&self.header, self.size, &self.checksums);
        files.append(&aside(FILE), &end)?;
        files.sync(&aside(FILE))
    }
}
