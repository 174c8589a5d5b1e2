//! The list of the clusters that run on this machine: a folder with a file for each, which contains the path
//! of the cluster's folder.
//!
//! The list is where the session keeps such things (`$XDG_RUNTIME_DIR`), or with temporary files. Others can
//! write there too, so it is trusted only if it is a folder of this user's own.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use storage::careful;
use tempfile::TempPath;

const LISTED: &str = "cluster-";
const LONGEST_PATH: u64 = 64 << 10;
/// Maximum number of tries: the end of another cluster may remove the list just after it was created.
const TRIES: usize = 10;

/// A place on the list, until it is dropped.
#[derive(Debug)]
pub(crate) struct Listed {
    list: PathBuf,
    file: Option<TempPath>,
}

/// Puts the cluster on this folder on the list; `None` if there can't be a list.
pub(crate) fn add(folder: &Path) -> Option<Listed> {
    let folder = fs::canonicalize(folder).ok()?;
    (0..TRIES).find_map(|_| places().iter().find_map(|list| add_to(list, &folder)))
}

fn add_to(list: &Path, folder: &Path) -> Option<Listed> {
    // What is there already is checked below.
    let _ = careful::create_folder(list);
    if !careful::is_private_folder(list) {
        return None;
    }
    let mut file = tempfile::Builder::new().prefix(LISTED).tempfile_in(list).ok()?;
    file.write_all(folder.as_os_str().as_bytes()).ok()?;
    Some(Listed { list: list.to_owned(), file: Some(file.into_temp_path()) })
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.file = None;
        // The last cluster on the list removes it too: while there are others, this fails.
        let _ = fs::remove_dir(&self.list);
    }
}

/// The folders on the list. Their clusters may have ended.
pub(crate) fn folders() -> BTreeSet<PathBuf> {
    places().iter().flat_map(|list| entries(list)).filter_map(|entry| folder_in(&entry)).collect()
}

/// Removes those from the list that are older than this, and that have ended.
pub(crate) fn forget(age: Duration, has_ended: impl Fn(&Path) -> bool) {
    for entry in places().iter().flat_map(|list| entries(list)) {
        let metadata = fs::symlink_metadata(&entry).ok();
        let changed = metadata.and_then(|metadata| metadata.modified().ok()?.elapsed().ok());
        if changed.is_some_and(|its| its > age) && folder_in(&entry).is_none_or(|folder| has_ended(&folder)) {
            let _ = fs::remove_file(&entry);
        }
    }
}

/// Where the list may be: the first possible place counts.
fn places() -> Vec<PathBuf> {
    let session = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let session = session.filter(|session| session.is_absolute() && careful::is_private_folder(session));
    let user = rustix::process::geteuid().as_raw();
    let temporary = std::env::temp_dir().join(format!("raft-for-beginners-{user}"));
    session.map(|session| session.join("raft-for-beginners")).into_iter().chain([temporary]).collect()
}

fn entries(list: &Path) -> Vec<PathBuf> {
    if !careful::is_private_folder(list) {
        return Vec::new();
    }
    let entries = fs::read_dir(list).into_iter().flatten().flatten();
    let is_ours = |name: &OsString| name.as_bytes().starts_with(LISTED.as_bytes());
    entries.filter(|entry| is_ours(&entry.file_name())).map(|entry| entry.path()).collect()
}

fn folder_in(entry: &Path) -> Option<PathBuf> {
    let path = careful::read_at_most(careful::open_own(entry).ok()?, LONGEST_PATH).ok()?;
    let path = PathBuf::from(OsString::from_vec(path));
    path.is_absolute().then_some(path)
}
