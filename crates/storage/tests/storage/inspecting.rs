//! Looking at a folder without touching it.

use crate::known::{Known, Server};
use crate::model_disk::{Files, ModelDisk};
use crate::snapshots::life_with_snapshots;
use crate::{SMALL_SEGMENTS, appends, begins_after, command, hard_state, identity, life, position, saves};
use consensus::{Batch, Entry, Index};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use storage::{
    Ending, FolderDisk, InspectedSegment, Inspection, LogDamage, Reached, SnapshotInfo, Storage,
    StorageError, inspect,
};
use tempfile::TempDir;

/// A folder in which a server has saved these batches.
fn folder(segment_size: u64, batches: &[Batch]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let disk = FolderDisk::open(folder.path()).unwrap();
    let (mut storage, _) = Storage::open_with_segment_size(disk, identity(), segment_size).unwrap();
    batches.iter().for_each(|batch| storage.save(batch).unwrap());
    folder
}

fn folder_of(files: &Files) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, content)| fs::write(folder.path().join(name), content).unwrap());
    folder
}

/// The files of a server whose log begins after a snapshot.
fn files_with_a_snapshot() -> Files {
    let mut server = Server::new(SMALL_SEGMENTS);
    server.live_and_save(&life()).unwrap();
    server.live(&life_with_snapshots()).unwrap();
    server.disk.files()
}

/// The contents of a folder where nothing is damaged.
fn undamaged(folder: &Path) -> Inspection {
    let seen = inspect(folder).unwrap();
    assert!(seen.damage.is_empty(), "{:?}", seen.damage);
    seen
}

fn whole(folder: &Path) -> Vec<InspectedSegment> {
    undamaged(folder).segments
}

fn endings(seen: &Inspection) -> Vec<Ending> {
    seen.segments.iter().map(|segment| segment.ending).collect()
}

/// The only damage: the file, the offset, up to where the log is intact before it, and the kind.
#[track_caller]
fn damage(seen: &Inspection) -> (String, u64, Index, LogDamage) {
    match &seen.damage[..] {
        [StorageError::CorruptLog { file, offset, whole_to, damage }] => {
            let name = file.file_name().unwrap().to_str().unwrap();
            (name.to_string(), *offset, *whole_to, *damage)
        }
        other => panic!("one damage of the log, not {other:?}"),
    }
}

fn log(seen: &Inspection) -> Vec<Entry> {
    seen.entries().values().map(|known| known.entry.clone()).collect()
}

/// Changes a file of the folder without the server's knowledge.
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
fn the_log_is_seen_as_a_server_finds_it() {
    for segment_size in [0, SMALL_SEGMENTS, 1 << 16] {
        let mut server = Server::new(segment_size);
        server.live_and_save(&life()).unwrap();
        let seen = undamaged(folder_of(&server.disk.files()).path());
        assert_eq!((seen.identity.as_ref(), seen.life, seen.snapshot), (Some(&identity()), Some(1), None));
        assert_eq!((log(&seen), seen.reached().hard_state), (server.known.log, server.known.hard_state));

        let entries = seen.entries();
        assert!(entries.keys().copied().eq((1..=8).map(Index)));
        let saves = entries.values().map(|known| known.save);
        assert!(saves.eq([2, 3, 8, 8, 8, 10, 10, 11]), "the later save of an entry counts");
        for known in entries.values() {
            let segment = seen.segments.iter().find(|it| it.header.number == known.segment).unwrap();
            assert!(segment.saves.iter().any(|save| save.number == known.save));
        }
    }
}

#[test]
fn a_snapshot_is_seen_and_the_log_after_it() {
    let mut server = Server::new(SMALL_SEGMENTS);
    server.live_and_save(&life()).unwrap();
    server.live(&life_with_snapshots()).unwrap();
    let seen = undamaged(folder_of(&server.disk.files()).path());
    let (position, body) = server.known.snapshot.unwrap();
    assert_eq!(seen.snapshot, Some(SnapshotInfo { position, size: body.len() as u64 }));
    assert_eq!((seen.reached().begins_after, log(&seen)), (server.known.begins_after, server.known.log));
    assert_eq!(seen.life, Some(2));
}

/// Whatever is wrong, a look reports damage exactly when a server would refuse to start, and for the same
/// reason.
#[track_caller]
fn assert_told_as_refused(folder: &Path, files: &Files) {
    let seen = inspect(folder).unwrap();
    let disk = ModelDisk::with_files(files.clone());
    match Storage::open_with_segment_size(disk, identity(), SMALL_SEGMENTS) {
        Ok((_, recovered)) => {
            assert!(seen.damage.is_empty(), "{:?}", seen.damage);
            assert_eq!(seen.reached().hard_state, recovered.hard_state);
            if recovered.snapshot.is_none_or(|it| it.position == seen.reached().begins_after) {
                assert_eq!(log(&seen), recovered.log);
            }
        }
        Err(refused) => {
            let told: BTreeSet<String> = seen.damage.iter().map(StorageError::to_string).collect();
            let refused = refused.to_string().replace("model", &folder.display().to_string());
            assert!(told.contains(&refused), "{refused}, not {told:?}");
        }
    }
}

#[test]
fn damage_is_told_just_when_a_server_would_refuse_to_start() {
    let files = files_with_a_snapshot();
    let folder = folder_of(&files);
    assert_told_as_refused(folder.path(), &files);
    for (name, content) in &files {
        let path = folder.path().join(name);
        let mut changed = files.clone();
        for (at, _) in content.iter().enumerate().filter(|(at, byte)| **byte != 0 || at % 16 == 0) {
            changed.get_mut(name).unwrap()[at] ^= 1 << (at % 8);
            fs::write(&path, &changed[name]).unwrap();
            assert_told_as_refused(folder.path(), &changed);
            changed.insert(name.clone(), content.clone());
        }
        for length in (0..content.len()).step_by(13) {
            changed.insert(name.clone(), content[..length].to_vec());
            fs::write(&path, &changed[name]).unwrap();
            assert_told_as_refused(folder.path(), &changed);
        }
        fs::write(&path, content).unwrap();
    }
}

#[test]
fn what_is_missing_is_told_just_when_a_server_would_refuse_to_start() {
    let mut lived = Server::new(SMALL_SEGMENTS);
    lived.live_and_save(&life()).unwrap();
    for files in [lived.disk.files(), files_with_a_snapshot()] {
        let names: Vec<&String> = files.keys().collect();
        for removed in 0..1_u32 << names.len() {
            let is_there =
                |name: &String| names.iter().position(|it| *it == name).map(|at| removed >> at & 1 == 0);
            let left: Files = files
                .iter()
                .filter(|(name, _)| is_there(name) == Some(true))
                .map(|(name, content)| (name.clone(), content.clone()))
                .collect();
            if left.contains_key("identity") || left.is_empty() {
                assert_told_as_refused(folder_of(&left).path(), &left);
            }
        }
    }
}

#[test]
fn a_log_without_the_snapshot_before_it_is_told() {
    let mut files = files_with_a_snapshot();
    files.remove("snapshot");
    let seen = inspect(folder_of(&files).path()).unwrap();
    let [StorageError::MissingSnapshot { begins_after, snapshot: None, .. }] = &seen.damage[..] else {
        panic!("{:?}", seen.damage)
    };
    assert_eq!(*begins_after, position(33, 8));
}

#[test]
fn a_lost_identity_is_told() {
    let mut files = files_with_a_snapshot();
    files.remove("identity");
    let seen = inspect(folder_of(&files).path()).unwrap();
    assert_eq!(seen.damage.len(), 1);
    assert!(seen.damage[0].to_string().contains("identity is damaged: it is missing"));
    assert!(!seen.is_empty() && seen.life == Some(2));
}

#[test]
fn leavings_before_a_gap_are_no_damage() {
    let mut server = Server::new(SMALL_SEGMENTS);
    server.live_and_save(&life()).unwrap();
    let leavings = server.disk.files()["log-0000000001"].clone();
    server.live(&life_with_snapshots()).unwrap();
    let mut files = server.disk.files();
    assert!(!files.contains_key("log-0000000002"));
    files.insert("log-0000000001".into(), leavings);
    let seen = undamaged(folder_of(&files).path());
    assert_eq!(seen.segments[0].header.number, 1);
    assert_eq!(log(&seen), server.known.log);
}

/// Each file's name, contents and time of change.
fn state(folder: &Path) -> BTreeSet<(String, Vec<u8>, std::time::SystemTime)> {
    let files = fs::read_dir(folder).unwrap().map(Result::unwrap).map(|file| {
        let name = file.file_name().into_string().unwrap();
        (name, fs::read(file.path()).unwrap(), file.metadata().unwrap().modified().unwrap())
    });
    files.collect()
}

#[test]
fn looking_changes_nothing() {
    let folder = folder_of(&files_with_a_snapshot());
    let before = state(folder.path());
    undamaged(folder.path());
    assert_eq!(state(folder.path()), before);
}

#[test]
fn a_running_server_is_not_disturbed() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FolderDisk::open(folder.path()).unwrap();
    let (mut storage, _) = Storage::open_with_segment_size(disk, identity(), SMALL_SEGMENTS).unwrap();
    let mut known = Known::default();
    for batch in life() {
        let seen = undamaged(folder.path());
        assert_eq!((log(&seen), seen.reached().hard_state), (known.log.clone(), known.hard_state));
        storage.save(&batch).unwrap();
        known = known.after(&batch);
    }
}

/// A server saves, takes snapshots and removes segments as fast as it can, while another process looks.
#[test]
fn a_server_at_work_is_never_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FolderDisk::open(folder.path()).unwrap();
    let (mut storage, _) = Storage::open_with_segment_size(disk, identity(), SMALL_SEGMENTS).unwrap();
    let server = std::thread::spawn(move || {
        for index in 1..=600 {
            storage.save(&appends(index, [command(1, 200)])).unwrap();
            if index % 20 == 0 {
                let up_to = position(index - 5, 1);
                storage.write_snapshot(up_to, 0, &[7; 100_000]).unwrap();
                storage.finish_snapshot(up_to).unwrap();
                storage.save(&begins_after(up_to)).unwrap();
            }
        }
    });
    let (mut seen_to, mut looks) = (0, 0);
    while !server.is_finished() || looks == 0 {
        let seen = undamaged(folder.path());
        assert!(seen.reached().saves >= seen_to);
        seen_to = seen.reached().saves;
        looks += 1;
    }
    server.join().unwrap();
    assert_eq!(undamaged(folder.path()).reached().log_end, Index(600));
}

#[test]
fn an_empty_folder_has_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert!(undamaged(folder.path()).is_empty());
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
    let folder = folder(4096, &[appends(1, [command(1, 10)]), appends(2, [command(1, 1000)])]);
    let damaged_save = whole(folder.path())[0].saves[1].offset;
    change(&folder, FIRST, |log| log[700] ^= 1);
    let seen = inspect(folder.path()).unwrap();
    assert_eq!(endings(&seen), [Ending::Damaged]);
    assert_eq!(damage(&seen), (FIRST.into(), damaged_save, Index(1), LogDamage::Save));
}

#[test]
fn damage_at_the_end_of_a_segment_shows_when_the_next_is_known() {
    let folder = folder(SMALL_SEGMENTS, &life());
    let segments = whole(folder.path());
    let last_save = segments[0].saves.last().unwrap();
    change(&folder, FIRST, |log| log[last_save.offset as usize..].fill(0));
    let seen = inspect(folder.path()).unwrap();
    assert_eq!(endings(&seen)[..2], [Ending::Damaged, Ending::Continued]);
    let (file, offset, _, what) = damage(&seen);
    assert_eq!((file, offset, what), (FIRST.into(), last_save.offset, LogDamage::Save));
}

#[test]
fn a_missing_last_segment_shows_in_the_one_before() {
    let folder = folder(SMALL_SEGMENTS, &life());
    let segments = whole(folder.path());
    let (last, before) = (segments.last().unwrap(), &segments[segments.len() - 2]);
    fs::remove_file(&last.file).unwrap();
    let seen = inspect(folder.path()).unwrap();
    assert_eq!(*endings(&seen).last().unwrap(), Ending::Continued);
    let name = format!("log-{:010}", last.header.number);
    assert_eq!(damage(&seen), (name, 0, before.reached.log_end, LogDamage::Missing));
}

#[test]
fn a_missing_segment_is_told_and_the_others_are_shown() {
    let folder = folder(SMALL_SEGMENTS, &life());
    let mut segments = whole(folder.path());
    fs::remove_file(&segments[1].file).unwrap();
    let seen = inspect(folder.path()).unwrap();
    assert_eq!(damage(&seen), ("log-0000000002".into(), 0, Index(0), LogDamage::Missing));
    segments.remove(1);
    assert_eq!(seen.segments, segments);
}

#[test]
fn a_broken_header_is_told_and_the_others_are_shown() {
    let folder = folder(SMALL_SEGMENTS, &life());
    let mut segments = whole(folder.path());
    change(&folder, "log-0000000002", |log| log[20] ^= 1);
    let seen = inspect(folder.path()).unwrap();
    let whole_to = segments[0].reached.log_end;
    assert_eq!(damage(&seen), ("log-0000000002".into(), 0, whole_to, LogDamage::Header));
    segments.remove(1);
    assert_eq!(seen.segments, segments);
}

#[test]
fn a_second_damage_is_told_too() {
    let folder = folder(SMALL_SEGMENTS, &life());
    for name in ["log-0000000002", "log-0000000003", "lives"] {
        change(&folder, name, |log| log[20] ^= 1);
    }
    assert_eq!(inspect(folder.path()).unwrap().damage.len(), 3);
}
