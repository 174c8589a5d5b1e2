//! Records: what a segment of the log is made of, after its header.
//!
//! A record is a head of 32 bytes, and after it, if it is a save, a batch, filled up with zeroes to a
//! multiple of 32. So every record begins at a multiple of 32, and no head lies in two sectors of the
//! disk.
//!
//! | bytes of the head | what they hold |
//! |---|---|
//! | 0..4 | the kind: `save`, `mark` or `next` |
//! | 4..8 | the batch's length, without the zeroes after it |
//! | 8..16 | the number of this save, or of the last one before the mark. No number is ever skipped. |
//! | 16..24 | the index of the log's last entry after it |
//! | 24..28 | the CRC-32C of all bytes after the head |
//! | 28..32 | the CRC-32C of the head, continued from the checksum of the segment's header |
//!
//! That the head's checksum begins with the header's ties a record to its segment: one that strayed
//! in from another file is no record here.

use crate::batch::Batch;
use crate::bytes::Bytes;
use consensus::Index;

/// How many bytes a head has. All records begin at a multiple of it.
pub(crate) const HEAD: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A batch that was saved.
    Save,
    /// The last save before it was durable when this was written. The next save takes its place.
    Mark,
    /// The same, and the log goes on in the next segment.
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
    pub(crate) batch_length: u32,
    pub(crate) sequence: u64,
    pub(crate) log_end: Index,
    body_checksum: u32,
}

impl Head {
    /// Reads the head at the beginning of `bytes`; none if it is not whole or not of this segment.
    pub(crate) fn decode(bytes: &[u8], segment_checksum: u32) -> Option<Head> {
        let head = bytes.get(..HEAD)?;
        let mut fields = Bytes(head);
        let decoded = Head {
            // First, since nearly all that is no head ends here: the search in a broken tail is long.
            kind: Kind::from_tag(fields.take(4)?)?,
            batch_length: fields.u32()?,
            sequence: fields.u64()?,
            log_end: Index(fields.u64()?),
            body_checksum: fields.u32()?,
        };
        (decoded.encode(segment_checksum) == head).then_some(decoded)
    }

    /// How many bytes the record has, head and zeroes included.
    pub(crate) fn record_length(&self) -> usize {
        HEAD + (self.batch_length as usize).next_multiple_of(HEAD)
    }

    /// The batch after the head, if it is as it was written.
    pub(crate) fn batch<'a>(&self, record: &'a [u8]) -> Option<&'a [u8]> {
        let body = record.get(HEAD..self.record_length())?;
        (crc32c::crc32c(body) == self.body_checksum).then(|| &body[..self.batch_length as usize])
    }

    fn encode(&self, segment_checksum: u32) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        head[0..4].copy_from_slice(&self.kind.tag());
        head[4..8].copy_from_slice(&self.batch_length.to_le_bytes());
        head[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        head[16..24].copy_from_slice(&self.log_end.0.to_le_bytes());
        head[24..28].copy_from_slice(&self.body_checksum.to_le_bytes());
        let checksum = crc32c::crc32c_append(segment_checksum, &head[..28]);
        head[28..32].copy_from_slice(&checksum.to_le_bytes());
        head
    }
}

/// Puts together the record of a save. Of its head only the batch's length is there, until it is
/// [finished](finish).
pub(crate) fn put_together(batch: &Batch, record: &mut Vec<u8>) {
    record.clear();
    record.resize(HEAD, 0);
    batch.encode(record);
    let batch_length = u32::try_from(record.len() - HEAD).expect("nothing of 4 GiB is ever saved at once");
    record.resize(record.len().next_multiple_of(HEAD), 0);
    record[4..8].copy_from_slice(&batch_length.to_le_bytes());
}

/// Writes the head of a record that was put together.
pub(crate) fn finish(record: &mut [u8], sequence: u64, log_end: Index, segment_checksum: u32) {
    let (head, body) = record.split_at_mut(HEAD);
    let batch_length = Bytes(&head[4..8]).u32().expect("four bytes");
    let body_checksum = crc32c::crc32c(body);
    let finished = Head { kind: Kind::Save, batch_length, sequence, log_end, body_checksum };
    head.copy_from_slice(&finished.encode(segment_checksum));
}

/// The record of a mark.
pub(crate) fn mark(sequence: u64, log_end: Index, segment_checksum: u32) -> [u8; HEAD] {
    without_batch(Kind::Mark, sequence, log_end, segment_checksum)
}

/// The record of a seal.
pub(crate) fn seal(sequence: u64, log_end: Index, segment_checksum: u32) -> [u8; HEAD] {
    without_batch(Kind::Seal, sequence, log_end, segment_checksum)
}

fn without_batch(kind: Kind, sequence: u64, log_end: Index, segment_checksum: u32) -> [u8; HEAD] {
    Head { kind, batch_length: 0, sequence, log_end, body_checksum: 0 }.encode(segment_checksum)
}
