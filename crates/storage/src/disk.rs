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

    /// All that is in the file; none if there is no such file. It may be content that a crash can
    /// still undo.
    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// Makes `content` all that is in the file, which is created if there is none.
    ///
    /// After a crash the file may hold its old content, the new, a piece of it or nothing, until it
    /// is [synced](Disk::sync). If it is new, it may be gone until the
    /// [directory is synced](Disk::sync_directory) too.
    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()>;

    /// Makes the file's content survive any crash. Its name is another matter.
    fn sync(&mut self, name: &str) -> io::Result<()>;

    /// Gives a file another name. A file that had this name is gone.
    ///
    /// After a crash the new name may stand for the old or for the new file, never for a mixture,
    /// until the [directory is synced](Disk::sync_directory).
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Makes the names of all files survive any crash.
    fn sync_directory(&mut self) -> io::Result<()>;
}
