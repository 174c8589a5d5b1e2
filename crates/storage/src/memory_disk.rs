//! A disk that ends with its process.

use crate::disk::{Disk, random_number};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Files in memory. A server that has them has nothing left when it ends. For tests, and to measure everything but a disk.
#[derive(Debug, Default)]
pub struct MemoryDisk {
    files: BTreeMap<String, File>,
    /// The memory of a file that was removed, for the next one: a log creates and removes files of one size all the time.
    spare: Vec<u8>,
}

/// A file. Of one that was created with a size, only what was written takes up memory.
#[derive(Debug)]
struct File {
    /// Its beginning. The rest is zeroes.
    written: Vec<u8>,
    size: usize,
}

impl File {
    fn of(content: &[u8]) -> File {
        File { written: content.to_vec(), size: content.len() }
    }

    /// The content from here on, with this length at most.
    fn read(&self, offset: usize, length: usize) -> Vec<u8> {
        let end = self.size.min(offset.saturating_add(length));
        let written = self.written.get(offset..end.min(self.written.len())).unwrap_or_default();
        let mut bytes = written.to_vec();
        bytes.resize(end.saturating_sub(offset), 0);
        bytes
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        if self.written.len() < offset {
            self.written.resize(offset, 0);
        }
        let (over, after) = bytes.split_at(bytes.len().min(self.written.len() - offset));
        self.written[offset..offset + over.len()].copy_from_slice(over);
        self.written.extend_from_slice(after);
    }
}

impl MemoryDisk {
    /// A disk without files.
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    fn file(&mut self, name: &str) -> io::Result<&mut File> {
        self.files.get_mut(name).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for MemoryDisk {
    fn folder(&self) -> &Path {
        Path::new("(in memory)")
    }

    fn is_instant(&self) -> bool {
        true
    }

    fn list(&mut self) -> io::Result<Vec<String>> {
        Ok(self.files.keys().cloned().collect())
    }

    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files.get(name).map(|file| file.read(0, file.size)))
    }

    fn size(&mut self, name: &str) -> io::Result<Option<u64>> {
        Ok(self.files.get(name).map(|file| file.size as u64))
    }

    fn read_at(&mut self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        Ok(self.file(name)?.read(offset as usize, length))
    }

    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.files.insert(name.to_owned(), File::of(content));
        Ok(())
    }

    fn create(&mut self, name: &str, size: u64) -> io::Result<()> {
        if self.files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let (mut written, size) = (std::mem::take(&mut self.spare), size as usize);
        written.shrink_to(size);
        self.files.insert(name.to_owned(), File { written, size });
        Ok(())
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (file, offset) = (self.file(name)?, offset as usize);
        if offset.checked_add(bytes.len()).is_none_or(|end| end > file.size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.write(offset, bytes);
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let file = self.file(name)?;
        file.write(file.size, bytes);
        file.size += bytes.len();
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.file(name).map(drop)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let file = self.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        self.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut removed = self.files.remove(name).ok_or(io::ErrorKind::NotFound)?.written;
        if removed.capacity() > self.spare.capacity() {
            removed.clear();
            self.spare = removed;
        }
        Ok(())
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn random(&mut self) -> u64 {
        random_number()
    }
}
