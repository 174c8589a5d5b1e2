//! What can go wrong, and what a person can do about it.

use crate::identity::{Identity, LONGEST_CLUSTER_NAME};
use crate::segment::LogDamage;
use crate::snapshot::SnapshotDamage;
use crate::text_file::Damage;
use consensus::{Index, LogPosition, NodeId};
use std::io;
use std::path::PathBuf;

/// Why a server's folder can't be opened, or its state can't be saved.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Another server has the folder open.
    #[error("the folder {folder} is in use")]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// There are files in the folder, but not those of a server.
    #[error("{folder} is not the data folder of a server: it has other files in it, such as {found}")]
    NotADataFolder {
        /// The folder.
        folder: PathBuf,
        /// One of these files.
        found: PathBuf,
    },
    /// The folder belongs to another server.
    #[error("the folder {folder} belongs to {found}, not to {wanted}")]
    Foreign {
        /// The folder.
        folder: PathBuf,
        /// Its owner.
        found: Box<Identity>,
        /// The server that wanted to open it.
        wanted: Box<Identity>,
    },
    /// A newer version of this program wrote the file.
    #[error(
        "{file} was written by a newer version of this program: its format is {version}, \
         and this version reads formats up to {known}"
    )]
    NewerVersion {
        /// The file.
        file: PathBuf,
        /// The version of its format.
        version: u64,
        /// The newest version that can be read.
        known: u64,
    },
    /// The file does not hold what was saved there.
    #[error("{file} is damaged: {damage}")]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        damage: Damage,
    },
    /// A segment of the log does not hold what was saved there, and no crash can have caused that.
    #[error("{file} is damaged: {damage} (at byte {offset}; the log is complete up to entry {whole_to})")]
    CorruptLog {
        /// The segment.
        file: PathBuf,
        /// Where the damage begins, in bytes from the beginning of the file.
        offset: u64,
        /// The last entry known to be intact; 0 if none is. Entries after it may be lost.
        whole_to: Index,
        /// What is wrong with it.
        damage: LogDamage,
    },
    /// A segment of the log belongs to another server.
    #[error("{file} belongs to the log of another server, {node} of cluster {cluster:?}")]
    ForeignSegment {
        /// The segment.
        file: PathBuf,
        /// The other server's cluster.
        cluster: String,
        /// The other server's number.
        node: NodeId,
    },
    /// The snapshot's file does not hold what was saved there.
    #[error("{file} is damaged: {damage} (at byte {offset})")]
    CorruptSnapshot {
        /// The file.
        file: PathBuf,
        /// Where the damage begins, or what reveals it, in bytes from the beginning of the file.
        offset: u64,
        /// What is wrong with it.
        damage: SnapshotDamage,
    },
    /// The snapshot belongs to another cluster.
    #[error("{file} is a snapshot of another cluster, {cluster:?}")]
    ForeignSnapshot {
        /// The file.
        file: PathBuf,
        /// The other cluster.
        cluster: String,
    },
    /// No snapshot holds the entries before the log's beginning.
    #[error("the log in {folder} begins after entry {}, but {}", describe(.begins_after), describe_snapshot(.snapshot.as_ref()))]
    MissingSnapshot {
        /// The folder.
        folder: PathBuf,
        /// The last entry that the log no longer holds.
        begins_after: LogPosition,
        /// The last entry that the newest snapshot covers, if there is one.
        snapshot: Option<LogPosition>,
    },
    /// The cluster's name is not one line of text.
    #[error(
        "{cluster:?} can't be the name of a cluster: it contains a line break or another control character"
    )]
    ClusterName {
        /// The name.
        cluster: String,
    },
    /// The cluster's name is too long to be stored in every file.
    #[error("the name of a cluster has at most {LONGEST_CLUSTER_NAME} bytes, but this one has {}", cluster.len())]
    ClusterNameTooLong {
        /// The name.
        cluster: String,
    },
    /// The disk or the file system refused.
    #[error("can't {action} {path}: {cause}")]
    Io {
        /// What was tried, such as "write".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
    /// An earlier save failed.
    #[error("an earlier save in the folder {folder} failed, so it is unknown what the disk holds")]
    Poisoned {
        /// The folder.
        folder: PathBuf,
    },
}

impl StorageError {
    /// What can be done about it.
    pub fn help(&self) -> String {
        match self {
            StorageError::Locked { .. } => {
                "another server uses this folder: stop it, or choose another folder with --data".into()
            }
            StorageError::NotADataFolder { .. } => "choose a new or an empty folder with --data".into(),
            StorageError::Foreign { found, wanted, .. } => help_with_foreign(found, wanted),
            StorageError::NewerVersion { .. } => {
                "use the newer version, or choose another folder with --data".into()
            }
            StorageError::Corrupt { .. } => help_with_damage(
                "Do not repair or delete the file: a server that forgets its vote can help to elect a second leader",
            ),
            StorageError::CorruptLog { .. } => help_with_damage(
                "Do not repair, cut or delete the file: a server that forgets what it has saved can help to elect a \
                 second leader, or to lose acknowledged writes",
            ),
            StorageError::ForeignSegment { .. } => format!(
                "a file was copied from the folder of another server. Restore the file that belongs here: a server must \
                 never run with only a part of its log. If it is gone: {WAY_OUT}"
            ),
            StorageError::CorruptSnapshot { .. } | StorageError::MissingSnapshot { .. } => help_with_damage(
                "Do not delete the file or the log: nothing else in this folder has what the snapshot held, and a \
                 server that forgets what it has saved can help to lose acknowledged writes",
            ),
            StorageError::ForeignSnapshot { .. } => format!(
                "a file was copied from the folder of another server. Restore the snapshot that belongs here. If it is \
                 gone: {WAY_OUT}"
            ),
            StorageError::ClusterName { .. } | StorageError::ClusterNameTooLong { .. } => {
                "choose a short name of letters, digits and hyphens".into()
            }
            StorageError::Io { cause, .. } if can_open_no_more(cause) => {
                "close other programs, or raise the limit on open files".into()
            }
            StorageError::Io { cause, .. } => help_with_io(cause.kind()).into(),
            StorageError::Poisoned { .. } => "restart the server: it then finds out what was saved".into(),
        }
    }

    /// Does the error pass when others free resources: is the disk full, is this user's quota used up, or can
    /// the system open no more files?
    pub fn is_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, StorageError::Io { cause, .. }
            if matches!(cause.kind(), StorageFull | QuotaExceeded) || can_open_no_more(cause))
    }

    /// The error when `action` fails on the file or folder `path`.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> StorageError {
        let path = path.into();
        move |cause| StorageError::Io { action, path, cause }
    }
}

fn describe(position: &LogPosition) -> String {
    format!("{} of term {}", position.index, position.term)
}

fn describe_snapshot(covers_to: Option<&LogPosition>) -> String {
    match covers_to {
        None => "the snapshot with the entries before is missing".into(),
        Some(position) => {
            format!("the snapshot with the entries before ends at entry {}", describe(position))
        }
    }
}

/// Why a save failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: StorageError,
    /// There was no space, and nothing of it is in any file that counts.
    pub(crate) is_harmless: bool,
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Failure {
        Failure { error, is_harmless: false }
    }
}

impl From<Failure> for StorageError {
    fn from(failure: Failure) -> StorageError {
        failure.error
    }
}

/// What to do with a server whose folder is damaged.
const WAY_OUT: &str = "replace this server by a new one: start the new one under a new number with an empty folder (`raft \
                       node --join`), then tell the others (`raft member replace OLD NEW=HOST:PORT`). Nothing is lost if \
                       a majority of the servers still has its data: together they have every acknowledged write. If \
                       not, keep this folder: it may hold what no other server has";

fn help_with_damage(warning: &str) -> String {
    format!("check the disk. {warning}. Keep this server stopped, and {WAY_OUT}")
}

fn help_with_foreign(found: &Identity, wanted: &Identity) -> String {
    let Identity { cluster, node, .. } = found;
    if (cluster, node) == (&wanted.cluster, &wanted.node) {
        "starting a server with other peers does not change the members: start it with the same --peer list as the \
         first time, or with --join if it joined the cluster; `raft member` changes the members while the servers run. \
         For a new cluster, choose another folder with --data"
            .into()
    } else {
        format!(
            "choose another folder with --data, or delete this one if the data of {node} of cluster \
             {cluster:?} is no longer needed"
        )
    }
}

/// Are too many files open, in this process or on the whole system? The standard library has no name for
/// that.
fn can_open_no_more(cause: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    cfg!(unix) && matches!(cause.raw_os_error(), Some(ENFILE | EMFILE))
}

fn help_with_io(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "choose a folder with --data that you may write to"
        }
        io::ErrorKind::AlreadyExists => "a part of this path is not a folder: choose another one with --data",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on the disk, then start the server again"
        }
        io::ErrorKind::NotFound => {
            "the server's files were removed, moved or replaced while it ran. Restore them, and make sure that only one \
             server uses this folder; then start it again: it finds out what was saved"
        }
        _ => "check the disk, then start the server again: it finds out what was saved",
    }
}
