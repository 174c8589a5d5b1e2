//! Opening a server's folder, and saving its hard state there.

use crate::disk::Disk;
use crate::error::StorageError;
use crate::identity::Identity;
use crate::lives::Lives;
use crate::log_file::Saved;
use crate::record::{Record, read, read_existing, replace};
use consensus::{Append, Entry, HardState};

/// The durable state of one server.
#[derive(Debug)]
pub struct Storage<D: Disk> {
    disk: D,
    has_failed: bool,
    saved: Saved,
}

/// What must become durable together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The hard state, if it has changed.
    pub hard_state: Option<HardState>,
    /// Entries, if there are new ones.
    pub append: Option<Append>,
}

/// What a server knows again when it comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The hard state as it was last saved; at first, term 0 without a vote.
    ///
    /// If a crash or an error interrupted a save, it is the old one or the new one.
    pub hard_state: HardState,
    /// Which of the server's lives this is: 1 at first, and more after every restart. No two lives
    /// have the same number.
    pub life: u64,
    /// The log as it was last saved, from index 1 on.
    pub log: Vec<Entry>,
}

impl<D: Disk> Storage<D> {
    /// Opens the folder of the server `identity`, or makes an empty folder its own.
    ///
    /// # Errors
    /// - [`StorageError::Foreign`] if it belongs to another server,
    /// - [`StorageError::Corrupt`] if a file holds something else than what was saved,
    /// - [`StorageError::NewerVersion`] if a newer program wrote it,
    /// - [`StorageError::ClusterName`] if the cluster's name can't be written,
    /// - [`StorageError::Io`] if the disk fails.
    pub fn open(mut disk: D, identity: Identity) -> Result<(Storage<D>, Recovered), StorageError> {
        if identity.cluster.contains(char::is_control) {
            return Err(StorageError::ClusterName { cluster: identity.cluster });
        }
        let recovered = match read::<Identity>(&mut disk)? {
            None => begin_first_life(&mut disk)?,
            Some(found) if found == identity => begin_next_life(&mut disk)?,
            Some(found) => {
                let (found, wanted) = (Box::new(found), Box::new(identity));
                return Err(StorageError::Foreign { folder: disk.folder().to_path_buf(), found, wanted });
            }
        };
        // All files are written anew, even those that stay the same: after a failed save, what was
        // read may be in the system's memory only. The server will act on it, so it must last.
        let saved = Saved { hard_state: recovered.hard_state, log: recovered.log.clone() };
        replace(&mut disk, &saved)?;
        replace(&mut disk, &Lives(recovered.life))?;
        // The identity comes last. Where there is one, the other files must be there too.
        replace(&mut disk, &identity)?;
        Ok((Storage { disk, has_failed: false, saved }, recovered))
    }

    /// Saves the hard state. When this returns `Ok`, it survives any crash.
    ///
    /// # Errors
    /// [`StorageError::Io`] if the disk fails. From then on every save is refused with
    /// [`StorageError::Poisoned`], since nobody knows what the disk holds: the server must stop.
    pub fn save(&mut self, batch: &Batch) -> Result<(), StorageError> {
        if self.has_failed {
            return Err(StorageError::Poisoned { folder: self.disk.folder().to_path_buf() });
        }
        if let Some(hard_state) = batch.hard_state {
            self.saved.hard_state = hard_state;
        }
        if let Some(append) = &batch.append {
            self.saved.log.truncate(append.first.0 as usize - 1);
            self.saved.log.extend(append.entries.iter().cloned());
        }
        let saved = replace(&mut self.disk, &self.saved);
        self.has_failed = saved.is_err();
        saved
    }
}

fn begin_first_life(disk: &mut impl Disk) -> Result<Recovered, StorageError> {
    let first = Recovered { hard_state: HardState::default(), life: 1, log: Vec::new() };
    // A first opening that a crash interrupted may have left these files, but only as it writes
    // them. Otherwise this server has lived, and it is the identity that got lost.
    let never_saved = read(disk)?.is_none_or(|saved: Saved| saved == Saved::default());
    let never_lived = read(disk)?.is_none_or(|lives: Lives| lives == Lives(first.life));
    if never_saved && never_lived { Ok(first) } else { Err(StorageError::missing(disk, Identity::FILE)) }
}

fn begin_next_life(disk: &mut impl Disk) -> Result<Recovered, StorageError> {
    let Saved { hard_state, log } = read_existing(disk)?;
    let Lives(lives) = read_existing(disk)?;
    let life = lives.checked_add(1).expect("no server starts 2^64 times");
    Ok(Recovered { hard_state, life, log })
}
