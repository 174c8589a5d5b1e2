//! The folder with a cluster's data, and how others find it.

use crate::list::{self, Listed};
use consensus::NodeId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use storage::careful;
use tempfile::TempDir;

const TEMPORARY_PREFIX: &str = "raft-for-beginners-";
const WHEREABOUTS: &str = "cluster.json";
const PUT_AWAY: &str = ".removed";
const LOCK: &str = "cluster.lock";
/// A file in folders that were not chosen by name: only those may be removed.
const TEMPORARY_MARK: &str = "temporary";
/// Maximum size of the file with a cluster's addresses, in bytes.
const LARGEST_WHEREABOUTS: u64 = 1 << 20;
/// A temporary folder that is younger may belong to a cluster that is just starting.
const STARTING: Duration = Duration::from_secs(60);

/// The folder of a running cluster. A temporary one is removed at the end.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
    listed: Option<Listed>,
    /// Last, so that the folder outlives its contents.
    temporary: Option<TempDir>,
}

/// Why a cluster can't have its folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The system refused.
    #[error("can't use the folder {path} for the servers' data: {source}")]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds the data of a cluster that began with other servers.
    #[error("the folder {path} holds a cluster that was started with {found}, not with {wanted}")]
    OtherFounders {
        /// The folder.
        path: PathBuf,
        /// The servers with which it began, as in `n1 n2 n3`.
        found: String,
        /// Those with which it was to be started.
        wanted: String,
    },
    /// Another cluster runs on it.
    #[error("another cluster runs on the folder {path}")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
}

/// The addresses of a cluster's servers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whereabouts {
    /// The address of each server, as HOST:PORT.
    pub addresses: BTreeMap<NodeId, String>,
}

/// A cluster that runs on this machine.
#[derive(Debug, Clone)]
pub struct RunningCluster {
    /// Its data folder.
    pub folder: PathBuf,
    /// The addresses of its servers.
    pub whereabouts: Whereabouts,
}

impl Folder {
    /// This folder, created if necessary, or a temporary one.
    pub(crate) fn open(path: Option<&Path>) -> Result<Folder, FolderError> {
        remove_abandoned();
        match path {
            Some(path) => {
                let folder = Folder::lock(path.to_owned(), None)?;
                // A user who names a folder wants to keep it, even if it once was temporary.
                let _ = fs::remove_file(path.join(TEMPORARY_MARK));
                Ok(folder)
            }
            None => {
                let unusable = |source| FolderError::Unusable { path: std::env::temp_dir(), source };
                let temporary = tempfile::Builder::new()
                    .prefix(TEMPORARY_PREFIX)
                    .permissions(Permissions::from_mode(0o700))
                    .tempdir()
                    .map_err(unusable)?;
                File::create(temporary.path().join(TEMPORARY_MARK)).map_err(unusable)?;
                Folder::lock(temporary.path().to_owned(), Some(temporary))
            }
        }
    }

    fn lock(path: PathBuf, temporary: Option<TempDir>) -> Result<Folder, FolderError> {
        let unusable = |source| FolderError::Unusable { path: path.clone(), source };
        careful::create_folder(&path).map_err(unusable)?;
        let lock = careful::open_or_create(&path.join(LOCK)).map_err(|source| {
            let said = format!("can't lock {LOCK} there: {source}");
            unusable(io::Error::new(source.kind(), said))
        })?;
        match lock.try_lock() {
            Ok(()) => Ok(Folder { path, _lock: lock, listed: None, temporary }),
            Err(fs::TryLockError::WouldBlock) => Err(FolderError::InUse { path }),
            Err(fs::TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// A server's own folder.
    pub(crate) fn of(&self, id: NodeId) -> PathBuf {
        self.path.join(id.to_string())
    }

    /// The servers whose data is here.
    pub(crate) fn servers(&self) -> BTreeSet<NodeId> {
        self.named("")
    }

    /// A cluster continues with the servers that it began with. That is checked before anything is created.
    ///
    /// # Errors
    /// [`FolderError::OtherFounders`]
    pub(crate) fn refuse_other_founders(&self, founders: &[NodeId]) -> Result<(), FolderError> {
        let wanted: BTreeSet<NodeId> = founders.iter().copied().collect();
        let known = self.servers().into_iter().filter_map(|id| storage::identity_of(&self.of(id)));
        // Servers that were added later know no founders.
        let mut begun = known.map(|identity| identity.voters).filter(|voters| !voters.is_empty());
        match begun.find(|voters| *voters != wanted) {
            None => Ok(()),
            Some(found) => {
                let words =
                    |ids: &BTreeSet<NodeId>| ids.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ");
                let (found, wanted) = (words(&found), words(&wanted));
                Err(FolderError::OtherFounders { path: self.path.clone(), found, wanted })
            }
        }
    }

    /// Moves a server's data away, because the server will not come back.
    pub(crate) fn put_away(&self, id: NodeId) -> io::Result<()> {
        fs::rename(self.of(id), self.path.join(format!("{id}{PUT_AWAY}")))
    }

    /// The servers whose data was moved away.
    pub(crate) fn those_put_away(&self) -> BTreeSet<NodeId> {
        self.named(PUT_AWAY)
    }

    /// The servers that have a folder with this ending.
    fn named(&self, ending: &str) -> BTreeSet<NodeId> {
        let names = fs::read_dir(&self.path).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let id = |name: &str| name.strip_prefix('n')?.strip_suffix(ending)?.parse().ok().map(NodeId);
        names.filter_map(|name| id(name.to_str()?)).collect()
    }

    /// A name for the cluster: a unique one on a temporary folder, so that no two of them can be confused,
    /// and always the same on a folder that is kept.
    pub(crate) fn cluster_name(&self) -> String {
        let own_name = self.temporary.as_ref().and_then(|temporary| temporary.path().file_name());
        own_name.map_or("raft".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Publishes the addresses of the servers. A cluster that can't be found need not stop, so errors are
    /// ignored.
    pub(crate) fn publish(&self, whereabouts: &Whereabouts) {
        let json = serde_json::to_vec(whereabouts).expect("addresses have a JSON");
        let aside = self.path.join("cluster.json.new");
        let _ = careful::open_or_create(&aside)
            .and_then(|mut file| file.set_len(0).and_then(|()| file.write_all(&json)))
            .and_then(|()| fs::rename(&aside, self.path.join(WHEREABOUTS)));
    }

    /// Lets commands that name no cluster find this one, if possible.
    pub(crate) fn list(&mut self) {
        self.listed = list::add(&self.path);
    }

    pub(crate) fn is_listed(&self) -> bool {
        self.listed.is_some()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.listed = None;
        let _ = fs::remove_file(self.path.join(WHEREABOUTS));
    }
}

/// The cluster that runs on `folder` or, without a folder, all listed clusters of this user.
pub fn find_running(folder: Option<&Path>) -> Vec<RunningCluster> {
    match folder {
        // A user who names a folder trusts what is there.
        Some(folder) => running_on(folder, careful::open_regular).into_iter().collect(),
        None => list::folders().iter().filter_map(|it| running_on(it, careful::open_own)).collect(),
    }
}

/// The cluster that runs on a folder, if one does, and if its files can be opened this way.
fn running_on(folder: &Path, open: impl Fn(&Path) -> io::Result<File>) -> Option<RunningCluster> {
    let lock = open(&folder.join(LOCK)).ok()?;
    if !matches!(lock.try_lock_shared(), Err(fs::TryLockError::WouldBlock)) {
        return None;
    }
    let json = careful::read_at_most(open(&folder.join(WHEREABOUTS)).ok()?, LARGEST_WHEREABOUTS).ok()?;
    let whereabouts = serde_json::from_slice(&json).ok()?;
    Some(RunningCluster { folder: folder.to_owned(), whereabouts })
}

/// The temporary folders that this user's clusters have created.
fn temporary_folders() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return Vec::new() };
    let has_our_name = |name: &OsStr| name.to_string_lossy().starts_with(TEMPORARY_PREFIX);
    entries
        .flatten()
        .filter(|entry| has_our_name(&entry.file_name()))
        .map(|entry| entry.path())
        .filter(|folder| careful::is_own_folder(folder))
        .collect()
}

/// Removes the folders of clusters that were killed before they could clean up.
fn remove_abandoned() {
    for folder in temporary_folders() {
        if !folder.join(TEMPORARY_MARK).exists() {
            continue;
        }
        let Ok(lock) = careful::open_own(&folder.join(LOCK)) else { continue };
        let changed = lock.metadata().and_then(|lock| lock.modified());
        let age = changed.ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age > STARTING) && lock.try_lock_shared().is_ok() {
            // It may belong to another user: then it stays.
            let _ = fs::remove_dir_all(&folder);
        }
    }
    list::forget(STARTING, |folder| running_on(folder, careful::open_own).is_none());
}
