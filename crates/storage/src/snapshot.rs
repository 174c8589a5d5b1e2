//! A snapshot's file: its format, and how it is read (§7).
//!
//! | part | what it holds |
//! |---|---|
//! | [header](crate::header) | begins with `RaftSnp` and a line feed; index and term of the last entry that the snapshot covers; the length of the cluster's name (4 bytes); the name |
//! | body | the state machine's bytes, of which this crate knows nothing |
//! | checksums | the CRC-32C (4 bytes) of each 64 KiB block of the body; the last block may be shorter |
//! | trailer | the body's length (8 bytes); the CRC-32C of the header, the checksums and that length |
//!
//! The blocks have checksums of their own so that a part can be read alone, and be checked: what a leader
//! reads from its snapshot goes to other servers, and a flipped bit must not.

use crate::bytes::{Bytes, length};
use crate::disk::Disk;
use crate::error::StorageError;
use crate::files::Files;
use crate::header::{self, Unreadable};
use consensus::{Index, LogPosition, Term};
use std::ops::Range;

/// The file of the newest snapshot.
pub(crate) const FILE: &str = "snapshot";

/// Number of bytes of the body under one checksum.
pub(crate) const BLOCK: usize = 64 << 10;

/// Number of blocks in memory while a whole snapshot is read.
const AT_ONCE: usize = 16;

const KIND: header::Kind = header::Kind { magic: b"RaftSnp\n", version: 1 };
const CHECKSUM: usize = 4;
const TRAILER: usize = 8 + CHECKSUM;

/// A durable snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SnapshotInfo {
    /// The last entry that it covers.
    pub position: LogPosition,
    /// Size in bytes.
    pub size: u64,
}

/// A part of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Is this the end of the snapshot?
    pub is_last: bool,
}

/// What is wrong with a snapshot's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotDamage {
    /// Its header is not what was written, or not a header.
    #[error("its header is damaged")]
    Header,
    /// It is shorter or longer than when it was created, or its end is not what was written.
    #[error("its end is damaged: it was cut, or changed after it was written")]
    Trailer,
    /// The state machine's bytes are not those that were written.
    #[error("its content changed after it was written")]
    Body,
    /// All checksums are right, but this program never writes this.
    #[error("its checksums are right, but its content makes no sense")]
    Nonsense,
}

/// A snapshot's header.
pub(crate) fn encode_header(position: LogPosition, cluster: &str) -> Vec<u8> {
    let mut fields = Vec::new();
    fields.extend(position.index.0.to_le_bytes());
    fields.extend(position.term.0.to_le_bytes());
    fields.extend(length(cluster.as_bytes()));
    fields.extend(cluster.as_bytes());
    KIND.encode(&fields)
}

fn decode_fields(fields: &mut Bytes<'_>) -> Option<(LogPosition, String)> {
    let position = LogPosition { index: Index(fields.u64()?), term: Term(fields.u64()?) };
    let name_length = usize::try_from(fields.u32()?).ok()?;
    let cluster = String::from_utf8(fields.take(name_length)?.to_vec()).ok()?;
    Some((position, cluster))
}

/// The end of the file after the body: the checksums and the trailer.
pub(crate) fn encode_end(header: &[u8], size: u64, checksums: &[u32]) -> Vec<u8> {
    let mut end: Vec<u8> = checksums.iter().flat_map(|checksum| checksum.to_le_bytes()).collect();
    end.extend(size.to_le_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(header), &end);
    end.extend(checksum.to_le_bytes());
    end
}

/// A snapshot's file, everything but the body in memory.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) info: SnapshotInfo,
    /// Where the body begins.
    pub(crate) body: u64,
    pub(crate) checksums: Vec<u32>,
}

impl Snapshot {
    /// Reads the newest snapshot of this cluster, and checks all of it; `None` if there is none.
    pub(crate) fn open(
        files: &mut Files<impl Disk>,
        cluster: Option<&str>,
    ) -> Result<Option<Snapshot>, StorageError> {
        let Some(size) = files.size(FILE)? else { return Ok(None) };
        let (header, position, found) = read_header(files, size)?;
        if cluster.is_some_and(|cluster| cluster != found) {
            return Err(StorageError::ForeignSnapshot { file: files.path(FILE), cluster: found });
        }
        let snapshot = read_end(files, &header, position, size)?;
        let blocks = snapshot.checksums.len();
        for block in (0..blocks).step_by(AT_ONCE) {
            snapshot.read_blocks(files, block..blocks.min(block + AT_ONCE))?;
        }
        Ok(Some(snapshot))
    }

    /// At most `at_most` bytes of the body from `offset` on.
    ///
    /// # Panics
    /// If the offset is beyond the body's end.
    pub(crate) fn read(
        &self,
        files: &mut Files<impl Disk>,
        offset: u64,
        at_most: usize,
    ) -> Result<Chunk, StorageError> {
        assert!(offset <= self.info.size, "reading a snapshot beyond its end");
        let end = self.info.size.min(offset.saturating_add(at_most as u64));
        let first = offset / BLOCK as u64;
        let blocks = as_index(first)..as_index(end.div_ceil(BLOCK as u64).max(first));
        let mut bytes = self.read_blocks(files, blocks)?;
        bytes.drain(..as_index(offset - first * BLOCK as u64).min(bytes.len()));
        bytes.truncate(as_index(end - offset));
        Ok(Chunk { bytes, is_last: end == self.info.size })
    }

    /// Reads and checks these blocks of the body.
    fn read_blocks(
        &self,
        files: &mut Files<impl Disk>,
        blocks: Range<usize>,
    ) -> Result<Vec<u8>, StorageError> {
        let start = blocks.start as u64 * BLOCK as u64;
        let end = self.info.size.min(blocks.end as u64 * BLOCK as u64);
        let bytes = read_exactly(files, self.body + start, as_index(end.saturating_sub(start)))?;
        for (block, number) in bytes.chunks(BLOCK).zip(blocks) {
            if crc32c::crc32c(block) != self.checksums[number] {
                let offset = self.body + number as u64 * BLOCK as u64;
                return Err(damaged(files, offset, SnapshotDamage::Body));
            }
        }
        Ok(bytes)
    }
}

/// The header, and the position and the cluster in it.
fn read_header(
    files: &mut Files<impl Disk>,
    size: u64,
) -> Result<(Vec<u8>, LogPosition, String), StorageError> {
    // More than the longest name needs.
    let at_most = size.min(BLOCK as u64);
    let mut header = read_exactly(files, 0, as_index(at_most))?;
    let (_, mut fields, length) = KIND.decode(&header).map_err(|why| match why {
        Unreadable::Broken => damaged(files, 0, SnapshotDamage::Header),
        Unreadable::Newer(version) => StorageError::NewerVersion {
            file: files.path(FILE),
            version: version.into(),
            known: KIND.version.into(),
        },
    })?;
    let decoded = decode_fields(&mut fields);
    header.truncate(length);
    let is_ours = |(position, cluster): &(LogPosition, String)| encode_header(*position, cluster) == header;
    let decoded = decoded.filter(is_ours);
    let (position, cluster) = decoded.ok_or_else(|| damaged(files, 0, SnapshotDamage::Nonsense))?;
    Ok((header, position, cluster))
}

/// The snapshot with this header, in a file of this size.
fn read_end(
    files: &mut Files<impl Disk>,
    header: &[u8],
    position: LogPosition,
    file_size: u64,
) -> Result<Snapshot, StorageError> {
    let body = header.len() as u64;
    let trailer_at = file_size.checked_sub(TRAILER as u64).filter(|at| *at >= body);
    let Some(trailer_at) = trailer_at else { return Err(damaged(files, body, SnapshotDamage::Trailer)) };
    let trailer = read_exactly(files, trailer_at, TRAILER)?;
    let size = Bytes(&trailer).u64().expect("a trailer begins with a length");
    let checksums_at = body
        .checked_add(size)
        .filter(|at| at.checked_add(size.div_ceil(BLOCK as u64) * CHECKSUM as u64) == Some(trailer_at));
    let Some(checksums_at) = checksums_at else {
        return Err(damaged(files, trailer_at, SnapshotDamage::Trailer));
    };
    let end = read_exactly(files, checksums_at, as_index(file_size - checksums_at))?;
    let checksums = end[..end.len() - TRAILER].chunks(CHECKSUM);
    let checksums: Vec<u32> = checksums.filter_map(|checksum| Bytes(checksum).u32()).collect();
    if encode_end(header, size, &checksums) != end {
        return Err(damaged(files, checksums_at, SnapshotDamage::Trailer));
    }
    Ok(Snapshot { info: SnapshotInfo { position, size }, body, checksums })
}

fn read_exactly(files: &mut Files<impl Disk>, offset: u64, length: usize) -> Result<Vec<u8>, StorageError> {
    let bytes = files.read_at(FILE, offset, length)?;
    if bytes.len() == length { Ok(bytes) } else { Err(damaged(files, offset, SnapshotDamage::Trailer)) }
}

fn damaged(files: &Files<impl Disk>, offset: u64, damage: SnapshotDamage) -> StorageError {
    StorageError::CorruptSnapshot { file: files.path(FILE), offset, damage }
}

fn as_index(number: u64) -> usize {
    usize::try_from(number).expect("a part of a file that fits into memory")
}
