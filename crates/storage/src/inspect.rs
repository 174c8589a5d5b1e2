//! Looking at a server's folder without touching it, even while the server runs.

use crate::disk::Disk;
use crate::error::StorageError;
use crate::files::Files;
use crate::identity::{Identity, Owner};
use crate::read_only_disk::ReadOnlyDisk;
use crate::recovery::{self, Replay, Segments};
use crate::segment::{self, NotContinued, Reached, Segment, SegmentHeader, Tail};
use crate::snapshot::{Snapshot, SnapshotInfo};
use crate::start_number::StartNumber;
use crate::storage::check_covered;
use crate::text_file::{TextFile, read};
use consensus::{Batch, Entry, Incarnation, Index, Memory};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Maximum number of looks, until two agree about what is damaged.
const LOOKS: usize = 10;

/// What can be seen in a server's folder.
#[derive(Debug)]
pub struct Inspection {
    /// The owner; `None` if no server has started here, or if that can't be read.
    pub identity: Option<Identity>,
    /// The folder's incarnation, if it was read; folders of the first version have none.
    pub incarnation: Option<Incarnation>,
    /// What the server remembers besides term, vote and log, if it was read.
    pub memory: Option<Memory>,
    /// The server's latest start number.
    pub life: Option<u64>,
    /// The newest snapshot, if there is one and it is intact.
    pub snapshot: Option<SnapshotInfo>,
    /// The log's segments, oldest first, if they can be read. If a number is missing between two of them, the
    /// older ones may be useless leftovers, or there is [damage](Inspection::damage).
    pub segments: Vec<InspectedSegment>,
    /// What keeps a server from starting here, each with its file and place. It also says up to where the log
    /// is intact before it, and [what can be done](StorageError::help). If one thing is damaged, other things
    /// that are missing may go unreported.
    pub damage: Vec<StorageError>,
}

/// The contents of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectedSegment {
    /// Its file.
    pub file: PathBuf,
    /// Its header, and the state of the log before it.
    pub header: SegmentHeader,
    /// The intact saves, in order.
    pub saves: Vec<InspectedSave>,
    /// The state of the log after them.
    pub reached: Reached,
    /// Where in the file they end, in bytes.
    pub end: u64,
    /// What comes after them.
    pub ending: Ending,
}

/// One save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectedSave {
    /// Its number: saves are counted from 1, through all segments.
    pub number: u64,
    /// Where in the file it begins, in bytes.
    pub offset: u64,
    /// Length in bytes.
    pub length: u64,
    /// What was saved.
    pub batch: Batch,
}

/// An entry of the log, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InspectedEntry<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// The number of the save that holds it.
    pub save: u64,
    /// The number of the segment that holds that save.
    pub segment: u64,
}

/// What comes after the last intact save of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Nothing: the log ends here.
    Open,
    /// The log continues in the next segment.
    Continued,
    /// A save that, by all appearances, was never completed. The server will cut it off when it starts. If
    /// it runs, it may be writing there right now.
    Torn {
        /// Number of bytes, up to the last that is not zero.
        bytes: u64,
    },
    /// Something that no crash can have caused: see [`Inspection::damage`].
    Damaged,
}

/// Looks at everything in a server's folder. Nothing is locked or written.
///
/// The server may be running. Then what it saves during the look may be seen or not, and its last save may be
/// seen half written, as [`Ending::Torn`].
///
/// # Errors
/// [`StorageError::Io`] if something can't be read at all. Damage in what can be read is not an error here,
/// but part of the [`Inspection`].
pub fn inspect(folder: &Path) -> Result<Inspection, StorageError> {
    let look = || Inspection::of(ReadOnlyDisk::new(folder));
    // What a running server does between two reads can look like damage: a file that is gone, a save that was
    // not there yet. But the next look is right: what was durable once is seen intact by it.
    let mut seen = look()?;
    for _ in 1..LOOKS {
        if seen.damage.is_empty() {
            break;
        }
        let before = std::mem::replace(&mut seen, look()?);
        if describe(&before) == describe(&seen) {
            break;
        }
    }
    Ok(seen)
}

fn describe(inspection: &Inspection) -> Vec<String> {
    inspection.damage.iter().map(StorageError::to_string).collect()
}

/// The owner of this folder, if it has one and that can be read.
pub fn identity_of(folder: &Path) -> Option<Identity> {
    let owner: Owner = read(&mut Files(ReadOnlyDisk::new(folder))).ok()??;
    Some(owner.identity)
}

/// Adds damage to the list. What can't be read stays an error.
fn note<T>(damage: &mut Vec<StorageError>, why: StorageError) -> Result<Option<T>, StorageError> {
    if matches!(why, StorageError::Io { .. }) {
        return Err(why);
    }
    damage.push(why);
    Ok(None)
}

fn read_left_behind(files: &mut Files<impl Disk>, numbers: &[u64]) -> Result<Vec<Segment>, StorageError> {
    let mut readable = Vec::new();
    for number in numbers {
        let bytes = files.read(&segment::name_of(*number))?;
        readable.extend(bytes.and_then(|bytes| Segment::read(&bytes).ok()));
    }
    Ok(readable)
}

impl Inspection {
    /// Looks once at everything on a disk whose server is not running.
    ///
    /// # Errors
    /// Those of [`inspect`].
    pub fn of(disk: impl Disk) -> Result<Inspection, StorageError> {
        let files = &mut Files(disk);
        let mut damage = Vec::new();
        let owner: Option<Owner> = read(files).or_else(|why| note(&mut damage, why))?;
        let incarnation = owner.as_ref().and_then(|owner| owner.incarnation);
        let identity = owner.map(|owner| owner.identity);
        let Segments { readable, left_behind, damage: in_the_log, .. } =
            Segments::read(files, identity.as_ref())?.unwrap_or_default();
        damage.extend(in_the_log);
        let cluster = identity.as_ref().map(|identity| identity.cluster.as_str());
        // The log comes before the snapshot: a server first writes a snapshot, and then makes the log begin
        // after it.
        let snapshot = Snapshot::open(files, cluster).or_else(|why| note(&mut damage, why))?;
        let snapshot = snapshot.map(|snapshot| snapshot.info);
        let life = read(files).or_else(|why| note(&mut damage, why))?.map(|lives: StartNumber| lives.count);
        let memory: Option<Memory> = read(files).or_else(|why| note(&mut damage, why))?;

        let segments = inspected(files.folder(), readable);
        let mut seen = Inspection { identity, incarnation, memory, life, snapshot, segments, damage };
        if seen.damage.is_empty() {
            seen.damage.extend(seen.what_is_missing(files).err());
        }
        let left_behind = read_left_behind(files, &left_behind)?;
        seen.segments.splice(..0, inspected(files.folder(), left_behind));
        Ok(seen)
    }

    /// The state of the log after all saves that can be read, including the hard state.
    pub fn reached(&self) -> Reached {
        self.segments.last().map(|segment| segment.reached).unwrap_or_default()
    }

    /// Has no server ever started here?
    pub fn is_empty(&self) -> bool {
        self.identity.is_none() && self.segments.is_empty() && self.damage.is_empty()
    }

    /// The entries of the log that can be read, by their indexes. If something is damaged, some may be
    /// missing, and after the damage some may be there that were replaced or removed later.
    pub fn entries(&self) -> BTreeMap<Index, InspectedEntry<'_>> {
        let mut entries = BTreeMap::new();
        for segment in &self.segments {
            // Something in segments that can't be read did this.
            let Reached { begins_after, log_end, .. } = segment.header.reached_before;
            keep(&mut entries, begins_after.index, log_end);
            for InspectedSave { number: save, batch, .. } in &segment.saves {
                if let Some(position) = batch.begins_after {
                    keep(&mut entries, position.index, Index(u64::MAX));
                }
                if let Some(append) = &batch.append {
                    keep(&mut entries, Index(0), append.first.previous());
                    for (index, entry) in (append.first.0..).map(Index).zip(&append.entries) {
                        let segment = segment.header.number;
                        entries.insert(index, InspectedEntry { entry, save: *save, segment });
                    }
                }
            }
        }
        entries
    }

    /// If nothing is damaged, refuses what a server would refuse.
    fn what_is_missing(&self, files: &mut Files<impl Disk>) -> Result<(), StorageError> {
        let Some(first) = self.segments.first().filter(|_| self.identity.is_some()) else {
            return self.first_file_missing(files).map_or(Ok(()), Err);
        };
        let saves = self.segments.iter().flat_map(|segment| &segment.saves);
        let log = Replay::of(files.folder(), &first.header, saves.map(|save| save.batch.clone()))?;
        let covered = self.snapshot.map(|snapshot| snapshot.position);
        check_covered(files.folder(), log.begins_after, covered)?;
        self.life.ok_or_else(|| files.missing(StartNumber::FILE))?;
        if self.incarnation.is_some() && self.memory.is_none() {
            return Err(files.missing(Memory::FILE));
        }
        Ok(())
    }

    /// The identity, or the first segment.
    fn first_file_missing(&self, files: &mut Files<impl Disk>) -> Option<StorageError> {
        if self.identity.is_some() {
            return Some(recovery::missing(files.folder(), segment::FIRST, Index(0)));
        }
        let has_met = self.memory.as_ref().is_some_and(|memory| *memory != Memory::default());
        let has_lived = self.life.is_some_and(|life| life > 1) || self.snapshot.is_some() || has_met;
        let has_saved = self.segments.iter().any(|segment| {
            segment.header.number > segment::FIRST
                || !segment.saves.is_empty()
                || segment.ending != Ending::Open
        });
        (has_lived || has_saved).then(|| files.missing(Owner::FILE))
    }
}

/// Keeps the entries after `after` and up to `up_to`.
fn keep<T>(entries: &mut BTreeMap<Index, T>, after: Index, up_to: Index) {
    while entries.first_entry().is_some_and(|first| *first.key() <= after) {
        entries.pop_first();
    }
    while entries.last_entry().is_some_and(|last| *last.key() > up_to) {
        entries.pop_last();
    }
}

fn inspected(folder: &Path, segments: Vec<Segment>) -> Vec<InspectedSegment> {
    let nexts = segments.iter().skip(1).map(|next| Some(next.header.clone())).chain([None]);
    let nexts: Vec<_> = nexts.collect();
    segments
        .into_iter()
        .zip(nexts)
        .map(|(segment, next)| InspectedSegment::of(folder, segment, next))
        .collect()
}

impl InspectedSegment {
    fn of(folder: &Path, segment: Segment, next: Option<SegmentHeader>) -> InspectedSegment {
        let ending = ending(&segment, next.as_ref());
        let Segment { header, saves, reached, end, .. } = segment;
        let saves = saves.into_iter().map(|save| InspectedSave {
            number: save.number,
            offset: save.offset as u64,
            length: save.length as u64,
            batch: save.batch,
        });
        let file = folder.join(segment::name_of(header.number));
        InspectedSegment { file, header, saves: saves.collect(), reached, end: end as u64, ending }
    }
}

fn ending(segment: &Segment, next: Option<&SegmentHeader>) -> Ending {
    let next = next.filter(|next| next.number == segment.header.number + 1);
    match (next.map(|next| segment.check_continued_by(next)), segment.tail) {
        (Some(Ok(()) | Err(NotContinued::There(_))), _) => Ending::Continued,
        (Some(Err(NotContinued::Here(_))), _) | (None, Tail::Damaged(_)) => Ending::Damaged,
        (None, Tail::Empty) => Ending::Open,
        (None, Tail::Sealed) => Ending::Continued,
        (None, Tail::Torn(bytes)) => Ending::Torn { bytes: bytes as u64 },
    }
}
