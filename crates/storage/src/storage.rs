//! Opening a server's folder, and saving what the server must not forget.

use crate::disk::Disk;
use crate::error::{Failure, StorageError};
use crate::files::{Files, aside};
use crate::identity::{Identity, LONGEST_CLUSTER_NAME, Owner};
use crate::recovery::{self, CutOff, Found, Replay};
use crate::room::Room;
use crate::segment;
use crate::snapshot::{Chunk, Snapshot, SnapshotInfo};
use crate::snapshots::Snapshots;
use crate::start_number::StartNumber;
use crate::text_file::{TextFile, encode, read, read_existing, replace};
use crate::wal::WriteAheadLog;
use consensus::{Batch, EarlierRuns, Entry, HardState, Incarnation, Index, LogPosition, Memory, Start};
use std::path::Path;

/// Size of a log segment in bytes, unless a save needs more.
pub const SEGMENT_SIZE: u64 = 4 << 20;

/// The durable state of one server.
#[derive(Debug)]
pub struct Storage<D: Disk> {
    files: Files<D>,
    log: WriteAheadLog,
    snapshots: Snapshots,
    room: Room,
    segment_size: u64,
    has_failed: bool,
}

/// What was recovered from disk at startup. All of it is durable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The hard state as last saved; at first, term 0 without a vote.
    ///
    /// If a crash or an error interrupted a save, that batch is there completely or not at all, here and in
    /// the log.
    pub hard_state: HardState,
    /// The start number: 1 at first, and more after every restart. No two starts have the same number.
    pub life: u64,
    /// This start as other servers know it, with the incarnation of the folder; `None` without a folder.
    pub start: Option<Start>,
    /// The runs of the starts before.
    pub earlier_runs: EarlierRuns,
    /// What the server remembers besides term, vote and log. A folder of a version without incarnations
    /// remembers its founders without them.
    pub memory: Memory,
    /// The newest snapshot, if there is one. [`Storage::read_snapshot`] reads it.
    pub snapshot: Option<SnapshotInfo>,
    /// The log begins after this entry, which is the last that the snapshot covers, or an earlier one. At
    /// first it is index 0 of term 0.
    pub log_begins_after: LogPosition,
    /// The entries of the log after it.
    ///
    /// If the server crashed between a new snapshot and the [`Batch::begins_after`] that goes with it, the
    /// log begins after the last entry of the snapshot all the same: the storage has completed the change.
    pub log: Vec<Entry>,
    /// The torn end of the log, if it had one.
    pub cut_off: Option<CutOff>,
}

impl<D: Disk> Storage<D> {
    /// Opens the folder of the server `identity`, or makes an empty folder its own.
    ///
    /// # Errors
    /// - [`StorageError::Foreign`], [`StorageError::ForeignSegment`] or [`StorageError::ForeignSnapshot`] if
    ///   it belongs to another server,
    /// - [`StorageError::Corrupt`], [`StorageError::CorruptLog`] or [`StorageError::CorruptSnapshot`] if a
    ///   file does not hold what was saved,
    /// - [`StorageError::MissingSnapshot`] if no snapshot holds the entries before the log's beginning,
    /// - [`StorageError::NewerVersion`] if a newer program wrote it,
    /// - [`StorageError::ClusterName`] or [`StorageError::ClusterNameTooLong`] if the cluster's name can't be
    ///   written,
    /// - [`StorageError::Io`] if the disk fails, or has no space for a copy of the log's last segment or,
    ///   after a crash, of the snapshot.
    pub fn open(disk: D, identity: Identity) -> Result<(Storage<D>, Recovered), StorageError> {
        Storage::open_with_segment_size(disk, identity, SEGMENT_SIZE)
    }

    /// The same, with segments of `segment_size` bytes from now on, for tests and simulations. A segment is
    /// made larger if a save needs it.
    ///
    /// # Errors
    /// Those of [`Storage::open`].
    pub fn open_with_segment_size(
        disk: D,
        identity: Identity,
        segment_size: u64,
    ) -> Result<(Storage<D>, Recovered), StorageError> {
        if identity.cluster.contains(char::is_control) {
            return Err(StorageError::ClusterName { cluster: identity.cluster });
        }
        if identity.cluster.len() > LONGEST_CLUSTER_NAME {
            return Err(StorageError::ClusterNameTooLong { cluster: identity.cluster });
        }
        let mut files = Files(disk);
        let owner = read::<Owner>(&mut files)?;
        let incarnation = owner.as_ref().and_then(|owner| owner.incarnation);
        let incarnation = incarnation.unwrap_or_else(|| Incarnation(files.0.random()));
        let run = files.0.random();
        let Past { lives, found, snapshot, memory } = match owner {
            None => first_life(&mut files, &identity, segment_size)?,
            Some(found) if found.identity == identity => next_life(&mut files, &found)?,
            Some(found) => {
                let (found, wanted) = (Box::new(found.identity), Box::new(identity));
                return Err(StorageError::Foreign { folder: files.folder().to_path_buf(), found, wanted });
            }
        };
        let (hard_state, cut_off) = (found.hard_state(), found.cut_off.clone());

        // Everything that was read is rewritten, even if it stays the same: after a failed save, it may be in
        // the system's memory only. The server will act on it, so it must last.
        files.remove_unfinished()?;
        let (mut log, mut replay) = WriteAheadLog::resume(&mut files, found, segment_size)?;
        let mut snapshots = Snapshots::new(identity.cluster.clone(), snapshot);
        begin_after_the_snapshot(&mut files, &mut snapshots, &mut log, &mut replay)?;
        let lives = lives.and_another(run);
        replace(&mut files, &lives)?;
        replace(&mut files, &memory)?;
        // The identity comes last: if there is one, the other files must be there too.
        replace(&mut files, &Owner { identity, incarnation: Some(incarnation) })?;
        let StartNumber { count: life, earlier_runs, .. } = lives;
        let start = Some(Start { incarnation, number: life, run });

        let (snapshot, log_begins_after) = (snapshots.newest(), replay.begins_after);
        let recovered = Recovered {
            hard_state,
            life,
            start,
            earlier_runs,
            memory,
            snapshot,
            log_begins_after,
            log: replay.entries,
            cut_off,
        };
        let room = Room::default();
        Ok((Storage { files, log, snapshots, room, segment_size, has_failed: false }, recovered))
    }

    /// Saves a batch. When this returns `Ok`, it survives any crash. An empty batch is saved already.
    ///
    /// It takes one sync, and more when a new segment begins.
    ///
    /// # Errors
    /// [`StorageError::Io`] if the disk fails. From then on every save is refused with
    /// [`StorageError::Poisoned`], since it is unknown what the disk holds: the server must stop, and finds
    /// out when it starts again. Nothing is ever tried twice.
    ///
    /// There is one exception: if there was no space for a new segment, nothing of the batch was written. The
    /// error then [says that the disk is full](StorageError::is_full), and a later save, of this batch or
    /// another, is not refused, as [`Storage::is_poisoned`] says.
    ///
    /// A batch that moves the beginning of the log also removes the segments that are no longer needed.
    ///
    /// # Panics
    /// If the batch would leave a gap in the log, make it begin where no snapshot covers the entries before,
    /// or earlier than it does, or is 4 GiB large.
    pub fn save(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.refuse_if_poisoned()?;
        if batch.is_empty() {
            return Ok(());
        }
        if let Some(position) = batch.begins_after {
            let snapshot = self.snapshots.newest().unwrap_or_default();
            assert!(covers(snapshot.position, position), "what the log loses is in a snapshot");
        }
        if let Some(memory) = &batch.memory {
            let saved = self.save_memory(memory);
            self.record_failure(saved)?;
        }
        if !batch.is_in_log() {
            return Ok(());
        }
        let batch = self.log.with_explicit_truncation(batch);
        let saved = self.log.save(&mut self.files, &batch);
        self.record_failure(saved)
    }

    /// It is small. If there is no space for it, nothing has changed.
    fn save_memory(&mut self, memory: &Memory) -> Result<(), Failure> {
        let written = self.files.write(&aside(Memory::FILE), encode(memory).as_bytes());
        let synced = written.and_then(|()| self.files.sync(&aside(Memory::FILE)));
        synced.map_err(|error| self.files.give_up(Memory::FILE, error))?;
        self.files.put_in_place(Memory::FILE).map_err(Failure::from)
    }

    /// Creates the file of the log's next segment if it will soon be needed, so that no save has to wait for
    /// it. Call this when there is nothing to save.
    ///
    /// # Errors
    /// Those of [`Storage::save`]. If the disk is full, nothing is prepared and nothing is harmed.
    pub fn prepare(&mut self) -> Result<(), StorageError> {
        self.refuse_if_poisoned()?;
        let prepared = self.log.prepare(&mut self.files);
        self.record_failure(prepared)
    }

    /// Makes the mark after the last save durable, if it is not: then even damage to that save that looks
    /// like the result of a crash is recognised. Call this when there has been nothing to save for a while,
    /// and before the server stops. It takes one sync, or none.
    ///
    /// # Errors
    /// Those of [`Storage::save`].
    pub fn sync_mark(&mut self) -> Result<(), StorageError> {
        self.refuse_if_poisoned()?;
        let synced = self.log.sync_mark(&mut self.files);
        self.record_failure(synced)
    }

    /// Reserves disk space for the next snapshot, which may be larger than the newest by a quarter, and is at
    /// least as large as a segment of the log; and for a segment after it. Each call adds a little. Returns
    /// whether there is more to do. Call this when there is nothing to save.
    ///
    /// # Errors
    /// Those of [`Storage::save`]. If the disk is full, no space is kept and nothing is harmed.
    pub fn keep_room(&mut self) -> Result<bool, StorageError> {
        self.refuse_if_poisoned()?;
        let size = self.snapshots.newest().unwrap_or_default().size;
        let grown =
            self.room.grow(&mut self.files, self.segment_size + self.segment_size.max(size + size / 4));
        self.record_failure(grown)
    }

    /// The disk is full: frees the reserved space for the next snapshot.
    ///
    /// # Errors
    /// Those of [`Storage::save`].
    pub fn free_room(&mut self) -> Result<(), StorageError> {
        self.refuse_if_poisoned()?;
        let freed = self.room.free(&mut self.files).map_err(Failure::from);
        self.record_failure(freed)
    }

    /// The newest snapshot, if there is one.
    pub fn snapshot(&self) -> Option<SnapshotInfo> {
        self.snapshots.newest()
    }

    /// Writes a part of a snapshot that covers entries up to `position`: these bytes belong at `offset`,
    /// where the last part ended. At offset 0 a new snapshot begins, and an unfinished one is given up.
    /// Between two parts other things can be saved and read.
    ///
    /// The newest snapshot stays the newest until [`Storage::finish_snapshot`].
    ///
    /// # Errors
    /// Those of [`Storage::save`]: if the disk is full, the unfinished snapshot is given up, and nothing else
    /// is harmed.
    ///
    /// # Panics
    /// If the offset is not the expected one, or the position is not after that of the newest snapshot.
    pub fn write_snapshot(
        &mut self,
        position: LogPosition,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), StorageError> {
        self.refuse_if_poisoned()?;
        let written = self.snapshots.write(&mut self.files, position, offset, bytes);
        self.record_failure(written)
    }

    /// Makes the snapshot that was written the newest. When this returns `Ok`, it survives any crash; until
    /// then, a crash leaves the one before or this one, intact. The one before is gone.
    ///
    /// The log stays as it is until a [`Batch::begins_after`] moves its beginning.
    ///
    /// # Errors
    /// Those of [`Storage::write_snapshot`].
    ///
    /// # Panics
    /// If no snapshot of this position is being written.
    pub fn finish_snapshot(&mut self, position: LogPosition) -> Result<SnapshotInfo, StorageError> {
        self.refuse_if_poisoned()?;
        let finished = self.snapshots.finish(&mut self.files, position);
        self.record_failure(finished)
    }

    /// At most `at_most` bytes, from `offset` on, of the snapshot that covers entries up to `position`;
    /// `None` if that is not, or no longer, the newest snapshot.
    ///
    /// # Errors
    /// [`StorageError::CorruptSnapshot`] if the bytes are not those that were written,
    /// [`StorageError::Io`] if the disk fails. Both leave the storage as it is.
    ///
    /// # Panics
    /// If the offset is beyond the snapshot's end, or `at_most` is 0.
    pub fn read_snapshot(
        &mut self,
        position: LogPosition,
        offset: u64,
        at_most: usize,
    ) -> Result<Option<Chunk>, StorageError> {
        assert!(at_most > 0, "reading nothing never comes to an end");
        self.snapshots.read(&mut self.files, position, offset, at_most)
    }

    pub(crate) fn files(&mut self) -> &mut Files<D> {
        &mut self.files
    }

    /// Has a save failed so that every later one is refused?
    pub fn is_poisoned(&self) -> bool {
        self.has_failed
    }

    fn refuse_if_poisoned(&self) -> Result<(), StorageError> {
        if self.has_failed {
            return Err(StorageError::Poisoned { folder: self.files.folder().to_path_buf() });
        }
        Ok(())
    }

    fn record_failure<T>(&mut self, result: Result<T, Failure>) -> Result<T, StorageError> {
        result.map_err(|failure| {
            self.has_failed = !failure.is_harmless;
            failure.error
        })
    }
}

/// What a server finds of its earlier starts.
struct Past {
    /// The earlier starts.
    lives: StartNumber,
    found: Found,
    snapshot: Option<Snapshot>,
    memory: Memory,
}

fn first_life(
    files: &mut Files<impl Disk>,
    identity: &Identity,
    segment_size: u64,
) -> Result<Past, StorageError> {
    // A first opening that a crash interrupted may have left a log and a count of starts, but only as it
    // writes them. Otherwise this server has run before, and its identity was lost.
    let never_saved = recovery::find(files, None)?.is_none_or(|found| found.is_untouched());
    let never_lived = read(files)?.is_none_or(|lives: StartNumber| lives.count == 1);
    let never_met = read(files)?.is_none_or(|memory: Memory| memory == Memory::default());
    if never_saved && never_lived && never_met && Snapshot::open(files, None)?.is_none() {
        let found = Found::nothing(identity, segment_size);
        let lives = StartNumber { count: 0, run: 0, earlier_runs: EarlierRuns::default() };
        Ok(Past { lives, found, snapshot: None, memory: Memory::default() })
    } else {
        Err(files.missing(Owner::FILE))
    }
}

fn next_life(files: &mut Files<impl Disk>, owner: &Owner) -> Result<Past, StorageError> {
    let identity = &owner.identity;
    let found = recovery::find(files, Some(identity))?;
    let found = found.ok_or_else(|| recovery::missing(files.folder(), segment::FIRST, Index(0)))?;
    let snapshot = Snapshot::open(files, Some(&identity.cluster))?;
    let covered = snapshot.as_ref().map(|snapshot| snapshot.info.position);
    check_covered(files.folder(), found.log.begins_after, covered)?;
    let lives = read_existing(files)?;
    let memory = match owner.incarnation {
        Some(_) => read_existing(files)?,
        // The folder of an earlier version. If it crashes before the identity is written, this is done once
        // more.
        None => Memory {
            founders: identity.voters.iter().map(|id| (*id, None)).collect(),
            is_founded: !identity.voters.is_empty(),
            ..Memory::default()
        },
    };
    Ok(Past { lives, found, snapshot, memory })
}

/// Refuses a log that begins where no snapshot covers the entries before.
pub(crate) fn check_covered(
    folder: &Path,
    begins_after: LogPosition,
    snapshot: Option<LogPosition>,
) -> Result<(), StorageError> {
    if covers(snapshot.unwrap_or_default(), begins_after) {
        return Ok(());
    }
    Err(StorageError::MissingSnapshot { folder: folder.to_path_buf(), begins_after, snapshot })
}

/// Does a snapshot that covers entries up to `snapshot` cover those up to `position` too?
fn covers(snapshot: LogPosition, position: LogPosition) -> bool {
    position == snapshot || position.index < snapshot.index
}

/// If the power failed after a new snapshot was written, and before the log began after it, then it does now.
fn begin_after_the_snapshot(
    files: &mut Files<impl Disk>,
    snapshots: &mut Snapshots,
    log: &mut WriteAheadLog,
    replay: &mut Replay,
) -> Result<(), StorageError> {
    let Some(SnapshotInfo { position, .. }) = snapshots.newest() else { return Ok(()) };
    if position == replay.begins_after {
        return Ok(());
    }
    snapshots.renew(files)?;
    let batch = Batch { begins_after: Some(position), ..Batch::default() };
    let batch = log.with_explicit_truncation(&batch).into_owned();
    log.save(files, &batch)?;
    replay.apply(batch);
    Ok(())
}
