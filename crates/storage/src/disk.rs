//! The few file operations that durability depends on.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::Path;

/// Files in one folder, on a disk that may crash at any time.
///
/// A crash (a power cut, say) may undo what was done and not yet synced, completely or in part. A file's
/// *contents* and its *name* are two things here, each with its own sync: the name is kept in the directory.
///
/// When a sync fails, it is unknown what the disk holds. Trying again does not help: the system may have
/// dropped the unwritten data, so that the second try succeeds and saves nothing ("Can Applications Recover
/// from fsync Failures?", Rebello et al., USENIX ATC 2020).
pub trait Disk {
    /// Where the files are, for messages to people.
    fn folder(&self) -> &Path;

    /// Does nothing here take any time? Then a server does it without a thread for its disk.
    fn is_instant(&self) -> bool {
        false
    }

    /// The names of all files, in any order. A crash may still undo some of them.
    fn list(&mut self) -> io::Result<Vec<String>>;

    /// The whole file; `None` if there is no such file. A crash may still undo its contents.
    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// Size of the file in bytes; `None` if there is no such file.
    fn size(&mut self, name: &str) -> io::Result<Option<u64>>;

    /// The `length` bytes from `offset` on, or fewer if the file ends before. It is an error if there is no
    /// such file.
    fn read_at(&mut self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>>;

    /// Replaces the whole file with `content`. The file is created if there is none.
    ///
    /// After a crash the file may hold its old content, the new, part of it or nothing, until it is
    /// [synced](Disk::sync). A new file may be gone until the [directory is synced](Disk::sync_directory)
    /// too.
    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()>;

    /// Creates a file of `size` bytes, all zero, with its disk space allocated: once it is synced, [writing
    /// in it](Disk::write_at) changes its bytes and nothing else, and needs no more space (except where the
    /// file system copies what is overwritten, as btrfs and ZFS do). It is an error if there is a file of
    /// this name; if there is no space, one may remain.
    ///
    /// After a crash the file may be shorter until it is [synced](Disk::sync), and gone until the
    /// [directory is synced](Disk::sync_directory) too.
    fn create(&mut self, name: &str, size: u64) -> io::Result<()>;

    /// Overwrites the bytes from `offset` on, in a file that is long enough.
    ///
    /// After a crash, or if this fails, each sector of these bytes (512 bytes) may be the old one, the new
    /// one or zero, in any mixture, until the file is [synced](Disk::sync). Other bytes stay as they are.
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Appends these bytes to a file.
    ///
    /// If there is not enough space, some of them may be written. After a crash any number of them may be
    /// there, with any of their sectors zero, until the file is [synced](Disk::sync).
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Makes the file's contents and size survive any crash. Its name is another matter.
    fn sync(&mut self, name: &str) -> io::Result<()>;

    /// Renames a file. An existing file of the new name is replaced.
    ///
    /// After a crash the new name may stand for the old or for the new file, never for a mixture, until the
    /// [directory is synced](Disk::sync_directory).
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. It is an error if there is none.
    ///
    /// After a crash it may be there again until the [directory is synced](Disk::sync_directory).
    fn remove(&mut self, name: &str) -> io::Result<()>;

    /// Makes the names of all files survive any crash.
    fn sync_directory(&mut self) -> io::Result<()>;

    /// An unpredictable random number: a different one each time, on each disk.
    fn random(&mut self) -> u64;
}

/// A random number of the system's: its randomness is in these keys.
pub(crate) fn random_number() -> u64 {
    RandomState::new().hash_one(0)
}
