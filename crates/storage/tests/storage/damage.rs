//! Small files that are not as they were written.

use crate::model_disk::{Files, ModelDisk};
use crate::{SMALL_SEGMENTS, hard_state, identity, saves};
use consensus::{Memory, NodeId};
use storage::{Damage, Recovered, Storage, StorageError};

const TEXT_FILES: [&str; 3] = ["identity", "lives", "memory"];

/// The files of a server that has voted in its first run.
fn files() -> Files {
    let disk = ModelDisk::default();
    let (mut storage, _) = Storage::open_with_segment_size(disk.clone(), identity(), SMALL_SEGMENTS).unwrap();
    storage.save(&saves(hard_state(5, Some(3)))).unwrap();
    disk.files()
}

fn text_files() -> impl Iterator<Item = (String, Vec<u8>)> {
    files().into_iter().filter(|(name, _)| TEXT_FILES.contains(&name.as_str()))
}

fn files_with(name: &str, content: impl Into<Vec<u8>>) -> Files {
    let mut files = files();
    files.insert(name.into(), content.into());
    files
}

fn open(files: Files) -> Result<Recovered, StorageError> {
    Storage::open(ModelDisk::with_files(files), identity()).map(|(_, recovered)| recovered)
}

/// Opening fails because this file has this damage, and nothing is changed.
#[track_caller]
fn assert_refused(files: Files, file: &str, damage: Damage) {
    assert_eq!(refused_for(files), (file.into(), damage));
}

/// Which file has which damage.
#[track_caller]
fn refused_for(files: Files) -> (String, Damage) {
    let disk = ModelDisk::with_files(files.clone());
    let refused = Storage::open(disk.clone(), identity()).expect_err("damage");
    assert_eq!(disk.files(), files);
    assert!(refused.help().contains("Do not repair or delete the file"));
    assert!(refused.help().contains("`raft member replace OLD NEW=HOST:PORT`"));
    let StorageError::Corrupt { file, damage } = refused else { panic!("{refused}") };
    (file.strip_prefix("model").unwrap().to_str().unwrap().into(), damage)
}

fn with_checksum(content: &str) -> String {
    format!("{content}crc32c {:08x}\n", crc32c::crc32c(content.as_bytes()))
}

#[test]
fn people_can_read_the_files() {
    let files = files();
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["identity", "lives", "log-0000000001", "memory"]);
    // The first two random numbers of this disk.
    let [incarnation, run] = [1, 2].map(|number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let runs = format!("{run:016x}{}", " 0000000000000000".repeat(8));
    let lives = format!("raft-for-beginners lives 2\nlives 1\nruns {runs}\n");
    assert_eq!(text("lives"), with_checksum(&lives));
    let identity = "raft-for-beginners identity 2\ncluster local\nnode 2\nvoters 1 2 3\n";
    let identity = format!("{identity}incarnation {incarnation:016x}\n");
    assert_eq!(text("identity"), with_checksum(&identity));
}

#[test]
fn undamaged_files_are_accepted() {
    let recovered = open(files()).unwrap();
    assert_eq!((recovered.hard_state, recovered.life), (hard_state(5, Some(3)), 2));
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    for (name, content) in text_files() {
        for length in 0..content.len() {
            let (file, damage) = refused_for(files_with(&name, &content[..length]));
            assert_eq!(file, name, "cut to {length} bytes");
            assert_eq!(damage, Damage::NoChecksum, "{name} cut to {length} bytes");
        }
    }
}

#[test]
fn a_file_with_any_bit_flipped_is_refused() {
    for (name, content) in text_files() {
        for bit in 0..content.len() * 8 {
            let mut flipped = content.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let (file, damage) = refused_for(files_with(&name, flipped));
            assert_eq!(file, name, "bit {bit}");
            assert!(matches!(damage, Damage::NoChecksum | Damage::WrongChecksum), "{name}, bit {bit}");
        }
    }
}

#[test]
fn a_missing_file_is_refused() {
    for name in TEXT_FILES {
        let mut files = files();
        files.remove(name);
        assert_refused(files, name, Damage::Missing);
    }
}

#[test]
fn a_server_that_has_run_does_not_begin_again() {
    let runs = format!("runs{}", " 0000000000000000".repeat(9));
    let lives = |lives: u64| with_checksum(&format!("raft-for-beginners lives 2\nlives {lives}\n{runs}\n"));
    let log_of_a_first_opening = || {
        let disk = ModelDisk::default();
        Storage::open_with_segment_size(disk.clone(), identity(), SMALL_SEGMENTS).unwrap();
        disk.files().into_iter().filter(|(name, _)| name.starts_with("log-"))
    };
    let with_lives = |count| Files::from([("lives".to_string(), lives(count).into_bytes())]);

    let mut second_life = with_lives(2);
    second_life.extend(log_of_a_first_opening());
    assert_refused(second_life, "identity", Damage::Missing);
    let mut saved_something = files();
    saved_something.retain(|name, _| name.starts_with("log-"));
    assert_refused(saved_something, "identity", Damage::Missing);

    let mut interrupted_first_opening = with_lives(1);
    interrupted_first_opening.extend(log_of_a_first_opening());
    assert_eq!(open(interrupted_first_opening).unwrap().life, 1);
    assert_eq!(open(with_lives(1)).unwrap().life, 1);
    assert_eq!(open(log_of_a_first_opening().collect()).unwrap().life, 1);
}

#[test]
fn a_file_in_anothers_place_is_refused() {
    for name in TEXT_FILES {
        for (other_name, other) in text_files() {
            if other_name != name {
                assert_refused(files_with(name, other), name, Damage::Nonsense);
            }
        }
    }
}

#[test]
fn only_what_we_write_is_accepted() {
    let first_line = "raft-for-beginners lives 2";
    let runs = format!("runs{}", " 0000000000000000".repeat(9));
    for content in [
        format!("{first_line}\n"),
        format!("{first_line}\nlives\n"),
        format!("{first_line}\nlives \n{runs}\n"),
        format!("{first_line}\nlives 05\n{runs}\n"),
        format!("{first_line}\nlives +5\n{runs}\n"),
        format!("{first_line}\nlives -5\n{runs}\n"),
        format!("{first_line}\nlives 18446744073709551616\n{runs}\n"),
        format!("{first_line}\nlives five\n{runs}\n"),
        format!("{first_line}\nlives 5 \n{runs}\n"),
        format!("{first_line}\nlives 5\n\n{runs}\n"),
        format!("{first_line}\nlives 5\nlives 5\n{runs}\n"),
        format!("{first_line}\r\nlives 5\r\n{runs}\n"),
        format!("raft-for-beginners lives 02\nlives 5\n{runs}\n"),
        "raft-for-beginners lives one\nlives 5\n".into(),
        "lives 5\n".into(),
        "\n".into(),
    ] {
        let file = files_with("lives", with_checksum(&content));
        assert_eq!(refused_for(file), ("lives".into(), Damage::Nonsense), "{content}");
    }
    let ours = files_with("lives", with_checksum(&format!("{first_line}\nlives 5\n{runs}\n")));
    assert_eq!(open(ours).unwrap().life, 6);
}

#[test]
fn the_highest_numbers_can_be_saved() {
    let disk = ModelDisk::default();
    let highest = hard_state(u64::MAX, Some(u64::MAX));
    Storage::open(disk.clone(), identity()).unwrap().0.save(&saves(highest)).unwrap();
    assert_eq!(open(disk.files()).unwrap().hard_state, highest);
}

#[test]
fn a_newer_version_is_named_as_such() {
    for name in TEXT_FILES {
        let known = if name == "memory" { 1 } else { 2 };
        let newer = with_checksum(&format!("raft-for-beginners {name} {}\nnobody knows yet\n", known + 1));
        let refused = open(files_with(name, newer)).unwrap_err();
        let StorageError::NewerVersion { version, known: said, .. } = refused else { panic!("{refused}") };
        assert_eq!((version, said), (known + 1, known));
        assert!(refused.to_string().starts_with(&format!("model/{name} was written by a newer version")));
    }
}

/// A folder of the version before incarnations: the server gets one, once, and remembers its founders without
/// them.
#[test]
fn a_folder_without_an_incarnation_gets_one() {
    let mut files = files();
    files.remove("memory");
    let old = with_checksum("raft-for-beginners identity 1\ncluster local\nnode 2\nvoters 1 2 3\n");
    files.insert("identity".into(), old.into_bytes());
    let disk = ModelDisk::with_files(files);
    let (_, first) = Storage::open(disk.clone(), identity()).unwrap();
    assert_eq!(first.hard_state, hard_state(5, Some(3)));
    let founders = [1, 2, 3].map(|id| (NodeId(id), None)).into();
    assert_eq!(first.memory, Memory { founders, is_founded: true, ..Memory::default() });
    let (_, second) = Storage::open(disk, identity()).unwrap();
    let [first_start, second_start] = [&first, &second].map(|recovered| recovered.start.unwrap());
    assert_eq!(first_start.incarnation, second_start.incarnation);
    assert_eq!(first_start.number + 1, second_start.number);
    assert_eq!(second.memory, first.memory);
}

/// Without the memory a server could follow another cluster, or start elections although it was removed.
#[test]
fn a_folder_without_its_memory_is_refused() {
    let mut files = files();
    files.remove("memory");
    assert_eq!(refused_for(files), ("memory".into(), Damage::Missing));
}
