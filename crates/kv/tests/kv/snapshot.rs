//! Snapshots: there and back.

use crate::log::{apply_all, logs};
use consensus::Index;
use kv::{Command, LONGEST_KEY, LONGEST_VALUE, Restore, RestoreError, Snapshot, Store, Write};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample;
use std::iter;
use std::num::{NonZeroU16, NonZeroUsize};

/// All bytes of a snapshot, in chunks of these sizes, the last of which is used again and again.
fn bytes_in_chunks(mut snapshot: Snapshot, sizes: &[NonZeroUsize]) -> Vec<u8> {
    let mut sizes = sizes.iter().chain(iter::repeat(sizes.last().unwrap()));
    let mut size = *sizes.next().unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = snapshot.next_chunk(size) {
        assert!(chunk.len() <= size.get());
        bytes.extend(&chunk);
        if chunk.len() < size.get() {
            assert_eq!(snapshot.next_chunk(size), None, "only the last chunk may be shorter");
        }
        size = *sizes.next().unwrap();
    }
    bytes
}

pub fn bytes(store: &Store) -> Vec<u8> {
    bytes_in_chunks(store.snapshot(), &[NonZeroUsize::MAX])
}

pub fn restore(bytes: &[u8]) -> Result<Store, RestoreError> {
    Restore::default().feed(bytes)?.finish()
}

fn restore_in_chunks(mut bytes: &[u8], sizes: &[NonZeroUsize]) -> Result<Store, RestoreError> {
    let mut restore = Restore::default();
    for size in sizes.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (chunk, rest) = bytes.split_at(bytes.len().min(size.get()));
        restore = restore.feed(chunk)?;
        bytes = rest;
    }
    restore.finish()
}

fn chunk_sizes() -> impl Strategy<Value = Vec<NonZeroUsize>> {
    vec((1..50_usize).prop_map(|size| NonZeroUsize::new(size).unwrap()), 1..20)
}

/// A store with sessions and keys, whose snapshot is small.
pub fn small_store() -> Store {
    let mut store = Store::default();
    let at_most = NonZeroU16::new(2).unwrap();
    let commands = [
        Command::OpenSession { at_most },
        Command::OpenSession { at_most },
        Command::Write(Write::put(b"x", b"1")),
        Command::Write(Write::put(b"key", b"value")),
    ];
    apply_all(&mut store, &commands.map(|command| Some(command.encode().unwrap())));
    store
}

proptest! {
    #[test]
    fn a_restored_store_goes_on_as_the_others_do(
        log in logs(),
        point in any::<sample::Index>(),
        (written, read) in (chunk_sizes(), chunk_sizes()),
    ) {
        let (before, after) = log.split_at(point.index(log.len() + 1));
        let mut store = Store::default();
        apply_all(&mut store, before);

        let snapshot = bytes_in_chunks(store.snapshot(), &written);
        prop_assert_eq!(&snapshot, &bytes(&store), "where chunks are cut has no meaning");
        let mut restored = restore_in_chunks(&snapshot, &read).unwrap();
        prop_assert_eq!(&restored, &store);

        prop_assert_eq!(apply_all(&mut restored, after), apply_all(&mut store, after));
        prop_assert_eq!(&restored, &store);
        prop_assert_eq!(restored.digest(), store.digest());
        prop_assert_eq!(bytes(&restored), bytes(&store));
    }

    #[test]
    fn a_snapshot_is_of_its_moment(log in logs(), point in any::<sample::Index>(), size in 1..200_usize) {
        let point = point.index(log.len() + 1);
        let mut store = Store::default();
        apply_all(&mut store, &log[..point]);
        let now = bytes(&store);
        let digest = store.digest();

        let mut snapshot = store.snapshot();
        let size = NonZeroUsize::new(size).unwrap();
        let mut later = snapshot.next_chunk(size).unwrap();
        apply_all(&mut store, &log[point..]);
        prop_assert_eq!(snapshot.last_applied(), Index(point as u64));
        later.extend(bytes_in_chunks(snapshot, &[size]));
        prop_assert_eq!(&later, &now);
        prop_assert_eq!(&later[later.len() - 4..], digest.to_le_bytes());
    }
}

#[test]
fn another_thread_can_write_a_snapshot() {
    let store = small_store();
    let snapshot = store.snapshot();
    let elsewhere = std::thread::spawn(move || bytes_in_chunks(snapshot, &[NonZeroUsize::MIN]));
    assert_eq!(elsewhere.join().unwrap(), bytes(&store));
}

/// A snapshot outlives the program that wrote it: old ones must stay readable.
#[test]
fn the_format_stays_as_it_is() {
    let snapshot = bytes(&small_store());
    let expected = [
        b"raft-kv\x01".as_slice(),
        b"\x03\x00\x00\x00\x04\x02\x02",
        b"\x05\x00\x00\x00\x01\x01\x00\x05\x01",
        b"\x05\x00\x00\x00\x02\x02\x00\x05\x02",
        b"\x0b\x00\x00\x00\x03key\x04\x05value",
        b"\x05\x00\x00\x00\x01x\x03\x011",
    ]
    .concat();
    let checksum = crc32c::crc32c(&expected).to_le_bytes();
    assert_eq!(snapshot, [expected.as_slice(), &checksum].concat());
}

#[test]
fn the_longest_keys_and_values_fit() {
    let long = vec![b'v'; LONGEST_VALUE];
    let mut store = Store::default();
    let put = Write::put(&long[..LONGEST_KEY], &long);
    apply_all(&mut store, &[Some(Command::Write(put).encode().unwrap())]);
    let snapshot = bytes_in_chunks(store.snapshot(), &[NonZeroUsize::new(4096).unwrap()]);
    assert_eq!(restore_in_chunks(&snapshot, &[NonZeroUsize::new(1000).unwrap()]), Ok(store));
}

#[test]
fn an_empty_store_has_a_snapshot_too() {
    assert_eq!(restore(&bytes(&Store::default())), Ok(Store::default()));
}

#[test]
fn a_snapshot_that_is_cut_short_is_refused() {
    let snapshot = bytes(&small_store());
    for cut in 0..snapshot.len() {
        assert_eq!(restore(&snapshot[..cut]), Err(RestoreError::CutShort { length: cut as u64 }));
    }
}

#[test]
fn a_flipped_bit_is_noticed() {
    let snapshot = bytes(&small_store());
    for bit in 0..8 * snapshot.len() {
        let mut damaged = snapshot.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        restore(&damaged).expect_err("damage");
    }
}

#[test]
fn what_is_wrong_with_a_snapshot_is_told() {
    let snapshot = bytes(&small_store());
    let with = |place: usize, byte: u8| {
        let mut other = snapshot.clone();
        other[place] = byte;
        restore(&other).unwrap_err()
    };
    assert_eq!(with(0, b'R'), RestoreError::NotASnapshot);
    assert_eq!(with(7, 0), RestoreError::NotASnapshot);
    assert_eq!(with(7, 2), RestoreError::NewerVersion { version: 2 });
    assert_eq!(with(11, 255), RestoreError::Nonsense { end: 12 }, "a frame that long can't be");
    assert_eq!(with(snapshot.len() - 5, b'2'), RestoreError::WrongChecksum);
    assert_eq!(restore(&[&snapshot[..], b"\0"].concat()), Err(RestoreError::TooLong));
}
