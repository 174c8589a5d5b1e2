//! Snapshots, and logs that begin after one.

use crate::known::{Act, Known, Server, body, read_snapshot, snapshot};
use crate::model_disk::{Fault, Files, ModelDisk};
use crate::tearing::Tearing;
use crate::{
    SMALL_SEGMENTS, appends, begins_after, command, hard_state, identity, life, no_op, position, saves,
};
use consensus::{Batch, LogPosition};
use std::collections::BTreeSet;
use storage::{
    Chunk, Damage, Identity, LogDamage, Recovered, SEGMENT_SIZE, SnapshotDamage, SnapshotInfo, Storage,
    StorageError,
};

const BLOCK: u64 = 64 << 10;

/// What a server does after its [`life`], whose log ends at entry 8 of term 4.
pub fn life_with_snapshots() -> Vec<Act> {
    let mut acts = Vec::new();
    // Its own snapshot, of a part of the log; votes are saved while it is written.
    acts.extend(snapshot(position(3, 3), 700, 300));
    acts.insert(1, saves(hard_state(5, None)).into());
    acts.push(begins_after(position(3, 3)).into());
    acts.push(appends(9, [command(5, 500), command(5, 500)]).into());
    // Two in quick succession, after which the log begins with a vote and a replaced entry.
    acts.extend(snapshot(position(7, 4), 0, 300));
    acts.extend(snapshot(position(8, 4), 100, 300));
    let more = appends(10, [command(6, 700), no_op(6)]);
    let vote = Some(hard_state(6, Some(1)));
    acts.push(Batch { hard_state: vote, begins_after: Some(position(8, 4)), ..more }.into());
    // One of a leader that is far ahead.
    acts.extend(snapshot(position(30, 7), 900, 512));
    acts.push(Batch { hard_state: Some(hard_state(7, None)), ..begins_after(position(30, 7)) }.into());
    acts.push(appends(31, [command(7, 10), command(7, 800), no_op(7)]).into());
    // One given up for another, which does not agree with the log.
    acts.push(Act::WriteSnapshot { position: position(31, 7), offset: 0, length: 50 });
    acts.extend(snapshot(position(32, 8), 40, 30));
    acts.push(Batch { begins_after: Some(position(32, 8)), ..appends(33, [command(8, 1)]) }.into());
    // All of the log.
    acts.extend(snapshot(position(33, 8), 10, 30));
    acts.push(begins_after(position(33, 8)).into());
    acts.push(appends(34, [no_op(9)]).into());
    acts
}

/// A server whose log ends at entry 8.
fn lived() -> Server {
    let mut server = Server::new(SMALL_SEGMENTS);
    server.live_and_save(&life()).unwrap();
    server
}

/// The same, with a snapshot of the first six entries, which the log needs.
fn with_a_snapshot() -> Server {
    let mut server = lived();
    server.live(&with_beginning(position(6, 4))).unwrap();
    server
}

/// A small snapshot, after which the log begins.
fn with_beginning(position: LogPosition) -> Vec<Act> {
    let mut acts = snapshot(position, 100, 40);
    acts.push(begins_after(position).into());
    acts
}

fn segments(files: &Files) -> BTreeSet<&String> {
    files.keys().filter(|name| name.starts_with("log-")).collect()
}

fn open(files: &Files) -> Result<Recovered, StorageError> {
    let disk = ModelDisk::with_files(files.clone());
    let opened = Storage::open_with_segment_size(disk.clone(), identity(), SMALL_SEGMENTS);
    if opened.is_err() {
        assert_eq!(disk.files(), *files);
    }
    opened.map(|(_, recovered)| recovered)
}

#[test]
fn a_server_comes_back_from_a_life_with_snapshots() {
    let mut server = lived();
    server.live(&life_with_snapshots()).unwrap();
    server.live(&[]).unwrap();
    assert_eq!(server.known.begins_after, position(33, 8));
    assert_eq!(server.known.log, [no_op(9)]);
    assert_eq!(server.known.hard_state, hard_state(7, None));
    assert!(segments(&server.disk.files()).len() < 4, "{:?}", segments(&server.disk.files()));
}

#[test]
fn a_snapshot_of_any_size_is_read_as_it_was_written() {
    let parts = [1000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK];
    for size in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 700] {
        for part in parts {
            let mut server = Server::new(SEGMENT_SIZE);
            server.live(&snapshot(position(5, 2), size, part)).unwrap();
            let mut storage = server.start().unwrap();
            for part in parts {
                let read = read_snapshot(&mut storage, part as usize).unwrap();
                assert_eq!(read, Some((position(5, 2), body(position(5, 2), size))), "{size}, {part}");
            }
        }
    }
}

#[test]
fn any_part_of_a_snapshot_can_be_read() {
    let mut server = Server::new(SEGMENT_SIZE);
    let size = 2 * BLOCK + 10;
    server.live(&snapshot(position(5, 2), size, 1000)).unwrap();
    let mut storage = server.start().unwrap();
    let all = body(position(5, 2), size);
    for offset in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, size - 1, size] {
        for at_most in [1, 2, 9, 10, 11, BLOCK, BLOCK + 1, size] {
            let end = size.min(offset + at_most);
            let expected = Chunk { bytes: all[offset as usize..end as usize].to_vec(), is_last: end == size };
            let read = storage.read_snapshot(position(5, 2), offset, at_most as usize).unwrap();
            assert_eq!(read, Some(expected), "{at_most} from {offset} on");
        }
    }
}

#[test]
fn only_the_newest_snapshot_is_there() {
    let mut server = lived();
    let mut storage = server.start().unwrap();
    assert_eq!(storage.snapshot(), None);
    assert_eq!(storage.read_snapshot(position(3, 3), 0, 10).unwrap(), None);
    for act in snapshot(position(3, 3), 50, 50) {
        server.act(&mut storage, &act).unwrap();
    }
    assert!(storage.read_snapshot(position(3, 3), 10, 10).unwrap().is_some());
    for act in snapshot(position(4, 3), 70, 70) {
        assert!(storage.read_snapshot(position(3, 3), 20, 10).unwrap().is_some());
        assert_eq!(storage.read_snapshot(position(4, 3), 0, 10).unwrap(), None);
        server.act(&mut storage, &act).unwrap();
    }
    assert_eq!(storage.read_snapshot(position(3, 3), 30, 10).unwrap(), None);
    assert_eq!(storage.snapshot(), Some(SnapshotInfo { position: position(4, 3), size: 70 }));
    assert!(storage.read_snapshot(position(4, 3), 0, 10).unwrap().is_some());
}

/// The remaining entries of a log of six, of the terms 1, 1, 2, 2, 3, 3, when it begins after a snapshot.
#[test]
fn the_entries_after_a_snapshot_stay_if_the_log_agrees_with_it() {
    let entries = [1, 1, 2, 2, 3, 3].map(no_op);
    for (index, term, stay) in [
        (1, 1, 5),
        (2, 1, 4),
        (3, 2, 3),
        (4, 2, 2),
        (5, 3, 1),
        (6, 3, 0),
        (1, 2, 0),
        (2, 2, 0),
        (3, 1, 0),
        (3, 3, 0),
        (4, 3, 0),
        (5, 2, 0),
        (6, 4, 0),
        (7, 3, 0),
        (70, 3, 0),
    ] {
        let begins = begins_after(position(index, term));
        for is_crash in [false, true] {
            let mut server = Server::new(SEGMENT_SIZE);
            server.live_and_save(&[appends(1, entries.clone())]).unwrap();
            server.live(&snapshot(position(index, term), 10, 10)).unwrap();
            if !is_crash {
                server.live_and_save(std::slice::from_ref(&begins)).unwrap();
            }
            server.live(&[]).unwrap();
            assert_eq!(server.known.begins_after, position(index, term));
            assert_eq!(server.known.log, entries[6 - stay..], "{index} of term {term}, {is_crash}");
            let more = appends(index + stay as u64 + 1, [command(9, 10)]);
            server.live_and_save(&[more]).unwrap();
            server.live(&[]).unwrap();
        }
    }
}

/// As in etcd's issue 18055: the log's beginning lags behind the snapshots, and then the server restarts.
#[test]
fn two_snapshots_in_quick_succession_and_a_restart() {
    for begins_after_the_first in [false, true] {
        for tearing in Tearing::all(20) {
            let mut server = lived();
            let mut acts = snapshot(position(5, 3), 100, 100);
            if begins_after_the_first {
                acts.push(begins_after(position(5, 3)).into());
            }
            acts.extend(snapshot(position(7, 4), 200, 100));
            server.live(&acts).unwrap();
            server.disk.crash(tearing);
            server.live(&[]).unwrap();
            assert_eq!(server.known.begins_after, position(7, 4));
            assert_eq!(server.known.log, [no_op(4)]);
        }
    }
}

#[test]
fn a_log_may_begin_before_the_snapshot_ends() {
    let mut server = lived();
    let mut storage = server.start().unwrap();
    for act in snapshot(position(7, 4), 100, 40) {
        server.act(&mut storage, &act).unwrap();
    }
    for index in [2, 4, 4, 6] {
        let begins = begins_after(server.known.position(index));
        server.save(&mut storage, &begins).unwrap();
    }
    server.save(&mut storage, &appends(9, [command(4, 10)])).unwrap();
    drop(storage);
    server.live(&[]).unwrap();
}

#[test]
fn segments_go_when_no_entry_in_them_is_needed() {
    let mut server = lived();
    let before = server.disk.files();
    let mut storage = server.start().unwrap();
    for act in snapshot(position(8, 4), 10, 10) {
        server.act(&mut storage, &act).unwrap();
    }
    for index in 1..=8 {
        let begins = begins_after(server.known.position(index));
        server.save(&mut storage, &begins).unwrap();
        let files = server.disk.files();
        for gone in segments(&before).difference(&segments(&files)) {
            let mut without = files.clone();
            without.insert((*gone).clone(), before[*gone].clone());
            let recovered = open(&without).unwrap();
            let expected = Known { snapshot: None, ..server.known.after_a_restart() };
            assert_eq!(Known::of(&recovered), expected);
        }
        for name in segments(&files) {
            let mut without = files.clone();
            without.remove(name);
            assert_missing_or_not_needed(&without, name, &server.known);
        }
    }
    assert_eq!(segments(&server.disk.files()).len(), 1);
}

#[test]
fn a_segment_goes_as_soon_as_its_last_entry_is_not_needed() {
    let mut server = Server::new(0);
    let batches: Vec<Batch> = (1..=5).map(|index| appends(index, [command(1, 10)])).collect();
    server.live_and_save(&batches).unwrap();
    server.live(&with_beginning(position(3, 1))).unwrap();
    let files = server.disk.files();
    let with_entry_4 = "log-0000000005";
    assert_eq!(segments(&files).first().unwrap().as_str(), with_entry_4);
    assert_eq!(segments(&files).len(), 3);
}

/// The oldest segment may be there although all its entries have been replaced.
#[track_caller]
fn assert_missing_or_not_needed(files: &Files, name: &str, known: &Known) {
    match open(files) {
        Ok(recovered) => {
            assert_eq!(Known::of(&recovered), Known { snapshot: None, ..known.after_a_restart() });
        }
        Err(StorageError::CorruptLog { file, damage: LogDamage::Missing, .. }) => {
            assert!(segments(files).is_empty() || file.ends_with(name));
        }
        Err(other) => panic!("{other}"),
    }
}

/// A crash may bring back any of the removed segments. They are not part of the log.
#[test]
fn segments_that_come_back_are_removed_again() {
    let before = lived();
    let mut server = before.copy();
    server.live(&with_beginning(position(8, 4))).unwrap();
    let (old, new) = (before.disk.files(), server.disk.files());
    let gone: Vec<&String> = segments(&old).difference(&segments(&new)).copied().collect();
    assert!(gone.len() >= 3);
    for choice in 0..1 << gone.len() {
        let mut files = new.clone();
        let back = gone.iter().enumerate().filter(|(at, _)| choice >> at & 1 == 1);
        files.extend(back.map(|(_, name)| ((*name).clone(), old[*name].clone())));
        let disk = ModelDisk::with_files(files);
        let (_, recovered) =
            Storage::open_with_segment_size(disk.clone(), identity(), SMALL_SEGMENTS).unwrap();
        assert_eq!(recovered.log_begins_after, position(8, 4));
        assert_eq!(segments(&disk.files()), segments(&new), "{choice:b}");
    }
}

#[test]
fn a_missing_snapshot_is_noticed() {
    let mut files = with_a_snapshot().disk.files();
    files.remove("snapshot");
    let refused = open(&files).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the log in model begins after entry 6 of term 4, but the snapshot with the entries before is missing"
    );
    assert!(refused.help().contains("Keep this server stopped"));
}

#[test]
fn a_snapshot_that_ends_before_the_log_begins_is_noticed() {
    for (older, told) in [
        (position(5, 3), "the snapshot with the entries before ends at entry 5 of term 3"),
        (position(6, 3), "the snapshot with the entries before ends at entry 6 of term 3"),
    ] {
        let mut server = lived();
        server.live(&snapshot(older, 100, 100)).unwrap();
        let mut files = with_a_snapshot().disk.files();
        files.insert("snapshot".into(), server.disk.files()["snapshot"].clone());
        let refused = open(&files).unwrap_err();
        assert!(
            matches!(&refused, StorageError::MissingSnapshot { snapshot, .. } if *snapshot == Some(older))
        );
        assert!(refused.to_string().ends_with(told), "{refused}");
    }
}

#[track_caller]
fn corrupt_snapshot(files: &Files) -> (u64, SnapshotDamage) {
    let refused = open(files).expect_err("damage");
    assert!(refused.to_string().starts_with("model/snapshot is damaged: "), "{refused}");
    assert!(refused.help().contains("Do not delete the file"));
    let StorageError::CorruptSnapshot { offset, damage, .. } = refused else { panic!("{refused}") };
    (offset, damage)
}

fn with_snapshot_file(change: impl FnOnce(&mut Vec<u8>)) -> Files {
    let mut files = with_a_snapshot().disk.files();
    change(files.get_mut("snapshot").unwrap());
    files
}

#[test]
fn a_snapshot_that_is_cut_anywhere_is_refused() {
    let files = with_a_snapshot().disk.files();
    for length in 0..files["snapshot"].len() {
        let (_, damage) = corrupt_snapshot(&with_snapshot_file(|file| file.truncate(length)));
        assert!(matches!(damage, SnapshotDamage::Header | SnapshotDamage::Trailer), "{length}: {damage}");
    }
    let (_, damage) = corrupt_snapshot(&with_snapshot_file(|file| file.push(0)));
    assert_eq!(damage, SnapshotDamage::Trailer);
}

#[test]
fn a_snapshot_with_any_bit_flipped_is_refused() {
    let files = with_a_snapshot().disk.files();
    for bit in 0..files["snapshot"].len() * 8 {
        let (offset, damage) = corrupt_snapshot(&with_snapshot_file(|file| file[bit / 8] ^= 1 << (bit % 8)));
        assert!(offset <= bit as u64 / 8, "bit {bit}: {damage} at {offset}");
    }
}

#[test]
fn a_damaged_block_of_a_large_snapshot_is_reported() {
    let mut server = lived();
    server.live(&snapshot(position(6, 4), 3 * BLOCK + 10, BLOCK)).unwrap();
    let files = server.disk.files();
    let body = files["snapshot"].len() as u64 - 3 * BLOCK - 10 - 4 * 4 - 12;
    for block in 0..4 {
        let mut files = files.clone();
        files.get_mut("snapshot").unwrap()[(body + block * BLOCK) as usize + 5] ^= 1;
        assert_eq!(corrupt_snapshot(&files), (body + block * BLOCK, SnapshotDamage::Body));
    }
}

/// Otherwise one flipped bit on a leader's disk would spread to all the others.
#[test]
fn a_snapshot_that_was_damaged_since_the_start_is_not_handed_on() {
    let mut server = lived();
    let size = 2 * BLOCK;
    server.live(&snapshot(position(6, 4), size, BLOCK)).unwrap();
    let mut storage = server.start().unwrap();
    server.disk.change("snapshot", |file| {
        let at = file.len() - 50;
        file[at] ^= 1;
    });
    assert!(storage.read_snapshot(position(6, 4), 0, BLOCK as usize).is_ok());
    for (offset, at_most) in [(0, size), (BLOCK, 1), (BLOCK - 1, 2), (size - 1, 1)] {
        let refused = storage.read_snapshot(position(6, 4), offset, at_most as usize).unwrap_err();
        assert!(matches!(refused, StorageError::CorruptSnapshot { damage: SnapshotDamage::Body, .. }));
    }
    assert!(!storage.is_poisoned());
}

#[test]
fn another_clusters_snapshot_is_refused() {
    let stranger = Identity { cluster: "remote".into(), ..identity() };
    let disk = ModelDisk::default();
    let (mut storage, _) = Storage::open(disk.clone(), stranger).unwrap();
    storage.write_snapshot(position(6, 4), 0, b"state").unwrap();
    storage.finish_snapshot(position(6, 4)).unwrap();
    let refused = open(&with_snapshot_file(|file| *file = disk.files()["snapshot"].clone())).unwrap_err();
    assert_eq!(refused.to_string(), "model/snapshot is a snapshot of another cluster, \"remote\"");
    assert!(refused.help().contains("Restore the snapshot that belongs here"));
}

#[test]
fn a_snapshot_of_a_newer_version_is_named_as_such() {
    let refused = open(&with_snapshot_file(|file| {
        file[8..12].copy_from_slice(&2_u32.to_le_bytes());
        let length = u32::from_le_bytes(file[12..16].try_into().unwrap()) as usize;
        let checksum = crc32c::crc32c(&file[..length - 4]).to_le_bytes();
        file[length - 4..length].copy_from_slice(&checksum);
    }))
    .unwrap_err();
    assert!(matches!(refused, StorageError::NewerVersion { version: 2, known: 1, .. }), "{refused}");
}

#[test]
fn a_server_that_has_a_snapshot_does_not_begin_again() {
    let mut files = with_a_snapshot().disk.files();
    files.retain(|name, _| name == "snapshot");
    let refused = open(&files).unwrap_err();
    assert!(matches!(refused, StorageError::Corrupt { damage: Damage::Missing, .. }), "{refused}");
}

#[test]
fn an_unfinished_snapshot_is_removed_when_the_server_starts() {
    let mut server = with_a_snapshot();
    server.live(&[Act::WriteSnapshot { position: position(8, 4), offset: 0, length: 500 }]).unwrap();
    assert!(server.disk.files().contains_key("snapshot.new"));
    let mut storage = server.start().unwrap();
    assert!(!server.disk.files().contains_key("snapshot.new"));
    for act in snapshot(position(7, 4), 30, 10) {
        server.act(&mut storage, &act).unwrap();
    }
}

#[test]
fn a_snapshot_can_be_begun_again() {
    let mut server = lived();
    let write = |index, offset| Act::WriteSnapshot { position: position(index, 4), offset, length: 20 };
    let mut acts = vec![write(7, 0), write(7, 20), write(7, 0), write(8, 0), write(6, 0), write(6, 20)];
    acts.push(Act::FinishSnapshot { position: position(6, 4), size: 40 });
    server.live(&acts).unwrap();
    server.live(&[]).unwrap();
}

/// A full disk ends the snapshot that is being written, and nothing else.
#[test]
fn a_snapshot_that_finds_no_room_does_no_harm() {
    let acts = snapshot(position(7, 4), 300, 100);
    for full_from in 0.. {
        let mut server = with_a_snapshot();
        let mut storage = server.start().unwrap();
        server.disk.plan(Fault::Full(full_from));
        let written = acts.iter().try_for_each(|act| server.act(&mut storage, act));
        let Err(refused) = written else {
            assert!(full_from > 3);
            break;
        };
        assert!(refused.is_full() && !storage.is_poisoned(), "{refused}");
        assert!(!server.disk.files().contains_key("snapshot.new"));
        server.save(&mut storage, &saves(hard_state(9, Some(3)))).unwrap();
        assert_eq!(read_snapshot(&mut storage, 64).unwrap(), server.known.snapshot);

        server.disk.mend();
        for act in &acts {
            server.act(&mut storage, act).unwrap();
        }
        drop(storage);
        server.live(&[]).unwrap();
    }
}

#[test]
fn after_a_snapshot_that_failed_the_disk_is_left_alone() {
    let acts = snapshot(position(7, 4), 300, 100);
    for failing in 0.. {
        let mut server = with_a_snapshot();
        let mut storage = server.start().unwrap();
        server.disk.plan(Fault::Error(failing, Tearing::Kept));
        let Err(error) = acts.iter().try_for_each(|act| server.act(&mut storage, act)) else {
            assert_eq!(failing, 8);
            break;
        };
        assert!(matches!(error, StorageError::Io { .. }));
        assert!(storage.is_poisoned());
        let before = server.disk.operations();
        assert_eq!(before, failing + 1);
        assert_is_poisoned(storage.write_snapshot(position(8, 4), 0, b"state"));
        assert_is_poisoned(storage.finish_snapshot(position(8, 4)));
        assert_is_poisoned(storage.save(&saves(hard_state(9, None))));
        assert_eq!(server.disk.operations(), before);
    }
}

#[track_caller]
fn assert_is_poisoned<T: std::fmt::Debug>(result: Result<T, StorageError>) {
    assert!(matches!(result, Err(StorageError::Poisoned { .. })), "{result:?}");
}

#[test]
fn a_large_snapshot_is_synced_little_by_little() {
    let mebibyte = vec![7; 1 << 20];
    let mut server = Server::new(SEGMENT_SIZE);
    let mut storage = server.start().unwrap();
    server.disk.plan(Fault::PowerCutBefore(usize::MAX));
    let operations: Vec<usize> = (0..9)
        .map(|part| {
            let before = server.disk.operations();
            storage.write_snapshot(position(1, 1), part << 20, &mebibyte).unwrap();
            server.disk.operations() - before
        })
        .collect();
    let (with_the_header, alone, with_a_sync) = (2, 1, 2);
    let each = [with_the_header, alone, alone, with_a_sync, alone, alone, alone, with_a_sync, alone];
    assert_eq!(operations, each);
    storage.finish_snapshot(position(1, 1)).unwrap();
}

fn after(acts: &[Act]) -> Storage<ModelDisk> {
    let mut server = lived();
    let mut storage = server.start().unwrap();
    acts.iter().for_each(|act| server.act(&mut storage, act).unwrap());
    storage
}

#[test]
#[should_panic(expected = "what the log loses is in a snapshot")]
fn a_log_never_begins_without_a_snapshot() {
    let _ = after(&[]).save(&begins_after(position(1, 1)));
}

#[test]
#[should_panic(expected = "what the log loses is in a snapshot")]
fn a_log_never_begins_after_the_snapshot_ends() {
    let _ = after(&snapshot(position(6, 4), 10, 10)).save(&begins_after(position(7, 4)));
}

#[test]
#[should_panic(expected = "what the log loses is in a snapshot")]
fn a_log_never_begins_after_another_entry_than_the_last_of_the_snapshot() {
    let _ = after(&snapshot(position(6, 4), 10, 10)).save(&begins_after(position(6, 3)));
}

#[test]
#[should_panic(expected = "a log without a gap")]
fn a_log_never_begins_earlier_again() {
    let _ = after(&with_beginning(position(6, 4))).save(&begins_after(position(5, 3)));
}

#[test]
#[should_panic(expected = "a log without a gap")]
fn nothing_is_saved_where_a_snapshot_stands() {
    let _ = after(&with_beginning(position(6, 4))).save(&appends(6, [no_op(5)]));
}

#[test]
#[should_panic(expected = "a log without a gap")]
fn after_a_snapshot_that_does_not_agree_the_log_has_no_gap() {
    let mut storage = after(&snapshot(position(6, 5), 10, 10));
    let _ = storage.save(&Batch { begins_after: Some(position(6, 5)), ..appends(8, [no_op(5)]) });
}

#[test]
#[should_panic(expected = "a snapshot covers more than the one before it")]
fn a_snapshot_never_goes_back_in_time() {
    let _ = after(&snapshot(position(6, 4), 10, 10)).write_snapshot(position(6, 4), 0, b"state");
}

#[test]
#[should_panic(expected = "from its beginning to its end")]
fn a_snapshot_has_no_gap() {
    let _ = after(&snapshot(position(7, 4), 10, 5)[..1]).write_snapshot(position(7, 4), 6, b"state");
}

#[test]
#[should_panic(expected = "from its beginning to its end")]
fn a_snapshot_is_not_continued_with_another() {
    let _ = after(&snapshot(position(7, 4), 10, 5)[..1]).write_snapshot(position(8, 4), 5, b"state");
}

#[test]
#[should_panic(expected = "from its beginning to its end")]
fn a_snapshot_begins_at_its_beginning() {
    let _ = after(&[]).write_snapshot(position(8, 4), 5, b"state");
}

#[test]
#[should_panic(expected = "a snapshot of this position, of which all is written")]
fn a_snapshot_is_not_finished_as_another() {
    let _ = after(&snapshot(position(7, 4), 10, 5)[..1]).finish_snapshot(position(8, 4));
}
