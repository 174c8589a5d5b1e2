//! Looking at a log without touching it.

use crate::{SMALL_SEGMENTS, appends, command, hard_state, identity, life, saves};
use consensus::Index;
use std::fs;
use std::path::Path;
use storage::{
    Batch, Ending, FolderDisk, InspectedSegment, LogDamage, Reached, Storage, StorageError, inspect,
};
use tempfile::TempDir;

/// A folder in which a server has saved these.
fn folder(segment_size: u64, batches: &[Batch]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let disk = FolderDisk::open(folder.path()).unwrap();
    let (mut storage, _) = Storage::open_with_segment_size(disk, identity(), segment_size).unwrap();
    batches.iter().for_each(|batch| storage.save(batch).unwrap());
    folder
}

fn look(folder: &Path) -> Vec<Result<InspectedSegment, StorageError>> {
    inspect(folder).unwrap().collect()
}

fn whole(folder: &Path) -> Vec<InspectedSegment> {
    look(folder).into_iter().map(Result::unwrap).collect()
}

fn endings(folder: &Path) -> Vec<Ending> {
    whole(folder).into_iter().map(|segment| segment.ending).collect()
}

/// Changes a file of the folder behind the server's back.
fn change(folder: &TempDir, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let path = folder.path().join(name);
    let mut content = fs::read(&path).unwrap();
    change(&mut content);
    fs::write(path, content).unwrap();
}

const FIRST: &str = "log-0000000001";

#[test]
fn all_that_was_saved_can_be_seen() {
    let folder = folder(SMALL_SEGMENTS, &life());
    let segments = whole(folder.path());
    let saves: Vec<_> = segments.iter().flat_map(|segment| &segment.saves).collect();
    assert_eq!(saves.iter().map(|save| save.batch.clone()).collect::<Vec<_>>(), life());
    assert_eq!(saves.iter().map(|save| save.number).collect::<Vec<_>>(), (1..=11).collect::<Vec<_>>());

    for (at, segment) in segments.iter().enumerate() {
        assert_eq!(segment.file, folder.path().join(format!("log-{:010}", at + 1)));
        assert_eq!(segment.header.number, at as u64 + 1);
        assert_eq!(segment.header.size, fs::metadata(&segment.file).unwrap().len());
        let mut end = segment.saves.first().map_or(segment.end, |save| save.offset);
        for save in &segment.saves {
            assert_eq!(save.offset, end);
            end += save.length;
        }
        assert_eq!(end, segment.end);
        let is_last = at + 1 == segments.len();
        assert_eq!(segment.ending, if is_last { Ending::Open } else { Ending::Continued });
    }
    assert_eq!(segments[0].header.reached_before, Reached::default());
    let before_the_last = &segments.last().unwrap().header.reached_before;
    assert!(before_the_last.saves > 0 && before_the_last.log_end > Index(0));
    assert!(before_the_last.hard_state.current_term.0 >= 3);
}

#[test]
fn a_running_server_is_not_disturbed() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FolderDisk::open(folder.path()).unwrap();
    let (mut storage, _) = Storage::open_with_segment_size(disk, identity(), SMALL_SEGMENTS).unwrap();
    for (saved, batch) in life().iter().enumerate() {
        let seen: usize = whole(folder.path()).iter().map(|segment| segment.saves.len()).sum();
        assert_eq!(seen, saved);
        storage.save(batch).unwrap();
    }
}

#[test]
fn an_empty_folder_has_no_segments() {
    let folder = tempfile::tempdir().unwrap();
    assert!(look(folder.path()).is_empty());
    let refused = inspect(&folder.path().join("nowhere")).unwrap_err();
    assert!(matches!(refused, StorageError::Io { action: "list", .. }), "{refused}");
}

#[test]
fn a_torn_end_is_shown() {
    let folder = folder(4096, &[saves(hard_state(1, None)), appends(1, [command(1, 1000)])]);
    let segment = whole(folder.path()).remove(0);
    let last = segment.saves[1].clone();
    change(&folder, FIRST, |log| log[last.offset as usize + 500..].fill(0));
    let torn = whole(folder.path()).remove(0);
    assert_eq!(torn.saves, segment.saves[..1]);
    assert_eq!((torn.end, torn.ending), (last.offset, Ending::Torn { bytes: 500 }));
}

#[test]
fn damage_is_shown() {
    let folder = folder(4096, &[saves(hard_state(1, None)), appends(1, [command(1, 1000)])]);
    change(&folder, FIRST, |log| log[700] ^= 1);
    assert_eq!(endings(folder.path()), [Ending::Damaged(LogDamage::Save)]);
}

#[test]
fn damage_at_the_end_of_a_segment_shows_when_the_next_is_known() {
    let folder = folder(SMALL_SEGMENTS, &life());
    let segments = whole(folder.path());
    let last_save = segments[0].saves.last().unwrap();
    change(&folder, FIRST, |log| log[last_save.offset as usize..].fill(0));
    let expected = [Ending::Damaged(LogDamage::Save), Ending::Continued];
    assert_eq!(endings(folder.path())[..2], expected);
}

#[test]
fn a_missing_last_segment_shows_in_the_one_before() {
    let folder = folder(SMALL_SEGMENTS, &life());
    let segments = whole(folder.path());
    fs::remove_file(&segments.last().unwrap().file).unwrap();
    assert_eq!(*endings(folder.path()).last().unwrap(), Ending::Continued);
}

#[test]
fn a_missing_segment_is_told_and_the_others_are_shown() {
    let folder = folder(SMALL_SEGMENTS, &life());
    let segments = whole(folder.path());
    fs::remove_file(&segments[1].file).unwrap();
    let seen = look(folder.path());
    assert_eq!(seen.len(), segments.len());
    assert_eq!(seen[0].as_ref().unwrap().saves, segments[0].saves);
    let missing = seen[1].as_ref().unwrap_err();
    assert!(missing.to_string().contains("log-0000000002 is damaged: it is missing"), "{missing}");
    for (seen, expected) in seen[2..].iter().zip(&segments[2..]) {
        assert_eq!(seen.as_ref().unwrap(), expected);
    }
}

#[test]
fn a_broken_header_is_told_and_the_others_are_shown() {
    let folder = folder(SMALL_SEGMENTS, &life());
    let segments = whole(folder.path());
    change(&folder, "log-0000000002", |log| log[20] ^= 1);
    let seen = look(folder.path());
    assert_eq!(seen.len(), segments.len());
    let broken = seen[1].as_ref().unwrap_err();
    assert!(matches!(broken, StorageError::CorruptLog { damage: LogDamage::Header, .. }), "{broken}");
    assert!(seen.iter().enumerate().all(|(at, seen)| at == 1 || seen.is_ok()));
}
