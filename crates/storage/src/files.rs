//! The files of a server: their names, and how one replaces another.
//!
//! What must always be intact is written *aside*, under a name that ends in `.new`, and gets its final name
//! once it is durable. So after a crash there is the old file or the new one.

use crate::disk::Disk;
use crate::error::{Failure, StorageError};
use crate::identity::Owner;
use crate::room;
use crate::segment;
use crate::snapshot;
use crate::start_number::StartNumber;
use crate::text_file::TextFile;
use consensus::Memory;
use std::io;
use std::path::{Path, PathBuf};

/// The ending of a file's name before the file replaces another one.
const NEW: &str = ".new";

/// Does a file of a server have this name?
pub(crate) fn is_ours(name: &str) -> bool {
    let name = name.strip_suffix(NEW).unwrap_or(name);
    [StartNumber::FILE, Owner::FILE, Memory::FILE, snapshot::FILE, room::FILE].contains(&name)
        || segment::number_of(name).is_some()
}

/// The name under which the replacement of this file is written.
pub(crate) fn aside(file: &str) -> String {
    format!("{file}{NEW}")
}

/// The files on a disk. Errors name the file.
#[derive(Debug)]
pub(crate) struct Files<D>(pub(crate) D);

impl<D: Disk> Files<D> {
    pub(crate) fn folder(&self) -> &Path {
        self.0.folder()
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder().join(file)
    }

    pub(crate) fn list(&mut self) -> Result<Vec<String>, StorageError> {
        self.0.list().map_err(|cause| StorageError::io("list", self.folder())(cause))
    }

    pub(crate) fn read(&mut self, file: &str) -> Result<Option<Vec<u8>>, StorageError> {
        self.0.read(file).map_err(|cause| self.refused("read", file, cause))
    }

    pub(crate) fn size(&mut self, file: &str) -> Result<Option<u64>, StorageError> {
        self.0.size(file).map_err(|cause| self.refused("read", file, cause))
    }

    pub(crate) fn read_at(
        &mut self,
        file: &str,
        offset: u64,
        length: usize,
    ) -> Result<Vec<u8>, StorageError> {
        self.0.read_at(file, offset, length).map_err(|cause| self.refused("read", file, cause))
    }

    pub(crate) fn write(&mut self, file: &str, content: &[u8]) -> Result<(), StorageError> {
        self.0.write(file, content).map_err(|cause| self.refused("write", file, cause))
    }

    pub(crate) fn create(&mut self, file: &str, size: u64) -> Result<(), StorageError> {
        self.0.create(file, size).map_err(|cause| self.refused("create", file, cause))
    }

    pub(crate) fn write_at(&mut self, file: &str, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        self.0.write_at(file, offset, bytes).map_err(|cause| self.refused("write", file, cause))
    }

    pub(crate) fn append(&mut self, file: &str, bytes: &[u8]) -> Result<(), StorageError> {
        self.0.append(file, bytes).map_err(|cause| self.refused("write", file, cause))
    }

    pub(crate) fn sync(&mut self, file: &str) -> Result<(), StorageError> {
        self.0.sync(file).map_err(|cause| self.refused("sync", file, cause))
    }

    /// Removes a file. The name is not synced: after a crash the file may be there again.
    pub(crate) fn remove(&mut self, file: &str) -> Result<(), StorageError> {
        self.0.remove(file).map_err(|cause| self.refused("remove", file, cause))
    }

    /// Replaces this file, durably, with the synced file aside.
    pub(crate) fn put_in_place(&mut self, file: &str) -> Result<(), StorageError> {
        self.0.rename(&aside(file), file).map_err(|cause| self.refused("replace", file, cause))?;
        self.0.sync_directory().map_err(|cause| StorageError::io("sync the folder", self.folder())(cause))
    }

    /// A random number that clients can't predict.
    pub(crate) fn random(&mut self) -> u64 {
        self.0.random()
    }

    /// The file aside could not be written. It is not part of what was saved: if the only problem was a lack
    /// of space, and the file is removed, nothing has changed.
    pub(crate) fn give_up(&mut self, file: &str, error: StorageError) -> Failure {
        let is_harmless = error.is_full()
            && match self.0.remove(&aside(file)) {
                Ok(()) => true,
                Err(error) => error.kind() == io::ErrorKind::NotFound,
            };
        Failure { error, is_harmless }
    }

    /// Removes files that were aside when the server crashed.
    pub(crate) fn remove_unfinished(&mut self) -> Result<(), StorageError> {
        let names = self.list()?;
        let mut unfinished = names.iter().filter(|name| name.ends_with(NEW) && is_ours(name));
        unfinished.try_for_each(|name| self.remove(name))
    }

    /// The error for a missing file.
    pub(crate) fn missing(&self, file: &str) -> StorageError {
        StorageError::Corrupt { file: self.path(file), damage: crate::text_file::Damage::Missing }
    }

    fn refused(&self, action: &'static str, file: &str, cause: io::Error) -> StorageError {
        StorageError::io(action, self.path(file))(cause)
    }
}
