//! The names of a server's files, and how a file takes another's place.
//!
//! What must always be whole is written *aside*, under a name that ends in `.new`, and gets its right name
//! when it is durable. So after a crash there is the old file or the new one.

use crate::disk::Disk;
use crate::error::{Failure, StorageError};
use crate::identity::Identity;
use crate::lives::Lives;
use crate::segment;
use crate::snapshot;
use crate::text_file::TextFile;
use std::io;

/// What the name of a file ends in before the file takes another's place.
const NEW: &str = ".new";

/// Has a server's file this name?
pub(crate) fn is_ours(name: &str) -> bool {
    let name = name.strip_suffix(NEW).unwrap_or(name);
    [Lives::FILE, Identity::FILE, snapshot::FILE].contains(&name) || segment::number_of(name).is_some()
}

/// The name of what is to become this file.
pub(crate) fn aside(file: &str) -> String {
    format!("{file}{NEW}")
}

/// Lets the file aside, which is synced, take the place of this one, for good.
pub(crate) fn put_in_place(disk: &mut impl Disk, file: &str) -> Result<(), StorageError> {
    disk.rename(&aside(file), file).map_err(StorageError::io("replace", disk.folder().join(file)))?;
    disk.sync_directory().map_err(StorageError::io("sync the folder", disk.folder()))
}

/// The file aside could not be written. It is no part of what was saved: if all that was wrong is that there
/// was no room, and the file is gone, then it is as if it had never been.
pub(crate) fn give_up(disk: &mut impl Disk, file: &str, error: StorageError) -> Failure {
    let is_harmless = error.is_full()
        && match disk.remove(&aside(file)) {
            Ok(()) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
    Failure { error, is_harmless }
}

/// Removes what was aside when a crash came.
pub(crate) fn remove_unfinished(disk: &mut impl Disk) -> Result<(), StorageError> {
    let names = disk.list().map_err(StorageError::io("list", disk.folder()))?;
    let mut unfinished = names.iter().filter(|name| name.ends_with(NEW) && is_ours(name));
    unfinished.try_for_each(|name| remove(disk, name))
}

/// Removes a file. The name is not synced: after a crash the file may be there again.
pub(crate) fn remove(disk: &mut impl Disk, file: &str) -> Result<(), StorageError> {
    disk.remove(file).map_err(StorageError::io("remove", disk.folder().join(file)))
}
