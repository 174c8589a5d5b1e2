//! Files that are not as they were written.

use crate::model_disk::ModelDisk;
use crate::{hard_state, identity};
use std::collections::BTreeMap;
use storage::{Damage, Recovered, Storage, StorageError};

type Files = BTreeMap<String, Vec<u8>>;

/// The files of a server in its first life that has voted.
fn files() -> Files {
    let disk = ModelDisk::default();
    let (mut storage, _) = Storage::open(disk.clone(), identity()).unwrap();
    storage.save(&hard_state(5, Some(3))).unwrap();
    disk.files()
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
    assert_eq!(files.len(), 3);
    assert_eq!(
        text("hard-state"),
        "raft-for-beginners hard-state 1\ncurrent_term 5\nvoted_for 3\ncrc32c cc6efd70\n"
    );
    assert_eq!(text("lives"), "raft-for-beginners lives 1\nlives 1\ncrc32c 900ca1a3\n");
    assert_eq!(
        text("identity"),
        "raft-for-beginners identity 1\ncluster local\nnode 2\nvoters 1 2 3\ncrc32c 62dcad44\n"
    );
}

#[test]
fn undamaged_files_are_accepted() {
    assert_eq!(open(files()).unwrap(), Recovered { hard_state: hard_state(5, Some(3)), life: 2 });
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    for (name, content) in files() {
        for length in 0..content.len() {
            let (file, damage) = refused_for(files_with(&name, &content[..length]));
            assert_eq!(file, name, "cut to {length} bytes");
            assert_eq!(damage, Damage::NoChecksum, "{name} cut to {length} bytes");
        }
    }
}

#[test]
fn a_file_with_any_bit_flipped_is_refused() {
    for (name, content) in files() {
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
    for name in files().into_keys() {
        let mut files = files();
        files.remove(&name);
        assert_refused(files, &name, Damage::Missing);
    }
}

#[test]
fn a_server_that_has_lived_does_not_begin_anew() {
    let file = |name: &str, lines: &str| {
        (name.to_string(), with_checksum(&format!("raft-for-beginners {name} 1\n{lines}")).into_bytes())
    };
    let never_saved = file("hard-state", "current_term 0\nvoted_for none\n");
    let saved = file("hard-state", "current_term 1\nvoted_for none\n");
    let first_life = file("lives", "lives 1\n");
    let second_life = file("lives", "lives 2\n");

    for traces in [[&saved, &first_life], [&never_saved, &second_life]] {
        assert_refused(traces.into_iter().cloned().collect(), "identity", Damage::Missing);
    }
    let interrupted_first_opening = [never_saved, first_life].into();
    assert_eq!(open(interrupted_first_opening).unwrap().life, 1);
}

#[test]
fn a_file_in_anothers_place_is_refused() {
    for name in files().into_keys() {
        for (other_name, other) in files() {
            if other_name != name {
                assert_refused(files_with(&name, other), &name, Damage::Nonsense);
            }
        }
    }
}

#[test]
fn only_what_we_write_is_accepted() {
    let first_line = "raft-for-beginners hard-state 1";
    for content in [
        format!("{first_line}\n"),
        format!("{first_line}\ncurrent_term 5\n"),
        format!("{first_line}\nvoted_for 3\ncurrent_term 5\n"),
        format!("{first_line}\ncurrent_term 05\nvoted_for 3\n"),
        format!("{first_line}\ncurrent_term +5\nvoted_for 3\n"),
        format!("{first_line}\ncurrent_term -5\nvoted_for 3\n"),
        format!("{first_line}\ncurrent_term 18446744073709551616\nvoted_for 3\n"),
        format!("{first_line}\ncurrent_term 5\nvoted_for \n"),
        format!("{first_line}\ncurrent_term 5\nvoted_for None\n"),
        format!("{first_line}\ncurrent_term 5\nvoted_for n3\n"),
        format!("{first_line}\ncurrent_term 5\nvoted_for 3 \n"),
        format!("{first_line}\ncurrent_term 5\nvoted_for 3\n\n"),
        format!("{first_line}\ncurrent_term 5\nvoted_for 3\nvoted_for 2\n"),
        format!("{first_line}\r\ncurrent_term 5\r\nvoted_for 3\r\n"),
        "raft-for-beginners hard-state 0\ncurrent_term 5\nvoted_for 3\n".into(),
        "raft-for-beginners hard-state 01\ncurrent_term 5\nvoted_for 3\n".into(),
        "raft-for-beginners hard-state one\ncurrent_term 5\nvoted_for 3\n".into(),
        "current_term 5\nvoted_for 3\n".into(),
        "\n".into(),
    ] {
        let file = files_with("hard-state", with_checksum(&content));
        assert_eq!(refused_for(file), ("hard-state".into(), Damage::Nonsense), "{content}");
    }
}

#[test]
fn the_highest_numbers_can_be_saved() {
    let disk = ModelDisk::default();
    let highest = hard_state(u64::MAX, Some(u64::MAX));
    Storage::open(disk.clone(), identity()).unwrap().0.save(&highest).unwrap();
    assert_eq!(open(disk.files()).unwrap().hard_state, highest);
}

#[test]
fn a_newer_version_is_named_as_such() {
    for name in files().into_keys() {
        let newer = with_checksum(&format!("raft-for-beginners {name} 2\nnobody knows yet\n"));
        let refused = open(files_with(&name, newer)).unwrap_err();
        assert!(matches!(refused, StorageError::NewerVersion { version: 2, known: 1, .. }), "{refused}");
        assert!(refused.to_string().starts_with(&format!("model/{name} was written by a newer version")));
    }
}
