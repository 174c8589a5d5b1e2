//! Opening a server's folder, and saving there what it must not forget.

use crate::batch::Batch;
use crate::disk::Disk;
use crate::error::StorageError;
use crate::identity::Identity;
use crate::lives::Lives;
use crate::segment;
use crate::text_file::{TextFile, read, read_existing, replace};
use crate::wal::{self, CutOff, Found, WriteAheadLog};
use consensus::{Entry, HardState};

/// How many bytes a segment of the log has, unless a save needs more.
pub const SEGMENT_SIZE: u64 = 4 << 20;

/// The durable state of one server.
#[derive(Debug)]
pub struct Storage<D: Disk> {
    disk: D,
    log: WriteAheadLog,
    has_failed: bool,
}

/// What a server knows again when it comes back. All of it is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The hard state as it was last saved; at first, term 0 without a vote.
    ///
    /// If a crash or an error interrupted a save, that batch is there wholly or not at all, here and
    /// in the log.
    pub hard_state: HardState,
    /// Which of the server's lives this is: 1 at first, and more after every restart. No two lives
    /// have the same number.
    pub life: u64,
    /// The entries of the log, from index 1 on.
    pub log: Vec<Entry>,
    /// The torn end of the log, if it had one.
    pub cut_off: Option<CutOff>,
}

impl<D: Disk> Storage<D> {
    /// Opens the folder of the server `identity`, or makes an empty folder its own.
    ///
    /// # Errors
    /// - [`StorageError::Foreign`] or [`StorageError::ForeignSegment`] if it belongs to another server,
    /// - [`StorageError::Corrupt`] or [`StorageError::CorruptLog`] if a file holds something else than
    ///   what was saved,
    /// - [`StorageError::NewerVersion`] if a newer program wrote it,
    /// - [`StorageError::ClusterName`] if the cluster's name can't be written,
    /// - [`StorageError::Io`] if the disk fails, or has no room for a copy of the log's last segment.
    pub fn open(disk: D, identity: Identity) -> Result<(Storage<D>, Recovered), StorageError> {
        Storage::open_with_segment_size(disk, identity, SEGMENT_SIZE)
    }

    /// The same, with segments of `segment_size` bytes from now on, for tests and simulations. A
    /// segment is made larger if what goes into it needs it.
    ///
    /// # Errors
    /// Those of [`Storage::open`].
    pub fn open_with_segment_size(
        mut disk: D,
        identity: Identity,
        segment_size: u64,
    ) -> Result<(Storage<D>, Recovered), StorageError> {
        if identity.cluster.contains(char::is_control) {
            return Err(StorageError::ClusterName { cluster: identity.cluster });
        }
        let (found, life) = match read::<Identity>(&mut disk)? {
            None => (begin_first_life(&mut disk)?, 1),
            Some(found) if found == identity => begin_next_life(&mut disk, &identity)?,
            Some(found) => {
                let (found, wanted) = (Box::new(found), Box::new(identity));
                return Err(StorageError::Foreign { folder: disk.folder().to_path_buf(), found, wanted });
            }
        };
        // Whatever was read is written anew, even if it stays the same: after a failed save, it may be
        // in the system's memory only. The server will act on it, so it must last.
        let (log, recovered) = match found {
            None => {
                let log = WriteAheadLog::begin(&mut disk, &identity, segment_size)?;
                let (hard_state, entries) = (HardState::default(), Vec::new());
                (log, Recovered { hard_state, life, log: entries, cut_off: None })
            }
            Some(mut found) => {
                let (hard_state, cut_off) = (found.hard_state(), found.cut_off.take());
                let recovered = Recovered { hard_state, life, log: std::mem::take(&mut found.log), cut_off };
                (WriteAheadLog::resume(&mut disk, found, segment_size)?, recovered)
            }
        };
        replace(&mut disk, &Lives(life))?;
        // The identity comes last. Where there is one, the other files must be there too.
        replace(&mut disk, &identity)?;
        Ok((Storage { disk, log, has_failed: false }, recovered))
    }

    /// Saves a batch. When this returns `Ok`, it survives any crash. An empty batch is saved already.
    ///
    /// It takes one sync, and some more where a new segment begins.
    ///
    /// # Errors
    /// [`StorageError::Io`] if the disk fails. From then on every save is refused with
    /// [`StorageError::Poisoned`], since nobody knows what the disk holds: the server must stop, and
    /// finds out when it starts again. Nothing is ever tried twice.
    ///
    /// There is one exception: if there was no room for a new segment, nothing of the batch was
    /// written. The error then [is that the disk is full](StorageError::is_full), and a later save,
    /// of this batch or another, is not refused, as [`Storage::is_poisoned`] tells.
    ///
    /// # Panics
    /// If the batch would leave a gap in the log, or is 4 GiB large.
    pub fn save(&mut self, batch: &Batch) -> Result<(), StorageError> {
        if self.has_failed {
            return Err(StorageError::Poisoned { folder: self.disk.folder().to_path_buf() });
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.log.save(&mut self.disk, batch).map_err(|failure| {
            self.has_failed = !failure.is_harmless;
            failure.error
        })
    }

    /// Has a save failed in such a way that every later one is refused?
    pub fn is_poisoned(&self) -> bool {
        self.has_failed
    }
}

fn begin_first_life(disk: &mut impl Disk) -> Result<Option<Found>, StorageError> {
    // A first opening that a crash interrupted may have left a log and a count of lives, but only as it
    // writes them. Otherwise this server has lived, and it is the identity that got lost.
    let never_saved = wal::find(disk, None)?.is_none_or(|found| found.is_untouched());
    let never_lived = read(disk)?.is_none_or(|lives: Lives| lives == Lives(1));
    if never_saved && never_lived { Ok(None) } else { Err(StorageError::missing(disk, Identity::FILE)) }
}

fn begin_next_life(disk: &mut impl Disk, identity: &Identity) -> Result<(Option<Found>, u64), StorageError> {
    let found = wal::find(disk, Some(identity))?;
    if found.is_none() {
        return Err(wal::missing(disk.folder(), segment::FIRST, 0));
    }
    let Lives(lives) = read_existing(disk)?;
    Ok((found, lives.checked_add(1).expect("no server starts 2^64 times")))
}
