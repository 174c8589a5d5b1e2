//! The real disk.

use crate::known::Known;
use crate::{SMALL_SEGMENTS, appends, begins_after, command, hard_state, identity, life, position, saves};
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};
use storage::{Chunk, Disk, FolderDisk, Recovered, SEGMENT_SIZE, Storage, StorageError};

fn open(folder: &Path) -> Result<(Storage<FolderDisk>, Recovered), StorageError> {
    open_with(folder, SMALL_SEGMENTS)
}

fn open_with(folder: &Path, segment_size: u64) -> Result<(Storage<FolderDisk>, Recovered), StorageError> {
    Storage::open_with_segment_size(FolderDisk::open(folder)?, identity(), segment_size)
}

fn names(folder: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn what_was_saved_is_there_in_the_next_life() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("not/yet/there");
    let mut known = Known::default();
    for (number, batch) in life().into_iter().enumerate() {
        let (mut storage, recovered) = open(&folder).unwrap();
        assert_eq!((Known::of(&recovered), recovered.cut_off), (known.clone(), None));
        assert_eq!(recovered.life, number as u64 + 1);
        storage.save(&batch).unwrap();
        known = known.after(&batch);
    }
    assert_eq!(Known::of(&open(&folder).unwrap().1), known);
}

#[test]
fn the_log_is_a_row_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let (mut storage, _) = open(folder.path()).unwrap();
    assert_eq!(
        names(folder.path()),
        ["identity", "lives", "lock", "log-0000000001", "memory"].map(Into::into).into()
    );
    for (at, length) in [(1, 500), (2, 500), (3, 5000), (4, 10)] {
        storage.save(&appends(at, [command(1, length)])).unwrap();
    }
    let sizes =
        (1..=4).map(|number| fs::metadata(folder.path().join(format!("log-{number:010}"))).unwrap().len());
    assert_eq!(sizes.collect::<Vec<_>>(), [SMALL_SEGMENTS, SMALL_SEGMENTS, 5248, SMALL_SEGMENTS]);
    assert_eq!(names(folder.path()).len(), 8);
}

#[test]
fn a_segment_has_4_mib() {
    let folder = tempfile::tempdir().unwrap();
    Storage::open(FolderDisk::open(folder.path()).unwrap(), identity()).unwrap();
    assert_eq!(fs::metadata(folder.path().join("log-0000000001")).unwrap().len(), SEGMENT_SIZE);
    assert_eq!(SEGMENT_SIZE, 4 << 20);
}

#[test]
fn only_one_server_has_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).unwrap();
    let refused = open(folder.path()).unwrap_err();
    assert!(matches!(refused, StorageError::Locked { .. }));
    assert_eq!(refused.to_string(), format!("the folder {} is in use", folder.path().display()));
    assert!(refused.help().starts_with("another server uses this folder: stop it"));
    drop(first);
    open(folder.path()).unwrap();
}

#[cfg(unix)]
#[test]
fn a_folder_stays_locked_without_its_lock_file() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).unwrap();
    fs::remove_file(folder.path().join("lock")).unwrap();
    assert!(matches!(open(folder.path()), Err(StorageError::Locked { .. })));
    drop(first);
    open(folder.path()).unwrap();
}

/// Saves to a file that no later start will find must not be acknowledged for long.
#[cfg(unix)]
#[test]
fn saves_to_a_file_that_is_no_longer_in_the_folder_fail_soon() {
    let replace = |from: &Path, to: &Path| {
        fs::copy(from, from.with_extension("copy")).unwrap();
        fs::rename(from.with_extension("copy"), to).unwrap();
    };
    type Change<'a> = &'a dyn Fn(&Path, &Path);
    let changes: [Change; 3] = [
        &|folder, _| fs::remove_file(folder.join("log-0000000001")).unwrap(),
        &|folder, _| replace(&folder.join("log-0000000001"), &folder.join("log-0000000001")),
        &|folder, elsewhere| fs::rename(folder, elsewhere).unwrap(),
    ];
    for (change, segment_size) in
        changes.into_iter().flat_map(|it| [(it, SMALL_SEGMENTS), (it, SEGMENT_SIZE)])
    {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        let (mut storage, _) = open_with(&folder, segment_size).unwrap();
        storage.save(&appends(1, [command(1, 1)])).unwrap();
        change(&folder, &parent.path().join("elsewhere"));
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut saved = (1..).map(|term| storage.save(&saves(hard_state(term, None))));
        let refused = saved.find_map(|saved| {
            assert!(Instant::now() < deadline, "it goes on and on");
            saved.err()
        });
        let refused = refused.unwrap();
        assert!(
            refused.help().starts_with("the server's files were removed, moved or replaced while it ran"),
            "{refused}"
        );
        assert!(storage.is_poisoned());
    }
}

/// The folder is another one, and its server may have begun its own next segment under the same name.
#[cfg(unix)]
#[test]
fn a_segment_is_not_begun_in_another_folder_of_the_same_name() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let (mut storage, _) = open(&folder).unwrap();
    fs::rename(&folder, parent.path().join("elsewhere")).unwrap();
    let _other = open(&folder).unwrap();
    let refused = storage.save(&appends(1, [command(1, 2000)])).unwrap_err();
    assert!(
        refused.to_string().contains("it was removed, moved or replaced while the server ran"),
        "{refused}"
    );
}

#[test]
fn a_fresh_disk_of_ext4_is_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("lost+found")).unwrap();
    assert_eq!(open(folder.path()).unwrap().1.life, 1);
    assert_eq!(open(folder.path()).unwrap().1.life, 2);
}

#[test]
fn nobody_can_foresee_what_is_in_a_segments_header() {
    let header = |_| {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path()).unwrap();
        fs::read(folder.path().join("log-0000000001")).unwrap()[..128].to_vec()
    };
    let headers: BTreeSet<Vec<u8>> = (0..10).map(header).collect();
    assert_eq!(headers.len(), 10);
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
    for name in ["lock", "log-0000000001.new", "lives.new", "identity.new"] {
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
        assert_eq!(refused.help(), "a part of this path is not a folder: choose another one with --data");
    }
}

#[test]
fn a_vanished_folder_is_an_error_of_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (mut storage, _) = open(folder.path()).unwrap();
    let path = folder.path().join("log-0000000002.new");
    folder.close().unwrap();
    let refused = storage.save(&appends(1, [command(1, 2000)])).unwrap_err();
    assert!(refused.to_string().starts_with(&format!("can't create {}: ", path.display())), "{refused}");
    assert!(matches!(storage.save(&saves(hard_state(1, None))), Err(StorageError::Poisoned { .. })));
}

#[test]
fn leavings_of_a_crash_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut storage, _) = open(folder.path()).unwrap();
    life().iter().for_each(|batch| storage.save(batch).unwrap());
    drop(storage);
    let before = names(folder.path());
    for name in ["log-0000000001.new", "log-0000000099.new", "lives.new", "snapshot.new"] {
        fs::write(folder.path().join(name), "half a file").unwrap();
    }
    open(folder.path()).unwrap();
    assert_eq!(names(folder.path()), before);
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_to_is_refused_with_help() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(folder.path().join("probe"), "").is_ok() {
        return; // The superuser may write everywhere.
    }
    let refused = open(folder.path()).unwrap_err();
    assert!(refused.to_string().contains("Permission denied"), "{refused}");
    assert_eq!(refused.help(), "choose a folder with --data that you may write to");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(open(folder.path()).unwrap().1.life, 2);
}

fn disk(folder: &tempfile::TempDir) -> FolderDisk {
    FolderDisk::open(folder.path()).unwrap()
}

#[test]
fn the_disk_replaces_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = disk(&folder);
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

#[test]
fn the_disk_writes_in_the_middle_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = disk(&folder);
    disk.create("a", 10).unwrap();
    assert_eq!(disk.read("a").unwrap().unwrap(), [0; 10]);
    disk.write_at("a", 3, b"abc").unwrap();
    disk.sync("a").unwrap();
    disk.write_at("a", 5, b"xy").unwrap();
    disk.rename("a", "b").unwrap();
    disk.write_at("b", 9, b"!").unwrap();
    disk.sync("b").unwrap();
    assert_eq!(disk.read("b").unwrap().unwrap(), b"\0\0\0abxy\0\0!");
    assert_eq!(disk.create("b", 5).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(disk.read("b").unwrap().unwrap().len(), 10);
    assert_eq!(disk.write_at("a", 0, b"?").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn the_disk_lists_and_removes_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = disk(&folder);
    disk.create("a", 1).unwrap();
    disk.write("b", b"").unwrap();
    let mut names = disk.list().unwrap();
    names.sort();
    assert_eq!(names, ["a", "b", "lock"]);
    disk.remove("a").unwrap();
    assert_eq!(disk.remove("a").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(disk.sync("a").unwrap_err().kind(), ErrorKind::NotFound);
    disk.create("a", 2).unwrap();
    assert_eq!(disk.read("a").unwrap().unwrap(), [0; 2]);
}

#[test]
fn the_disk_appends_to_files_and_reads_parts_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = disk(&folder);
    assert_eq!(disk.size("a").unwrap(), None);
    assert_eq!(disk.append("a", b"abc").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(disk.read_at("a", 0, 1).unwrap_err().kind(), ErrorKind::NotFound);
    disk.write("a", b"abc").unwrap();
    disk.append("a", b"def").unwrap();
    disk.sync("a").unwrap();
    disk.append("a", b"").unwrap();
    disk.write_at("a", 1, b"B").unwrap();
    disk.append("a", b"g").unwrap();
    disk.sync("a").unwrap();
    assert_eq!(disk.size("a").unwrap(), Some(7));
    assert_eq!(disk.read("a").unwrap().unwrap(), b"aBcdefg");
    for (offset, length, expected) in [(0, 7, "aBcdefg"), (0, 100, "aBcdefg"), (2, 3, "cde"), (6, 9, "g")] {
        assert_eq!(disk.read_at("a", offset, length).unwrap(), expected.as_bytes());
    }
    for (offset, length) in [(7, 1), (100, 1), (3, 0)] {
        assert_eq!(disk.read_at("a", offset, length).unwrap(), b"");
    }
}

#[test]
fn a_snapshot_takes_the_place_of_the_log_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut storage, _) = open(folder.path()).unwrap();
    life().iter().for_each(|batch| storage.save(batch).unwrap());
    storage.write_snapshot(position(6, 4), 0, b"the state ").unwrap();
    storage.save(&appends(9, [command(4, 1)])).unwrap();
    storage.write_snapshot(position(6, 4), 10, b"of it all").unwrap();
    let info = storage.finish_snapshot(position(6, 4)).unwrap();
    storage.save(&begins_after(position(6, 4))).unwrap();
    drop(storage);
    let files = names(folder.path());
    assert!(!files.contains("log-0000000001") && files.contains("snapshot"), "{files:?}");

    let (mut storage, recovered) = open(folder.path()).unwrap();
    assert_eq!((recovered.snapshot, recovered.log_begins_after), (Some(info), position(6, 4)));
    assert_eq!(recovered.log.len(), 3);
    let chunk = storage.read_snapshot(position(6, 4), 0, 100).unwrap();
    assert_eq!(chunk, Some(Chunk { bytes: b"the state of it all".to_vec(), is_last: true }));
}

/// A file that was synced stays open for the next write. That must reach the file of this name, not one that
/// had it before.
#[test]
fn what_is_written_goes_where_the_name_leads() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = FolderDisk::open(folder.path()).unwrap();
    let written = |disk: &mut FolderDisk, name: &str, content: &[u8]| {
        disk.write(name, content).unwrap();
        disk.sync(name).unwrap();
    };
    written(&mut disk, "snapshot", b"old");
    written(&mut disk, "snapshot.new", b"new");
    disk.rename("snapshot.new", "snapshot").unwrap();
    disk.write_at("snapshot", 0, b"N").unwrap();
    assert_eq!(disk.read("snapshot").unwrap().unwrap(), b"New");

    disk.sync("snapshot").unwrap();
    disk.remove("snapshot").unwrap();
    assert_eq!(disk.write_at("snapshot", 0, b"N").unwrap_err().kind(), ErrorKind::NotFound);
    disk.create("snapshot", 3).unwrap();
    disk.write_at("snapshot", 1, b"x").unwrap();
    assert_eq!(disk.read("snapshot").unwrap().unwrap(), b"\0x\0");

    disk.sync("snapshot").unwrap();
    written(&mut disk, "snapshot.new", b"other");
    disk.rename("snapshot.new", "snapshot").unwrap();
    disk.append("snapshot", b"s").unwrap();
    assert_eq!(disk.read("snapshot").unwrap().unwrap(), b"others");
}

#[test]
fn only_a_file_that_is_not_there_is_reported_as_absent() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = FolderDisk::open(folder.path()).unwrap();
    disk.write("a", b"12").unwrap();
    assert_eq!((disk.size("a").unwrap(), disk.size("b").unwrap()), (Some(2), None));
    // The system has another reason for this one than that it is not there.
    let in_a_file = (disk.size("a/b").unwrap_err().kind(), disk.read("a/b").unwrap_err().kind());
    assert_eq!(in_a_file, (ErrorKind::NotADirectory, ErrorKind::NotADirectory));
}
