//! A segment: one of the files that the log consists of.
//!
//! It has its full size from the beginning: a header, the records, and zeroes up to the end. The
//! [header](crate::header) begins with `RaftLog` and a line feed, and says:
//!
//! | bytes | what they hold |
//! |---|---|
//! | 16..24 | the file's size |
//! | 24..32 | the segment's number |
//! | 32..40 | how many saves there are in the segments before |
//! | 40..56 | index and term of the entry after which the log begins, after those saves |
//! | 56..64 | the index of the log's last entry after those saves |
//! | 64..72 | the server's number |
//! | 72..80 | a random number |
//! | 80..88 | the number of saves in the file when it was made |
//! | 88.. | the hard state after the saves before; the length of the cluster's name (4 bytes); the name |
//!
//! Version 1, which is still read, has neither the random number nor the count after it, and its
//! [records](crate::record) are slightly different.

use crate::batch;
use crate::bytes::{Bytes, length};
use crate::hard_state;
use crate::header;
use crate::identity::Identity;
use crate::record::{self, HEAD, Head, Kind, SECTOR};
use consensus::{Batch, HardState, Index, LogPosition, NodeId, Term};

/// The number of a log's first segment.
pub(crate) const FIRST: u64 = 1;

/// The version of the format that is written. The one before it can be read.
pub(crate) const VERSION: u32 = 2;

/// Segments of this version.
const fn kind(version: u32) -> header::Kind {
    header::Kind { magic: b"RaftLog\n", version }
}

/// The header of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The version of its format.
    pub version: u32,
    /// Its number. The first segment of a log has number 1.
    pub number: u64,
    /// Size of the file in bytes.
    pub size: u64,
    /// The state of the log after the segments before. It lets a server do without them.
    pub reached_before: Reached,
    /// The cluster whose log it is.
    pub cluster: String,
    /// The server whose log it is.
    pub node: NodeId,
    /// A random number, so that no client can predict the checksums of its records.
    pub random: u64,
    /// The number of saves in it when the file was created. At least these were durable.
    pub saves_when_made: u64,
}

/// The state of the log at some point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reached {
    /// Number of saves so far, in all segments. The first save has number 1.
    pub saves: u64,
    /// The log begins after this entry; at first after index 0 of term 0, where every log begins.
    pub begins_after: LogPosition,
    /// The index of the log's last entry. If it has none, the index of the entry that it begins after.
    pub log_end: Index,
    /// The hard state.
    pub hard_state: HardState,
}

impl Reached {
    /// The state after appending this batch, or `None` if it does not fit.
    pub(crate) fn after(&self, batch: &Batch) -> Option<Reached> {
        let begins_after = batch.begins_after.unwrap_or(self.begins_after);
        if begins_after.index < self.begins_after.index {
            return None;
        }
        let mut log_end = self.log_end.max(begins_after.index);
        if let Some(append) = &batch.append {
            let kept = append.first.0.checked_sub(1)?;
            if !(begins_after.index.0..=log_end.0).contains(&kept) {
                return None;
            }
            log_end = Index(kept.checked_add(append.entries.len() as u64)?);
        }
        let saves = self.saves.checked_add(1)?;
        Some(Reached {
            saves,
            begins_after,
            log_end,
            hard_state: batch.hard_state.unwrap_or(self.hard_state),
        })
    }
}

/// What is wrong with a segment of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogDamage {
    /// It was written, and now there is no such file.
    #[error("it is missing")]
    Missing,
    /// Its header is not what was written, or not a header.
    #[error("its header is damaged")]
    Header,
    /// It is shorter or longer than when it was created.
    #[error("it was created with {expected} bytes, but now has {found}")]
    Size {
        /// Number of bytes when it was created.
        expected: u64,
        /// Number of bytes now.
        found: u64,
    },
    /// A save is broken or gone, and something that was written later shows that it had been durable.
    #[error("a save is broken that was already on disk, as later writes show")]
    Save,
    /// A save is broken, but not in the way a crash breaks one: no sector is missing.
    #[error("a save is broken in a way that no crash explains")]
    NotTorn,
    /// There are fewer saves than when the file was created.
    #[error("it was created with {expected} saves, but now has {found}")]
    Short {
        /// Number of saves when it was created.
        expected: u64,
        /// Number of saves now.
        found: u64,
    },
    /// All checksums are right, but this program never writes this.
    #[error("its checksums are right, but its content makes no sense")]
    Nonsense,
}

/// Why nothing in a segment can be read.
pub(crate) enum Unreadable {
    Damaged(LogDamage),
    Newer(u32),
}

/// A segment as it was found.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) header: SegmentHeader,
    pub(crate) saves: Vec<Save>,
    pub(crate) reached: Reached,
    /// Where the intact records end.
    pub(crate) end: usize,
    pub(crate) tail: Tail,
}

/// An intact save.
#[derive(Debug)]
pub(crate) struct Save {
    pub(crate) offset: usize,
    pub(crate) length: usize,
    pub(crate) number: u64,
    pub(crate) batch: Batch,
}

/// What follows the last intact save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Zeroes, perhaps after a mark.
    Empty,
    /// A seal: the log continues in the next segment.
    Sealed,
    /// The number of bytes of a save that was never completed: a sector of it is missing, and nothing shows
    /// that it was ever there.
    Torn(usize),
    Damaged(LogDamage),
}

/// The name of a segment's file.
pub(crate) fn name_of(number: u64) -> String {
    format!("log-{number:010}")
}

/// The number of the segment whose file has this name; `None` if it is not a segment's.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_prefix("log-")?.parse().ok()?;
    (name_of(number) == name).then_some(number)
}

impl SegmentHeader {
    pub(crate) fn belongs_to(&self, identity: &Identity) -> bool {
        (&self.cluster, self.node) == (&identity.cluster, identity.node)
    }

    /// Minimum size of the segment with `room` bytes of records.
    pub(crate) fn smallest_size(&self, room: u64) -> u64 {
        (self.encode().len() + HEAD) as u64 + room
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let Reached { saves, begins_after, log_end, hard_state } = &self.reached_before;
        let LogPosition { index, term } = begins_after;
        let mut fields = Vec::new();
        for number in [self.size, self.number, *saves, index.0, term.0, log_end.0, self.node.0] {
            fields.extend(number.to_le_bytes());
        }
        if self.version > 1 {
            fields.extend(self.random.to_le_bytes());
            fields.extend(self.saves_when_made.to_le_bytes());
        }
        hard_state::encode(hard_state, &mut fields);
        fields.extend(length(self.cluster.as_bytes()));
        fields.extend(self.cluster.as_bytes());
        kind(self.version).encode(&fields)
    }

    /// Reads the header at the beginning of `bytes`.
    pub(crate) fn decode(bytes: &[u8]) -> Result<SegmentHeader, Unreadable> {
        let (version, mut fields, length) = kind(VERSION).decode(bytes)?;
        let decoded = SegmentHeader::decode_fields(version, &mut fields);
        let is_ours = |it: &SegmentHeader| version > 0 && it.encode() == bytes[..length];
        decoded.filter(is_ours).ok_or(Unreadable::Damaged(LogDamage::Nonsense))
    }

    fn decode_fields(version: u32, fields: &mut Bytes<'_>) -> Option<SegmentHeader> {
        let (size, number, saves) = (fields.u64()?, fields.u64()?, fields.u64()?);
        let begins_after = LogPosition { index: Index(fields.u64()?), term: Term(fields.u64()?) };
        let (log_end, node) = (Index(fields.u64()?), NodeId(fields.u64()?));
        let (random, saves_when_made) = if version > 1 { (fields.u64()?, fields.u64()?) } else { (0, 0) };
        let hard_state = hard_state::decode(fields)?;
        let name_length = usize::try_from(fields.u32()?).ok()?;
        let cluster = String::from_utf8(fields.take(name_length)?.to_vec()).ok()?;
        let reached_before = Reached { saves, begins_after, log_end, hard_state };
        Some(SegmentHeader { version, number, size, reached_before, cluster, node, random, saves_when_made })
    }
}

impl From<header::Unreadable> for Unreadable {
    fn from(why: header::Unreadable) -> Unreadable {
        match why {
            header::Unreadable::Broken => Unreadable::Damaged(LogDamage::Header),
            header::Unreadable::Newer(version) => Unreadable::Newer(version),
        }
    }
}

impl Segment {
    /// A segment without saves.
    pub(crate) fn new(header: SegmentHeader) -> Segment {
        let (reached, end) = (header.reached_before, header.encode().len());
        Segment { header, saves: Vec::new(), reached, end, tail: Tail::Empty }
    }

    /// Reads a whole segment file.
    pub(crate) fn read(bytes: &[u8]) -> Result<Segment, Unreadable> {
        let header = SegmentHeader::decode(bytes)?;
        let (expected, found) = (header.size, bytes.len() as u64);
        if expected != found {
            return Err(Unreadable::Damaged(LogDamage::Size { expected, found }));
        }
        let mut segment = Segment::new(header);
        let checksum = header::checksum_of(&bytes[..segment.end]);
        segment.tail = loop {
            match segment.read_save(bytes, checksum) {
                Ok(true) => {}
                Ok(false) => break segment.judge_tail(bytes, checksum),
                Err(damage) => break Tail::Damaged(damage),
            }
        };
        let (expected, found) = (segment.header.saves_when_made, segment.saves.len() as u64);
        if found < expected && !matches!(segment.tail, Tail::Damaged(_)) {
            segment.tail = Tail::Damaged(LogDamage::Short { expected, found });
        }
        Ok(segment)
    }

    /// Reads the next save; `false` if there is no intact one.
    fn read_save(&mut self, bytes: &[u8], checksum: u32) -> Result<bool, LogDamage> {
        let rest = &bytes[self.end..];
        let head = Head::decode(rest, self.header.version, checksum).filter(|head| head.kind == Kind::Save);
        let Some((head, batch)) = head.and_then(|head| Some((head, head.batch(rest)?))) else {
            return Ok(false);
        };
        // It is intact. What is wrong with it now was not done by a crash.
        let batch = batch::decode(batch).ok_or(LogDamage::Nonsense)?;
        let reached = self.reached.after(&batch).ok_or(LogDamage::Nonsense)?;
        if head.sequence != reached.saves {
            return Err(LogDamage::Nonsense);
        }
        let (offset, length) = (self.end, head.record_length());
        self.end += length;
        self.reached = reached;
        self.saves.push(Save { offset, length, number: reached.saves, batch });
        Ok(true)
    }

    /// Judges what follows the last intact save: nothing, a save that was torn by a crash, or one that was
    /// durable and is damaged?
    ///
    /// A save begins only after the one before is durable and marked so, and it is one write. So a crash can
    /// tear only the last save, and then nothing comes after it, and it lacks a sector. Anything after it
    /// shows that the save was durable; and if no sector is missing, it was.
    fn judge_tail(&self, bytes: &[u8], checksum: u32) -> Tail {
        let (rest, saves, version) = (&bytes[self.end..], self.reached.saves, self.header.version);
        let used = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let head = Head::decode(rest, version, checksum);
        match head {
            _ if used == 0 => return Tail::Empty,
            Some(head) if head.kind == Kind::Save && head.sequence == saves + 1 => {
                return judge_broken_save(&head, rest, self.end, used);
            }
            Some(head) if head.kind == Kind::Save || head.sequence != saves => {
                return Tail::Damaged(LogDamage::Nonsense);
            }
            Some(Head { kind: Kind::Seal, .. }) => return Tail::Sealed,
            Some(_) if used <= HEAD => return Tail::Empty,
            Some(_) | None => {}
        }
        let mut later_heads =
            (HEAD..used).step_by(HEAD).filter_map(|at| Head::decode(&rest[at..], version, checksum));
        if later_heads.any(|head| head.sequence > saves) {
            return Tail::Damaged(LogDamage::Save);
        }
        // A crash may have left the save's first sector as it was before: with the mark, or with zeroes.
        let first_sector = &rest[..rest.len().min(SECTOR - self.end % SECTOR)];
        let as_it_was = if head.is_some() { HEAD } else { 0 };
        if first_sector[as_it_was..].iter().any(|byte| *byte != 0) {
            return Tail::Damaged(LogDamage::NotTorn);
        }
        Tail::Torn(used)
    }

    /// Is everything here that was there when the `next` segment began?
    pub(crate) fn check_continued_by(&self, next: &SegmentHeader) -> Result<(), NotContinued> {
        match self.tail {
            // Whatever follows the last save, it is not data.
            _ if self.reached == next.reached_before => Ok(()),
            Tail::Damaged(damage) => Err(NotContinued::Here(damage)),
            _ if self.reached.saves < next.reached_before.saves => Err(NotContinued::Here(LogDamage::Save)),
            Tail::Empty | Tail::Sealed | Tail::Torn(_) => Err(NotContinued::There(LogDamage::Nonsense)),
        }
    }

    /// The same saves in a new segment of the newest version, with this random number: its header, and the
    /// whole contents of its file.
    pub(crate) fn rewritten(&self, random: u64) -> (SegmentHeader, Vec<u8>) {
        let mut records: Vec<Vec<u8>> = vec![Vec::new(); self.saves.len()];
        for (record, save) in records.iter_mut().zip(&self.saves) {
            record::encode_body(&save.batch, record);
        }
        let saves_when_made = self.saves.len() as u64;
        let mut header = SegmentHeader { version: VERSION, random, saves_when_made, ..self.header.clone() };
        // In an older version the same may have taken less space.
        let room = records.iter().map(|record| record.len() as u64).sum();
        header.size = header.size.max(header.smallest_size(room));

        let mut content = header.encode();
        let checksum = header::checksum_of(&content);
        for (record, save) in records.iter_mut().zip(&self.saves) {
            record::encode_head(record, save.number, content.len(), checksum);
            content.extend_from_slice(record);
        }
        (header, content)
    }
}

/// Is the save with this head, which is the next one and begins at `offset`, torn or damaged? Up to `used`
/// there is something of it, or after it.
fn judge_broken_save(head: &Head, rest: &[u8], offset: usize, used: usize) -> Tail {
    match rest.get(..head.record_length()) {
        None => Tail::Damaged(LogDamage::Nonsense),
        Some(record) if used > record.len() => Tail::Damaged(LogDamage::Save),
        Some(record) if head.lacks_a_sector(record, offset) => Tail::Torn(used),
        Some(_) => Tail::Damaged(LogDamage::NotTorn),
    }
}

/// Two segments don't belong together.
pub(crate) enum NotContinued {
    /// The first is damaged at its end.
    Here(LogDamage),
    /// The second is damaged in its header.
    There(LogDamage),
}
