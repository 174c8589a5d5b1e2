//! The real disk.

use crate::{hard_state, identity};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use storage::{Disk, FolderDisk, Recovered, Storage, StorageError};

fn open(folder: &Path) -> Result<(Storage<FolderDisk>, Recovered), StorageError> {
    Storage::open(FolderDisk::open(folder)?, identity())
}

#[test]
fn what_was_saved_is_there_in_the_next_life() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("not/yet/there");
    let (mut storage, recovered) = open(&folder).unwrap();
    assert_eq!(recovered, Recovered { hard_state: hard_state(0, None), life: 1 });
    storage.save(&hard_state(1, None)).unwrap();
    storage.save(&hard_state(1, Some(2))).unwrap();
    drop(storage);

    let (mut storage, recovered) = open(&folder).unwrap();
    assert_eq!(recovered, Recovered { hard_state: hard_state(1, Some(2)), life: 2 });
    storage.save(&hard_state(7, None)).unwrap();
    drop(storage);

    let (_, recovered) = open(&folder).unwrap();
    assert_eq!(recovered, Recovered { hard_state: hard_state(7, None), life: 3 });
}

#[test]
fn only_one_server_has_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).unwrap();
    let refused = open(folder.path()).unwrap_err();
    assert!(matches!(refused, StorageError::Locked { .. }));
    assert_eq!(refused.to_string(), format!("the folder {} is in use", folder.path().display()));
    assert!(refused.help().starts_with("another server runs on this folder; stop it"));
    drop(first);
    open(folder.path()).unwrap();
}

#[test]
fn a_folder_with_other_files_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("diary.txt"), "Dear diary").unwrap();
    let refused = open(folder.path()).unwrap_err();
    assert!(matches!(&refused, StorageError::NotADataFolder { found, .. } if found == "diary.txt"));
    assert!(refused.to_string().contains("such as diary.txt"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_leavings_of_an_interrupted_first_opening_are_no_strangers() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["lock", "hard-state.new", "lives.new", "identity.new"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    assert_eq!(open(folder.path()).unwrap().1.life, 1);
}

#[test]
fn a_server_does_not_mind_files_that_came_later() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).unwrap();
    fs::write(folder.path().join("notes.txt"), "").unwrap();
    assert_eq!(open(folder.path()).unwrap().1.life, 2);
}

#[test]
fn a_file_is_no_folder() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    for folder in [file.clone(), file.join("below"), file.join("far/below")] {
        let refused = open(&folder).unwrap_err();
        let told = refused.to_string();
        assert!(told.starts_with(&format!("can't create the folder {}: ", folder.display())), "{told}");
        assert_eq!(refused.help(), "a part of this path is no folder; choose another with --data");
    }
}

#[test]
fn a_vanished_folder_is_an_error_of_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (mut storage, _) = open(folder.path()).unwrap();
    let path = folder.path().join("hard-state.new");
    folder.close().unwrap();
    let refused = storage.save(&hard_state(1, None)).unwrap_err();
    assert!(refused.to_string().starts_with(&format!("can't write {}: ", path.display())), "{refused}");
    assert!(matches!(storage.save(&hard_state(1, None)), Err(StorageError::Poisoned { .. })));
}

#[test]
fn the_disk_does_what_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = FolderDisk::open(folder.path()).unwrap();
    assert_eq!(disk.folder(), folder.path());
    assert_eq!(disk.read("a").unwrap(), None);
    disk.write("a", b"a long content").unwrap();
    disk.write("a", b"short").unwrap();
    assert_eq!(disk.read("a").unwrap().unwrap(), b"short");
    disk.rename("a", "b").unwrap();
    disk.sync("b").unwrap();
    disk.sync("b").unwrap();
    disk.sync_directory().unwrap();
    assert_eq!(disk.read("a").unwrap(), None);
    assert_eq!(disk.read("b").unwrap().unwrap(), b"short");
    assert_eq!(disk.sync("a").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(disk.rename("a", "b").unwrap_err().kind(), ErrorKind::NotFound);
}
