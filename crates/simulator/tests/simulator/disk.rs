//! Simulated disks.

use simulator::{SimulatedDisk, Unsynced};
use std::collections::BTreeSet;
use std::io;
use storage::Disk as _;

fn write_and_sync(disk: &mut SimulatedDisk, content: &[u8]) {
    disk.write("a", content).unwrap();
    disk.sync("a").unwrap();
    disk.sync_directory().unwrap();
}

#[test]
fn no_random_number_comes_again_when_a_disk_takes_the_place_of_another() {
    let mut first = SimulatedDisk::new("disk", 1);
    let copy = first.backup();
    let mut drawn = vec![first.random(), first.random(), first.random()];
    let mut empty = first.emptied();
    drawn.extend([empty.random(), empty.random()]);
    let mut put_back = copy.backup().replacing(&empty);
    drawn.push(put_back.random());
    let different: BTreeSet<u64> = drawn.iter().copied().collect();
    assert_eq!(different.len(), drawn.len(), "{drawn:?}");
}

#[test]
fn a_crash_takes_what_was_not_synced() {
    let mut disk = SimulatedDisk::new("disk", 1);
    disk.write("a.new", b"first").unwrap();
    disk.sync("a.new").unwrap();
    disk.rename("a.new", "a").unwrap();
    disk.crash(Unsynced::Lost);
    assert_eq!(disk.read("a").unwrap(), None, "the directory was not synced");

    disk.write("a", b"second").unwrap();
    disk.sync_directory().unwrap();
    disk.crash(Unsynced::Lost);
    assert_eq!(disk.read("a").unwrap(), Some(Vec::new()), "the content was not synced");

    write_and_sync(&mut disk, b"third");
    disk.crash(Unsynced::Lost);
    assert_eq!(disk.read("a").unwrap(), Some(b"third".to_vec()));
}

#[test]
fn a_crash_may_spare_or_tear_what_was_not_synced() {
    let mut disk = SimulatedDisk::new("disk", 1);
    write_and_sync(&mut disk, b"old");
    disk.write("a", &[1; 1200]).unwrap();
    disk.crash(Unsynced::Torn);
    assert_eq!(disk.read("a").unwrap(), Some(vec![1; 512]));
    disk.write("a", b"newest").unwrap();
    disk.crash(Unsynced::Kept);
    disk.crash(Unsynced::Lost);
    assert_eq!(disk.read("a").unwrap(), Some(b"newest".to_vec()), "what a crash has spared stays");
}

#[test]
fn a_write_in_a_file_is_torn_without_touching_what_is_beside_it() {
    let mut disk = SimulatedDisk::new("disk", 1);
    write_and_sync(&mut disk, &[1; 1024]);
    disk.write_at("a", 500, &[2; 20]).unwrap();
    disk.crash(Unsynced::Torn);
    assert_eq!(disk.read("a").unwrap(), Some([&[1; 500][..], &[2; 12], &[1; 512]].concat()));
    assert!(disk.write_at("a", 1022, b"abcd").is_err(), "it does not grow that way");
}

#[test]
fn after_a_failed_sync_the_next_one_only_pretends() {
    let mut disk = SimulatedDisk::new("disk", 1);
    disk.write("a", b"content").unwrap();
    disk.sync_directory().unwrap();
    disk.fail_next_sync();
    assert!(disk.sync("a").is_err());
    assert!(disk.sync("a").is_ok());
    disk.crash(Unsynced::Lost);
    assert_eq!(disk.read("a").unwrap(), Some(Vec::new()));
}

#[test]
fn the_power_goes_out_when_it_was_told_to() {
    let mut disk = SimulatedDisk::new("disk", 1);
    disk.cut_power_after(1, Unsynced::Torn);
    disk.write("a", b"content").unwrap();
    assert_eq!(disk.has_no_power(), None);
    assert!(disk.sync("a").is_err() && disk.sync_directory().is_err());
    assert_eq!(disk.has_no_power(), Some(Unsynced::Torn));
    disk.crash(Unsynced::Lost);
    write_and_sync(&mut disk, b"content");
}

#[test]
fn a_copy_holds_the_same_and_is_another_disk() {
    let mut disk = SimulatedDisk::new("disk", 1);
    write_and_sync(&mut disk, b"old");
    let mut copy = disk.copy();
    copy.write("a", b"new").unwrap();
    assert_eq!(disk.read("a").unwrap(), Some(b"old".to_vec()));
    assert_eq!(copy.read("a").unwrap(), Some(b"new".to_vec()));
}

#[test]
fn a_full_disk_takes_nothing_more_until_it_has_room() {
    let mut disk = SimulatedDisk::new("disk", 1);
    write_and_sync(&mut disk, b"old");
    disk.fill();
    assert_eq!(disk.write("a", b"content").unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(disk.create("b", 10).unwrap_err().kind(), io::ErrorKind::StorageFull);
    disk.remove("b").unwrap();
    assert_eq!(disk.append("a", b"-more").unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(disk.read("a").unwrap(), Some(b"old".to_vec()));
    disk.mend();
    write_and_sync(&mut disk, b"more content");
}

#[test]
fn a_small_disk_has_room_again_for_what_is_removed() {
    let mut disk = SimulatedDisk::new("disk", 1).with_capacity(Some(10));
    disk.write("a", b"1234567").unwrap();
    assert_eq!(disk.create("b", 5).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(disk.read("b").unwrap(), Some(vec![0; 3]), "there is room for some of it");
    disk.remove("b").unwrap();
    assert_eq!(disk.append("a", b"890-").unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(disk.read("a").unwrap(), Some(b"1234567890".to_vec()));
    disk.remove("a").unwrap();
    disk.create("b", 10).unwrap();
}
