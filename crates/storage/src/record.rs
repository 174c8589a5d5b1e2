//! Records: what a segment of the log is made of, after its header.
//!
//! A record is a head of 32 bytes. If it is a save, a body follows: a batch, zeroes, and a last byte 255,
//! together a multiple of 32 bytes. So every record begins at a multiple of 32, and no head spans two sectors
//! of the disk.
//!
//! | bytes of the head | what they hold |
//! |---|---|
//! | 0..4 | the kind: `save`, `mark` or `next` |
//! | 4..8 | the batch's length |
//! | 8..16 | the number of this save, or of the last one before the mark. No number is ever skipped. |
//! | 16..24 | the number of zero sectors: those after the head's own to which this record writes only zeroes |
//! | 24..28 | the CRC-32C of all bytes after the head |
//! | 28..32 | the CRC-32C of the head, continued from the checksum of the segment's header |
//!
//! The head's checksum begins with the header's, which ties a record to its segment: one that strayed in from
//! another file is not valid here. And since the header has a random number in it, no client can make a
//! command that looks like a record of this log.
//!
//! A crash leaves each sector as it was before the save, with zeroes, or as it is after it. So if a save is
//! torn and its head is there, there are more zero sectors than the head says. A save with no more than that
//! was written completely, and was damaged later. The last byte is 255 so that no single flipped bit turns a
//! short last sector into zeroes.
//!
//! In version 1 of the segments, a body is padded with zeroes and has no last byte, and bytes 16..24 hold the
//! index of the log's last entry.

use crate::batch;
use crate::bytes::Bytes;
use consensus::Batch;

/// Length of a head in bytes. All records begin at a multiple of it.
pub(crate) const HEAD: usize = 32;

/// Number of bytes that a disk writes completely or not at all.
pub(crate) const SECTOR: usize = 512;

/// The last byte of a save.
const LAST: u8 = 255;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A batch that was saved.
    Save,
    /// The last save before it was durable when this was written. The next save overwrites it.
    Mark,
    /// The same, and the log continues in the next segment.
    Seal,
}

impl Kind {
    const ALL: [(Kind, [u8; 4]); 3] =
        [(Kind::Save, *b"save"), (Kind::Mark, *b"mark"), (Kind::Seal, *b"next")];

    fn tag(self) -> [u8; 4] {
        Kind::ALL.into_iter().find(|(kind, _)| *kind == self).expect("each kind has a tag").1
    }

    fn from_tag(tag: &[u8]) -> Option<Kind> {
        Kind::ALL.into_iter().find(|(_, its_tag)| its_tag == tag).map(|(kind, _)| kind)
    }
}

/// The first 32 bytes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    batch_length: usize,
    body_length: usize,
    pub(crate) sequence: u64,
    /// The number of zero sectors. Version 1 does not state it: there may be more.
    zero_sectors: u64,
    body_checksum: u32,
}

impl Head {
    /// Reads the head at the beginning of `bytes`; `None` if it is damaged or not of this segment.
    pub(crate) fn decode(bytes: &[u8], version: u32, segment_checksum: u32) -> Option<Head> {
        let head = bytes.get(..HEAD)?;
        let mut fields = Bytes(head);
        // First, since nearly everything that is not a head fails here: the search in a broken tail is long.
        let kind = Kind::from_tag(fields.take(4)?)?;
        let batch_length = fields.u32()?;
        let (sequence, zero_sectors, body_checksum) = (fields.u64()?, fields.u64()?, fields.u32()?);
        if fields.u32()? != head_checksum(head, segment_checksum) {
            return None;
        }
        let batch_length = usize::try_from(batch_length).ok()?;
        let (body_length, zero_sectors) = match (kind, version) {
            (Kind::Mark | Kind::Seal, _) => (0, 0),
            (Kind::Save, 1) => (batch_length.next_multiple_of(HEAD), 0),
            (Kind::Save, _) => (body_length(batch_length), zero_sectors),
        };
        Some(Head { kind, batch_length, body_length, sequence, zero_sectors, body_checksum })
    }

    /// Length of the record in bytes, head and body.
    pub(crate) fn record_length(&self) -> usize {
        HEAD + self.body_length
    }

    /// The batch after the head, if the body is intact.
    pub(crate) fn batch<'a>(&self, record: &'a [u8]) -> Option<&'a [u8]> {
        let body = record.get(HEAD..self.record_length())?;
        (crc32c::crc32c(body) == self.body_checksum).then(|| &body[..self.batch_length])
    }

    /// Does this record, which begins at `offset` in its file and is not intact, lack a sector?
    pub(crate) fn lacks_a_sector(&self, record: &[u8], offset: usize) -> bool {
        zero_sectors(record, offset) > self.zero_sectors
    }
}

/// The length of a body with a batch of this length, in bytes.
fn body_length(batch_length: usize) -> usize {
    (batch_length + 1).next_multiple_of(HEAD)
}

/// The number of sectors, after the first, to which a record at `offset` writes only zeroes.
fn zero_sectors(record: &[u8], offset: usize) -> u64 {
    let after_the_first = record.get(SECTOR - offset % SECTOR..).unwrap_or_default();
    let has_only_zeroes = |sector: &&[u8]| sector.iter().all(|byte| *byte == 0);
    after_the_first.chunks(SECTOR).filter(has_only_zeroes).count() as u64
}

fn head_checksum(head: &[u8], segment_checksum: u32) -> u32 {
    crc32c::crc32c_append(segment_checksum, &head[..HEAD - 4])
}

/// Encodes the record of a save. Its head has only the batch's length until the rest is
/// [written](encode_head).
pub(crate) fn encode_body(batch: &Batch, record: &mut Vec<u8>) {
    record.clear();
    record.resize(HEAD, 0);
    batch::encode(batch, record);
    let batch_length = u32::try_from(record.len() - HEAD).expect("nothing of 4 GiB is ever saved at once");
    record[4..8].copy_from_slice(&batch_length.to_le_bytes());
    record.resize(HEAD + body_length(batch_length as usize), 0);
    *record.last_mut().expect("a body has at least a last byte") = LAST;
}

/// Writes the head of an encoded record that will begin at `offset` in its file.
pub(crate) fn encode_head(record: &mut [u8], sequence: u64, offset: usize, segment_checksum: u32) {
    let zero_sectors = zero_sectors(record, offset);
    let (head, body) = record.split_at_mut(HEAD);
    fill(head, Kind::Save, sequence, zero_sectors, crc32c::crc32c(body), segment_checksum);
}

/// The record of a mark.
pub(crate) fn mark(sequence: u64, segment_checksum: u32) -> [u8; HEAD] {
    without_body(Kind::Mark, sequence, segment_checksum)
}

/// The record of a seal.
pub(crate) fn seal(sequence: u64, segment_checksum: u32) -> [u8; HEAD] {
    without_body(Kind::Seal, sequence, segment_checksum)
}

fn without_body(kind: Kind, sequence: u64, segment_checksum: u32) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    fill(&mut head, kind, sequence, 0, 0, segment_checksum);
    head
}

/// Fills in a head, all but the batch's length.
fn fill(
    head: &mut [u8],
    kind: Kind,
    sequence: u64,
    zero_sectors: u64,
    body_checksum: u32,
    segment_checksum: u32,
) {
    head[0..4].copy_from_slice(&kind.tag());
    head[8..16].copy_from_slice(&sequence.to_le_bytes());
    head[16..24].copy_from_slice(&zero_sectors.to_le_bytes());
    head[24..28].copy_from_slice(&body_checksum.to_le_bytes());
    let checksum = head_checksum(head, segment_checksum);
    head[28..32].copy_from_slice(&checksum.to_le_bytes());
}
