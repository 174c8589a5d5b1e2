//! A disk that ends with its process.

use crate::disk::{Disk, random_number};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Files in memory. A server that has them has nothing left when it ends. For tests, and to measure everything but a disk.
#[derive(Debug, Default)]
pub struct MemoryDisk {
    files: BTreeMap<String, Vec<u8>>,
}

impl MemoryDisk {
    /// A disk without files.
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    fn file(&mut self, name: &str) -> io::Result<&mut Vec<u8>> {
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
        Ok(self.files.get(name).cloned())
    }

    fn size(&mut self, name: &str) -> io::Result<Option<u64>> {
        Ok(self.files.get(name).map(|file| file.len() as u64))
    }

    fn read_at(&mut self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let rest = self.file(name)?.get(offset as usize..).unwrap_or_default();
        Ok(rest[..rest.len().min(length)].to_vec())
    }

    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.files.insert(name.to_owned(), content.to_vec());
        Ok(())
    }

    fn create(&mut self, name: &str, size: u64) -> io::Result<()> {
        if self.files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.files.insert(name.to_owned(), vec![0; size as usize]);
        Ok(())
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let place = offset as usize..offset as usize + bytes.len();
        let target = self.file(name)?.get_mut(place).ok_or(io::ErrorKind::UnexpectedEof)?;
        target.copy_from_slice(bytes);
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.file(name)?.extend(bytes);
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
        self.files.remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn random(&mut self) -> u64 {
        random_number()
    }
}
