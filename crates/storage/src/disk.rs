//! The few file operations that durability rests on.

use std::io;
use std::path::Path;

/// Files in one folder, on a disk that may crash at any moment.
///
/// A crash (a power cut, say) may undo what was done and not yet synced, wholly or in part. What is
/// *in* a file and what a file is *called* are two things here, each with its own sync: a file's name
/// is kept in the directory.
///
/// When a sync fails, nobody knows what the disk holds. Trying again does not help: the system may
/// have dropped the unwritten data, so that the second try succeeds and saves nothing ("Can
/// Applications Recover from fsync Failures?", Rebello et al., USENIX ATC 2020).
pub trait Disk {
    /// Where the files are, to tell people.
    fn folder(&self) -> &Path;

    /// The names of all files, in any order. They may be names that a crash can still undo.
    fn list(&mut self) -> io::Result<Vec<String>>;

    /// All that is in the file; none if there is no such file. It may be content that a crash can
    /// still undo.
    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// How many bytes the file has; none if there is no such file.
    fn size(&mut self, name: &str) -> io::Result<Option<u64>>;

    /// The `length` bytes from `offset` on, or as many of them as there are before the file ends. It is an
    /// error if there is no such file.
    fn read_at(&mut self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>>;

    /// Makes `content` all that is in the file, which is created if there is none.
    ///
    /// After a crash the file may hold its old content, the new, a piece of it or nothing, until it
    /// is [synced](Disk::sync). If it is new, it may be gone until the
    /// [directory is synced](Disk::sync_directory) too.
    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()>;

    /// Creates a file of `size` bytes, all zero, for which the disk has set room aside: once it is
    /// synced, [writing in it](Disk::write_at) changes its bytes and nothing else, and needs no more
    /// room (but where the file system copies what is written over, as btrfs and ZFS do). It is an error if there is a file of this name; if there is no room, one may be left behind.
    ///
    /// After a crash the file may be shorter until it is [synced](Disk::sync), and gone until the
    /// [directory is synced](Disk::sync_directory) too.
    fn create(&mut self, name: &str, size: u64) -> io::Result<()>;

    /// Writes these bytes over those from `offset` on, in a file that is long enough.
    ///
    /// After a crash, or if this fails, each sector of them (512 bytes) may be the old one, the new one or
    /// zeroes, in any mixture, until the file is [synced](Disk::sync). Bytes beside them stay what they are.
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Writes these bytes behind the last one of a file.
    ///
    /// If there is no room, some of them may be there. After a crash it may be any number of them, of
    /// which each sector may be zeroed, until the file is [synced](Disk::sync).
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Makes the file's content, and its size, survive any crash. Its name is another matter.
    fn sync(&mut self, name: &str) -> io::Result<()>;

    /// Gives a file another name. A file that had this name is gone.
    ///
    /// After a crash the new name may stand for the old or for the new file, never for a mixture,
    /// until the [directory is synced](Disk::sync_directory).
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. It is an error if there is none.
    ///
    /// After a crash it may be there again until the [directory is synced](Disk::sync_directory).
    fn remove(&mut self, name: &str) -> io::Result<()>;

    /// Makes the names of all files survive any crash.
    fn sync_directory(&mut self) -> io::Result<()>;

    /// A random number that nobody can predict: another one each time, on each disk.
    fn random(&mut self) -> u64;
}
