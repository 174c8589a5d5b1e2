//! Recovering the log: the segments are read one after the other, and their batches are applied again.

use crate::disk::Disk;
use crate::error::StorageError;
use crate::files::Files;
use crate::identity::Identity;
use crate::segment::{self, LogDamage, NotContinued, Reached, Segment, SegmentHeader, Tail, Unreadable};
use consensus::{Batch, Entry, HardState, Index, LogPosition};
use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};

/// A damaged save that was cut off the log.
///
/// It was the last one, a sector of it is missing, and nothing shows that it was ever durable: it was torn by
/// a crash. It can't be ruled out that the disk lost the sector later: see [what
/// remains](crate#what-remains).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOff {
    /// The segment's file.
    pub file: PathBuf,
    /// Where in the file it began, in bytes.
    pub offset: u64,
    /// Number of bytes, up to the last that was not zero.
    pub bytes: u64,
    /// The index of the log's last entry without it.
    pub log_end: Index,
}

impl CutOff {
    fn of(folder: &Path, segment: &Segment) -> Option<CutOff> {
        let Tail::Torn(bytes) = segment.tail else { return None };
        let file = folder.join(segment::name_of(segment.header.number));
        let (offset, log_end) = (segment.end as u64, segment.reached.log_end);
        Some(CutOff { file, offset, bytes: bytes as u64, log_end })
    }
}

impl CutOff {
    /// How to find out whether that matters, and what can be done then.
    pub fn help(&self) -> &'static str {
        "a power cut during a save does this, and then nobody counts on that save. If there was no power cut, or if a \
         leader was told of later entries of this server (its event `matched`), then the disk has lost what it had \
         reported as written: replace this server (`raft member replace OLD NEW=HOST:PORT`)"
    }
}

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CutOff { file, offset, bytes, log_end } = self;
        write!(
            f,
            "the log ends at entry {log_end} and may have been longer: the next save was incomplete, and was cut off \
             ({}, {bytes} bytes from byte {offset} on)",
            file.display()
        )
    }
}

/// The contents of a folder's segments.
pub(crate) struct Found {
    pub(crate) log: Replay,
    pub(crate) cut_off: Option<CutOff>,
    /// The segments before the last.
    pub(crate) older: VecDeque<OlderSegment>,
    /// The numbers of segments that remained when those after them were removed.
    pub(crate) left_behind: Vec<u64>,
    pub(crate) last: Segment,
}

/// A segment that nothing more is written to.
#[derive(Debug)]
pub(crate) struct OlderSegment {
    pub(crate) number: u64,
    /// The log's last entry when the next segment began. This segment and those before hold none after it.
    pub(crate) log_end: Index,
}

impl Found {
    /// The log of a server that has none yet.
    pub(crate) fn nothing(owner: &Identity, segment_size: u64) -> Found {
        let (cluster, node) = (owner.cluster.clone(), owner.node);
        let reached_before = Reached::default();
        let header = SegmentHeader {
            version: segment::VERSION,
            number: segment::FIRST,
            size: segment_size,
            reached_before,
            cluster,
            node,
            random: 0,
            saves_when_made: 0,
        };
        Found {
            log: Replay::default(),
            cut_off: None,
            older: VecDeque::new(),
            left_behind: Vec::new(),
            last: Segment::new(header),
        }
    }

    pub(crate) fn hard_state(&self) -> HardState {
        self.last.reached.hard_state
    }

    /// Is this the log of a server that has never saved anything, or begun to?
    pub(crate) fn is_untouched(&self) -> bool {
        self.last.header.number == segment::FIRST
            && self.last.reached == Reached::default()
            && self.cut_off.is_none()
    }
}

/// A log, rebuilt save by save.
#[derive(Debug, Clone, Default)]
pub(crate) struct Replay {
    pub(crate) begins_after: LogPosition,
    /// The entries up to this one were in segments that are gone.
    unknown_to: Index,
    /// The entries after it.
    pub(crate) entries: Vec<Entry>,
}

impl Replay {
    /// The log that results from these batches, of which the first is in the segment `first`, the oldest
    /// there is. They must hold every entry after the log's beginning.
    pub(crate) fn of(
        folder: &Path,
        first: &SegmentHeader,
        batches: impl Iterator<Item = Batch>,
    ) -> Result<Replay, StorageError> {
        let Reached { begins_after, log_end, .. } = first.reached_before;
        let mut log = Replay { begins_after, unknown_to: log_end, entries: Vec::new() };
        batches.for_each(|batch| log.apply(batch));
        if log.unknown_to <= log.begins_after.index {
            Ok(log)
        } else {
            Err(missing(folder, first.number - 1, log.begins_after.index))
        }
    }

    /// [`Segment::read`] has checked that the batch fits the log.
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
}

/// The log of this server; `None` if there is no segment.
pub(crate) fn find(
    files: &mut Files<impl Disk>,
    owner: Option<&Identity>,
) -> Result<Option<Found>, StorageError> {
    let Some(mut segments) = Segments::read(files, owner)? else { return Ok(None) };
    match segments.damage.pop_front() {
        Some(damage) => Err(damage),
        None => segments.into_found(files.folder()).map(Some),
    }
}

/// The readable segments of a folder.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    /// Oldest first.
    pub(crate) readable: Vec<Segment>,
    /// The numbers of segments before a gap. Either they were to be removed, or the gap is a loss; that is
    /// known when [all is replayed](Replay::of).
    pub(crate) left_behind: Vec<u64>,
    /// What no crash can have caused.
    pub(crate) damage: VecDeque<StorageError>,
}

impl Segments {
    /// Reads all segments, each of which must be the server's; `None` if there is no segment.
    pub(crate) fn read(
        files: &mut Files<impl Disk>,
        owner: Option<&Identity>,
    ) -> Result<Option<Segments>, StorageError> {
        let names = files.list()?;
        let numbers: BTreeSet<u64> = names.iter().filter_map(|name| segment::number_of(name)).collect();
        let Some(last) = numbers.last() else { return Ok(None) };
        let first = (segment::FIRST..=*last).rev().take_while(|number| numbers.contains(number)).last();
        let first = first.unwrap_or(*last);
        let left_behind = numbers.range(..first).copied().collect();
        let mut segments = Segments { left_behind, ..Segments::default() };
        for number in first..=*last {
            match files.read(&segment::name_of(number))? {
                Some(bytes) => segments.add(files.folder(), number, &bytes, owner),
                None => segments.damage.push_back(missing(files.folder(), number, segments.whole_to())),
            }
        }
        let at_the_end = segments.damage_at_the_end(files.folder(), *last);
        segments.damage.extend(at_the_end);
        Ok(Some(segments))
    }

    fn whole_to(&self) -> Index {
        self.readable.last().map_or(Index(0), |segment| segment.reached.log_end)
    }

    fn add(&mut self, folder: &Path, number: u64, bytes: &[u8], owner: Option<&Identity>) {
        let path = folder.join(segment::name_of(number));
        let segment = Segment::read(bytes).map_err(|why| unreadable(why, &path, self.whole_to()));
        let segment = segment.and_then(|segment| {
            let refused = self.refuse_strangers(&segment.header, number, &path, owner);
            refused.map(|()| segment)
        });
        match segment {
            Ok(segment) => {
                let in_between = self.damage_before(folder, &segment.header);
                self.damage.extend(in_between);
                self.readable.push(segment);
            }
            Err(damage) => self.damage.push_back(damage),
        }
    }

    fn refuse_strangers(
        &self,
        header: &SegmentHeader,
        number: u64,
        path: &Path,
        owner: Option<&Identity>,
    ) -> Result<(), StorageError> {
        if owner.is_some_and(|owner| !header.belongs_to(owner)) {
            let (cluster, node) = (header.cluster.clone(), header.node);
            return Err(StorageError::ForeignSegment { file: path.to_path_buf(), cluster, node });
        }
        let begins_rightly = number > segment::FIRST || header.reached_before == Reached::default();
        if header.number == number && begins_rightly {
            Ok(())
        } else {
            Err(damaged(path, 0, self.whole_to(), LogDamage::Nonsense))
        }
    }

    /// What is wrong between the last one and the `next` segment.
    fn damage_before(&self, folder: &Path, next: &SegmentHeader) -> Option<StorageError> {
        let before = self.readable.last().filter(|before| before.header.number + 1 == next.number)?;
        let (number, offset, damage) = match before.check_continued_by(next).err()? {
            NotContinued::Here(damage) => (before.header.number, before.end, damage),
            NotContinued::There(damage) => (next.number, 0, damage),
        };
        Some(damaged(&folder.join(segment::name_of(number)), offset, self.whole_to(), damage))
    }

    /// What is wrong at the end of the last segment, which has this number.
    fn damage_at_the_end(&self, folder: &Path, number: u64) -> Option<StorageError> {
        let last = self.readable.last().filter(|last| last.header.number == number)?;
        match last.tail {
            Tail::Damaged(damage) => {
                let file = folder.join(segment::name_of(number));
                Some(damaged(&file, last.end, self.whole_to(), damage))
            }
            Tail::Sealed => Some(missing(folder, number + 1, self.whole_to())),
            Tail::Torn(_) | Tail::Empty => None,
        }
    }

    /// The log in these segments, none of which is damaged.
    fn into_found(self, folder: &Path) -> Result<Found, StorageError> {
        let Segments { mut readable, left_behind, .. } = self;
        let older = readable.windows(2).map(|pair| OlderSegment {
            number: pair[0].header.number,
            log_end: pair[1].header.reached_before.log_end,
        });
        let older = older.collect();
        let last = readable.pop().expect("the segment that was read last");
        let first = readable.first().unwrap_or(&last).header.clone();
        let in_the_last = last.saves.iter().map(|save| save.batch.clone());
        let batches = readable.into_iter().flat_map(|segment| segment.saves).map(|save| save.batch);
        let log = Replay::of(folder, &first, batches.chain(in_the_last))?;
        Ok(Found { log, cut_off: CutOff::of(folder, &last), older, left_behind, last })
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
