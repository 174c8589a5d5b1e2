//! Logs of the previous version, and what the current one looks like, byte for byte.

use crate::known::{Known, Server};
use crate::model_disk::{Files, ModelDisk};
use crate::{SMALL_SEGMENTS, appends, command, identity, life};
use std::fs;
use std::path::PathBuf;
use storage::{LogDamage, Recovered, Storage, StorageError, inspect};

fn folder(version: u32) -> PathBuf {
    PathBuf::from(format!("{}/tests/storage/version-{version}", env!("CARGO_MANIFEST_DIR")))
}

/// The files of a server that has run twice, as this version wrote them.
fn files(version: u32) -> Files {
    let files = fs::read_dir(folder(version)).unwrap().map(Result::unwrap);
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

fn open(files: Files) -> Result<(ModelDisk, Recovered), StorageError> {
    let disk = ModelDisk::with_files(files);
    let opened = Storage::open_with_segment_size(disk.clone(), identity(), SMALL_SEGMENTS);
    opened.map(|(_, recovered)| (disk, recovered))
}

fn at_last() -> Known {
    Known::along(&life()).pop().unwrap()
}

/// The versions of the segments, the oldest first.
fn versions(files: &Files) -> Vec<u8> {
    files.iter().filter(|(name, _)| name.starts_with("log-")).map(|(_, content)| content[8]).collect()
}

/// If this fails, the format has changed: then it needs another version, unless the current one was never
/// released. `UPDATE_GOLDEN=1` writes the files.
#[test]
fn the_present_version_is_written_as_ever() {
    let mut server = Server::new(SMALL_SEGMENTS);
    server.live_and_save(&life()[..7]).unwrap();
    server.live_and_save(&life()[7..]).unwrap();
    let written = server.disk.files();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(folder(2)).unwrap();
        written.iter().for_each(|(name, content)| fs::write(folder(2).join(name), content).unwrap());
    }
    assert!(written == files(2), "the files are not as in {}", folder(2).display());
}

#[test]
fn the_version_before_is_read_and_the_last_segment_becomes_one_of_the_present() {
    assert_eq!(versions(&files(1)), [1; 5]);
    let seen = inspect(&folder(1)).unwrap();
    assert!(seen.damage.is_empty(), "{:?}", seen.damage);
    assert_eq!(seen.entries().len(), 8);

    let (disk, recovered) = open(files(1)).unwrap();
    assert_eq!((Known::of(&recovered), recovered.life), (at_last(), 3));
    assert_eq!(versions(&disk.files()), [1, 1, 1, 1, 2]);

    let mut server = Server::new(SMALL_SEGMENTS);
    server.disk = ModelDisk::with_files(files(1));
    server.known = at_last();
    server.live_and_save(&[appends(9, [command(4, 900)]), appends(10, [command(4, 900)])]).unwrap();
    server.live(&[]).unwrap();
}

/// Its header takes more space now.
#[test]
fn a_full_segment_of_the_version_before_is_made_larger() {
    let (name, begin, full) = ("log-0000000001", 96, 448);
    let mut files = with_the_last(name);
    let content = files.get_mut(name).unwrap();
    content.truncate(full);
    content[16..24].copy_from_slice(&(full as u64).to_le_bytes());
    let header_checksum = crc32c::crc32c(&content[..begin - 4]);
    content[begin - 4..begin].copy_from_slice(&header_checksum.to_le_bytes());
    for head in content[begin..].chunks_mut(32).filter(|chunk| chunk.starts_with(b"save")) {
        let checksum = crc32c::crc32c_append(header_checksum, &head[..28]);
        head[28..].copy_from_slice(&checksum.to_le_bytes());
    }
    let (disk, recovered) = open(files).unwrap();
    assert_eq!(Known::of(&recovered), Known::along(&life()[..3])[3]);
    assert_eq!(disk.files()[name].len(), full + 32);
}

/// The files as they were before the segment after this one began, and without a mark.
fn with_the_last(last: &str) -> Files {
    let mut files = files(1);
    files.retain(|name, _| !name.starts_with("log-") || name.as_str() <= last);
    let content = files.get_mut(last).unwrap();
    let seal = content.chunks(32).rposition(|head| head.starts_with(b"next")).unwrap() * 32;
    content[seal..].fill(0);
    files
}

/// In the previous version, a save does not state its number of zero sectors: some damage to a save that has
/// a sector of zeroes is taken for a torn save. This one has none.
#[test]
fn torn_and_damaged_saves_of_the_version_before_are_told_apart() {
    let name = "log-0000000004";
    let mut files = with_the_last(name);
    let whole = files[name].clone();
    let (begin, end) = (128, 2240);
    assert!(whole[begin..].starts_with(b"save") && whole[end..].iter().all(|byte| *byte == 0));
    let mut opened = |content: &[u8]| {
        files.insert(name.into(), content.to_vec());
        open(files.clone()).map(|(_, recovered)| recovered)
    };
    let after = Known::of(&opened(&whole).unwrap());
    let before = Known::along(&life())[7].clone();
    assert_ne!(before, after);
    for lost in 0..1 << 5 {
        let mut torn = whole.clone();
        for sector in (0..5).filter(|sector| lost >> sector & 1 == 1) {
            torn[begin.max(sector * 512)..end.min((sector + 1) * 512)].fill(0);
        }
        let recovered = opened(&torn).unwrap();
        assert_eq!(Known::of(&recovered), if lost == 0 { after.clone() } else { before.clone() });
    }
    for bit in begin * 8..end * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let refused = opened(&damaged).unwrap_err();
        let StorageError::CorruptLog { damage, .. } = refused else { panic!("{refused}") };
        assert_eq!(damage, LogDamage::NotTorn);
    }
}
