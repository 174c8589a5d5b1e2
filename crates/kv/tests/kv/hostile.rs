//! Whatever the bytes are, nothing panics.

use crate::log::apply;
use crate::snapshot::{bytes, restore, small_store};
use kv::{Command, Store};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample;

proptest! {
    #[test]
    fn any_bytes_may_be_in_the_log(entries in vec(vec(any::<u8>(), 0..40), 0..20)) {
        let (mut one, mut other) = (Store::default(), Store::default());
        for bytes in entries {
            let almost_a_command = [&[1][..], &bytes].concat();
            for entry in [bytes, almost_a_command] {
                let (answer, same) = (apply(&mut one, Some(&entry)), apply(&mut other, Some(&entry)));
                prop_assert_eq!(answer, same);
                if let Ok(command) = Command::decode(&entry) {
                    prop_assert!(!command.to_string().contains(char::is_control));
                    prop_assert_eq!(command.encode().unwrap(), entry, "there is one spelling only");
                }
            }
        }
        prop_assert_eq!(one.digest(), other.digest());
    }

    #[test]
    fn any_bytes_may_come_as_a_snapshot(bytes in vec(any::<u8>(), 0..200)) {
        for begin in [&b""[..], b"raft-kv\x01", b"raft-kv\x01\x03\x00\x00\x00\x04\x02\x02"] {
            let restored = restore(&[begin, &bytes].concat());
            prop_assert!(restored.is_err(), "no checksum is right by chance");
        }
    }

    #[test]
    fn a_snapshot_may_lie_with_a_good_checksum(lies in vec((any::<sample::Index>(), any::<u8>()), 1..4)) {
        let mut snapshot = bytes(&small_store());
        let end = snapshot.len() - 4;
        for (place, byte) in lies {
            snapshot[place.index(end)] = byte;
        }
        let checksum = crc32c::crc32c(&snapshot[..end]).to_le_bytes();
        snapshot[end..].copy_from_slice(&checksum);
        // Some lies can't be detected, such as another value. Then it must be a store like any other.
        if let Ok(store) = restore(&snapshot) {
            prop_assert_eq!(bytes(&store), snapshot);
        }
    }
}
