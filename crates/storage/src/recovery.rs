//! Finding the log again: the segments are read one after the other, and what they hold is done once more.

use crate::batch::Batch;
use crate::disk::Disk;
use crate::error::StorageError;
use crate::files::Files;
use crate::identity::Identity;
use crate::segment::{self, LogDamage, NotContinued, Reached, Segment, SegmentHeader, Tail, Unreadable};
use consensus::{Entry, HardState, Index, LogPosition};
use std::collections::{BTreeSet, VecDeque};
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
    pub(crate) log: Replay,
    pub(crate) cut_off: Option<CutOff>,
    /// The segments before the last.
    pub(crate) older: VecDeque<OlderSegment>,
    /// The numbers of segments that stayed behind when those after them were removed.
    pub(crate) left_behind: Vec<u64>,
    pub(crate) last: Segment,
    /// The last segment's header and whole records.
    pub(crate) last_bytes: Vec<u8>,
}

/// A segment that nothing more is written to.
#[derive(Debug)]
pub(crate) struct OlderSegment {
    pub(crate) number: u64,
    /// The log's last entry when the next segment began. This one and those before hold none after it.
    pub(crate) log_end: Index,
}

impl Found {
    /// The log of a server that has none yet.
    pub(crate) fn nothing(owner: &Identity, segment_size: u64) -> Found {
        let (cluster, node) = (owner.cluster.clone(), owner.node);
        let reached_before = Reached::default();
        let mut header = SegmentHeader { number: segment::FIRST, size: 0, reached_before, cluster, node };
        header.size = segment_size.max(header.smallest_size(0));
        Found {
            log: Replay::default(),
            cut_off: None,
            older: VecDeque::new(),
            left_behind: Vec::new(),
            last_bytes: header.encode(),
            last: Segment::new(header),
        }
    }

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

/// A log as it becomes, save by save.
#[derive(Debug, Clone, Default)]
pub(crate) struct Replay {
    pub(crate) begins_after: LogPosition,
    /// The entries up to this one were in segments that are gone.
    unknown_to: Index,
    /// The entries after it.
    pub(crate) entries: Vec<Entry>,
}

impl Replay {
    /// The log at the beginning of the oldest segment that there is.
    fn from(reached: &Reached) -> Replay {
        Replay { begins_after: reached.begins_after, unknown_to: reached.log_end, entries: Vec::new() }
    }

    /// [`Segment::read`] has checked that the batch fits on the log.
    pub(crate) fn apply(&mut self, batch: Batch) {
        if let Some(position) = batch.begins_after {
            self.begins_after = position;
            self.forget_to(position.index);
        }
        if let Some(append) = batch.append {
            self.cut_after(append.first.previous());
            self.entries.extend(append.entries);
        }
    }

    fn forget_to(&mut self, index: Index) {
        let known = self.entries.len();
        let forgotten = index.0.saturating_sub(self.unknown_to.0);
        self.entries.drain(..usize::try_from(forgotten).map_or(known, |forgotten| forgotten.min(known)));
        self.unknown_to = self.unknown_to.max(index);
    }

    fn cut_after(&mut self, index: Index) {
        self.unknown_to = self.unknown_to.min(index);
        let kept = usize::try_from(index.0 - self.unknown_to.0).expect("no more entries than the log has");
        self.entries.truncate(kept);
    }

    /// The index of the last entry.
    fn end(&self) -> Index {
        Index(self.unknown_to.0 + self.entries.len() as u64)
    }

    /// Is there each entry after the beginning?
    fn is_complete(&self) -> bool {
        self.unknown_to <= self.begins_after.index
    }
}

/// Reads all segments, of which each must be the server's; none if there is no segment.
pub(crate) fn find(
    files: &mut Files<impl Disk>,
    owner: Option<&Identity>,
) -> Result<Option<Found>, StorageError> {
    let names = files.list()?;
    let numbers: BTreeSet<u64> = names.iter().filter_map(|name| segment::number_of(name)).collect();
    let Some(last) = numbers.last() else { return Ok(None) };
    // What is before a gap was to be removed, or the gap is a loss. Which it is shows when all is read.
    let first = (segment::FIRST..=*last).rev().take_while(|number| numbers.contains(number)).last();
    let first = first.unwrap_or(*last);
    let mut reading = Reading::of(files.folder(), owner);
    for number in first..=*last {
        let bytes = files.read(&segment::name_of(number))?;
        reading.read(number, bytes.ok_or_else(|| missing(files.folder(), number, reading.log.end()))?)?;
    }
    let left_behind = numbers.range(..first).copied().collect();
    reading.finish(left_behind).map(Some)
}

/// The segments read so far.
struct Reading<'a> {
    folder: PathBuf,
    owner: Option<&'a Identity>,
    log: Replay,
    older: VecDeque<OlderSegment>,
    /// The latest one and its bytes.
    last: Option<(Segment, Vec<u8>)>,
}

impl<'a> Reading<'a> {
    fn of(folder: &Path, owner: Option<&'a Identity>) -> Reading<'a> {
        let (folder, log) = (folder.to_path_buf(), Replay::default());
        Reading { folder, owner, log, older: VecDeque::new(), last: None }
    }

    /// Reads the next segment.
    fn read(&mut self, number: u64, bytes: Vec<u8>) -> Result<(), StorageError> {
        let path = self.folder.join(segment::name_of(number));
        let mut segment = Segment::read(&bytes).map_err(|why| unreadable(why, &path, self.log.end()))?;
        self.refuse_strangers(&segment.header, number, &path)?;
        match self.last.take() {
            None => self.log = Replay::from(&segment.header.reached_before),
            Some((before, _)) => self.follow(&before, &segment.header)?,
        }
        for save in std::mem::take(&mut segment.saves) {
            self.log.apply(save.batch);
        }
        self.last = Some((segment, bytes));
        Ok(())
    }

    fn refuse_strangers(&self, header: &SegmentHeader, number: u64, path: &Path) -> Result<(), StorageError> {
        if self.owner.is_some_and(|owner| !header.belongs_to(owner)) {
            let (cluster, node) = (header.cluster.clone(), header.node);
            return Err(StorageError::ForeignSegment { file: path.to_path_buf(), cluster, node });
        }
        let begins_rightly = number > segment::FIRST || header.reached_before == Reached::default();
        if header.number == number && begins_rightly {
            Ok(())
        } else {
            Err(damaged(path, 0, self.log.end(), LogDamage::Nonsense))
        }
    }

    fn follow(&mut self, before: &Segment, next: &SegmentHeader) -> Result<(), StorageError> {
        before.check_continued_by(next).map_err(|why| {
            let (number, offset, damage) = match why {
                NotContinued::Here(damage) => (before.header.number, before.end, damage),
                NotContinued::There(damage) => (next.number, 0, damage),
            };
            damaged(&self.folder.join(segment::name_of(number)), offset, self.log.end(), damage)
        })?;
        let log_end = next.reached_before.log_end;
        self.older.push_back(OlderSegment { number: before.header.number, log_end });
        Ok(())
    }

    fn finish(self, left_behind: Vec<u64>) -> Result<Found, StorageError> {
        let Reading { folder, log, older, last, .. } = self;
        let (last, mut last_bytes) = last.expect("there is at least one segment");
        let number = last.header.number;
        let file = folder.join(segment::name_of(number));
        let cut_off = match last.tail {
            Tail::Damaged(damage) => return Err(damaged(&file, last.end, log.end(), damage)),
            Tail::Sealed => return Err(missing(&folder, number + 1, log.end())),
            Tail::Torn(torn) => Some(CutOff { file, offset: last.end as u64, bytes: torn as u64 }),
            Tail::Empty => None,
        };
        if !log.is_complete() {
            let first = older.front().map_or(number, |oldest| oldest.number);
            return Err(missing(&folder, first - 1, log.begins_after.index));
        }
        last_bytes.truncate(last.end);
        Ok(Found { log, cut_off, older, left_behind, last, last_bytes })
    }
}

pub(crate) fn missing(folder: &Path, number: u64, whole_to: Index) -> StorageError {
    damaged(&folder.join(segment::name_of(number)), 0, whole_to, LogDamage::Missing)
}

fn damaged(path: &Path, offset: usize, whole_to: Index, damage: LogDamage) -> StorageError {
    StorageError::CorruptLog { file: path.to_path_buf(), offset: offset as u64, whole_to, damage }
}

pub(crate) fn unreadable(why: Unreadable, path: &Path, whole_to: Index) -> StorageError {
    match why {
        Unreadable::Damaged(damage) => damaged(path, 0, whole_to, damage),
        Unreadable::Newer(version) => StorageError::NewerVersion {
            file: path.to_path_buf(),
            version: version.into(),
            known: segment::VERSION.into(),
        },
    }
}
