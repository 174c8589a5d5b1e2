//! Files in memory are as files in a folder.

use fastrand::Rng;
use std::fmt::Debug;
use std::io;
use storage::{Disk, FolderDisk, MemoryDisk};

const NAMES: [&str; 3] = ["a", "b", "c"];
const LARGEST: usize = 300;

/// Does the same on both, and compares what comes of it.
fn both<T: Debug + PartialEq>(
    (memory, folder): (&mut MemoryDisk, &mut FolderDisk),
    what: impl Fn(&mut dyn Disk) -> io::Result<T>,
) -> Option<T> {
    let (in_memory, in_folder) = (what(memory), what(folder));
    match (in_memory, in_folder) {
        (Ok(in_memory), Ok(in_folder)) => {
            assert_eq!(in_memory, in_folder);
            Some(in_memory)
        }
        (Err(in_memory), Err(in_folder)) => {
            assert_eq!(in_memory.kind(), in_folder.kind());
            None
        }
        (in_memory, in_folder) => panic!("in memory: {in_memory:?}; in a folder: {in_folder:?}"),
    }
}

#[test]
fn files_in_memory_are_as_files_in_a_folder() {
    for seed in 0..50 {
        let place = tempfile::tempdir().unwrap();
        let (mut memory, mut folder) = (MemoryDisk::new(), FolderDisk::open(place.path()).unwrap());
        let mut random = Rng::with_seed(seed);
        for _ in 0..100 {
            let disks = (&mut memory, &mut folder);
            let (name, other) = (random.choice(NAMES).unwrap(), random.choice(NAMES).unwrap());
            let bytes: Vec<u8> = (0..random.usize(..LARGEST)).map(|_| random.u8(..)).collect();
            let offset = random.usize(..LARGEST) as u64;
            match random.u8(..6) {
                0 => drop(both(disks, |disk| disk.create(name, offset))),
                1 => drop(both(disks, |disk| disk.write(name, &bytes))),
                2 => drop(both(disks, |disk| disk.append(name, &bytes))),
                3 => drop(both(disks, |disk| disk.remove(name))),
                4 if name != other => drop(both(disks, |disk| disk.rename(name, other))),
                _ => {
                    // Nobody writes at a place that a file does not have.
                    let size = memory.size(name).unwrap().unwrap_or(u64::MAX);
                    if offset + bytes.len() as u64 <= size {
                        let disks = (&mut memory, &mut folder);
                        both(disks, |disk| disk.write_at(name, offset, &bytes));
                    }
                }
            }
            for name in NAMES {
                both((&mut memory, &mut folder), |disk| disk.read(name));
                both((&mut memory, &mut folder), |disk| disk.size(name));
                both((&mut memory, &mut folder), |disk| disk.read_at(name, offset, 100));
            }
        }
    }
}

#[test]
fn nobody_writes_past_the_end_of_a_file_in_memory() {
    let mut memory = MemoryDisk::new();
    memory.create("a", 10).unwrap();
    for offset in [10, u64::MAX] {
        assert_eq!(memory.write_at("a", offset, &[1]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
