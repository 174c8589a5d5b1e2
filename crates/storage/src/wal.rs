//! The write-ahead log: the segments together, from which a server learns again what it knew.
//!
//! Only the last segment is ever written to. Every segment comes into being in the same way: it is
//! written aside, synced, renamed and the directory synced. So no crash leaves half a segment, and a
//! segment that follows another shows that everything in the other is durable.

use crate::batch::Batch;
use crate::disk::Disk;
use crate::error::StorageError;
use crate::identity::Identity;
use crate::record::{self, HEAD};
use crate::segment::{self, LogDamage, NotContinued, Reached, Segment, SegmentHeader, Tail, Unreadable};
use crate::text_file::NEW;
use consensus::{Append, Entry, HardState, Index};
use std::fmt;
use std::path::{Path, PathBuf};

/// A save that a crash has torn, and that was cut off the log.
///
/// It was the last one, and nothing showed that it had ever been durable. That it had been, and was
/// damaged since, can't be ruled out wholly: see [what remains](crate#what-remains).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOff {
    /// The segment's file.
    pub file: PathBuf,
    /// Where in the file it began, in bytes.
    pub offset: u64,
    /// How many bytes there were, up to the last that was not zero.
    pub bytes: u64,
}

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CutOff { file, offset, bytes } = self;
        write!(f, "cut off the torn end of {}: {bytes} bytes from byte {offset} on", file.display())
    }
}

/// What the segments of a folder hold.
pub(crate) struct Found {
    pub(crate) log: Vec<Entry>,
    pub(crate) cut_off: Option<CutOff>,
    last: Segment,
    /// The last segment's header and whole records.
    last_bytes: Vec<u8>,
}

impl Found {
    pub(crate) fn hard_state(&self) -> HardState {
        self.last.reached.hard_state
    }

    /// Is this the log of a server that has never saved anything, nor begun to?
    pub(crate) fn is_untouched(&self) -> bool {
        self.last.header.number == segment::FIRST
            && self.last.reached == Reached::default()
            && self.cut_off.is_none()
    }
}

/// Reads all segments, of which each must be the server's; none if there is no segment.
pub(crate) fn find(disk: &mut impl Disk, owner: Option<&Identity>) -> Result<Option<Found>, StorageError> {
    let names = disk.list().map_err(StorageError::io("list", disk.folder()))?;
    let Some(last_number) = names.iter().filter_map(|name| segment::number_of(name)).max() else {
        return Ok(None);
    };
    let mut log = Vec::new();
    let mut before: Option<Segment> = None;
    // The place for snapshots: the oldest segment will be the one in which the snapshot's log begins,
    // its header will say which hard state and which index that is, and older ones will be removed. A
    // segment can go when the next one's header says a `log_end` that the snapshot covers: all entries
    // that are needed then follow in later segments.
    for number in segment::FIRST..=last_number {
        let path = disk.folder().join(segment::name_of(number));
        let bytes = read_file(disk, number, log.len())?;
        let mut segment = Segment::read(&bytes).map_err(|why| unreadable(why, &path, log.len()))?;
        refuse_strangers(&segment.header, number, owner, &path, log.len())?;
        let sealed = segment.tail == Tail::Sealed;
        if let Some(before) = before {
            check_continued(disk.folder(), &before, &segment.header, log.len())?;
        }
        for save in std::mem::take(&mut segment.saves) {
            if let Some(append) = save.batch.append {
                apply(append, &mut log);
            }
        }
        if number == last_number {
            if sealed {
                return Err(missing(disk.folder(), number + 1, log.len()));
            }
            return finish(segment, bytes, path, log).map(Some);
        }
        before = Some(segment);
    }
    unreachable!("segments are numbered from 1 on, and the last was in the loop")
}

fn read_file(disk: &mut impl Disk, number: u64, entries: usize) -> Result<Vec<u8>, StorageError> {
    let name = segment::name_of(number);
    let bytes = disk.read(&name).map_err(StorageError::io("read", disk.folder().join(&name)))?;
    bytes.ok_or_else(|| missing(disk.folder(), number, entries))
}

pub(crate) fn missing(folder: &Path, number: u64, entries: usize) -> StorageError {
    damaged(&folder.join(segment::name_of(number)), 0, entries, LogDamage::Missing)
}

fn damaged(path: &Path, offset: usize, entries: usize, damage: LogDamage) -> StorageError {
    let (offset, whole_to) = (offset as u64, Index(entries as u64));
    StorageError::CorruptLog { file: path.to_path_buf(), offset, whole_to, damage }
}

pub(crate) fn unreadable(why: Unreadable, path: &Path, entries: usize) -> StorageError {
    match why {
        Unreadable::Damaged(damage) => damaged(path, 0, entries, damage),
        Unreadable::Newer(version) => StorageError::NewerVersion {
            file: path.to_path_buf(),
            version: version.into(),
            known: segment::VERSION.into(),
        },
    }
}

fn refuse_strangers(
    header: &SegmentHeader,
    number: u64,
    owner: Option<&Identity>,
    path: &Path,
    entries: usize,
) -> Result<(), StorageError> {
    if owner.is_some_and(|owner| !header.belongs_to(owner)) {
        let (cluster, node) = (header.cluster.clone(), header.node);
        return Err(StorageError::ForeignSegment { file: path.to_path_buf(), cluster, node });
    }
    let begins_rightly = number > segment::FIRST || header.reached_before == Reached::default();
    if header.number == number && begins_rightly {
        Ok(())
    } else {
        Err(damaged(path, 0, entries, LogDamage::Nonsense))
    }
}

fn check_continued(
    folder: &Path,
    before: &Segment,
    next: &SegmentHeader,
    entries: usize,
) -> Result<(), StorageError> {
    before.check_continued_by(next).map_err(|why| {
        let (number, offset, damage) = match why {
            NotContinued::Here(damage) => (before.header.number, before.end, damage),
            NotContinued::There(damage) => (next.number, 0, damage),
        };
        damaged(&folder.join(segment::name_of(number)), offset, entries, damage)
    })
}

/// [`Segment::read`] has checked that it fits on the log.
fn apply(append: Append, log: &mut Vec<Entry>) {
    let kept = usize::try_from(append.first.0 - 1).expect("no more entries than the log has");
    log.truncate(kept);
    log.extend(append.entries);
}

fn finish(last: Segment, mut bytes: Vec<u8>, path: PathBuf, log: Vec<Entry>) -> Result<Found, StorageError> {
    let cut_off = match last.tail {
        Tail::Damaged(damage) => return Err(damaged(&path, last.end, log.len(), damage)),
        Tail::Torn(torn) => Some(CutOff { file: path, offset: last.end as u64, bytes: torn as u64 }),
        Tail::Empty | Tail::Sealed => None,
    };
    bytes.truncate(last.end);
    Ok(Found { log, cut_off, last, last_bytes: bytes })
}

/// Where the next save goes.
#[derive(Debug)]
pub(crate) struct WriteAheadLog {
    /// The size of the segments to come, in bytes. One is larger if a save needs it.
    segment_size: u64,
    last: SegmentHeader,
    /// Where the last save in the last segment ends.
    end: u64,
    reached: Reached,
}

/// Why a save failed.
pub(crate) struct Failure {
    pub(crate) error: StorageError,
    /// There was no room, and nothing of the batch is in any file of the log.
    pub(crate) is_harmless: bool,
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Failure {
        Failure { error, is_harmless: false }
    }
}

impl WriteAheadLog {
    /// Begins the log of a server that has none. A first segment without saves is replaced.
    pub(crate) fn begin(
        disk: &mut impl Disk,
        owner: &Identity,
        segment_size: u64,
    ) -> Result<WriteAheadLog, StorageError> {
        let (cluster, node) = (owner.cluster.clone(), owner.node);
        let reached_before = Reached::default();
        let mut header = SegmentHeader { number: segment::FIRST, size: 0, reached_before, cluster, node };
        header.size = segment_size.max(smallest_size(&header, 0));
        let records = header.encode();
        WriteAheadLog::with_last_segment(disk, segment_size, header, records, reached_before)
    }

    /// Goes on with the log that was found.
    pub(crate) fn resume(
        disk: &mut impl Disk,
        found: Found,
        segment_size: u64,
    ) -> Result<WriteAheadLog, StorageError> {
        let Segment { header, reached, .. } = found.last;
        WriteAheadLog::with_last_segment(disk, segment_size, header, found.last_bytes, reached)
    }

    /// Writes the last segment anew. What was read of it may be in the system's memory only, after a
    /// save that failed in an earlier life, and the server will act on it, so it must last. With a
    /// fresh copy, a torn tail is gone for good, and no byte of the old file is at risk meanwhile.
    fn with_last_segment(
        disk: &mut impl Disk,
        segment_size: u64,
        last: SegmentHeader,
        content: Vec<u8>,
        reached: Reached,
    ) -> Result<WriteAheadLog, StorageError> {
        remove_unfinished(disk)?;
        let end = content.len() as u64;
        write_aside(disk, &last, content, reached)?;
        put_in_place(disk, last.number)?;
        Ok(WriteAheadLog { segment_size, last, end, reached })
    }

    /// Makes a batch durable.
    ///
    /// # Panics
    /// If the batch leaves a gap in the log.
    pub(crate) fn save(&mut self, disk: &mut impl Disk, batch: &Batch) -> Result<(), Failure> {
        let reached = self.reached.after(batch).expect("a log without a gap");
        let encoded = batch.encode();
        let length = (HEAD + record::padded(encoded.len())) as u64;
        let with_mark = length + HEAD as u64;
        if self.end + with_mark > self.last.size {
            self.begin_next_segment(disk, with_mark)?;
        }

        let (name, checksum) = (segment::name_of(self.last.number), self.checksum());
        let path = disk.folder().join(&name);
        let save = record::save(&encoded, reached.saves, reached.log_end, checksum);
        disk.write_at(&name, self.end, &save).map_err(StorageError::io("write", &path))?;
        disk.sync(&name).map_err(StorageError::io("sync", &path))?;
        self.end += length;
        self.reached = reached;

        // Not synced: the mark need not get to the disk. But once it has, nobody will take the save
        // for one that a crash has torn. The next save takes its place.
        let mark = record::mark(reached.saves, reached.log_end, checksum);
        disk.write_at(&name, self.end, &mark).map_err(StorageError::io("write", &path))?;
        Ok(())
    }

    /// Begins a segment with room for a save of so many bytes, and seals the one before.
    fn begin_next_segment(&mut self, disk: &mut impl Disk, room: u64) -> Result<(), Failure> {
        let mut next =
            SegmentHeader { number: self.last.number + 1, reached_before: self.reached, ..self.last.clone() };
        next.size = self.segment_size.max(smallest_size(&next, room));
        let content = next.encode();
        let end = content.len() as u64;
        if let Err(error) = write_aside(disk, &next, content, self.reached) {
            // The file aside is no part of the log. Once it is gone, it is as if it had never been.
            let is_harmless = error.is_full() && disk.remove(&name_aside(next.number)).is_ok();
            return Err(Failure { error, is_harmless });
        }
        put_in_place(disk, next.number)?;

        let name = segment::name_of(self.last.number);
        let path = disk.folder().join(&name);
        let seal = record::seal(self.reached.saves, self.reached.log_end, self.checksum());
        disk.write_at(&name, self.end, &seal).map_err(StorageError::io("write", &path))?;
        disk.sync(&name).map_err(StorageError::io("sync", &path))?;
        self.last = next;
        self.end = end;
        Ok(())
    }

    fn checksum(&self) -> u32 {
        segment::checksum_of(&self.last.encode())
    }
}

/// How many bytes a segment must have at least, with so many bytes of records.
fn smallest_size(header: &SegmentHeader, room: u64) -> u64 {
    header.encode().len() as u64 + room + HEAD as u64
}

fn name_aside(number: u64) -> String {
    segment::name_of(number) + NEW
}

/// Writes a whole segment, with a mark at its end, into a file that is no part of the log yet.
fn write_aside(
    disk: &mut impl Disk,
    header: &SegmentHeader,
    mut content: Vec<u8>,
    reached: Reached,
) -> Result<(), StorageError> {
    let name = name_aside(header.number);
    let path = disk.folder().join(&name);
    content.extend(record::mark(reached.saves, reached.log_end, segment::checksum_of(&header.encode())));
    disk.create(&name, header.size).map_err(StorageError::io("create", &path))?;
    disk.write_at(&name, 0, &content).map_err(StorageError::io("write", &path))?;
    disk.sync(&name).map_err(StorageError::io("sync", &path))
}

/// Makes the file aside a segment of the log.
fn put_in_place(disk: &mut impl Disk, number: u64) -> Result<(), StorageError> {
    let name = segment::name_of(number);
    disk.rename(&name_aside(number), &name)
        .map_err(StorageError::io("replace", disk.folder().join(&name)))?;
    disk.sync_directory().map_err(StorageError::io("sync the folder", disk.folder()))
}

/// Removes what was written aside when a crash came.
fn remove_unfinished(disk: &mut impl Disk) -> Result<(), StorageError> {
    let names = disk.list().map_err(StorageError::io("list", disk.folder()))?;
    for name in names.into_iter().filter(|name| segment::is_unfinished(name)) {
        disk.remove(&name).map_err(StorageError::io("remove", disk.folder().join(&name)))?;
    }
    Ok(())
}
