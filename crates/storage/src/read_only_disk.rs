//! A folder that is read and never changed.

use crate::careful::{open_regular, read_regular};
use crate::disk::Disk;
use crate::folder::file_names;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Maximum size of a file that is read as a whole, in bytes. No segment of a log comes near it, but the
/// folder may be any.
const LARGEST_FILE: u64 = 256 << 20;

/// A folder that need not be locked, since nothing can be written. Its server may be running.
#[derive(Debug)]
pub(crate) struct ReadOnlyDisk {
    folder: PathBuf,
    /// Files that are read in parts stay open: if another file replaces one, the old one is read to its end.
    open: BTreeMap<String, File>,
}

impl ReadOnlyDisk {
    pub(crate) fn new(folder: &Path) -> ReadOnlyDisk {
        ReadOnlyDisk { folder: folder.to_path_buf(), open: BTreeMap::new() }
    }

    fn open(&mut self, name: &str) -> io::Result<&mut File> {
        match self.open.entry(name.to_string()) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(closed) => Ok(closed.insert(open_regular(&self.folder.join(name))?)),
        }
    }
}

impl Disk for ReadOnlyDisk {
    fn folder(&self) -> &Path {
        &self.folder
    }

    fn list(&mut self) -> io::Result<Vec<String>> {
        Ok(file_names(&self.folder)?.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }

    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        if_there(read_regular(&self.folder.join(name), LARGEST_FILE))
    }

    fn size(&mut self, name: &str) -> io::Result<Option<u64>> {
        if_there(self.open(name).and_then(|file| Ok(file.metadata()?.len())))
    }

    fn read_at(&mut self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let file = self.open(name)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::with_capacity(length);
        file.take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write(&mut self, _: &str, _: &[u8]) -> io::Result<()> {
        read_only()
    }

    fn create(&mut self, _: &str, _: u64) -> io::Result<()> {
        read_only()
    }

    fn write_at(&mut self, _: &str, _: u64, _: &[u8]) -> io::Result<()> {
        read_only()
    }

    fn append(&mut self, _: &str, _: &[u8]) -> io::Result<()> {
        read_only()
    }

    fn sync(&mut self, _: &str) -> io::Result<()> {
        read_only()
    }

    fn rename(&mut self, _: &str, _: &str) -> io::Result<()> {
        read_only()
    }

    fn remove(&mut self, _: &str) -> io::Result<()> {
        read_only()
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        read_only()
    }

    fn random(&mut self) -> u64 {
        unreachable!("a folder that is only looked at gets no new file")
    }
}

fn if_there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

fn read_only() -> io::Result<()> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}
