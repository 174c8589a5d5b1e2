//! Segments that are not as they were written.

use crate::known::{Known, Server};
use crate::model_disk::{Fault, Files, ModelDisk};
use crate::snapshots::life_with_snapshots;
use crate::tearing::Tearing;
use crate::{SMALL_SEGMENTS, appends, command, hard_state, identity, life, saves};
use consensus::{Index, NodeId};
use storage::{Identity, LogDamage, Recovered, Storage, StorageError};

/// The files of a server after its [`life`].
fn files() -> Files {
    files_of(identity(), SMALL_SEGMENTS)
}

fn files_of(identity: Identity, segment_size: u64) -> Files {
    let disk = ModelDisk::default();
    let (mut storage, _) = Storage::open_with_segment_size(disk.clone(), identity, segment_size).unwrap();
    for batch in life() {
        storage.save(&batch).unwrap();
    }
    disk.files()
}

fn at_last() -> Known {
    Known::along(&life()).pop().unwrap()
}

fn segments(files: &Files) -> Vec<String> {
    files.keys().filter(|name| name.starts_with("log-")).cloned().collect()
}

fn with(files: &Files, name: &str, content: Vec<u8>) -> Files {
    let mut files = files.clone();
    files.insert(name.into(), content);
    files
}

fn without(files: &Files, name: &str) -> Files {
    let mut files = files.clone();
    files.remove(name);
    files
}

/// Opens the folder; if that is refused, nothing in it is changed.
fn open(files: &Files) -> Result<Recovered, StorageError> {
    let disk = ModelDisk::with_files(files.clone());
    let opened = Storage::open_with_segment_size(disk.clone(), identity(), SMALL_SEGMENTS);
    if opened.is_err() {
        assert_eq!(disk.files(), *files);
    }
    opened.map(|(_, recovered)| recovered)
}

/// Where and what the damage is because of which the log is refused.
#[track_caller]
fn refused_for(files: &Files) -> (String, u64, Index, LogDamage) {
    corrupt_log(open(files).expect_err("damage"))
}

#[track_caller]
fn corrupt_log(refused: StorageError) -> (String, u64, Index, LogDamage) {
    assert!(refused.help().contains("Do not repair, cut or delete the file"));
    let StorageError::CorruptLog { file, offset, whole_to, damage } = refused else { panic!("{refused}") };
    (file.strip_prefix("model").unwrap().to_str().unwrap().into(), offset, whole_to, damage)
}

#[test]
fn a_life_makes_several_segments() {
    let files = files();
    assert!(segments(&files).len() >= 4, "{:?}", files.keys());
    let recovered = open(&files).unwrap();
    assert_eq!((Known::of(&recovered), recovered.cut_off), (at_last(), None));
}

#[test]
fn a_segment_that_is_cut_anywhere_is_refused() {
    let files = files();
    for name in segments(&files) {
        for length in 0..files[&name].len() {
            let (file, offset, _, damage) =
                refused_for(&with(&files, &name, files[&name][..length].to_vec()));
            assert_eq!((&file, offset), (&name, 0), "cut to {length} bytes");
            let (expected, found) = (files[&name].len() as u64, length as u64);
            match damage {
                LogDamage::Header => assert!(length < 128),
                damage => assert_eq!(damage, LogDamage::Size { expected, found }),
            }
        }
    }
}

#[test]
fn a_segment_that_grew_is_refused() {
    let files = files();
    for name in segments(&files) {
        let expected = files[&name].len() as u64;
        let (file, _, _, damage) = refused_for(&with(&files, &name, [&files[&name][..], &[0]].concat()));
        assert_eq!((file, damage), (name, LogDamage::Size { expected, found: expected + 1 }));
    }
}

/// The log was closed properly, so there is a mark after its last save.
#[test]
fn any_flipped_bit_is_noticed_or_does_no_harm() {
    let logs: Vec<Index> = Known::along(&life()).iter().map(|known| known.last().index).collect();
    assert_flipped_bits_do_no_harm(&files(), &logs);
}

#[test]
fn any_flipped_bit_in_a_log_that_begins_later_is_noticed_or_does_no_harm() {
    let mut server = Server::new(SMALL_SEGMENTS);
    server.live_and_save(&life()).unwrap();
    for acts in life_with_snapshots().chunks(9) {
        server.live(acts).unwrap();
        assert_flipped_bits_do_no_harm(&server.disk.files(), &[]);
    }
}

/// Each flip is refused, with the log before it intact up to one of these if any are given, or changes
/// nothing.
fn assert_flipped_bits_do_no_harm(files: &Files, whole_to_any: &[Index]) {
    let unharmed = open(files).unwrap();
    for name in segments(files) {
        let mut refused = 0;
        for bit in 0..files[&name].len() * 8 {
            let mut flipped = files[&name].clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match open(&with(files, &name, flipped)) {
                Ok(recovered) => {
                    assert_eq!(Known::of(&recovered), Known::of(&unharmed), "{name}, bit {bit}");
                }
                Err(error) => {
                    let (file, offset, whole_to, _) = corrupt_log(error);
                    assert_eq!(file, name, "bit {bit}");
                    assert!(offset <= bit as u64 / 8, "{name}, bit {bit}");
                    assert!(whole_to_any.is_empty() || whole_to_any.contains(&whole_to), "{name}, bit {bit}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 0, "{name}");
    }
}

#[test]
fn a_segment_that_lost_its_end_is_noticed_if_it_is_not_the_last() {
    let files = files();
    let segments = segments(&files);
    for name in &segments[..segments.len() - 1] {
        assert_zeroes_from_anywhere_do_no_harm(&files, name, &[at_last()]);
    }
}

/// A disk that loses what it reported as written can make us lose the latest saves, like a disk that crashed.
/// It can never make us believe what was not saved.
#[test]
fn the_last_segment_without_its_end_holds_what_was_known_once() {
    let files = files();
    let last = segments(&files).pop().unwrap();
    assert_zeroes_from_anywhere_do_no_harm(&files, &last, &Known::along(&life()));
}

/// The segment is refused, or what it holds is one of these.
fn assert_zeroes_from_anywhere_do_no_harm(files: &Files, name: &str, allowed: &[Known]) {
    for from in 0..files[name].len() {
        let mut content = files[name].clone();
        content[from..].fill(0);
        match open(&with(files, name, content)) {
            Ok(recovered) => assert!(allowed.contains(&Known::of(&recovered)), "{name}, zero from {from} on"),
            Err(error) => assert_eq!(corrupt_log(error).0, name),
        }
    }
}

#[test]
fn a_lost_sector_before_the_last_save_is_noticed() {
    let files = files();
    let all_known = Known::along(&life());
    let segments = segments(&files);
    for name in &segments {
        let is_last = name == segments.last().unwrap();
        for sector in (0..files[name].len()).step_by(512) {
            let mut content = files[name].clone();
            let end = content.len().min(sector + 512);
            content[sector..end].fill(0);
            match open(&with(&files, name, content)).map(|recovered| Known::of(&recovered)) {
                Ok(known) => assert!(known == at_last() || is_last && all_known.contains(&known)),
                Err(error) => assert_eq!(corrupt_log(error).0, *name),
            }
        }
    }
}

#[test]
fn damage_before_the_end_is_no_torn_end() {
    let mut server = Server::new(4096);
    let batches = [appends(1, [command(1, 100)]), appends(2, [command(1, 100)]), appends(3, [command(1, 1)])];
    server.live_and_save(&batches).unwrap();
    let mut files = server.disk.files();
    let log = files.get_mut("log-0000000001").unwrap();
    let second_command = log.windows(100).rposition(|bytes| bytes[..4] == [1, 2, 3, 4]).unwrap();
    log[second_command + 50] ^= 1;

    let refused = open(&files).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "model/log-0000000001 is damaged: a save is broken that was already on disk, as later writes show (at byte \
         288; the log is complete up to entry 1)"
    );
    let (file, offset, whole_to, damage) = corrupt_log(refused);
    assert_eq!((file.as_str(), offset, whole_to), ("log-0000000001", 288, Index(1)));
    assert_eq!(damage, LogDamage::Save);
}

/// The server, whose power fails before the mark after its last save is on disk.
fn without_the_last_mark(batches: &[consensus::Batch]) -> Server {
    let mut server = Server::new(4096);
    let mut storage = server.start().unwrap();
    for batch in batches {
        server.save(&mut storage, batch).unwrap();
    }
    server.disk.crash(Tearing::Undone);
    server
}

#[test]
fn a_durable_save_needs_no_mark() {
    without_the_last_mark(&life()).live(&[]).unwrap();
}

#[test]
fn a_torn_end_is_cut_off_once_and_that_is_told() {
    for (tearing, is_told) in [
        (Tearing::FrontKept, true),
        (Tearing::BackKept, true),
        (Tearing::Zeroed, false),
        (Tearing::Undone, false),
    ] {
        let mut server = Server::new(1 << 16);
        let mut storage = server.start().unwrap();
        let first = appends(1, [command(1, 300)]);
        server.save(&mut storage, &first).unwrap();
        server.disk.plan(Fault::PowerCutAfter(0));
        server.save(&mut storage, &appends(2, [command(1, 3000)])).unwrap_err();
        server.disk.crash(tearing);

        let recovered = open(&server.disk.files()).unwrap();
        assert_eq!(Known::of(&recovered), Known::default().after(&first));
        assert_eq!(recovered.cut_off.is_some(), is_told, "{tearing:?}");
        server.live(&[]).unwrap();
        assert_eq!(open(&server.disk.files()).unwrap().cut_off, None);
    }
}

/// What an earlier run left was intact when the segment was rewritten.
#[test]
fn a_log_that_lost_its_end_and_all_marks_is_noticed_if_that_was_there_at_the_last_start() {
    let mut server = Server::new(4096);
    let batches: Vec<_> = (1..=8).map(|index| appends(index, [command(1, 200)])).collect();
    server.live_and_save(&batches[..5]).unwrap();
    server.live_and_save(&batches[5..]).unwrap();
    let (files, name) = (server.disk.files(), "log-0000000001");
    let (first, length) = (128, 256);
    for kept in 0..8 {
        let mut content = files[name].clone();
        content[first + kept * length..].fill(0);
        match open(&with(&files, name, content)) {
            Ok(recovered) => assert_eq!((kept >= 5, recovered.log.len()), (true, kept)),
            Err(error) => {
                assert!(kept < 5);
                let damage = LogDamage::Short { expected: 5, found: kept as u64 };
                assert_eq!(corrupt_log(error).3, damage);
            }
        }
    }
}

#[test]
fn a_missing_segment_is_noticed() {
    let files = files();
    for name in segments(&files) {
        let (file, _, _, damage) = refused_for(&without(&files, &name));
        assert_eq!((file, damage), (name, LogDamage::Missing));
    }
    let mut no_log = files.clone();
    no_log.retain(|name, _| !name.starts_with("log-"));
    let (file, _, whole_to, damage) = refused_for(&no_log);
    assert_eq!((file.as_str(), whole_to, damage), ("log-0000000001", Index(0), LogDamage::Missing));
}

#[test]
fn a_segment_in_anothers_place_is_noticed() {
    let files = files();
    for name in segments(&files) {
        for other in segments(&files) {
            if name != other {
                refused_for(&with(&files, &name, files[&other].clone()));
            }
        }
    }
}

#[test]
fn another_servers_segment_is_refused() {
    for stranger in [
        Identity { node: NodeId(3), ..identity() },
        Identity { cluster: "loca".into(), ..identity() },
        Identity { cluster: "remote".into(), ..identity() },
    ] {
        let (files, foreign) = (files(), files_of(stranger.clone(), SMALL_SEGMENTS));
        for name in segments(&files) {
            let refused = open(&with(&files, &name, foreign[&name].clone())).unwrap_err();
            let told = refused.to_string();
            assert!(refused.help().contains("a server must never run with only a part of its log"));
            let StorageError::ForeignSegment { file, cluster, node } = refused else { panic!("{refused}") };
            assert!(file.ends_with(&name));
            assert_eq!((&cluster, node), (&stranger.cluster, stranger.node));
            assert!(
                told.contains(&format!(
                    "belongs to the log of another server, {node} of cluster {cluster:?}"
                )),
                "{told}"
            );
        }
    }
}

/// An old copy of one file was restored.
#[test]
fn a_segment_of_another_time_is_noticed() {
    let mut other_life = life();
    other_life.insert(0, saves(hard_state(1, None)));
    let disk = ModelDisk::default();
    let (mut storage, _) = Storage::open_with_segment_size(disk.clone(), identity(), SMALL_SEGMENTS).unwrap();
    for batch in other_life {
        storage.save(&batch).unwrap();
    }
    let (files, others) = (files(), disk.files());
    for name in &segments(&files)[1..3] {
        refused_for(&with(&files, name, others[name].clone()));
    }
}

#[test]
fn records_from_elsewhere_are_not_taken_for_saves() {
    let files = files();
    let segments = segments(&files);
    let last = segments.last().unwrap();
    let end = files[last].iter().rposition(|byte| *byte != 0).unwrap() + 1 - 32;
    for other in &segments[..segments.len() - 1] {
        for from in (0..files[other].len() - 32).step_by(32) {
            let mut content = files[last].clone();
            let length = (content.len() - end).min(files[other].len() - from);
            content[end..][..length].copy_from_slice(&files[other][from..][..length]);
            match open(&with(&files, last, content)) {
                Ok(recovered) => assert_eq!(Known::of(&recovered), at_last(), "{other} from {from} on"),
                Err(error) => assert_eq!(corrupt_log(error).0, *last),
            }
        }
    }
}

#[test]
fn another_servers_record_is_not_taken_for_a_save() {
    let stranger = Identity { node: NodeId(3), ..identity() };
    let name = "log-0000000001";
    let mut server = Server::new(4096);
    server.live_and_save(&life()[..2]).unwrap();
    let mut files = server.disk.files();
    let end = files[name].iter().rposition(|byte| *byte != 0).unwrap() + 1 - 32;
    let others = files_of(stranger, 4096);
    files.get_mut(name).unwrap()[end..end + 192].copy_from_slice(&others[name][end..end + 192]);
    assert_eq!(refused_for(&files), (name.into(), end as u64, Index(1), LogDamage::NotTorn));
}

/// Two bytes are broken: one of the last save, one of the mark after it.
#[test]
fn a_broken_mark_still_shows_that_the_save_before_it_was_durable() {
    let mut server = Server::new(4096);
    server.live_and_save(&[appends(1, [command(1, 100)])]).unwrap();
    let mut files = server.disk.files();
    let log = files.get_mut("log-0000000001").unwrap();
    let used = log.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    log[used - 1] ^= 1;
    log[used - 50] ^= 1;
    assert_eq!(refused_for(&files).3, LogDamage::Save);
}

#[test]
fn a_torn_save_may_lack_its_beginning() {
    let mut server = Server::new(1 << 16);
    let mut storage = server.start().unwrap();
    server.disk.plan(Fault::PowerCutAfter(0));
    server.save(&mut storage, &appends(1, [command(1, 3000)])).unwrap_err();
    server.disk.crash(Tearing::BackKept);
    let files = server.disk.files();
    assert_eq!(files["log-0000000001"][128..132], *b"mark");
    let cut_off = open(&files).unwrap().cut_off.unwrap();
    assert_eq!((cut_off.offset, cut_off.bytes), (128, 3072));
}

#[test]
fn a_command_may_hold_anything() {
    let files = files();
    let mut server = Server::new(SMALL_SEGMENTS);
    let mut batches = Vec::new();
    for (at, content) in files.into_values().enumerate() {
        let payload = consensus::Payload::Command(content.into());
        let entry = consensus::Entry { term: consensus::Term(1), payload };
        batches.push(appends(at as u64 + 1, [entry]));
    }
    server.live_and_save(&batches).unwrap();
    server.disk.crash(Tearing::Undone);
    server.live(&[]).unwrap();
}

#[test]
fn a_segment_of_a_newer_version_is_named_as_such() {
    let mut files = files();
    let header = files.get_mut("log-0000000002").unwrap();
    header[8..12].copy_from_slice(&3_u32.to_le_bytes());
    let length = u32::from_le_bytes(header[12..16].try_into().unwrap()) as usize;
    let checksum = crc32c::crc32c(&header[..length - 4]).to_le_bytes();
    header[length - 4..length].copy_from_slice(&checksum);
    let refused = open(&files).unwrap_err();
    assert!(matches!(refused, StorageError::NewerVersion { version: 3, known: 2, .. }), "{refused}");
    assert!(refused.to_string().starts_with("model/log-0000000002 was written by a newer version"));
}

#[test]
fn files_with_strange_names_are_no_segments() {
    let mut files = files();
    for name in ["log-1", "log-00000000001", "log-000000000x", "log-", "log", "LOG-0000000009", "notes"] {
        files.insert(name.into(), b"anything".to_vec());
    }
    assert_eq!(Known::of(&open(&files).unwrap()), at_last());
}

#[test]
fn what_was_left_aside_is_removed() {
    let mut files = files();
    let next = segments(&files).len() + 1;
    for name in ["log-0000000001.new".to_string(), format!("log-{next:010}.new")] {
        files.insert(name, b"half a segment".to_vec());
    }
    let disk = ModelDisk::with_files(files);
    let (mut storage, recovered) =
        Storage::open_with_segment_size(disk.clone(), identity(), SMALL_SEGMENTS).unwrap();
    assert_eq!(Known::of(&recovered), at_last());
    assert!(disk.files().keys().all(|name| !name.ends_with(".new")));
    storage.save(&appends(9, [command(4, 2000)])).unwrap();
}
