//! The real disk: a folder of the file system.

use crate::careful;
use crate::disk::{Disk, random_number};
use crate::error::StorageError;
use crate::files;
use crate::identity::Owner;
use crate::text_file::TextFile;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const LOCK: &str = "lock";

/// How long a file is assumed to be in its folder after that was checked.
const TRUST: Duration = Duration::from_millis(100);

/// Maximum number of synced files that stay open: the log's last segment and its next, a snapshot, the space
/// for one, and the files that are written at the start and rarely after. The last segment must stay open
/// between two saves.
const MOST_KEPT_OPEN: usize = 8;

/// The folder that ext4 creates on each disk.
const LOST_AND_FOUND: &str = "lost+found";

/// A folder that no other server can open while this value exists.
///
/// Two things are locked: a file in the folder and, on Unix, the folder itself, since a file can be removed.
/// And synced files must still be in the folder under their names: otherwise everything saved would be lost
/// as soon as the file is closed. That is checked at most ten times a second, and after each change of names.
///
/// A directory can be synced only on Unix. Elsewhere a power cut (though not a mere crash of the server) may
/// undo the latest saves.
pub struct FolderDisk {
    folder: PathBuf,
    /// The folder itself, where the system allows opening it.
    directory: Option<File>,
    /// Files that are written and not synced. They stay open because a system may report a failed write only
    /// to a process that has had the file open all along.
    unsynced: BTreeMap<String, File>,
    /// The files synced last stay open too, the latest at the end: they are the most likely to be written
    /// next, and if the system can open no more files, the log's files are open already.
    synced: Vec<(String, File)>,
    /// When the synced files were last seen to be in the folder.
    seen_in_place: Option<Instant>,
    /// Called with the duration of each sync.
    tell_sync: Box<dyn FnMut(Duration) + Send>,
    _lock_file: File,
}

impl fmt::Debug for FolderDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FolderDisk").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl FolderDisk {
    /// Opens a folder and locks it. A folder that does not exist is created. When this returns `Ok`, the
    /// folder survives any crash.
    ///
    /// # Errors
    /// - [`StorageError::Locked`] if another server has it open,
    /// - [`StorageError::NotADataFolder`] if it holds other files but no server's,
    /// - [`StorageError::Io`] if the file system refuses.
    pub fn open(folder: impl Into<PathBuf>) -> Result<FolderDisk, StorageError> {
        let folder = folder.into();
        create_durably(&folder, &mut sync_directory)
            .map_err(StorageError::io("create the folder", &folder))?;
        refuse_other_files(&folder)?;
        let directory = lock_directory(&folder)?;
        let lock_file = lock_file(&folder)?;
        Ok(FolderDisk {
            folder,
            directory,
            unsynced: BTreeMap::new(),
            synced: Vec::new(),
            seen_in_place: None,
            tell_sync: Box::new(|_| {}),
            _lock_file: lock_file,
        })
    }

    /// From now on calls `tell` with the duration of each sync of a file.
    pub fn telling_syncs(self, tell: impl FnMut(Duration) + Send + 'static) -> FolderDisk {
        FolderDisk { tell_sync: Box::new(tell), ..self }
    }

    fn take_open(&mut self, name: &str) -> io::Result<File> {
        if let Some(place) = self.synced.iter().position(|(synced, _)| synced == name) {
            return Ok(self.synced.remove(place).1);
        }
        match self.unsynced.remove(name) {
            Some(file) => Ok(file),
            None => OpenOptions::new().write(true).open(self.folder.join(name)),
        }
    }

    fn close(&mut self, name: &str) {
        self.unsynced.remove(name);
        self.synced.retain(|(synced, _)| synced != name);
    }

    fn write_with(&mut self, name: &str, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        let mut file = self.take_open(name)?;
        let written = write(&mut file);
        self.unsynced.insert(name.to_string(), file);
        written
    }
}

impl Disk for FolderDisk {
    fn folder(&self) -> &Path {
        &self.folder
    }

    fn list(&mut self) -> io::Result<Vec<String>> {
        let names = file_names(&self.folder)?;
        // No file of a server has a name that is not text.
        Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }

    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match careful::read_regular(&self.folder.join(name), u64::MAX - 1) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn size(&mut self, name: &str) -> io::Result<Option<u64>> {
        match fs::metadata(self.folder.join(name)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read_at(&mut self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.folder.join(name))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::with_capacity(length);
        file.take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.close(name);
        let mut options = OpenOptions::new();
        careful::for_its_user(options.write(true).create(true).truncate(true));
        let mut file = options.open(self.folder.join(name))?;
        file.write_all(content)?;
        self.unsynced.insert(name.to_string(), file);
        Ok(())
    }

    fn create(&mut self, name: &str, size: u64) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let options = careful::for_its_user(options.write(true).create_new(true));
        let mut file = options.open(self.folder.join(name))?;
        // Zeroes that are really written. Merely reserved space would have to be recorded as used by each
        // later sync: a second thing to write.
        io::copy(&mut io::repeat(0).take(size), &mut file)?;
        self.unsynced.insert(name.to_string(), file);
        Ok(())
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_with(name, |file| write_all_at(file, offset, bytes))
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.write_with(name, |file| {
            file.seek(SeekFrom::End(0))?;
            file.write_all(bytes)
        })
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        // Not `sync_all`: the time of the last change does not matter.
        let file = self.take_open(name)?;
        let before = Instant::now();
        let synced = file.sync_data();
        let now = Instant::now();
        (self.tell_sync)(now - before);
        synced?;
        if self.seen_in_place.is_none_or(|seen| now - seen > TRUST) {
            refuse_if_replaced(&file, &self.folder.join(name))?;
            self.seen_in_place = Some(now);
        }
        if self.synced.len() == MOST_KEPT_OPEN {
            self.synced.remove(0);
        }
        self.synced.push((name.to_string(), file));
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.folder.join(from), self.folder.join(to))?;
        self.close(to);
        if let Some(file) = self.unsynced.remove(from) {
            self.unsynced.insert(to.to_string(), file);
        }
        if let Some((synced, _)) = self.synced.iter_mut().find(|(synced, _)| synced == from) {
            *synced = to.to_string();
        }
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.close(name);
        fs::remove_file(self.folder.join(name))
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        self.seen_in_place = None;
        match &self.directory {
            Some(directory) => {
                directory.sync_all()?;
                refuse_if_replaced(directory, &self.folder)
            }
            None => Ok(()),
        }
    }

    fn random(&mut self) -> u64 {
        random_number()
    }
}

/// In one system call, where there is one.
fn write_all_at(file: &mut File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_all_at(file, bytes, offset);
    #[cfg(not(unix))]
    return file.seek(SeekFrom::Start(offset)).and_then(|_| file.write_all(bytes));
}

/// Is this open file, or folder, still the one at its path?
#[cfg(unix)]
fn refuse_if_replaced(open: &File, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let (open, found) = (open.metadata()?, fs::metadata(path)?);
    if (open.dev(), open.ino()) == (found.dev(), found.ino()) {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "it was removed, moved or replaced while the server ran"))
}

#[cfg(not(unix))]
fn refuse_if_replaced(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

/// Creates a folder, and those above it, so that none of them can vanish in a crash. If the folder exists
/// already, the start that created it may have failed before the sync.
fn create_durably(folder: &Path, sync: &mut impl FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
    if folder.is_dir() {
        // A folder has its name where it really is.
        return match fs::canonicalize(folder)?.parent().map_or(Ok(()), sync) {
            // Then it was not a start of this server that created the folder.
            Err(error) if cant_be_synced(&error) => Ok(()),
            synced => synced,
        };
    }
    let in_the_current = Path::new(".");
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(in_the_current);
    create_durably(parent, sync)?;
    match careful::folder_builder().create(folder) {
        // Another server, whose folder is beside ours, was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        created => created?,
    }
    sync(parent)
}

/// Is the folder one that can't be synced, as opposed to a failing disk?
fn cant_be_synced(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, PermissionDenied, ReadOnlyFilesystem, Unsupported};
    matches!(error.kind(), InvalidInput | PermissionDenied | ReadOnlyFilesystem | Unsupported)
}

fn sync_directory(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// A mistyped path must not put a server's files among a person's. Without an identity, a folder may hold
/// only what a server leaves that crashed before it had written one.
fn refuse_other_files(folder: &Path) -> Result<(), StorageError> {
    let names = file_names(folder).map_err(StorageError::io("list the folder", folder))?;
    if names.contains(OsStr::new(Owner::FILE)) {
        return Ok(());
    }
    match names.into_iter().find(|name| !is_ours(name)) {
        Some(found) => {
            Err(StorageError::NotADataFolder { folder: folder.to_path_buf(), found: found.into() })
        }
        None => Ok(()),
    }
}

/// The names of everything in a folder.
pub(crate) fn file_names(folder: &Path) -> io::Result<BTreeSet<OsString>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
}

fn is_ours(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| [LOCK, LOST_AND_FOUND].contains(&name) || files::is_ours(name))
}

/// Locks the folder itself: a lock file can be removed, this lock can't.
fn lock_directory(folder: &Path) -> Result<Option<File>, StorageError> {
    if !cfg!(unix) {
        return Ok(None);
    }
    let directory = File::open(folder).map_err(StorageError::io("open", folder))?;
    match directory.try_lock() {
        Err(TryLockError::WouldBlock) => Err(StorageError::Locked { folder: folder.to_path_buf() }),
        // Some file systems, such as NFS, lock only what can be written. There the lock file must do.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(directory)),
    }
}

/// Locks a file in the folder too: servers of older versions lock only that.
fn lock_file(folder: &Path) -> Result<File, StorageError> {
    let path = folder.join(LOCK);
    let file = careful::open_or_create(&path).map_err(StorageError::io("write", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StorageError::Locked { folder: folder.to_path_buf() }),
        Err(TryLockError::Error(error)) => Err(StorageError::io("lock", &path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The folders that are synced, seen from `parent`, and the result if the one with this number fails.
    fn syncs(parent: &Path, folder: &str, failing: Option<usize>) -> (Vec<PathBuf>, bool) {
        let mut synced = Vec::new();
        let created = create_durably(&parent.join(folder), &mut |folder| {
            synced.push(folder.strip_prefix(parent).unwrap_or(Path::new("above")).to_path_buf());
            if failing == Some(synced.len() - 1) { Err(io::Error::other("it failed")) } else { Ok(()) }
        });
        (synced, created.is_ok())
    }

    #[test]
    fn a_folder_that_was_there_already_is_in_its_parent_for_good() {
        let parent = tempfile::tempdir().unwrap();
        let parent = fs::canonicalize(parent.path()).unwrap();
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(syncs(&parent, "a/b", None), (paths(&["above", "", "a"]), true));
        assert_eq!(syncs(&parent, "a/b", None), (paths(&["a"]), true));
        assert_eq!(syncs(&parent, "c", Some(1)), (paths(&["above", ""]), false));
        assert_eq!(syncs(&parent, "c", Some(0)), (paths(&[""]), false), "there it is, but not for good");
        assert_eq!(syncs(&parent, "c", None), (paths(&[""]), true));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_has_its_name_where_it_really_lies() {
        let parent = tempfile::tempdir().unwrap();
        let parent = fs::canonicalize(parent.path()).unwrap();
        fs::create_dir_all(parent.join("far/away")).unwrap();
        std::os::unix::fs::symlink(parent.join("far/away"), parent.join("near")).unwrap();
        assert_eq!(syncs(&parent, "near", None), (vec![PathBuf::from("far")], true));
    }
}
