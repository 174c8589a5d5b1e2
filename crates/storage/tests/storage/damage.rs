//! Small files that are not as they were written.

use crate::model_disk::{Files, ModelDisk};
use crate::{SMALL_SEGMENTS, hard_state, identity, saves};
use storage::{Damage, Recovered, Storage, StorageError};

const TEXT_FILES: [&str; 2] = ["identity", "lives"];

/// The files of a server in its first life that has voted.
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

/// In which file there is which damage.
#[track_caller]
fn refused_for(files: Files) -> (String, Damage) {
    let disk = ModelDisk::with_files(files.clone());
    let refused = Storage::open(disk.clone(), identity()).expect_err("damage");
    assert_eq!(disk.files(), files);
    assert!(refused.help().contains("Don't mend or delete the file"));
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
    assert_eq!(files.keys().collect::<Vec<_>>(), ["identity", "lives", "log-0000000001"]);
    assert_eq!(text("lives"), "raft-for-beginners lives 1\nlives 1\ncrc32c 900ca1a3\n");
    assert_eq!(
        text("identity"),
        "raft-for-beginners identity 1\ncluster local\nnode 2\nvoters 1 2 3\ncrc32c 62dcad44\n"
    );
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
fn a_server_that_has_lived_does_not_begin_anew() {
    let lives = |lives: u64| with_checksum(&format!("raft-for-beginners lives 1\nlives {lives}\n"));
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
    let first_line = "raft-for-beginners lives 1";
    for content in [
        format!("{first_line}\n"),
        format!("{first_line}\nlives\n"),
        format!("{first_line}\nlives \n"),
        format!("{first_line}\nlives 05\n"),
        format!("{first_line}\nlives +5\n"),
        format!("{first_line}\nlives -5\n"),
        format!("{first_line}\nlives 18446744073709551616\n"),
        format!("{first_line}\nlives five\n"),
        format!("{first_line}\nlives 5 \n"),
        format!("{first_line}\nlives 5\n\n"),
        format!("{first_line}\nlives 5\nlives 5\n"),
        format!("{first_line}\r\nlives 5\r\n"),
        "raft-for-beginners lives 0\nlives 5\n".into(),
        "raft-for-beginners lives 01\nlives 5\n".into(),
        "raft-for-beginners lives one\nlives 5\n".into(),
        "lives 5\n".into(),
        "\n".into(),
    ] {
        let file = files_with("lives", with_checksum(&content));
        assert_eq!(refused_for(file), ("lives".into(), Damage::Nonsense), "{content}");
    }
    let ours = files_with("lives", with_checksum(&format!("{first_line}\nlives 5\n")));
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
        let newer = with_checksum(&format!("raft-for-beginners {name} 2\nnobody knows yet\n"));
        let refused = open(files_with(name, newer)).unwrap_err();
        assert!(matches!(refused, StorageError::NewerVersion { version: 2, known: 1, .. }), "{refused}");
        assert!(refused.to_string().starts_with(&format!("model/{name} was written by a newer version")));
    }
}
