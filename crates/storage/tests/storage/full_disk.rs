//! A disk without space.

use crate::known::{Act, Server};
use crate::model_disk::Fault;
use crate::tearing::Tearing;
use crate::{SMALL_SEGMENTS, appends, command, life};
use storage::StorageError;

#[test]
fn a_save_that_finds_no_room_can_be_tried_again() {
    refuse_and_try_again(Fault::Full);
}

#[test]
fn a_save_that_finds_no_room_even_for_a_name_can_be_tried_again() {
    refuse_and_try_again(Fault::FullOfNames);
}

/// The disk is full from each operation of a run on, in turn. A save that is refused because of it has done
/// nothing, and succeeds once there is space.
fn refuse_and_try_again(full: fn(usize) -> Fault) {
    let mut refused = 0;
    for full_from in 0.. {
        let mut server = Server::new(SMALL_SEGMENTS);
        let mut storage = server.start().unwrap();
        server.disk.plan(full(full_from));
        let mut was_full = false;
        for batch in life() {
            if let Err(error) = server.save(&mut storage, &batch) {
                assert!(error.is_full(), "{error}");
                assert_eq!(error.help(), "make room on the disk, then start the server again");
                assert!(!storage.is_poisoned());
                was_full = true;
                for tearing in Tearing::all(3) {
                    let mut stopped_here = server.copy();
                    stopped_here.disk.crash(tearing);
                    stopped_here.live(&[]).unwrap();
                }
                server.disk.mend();
                server.save(&mut storage, &batch).unwrap();
            }
        }
        drop(storage);
        server.disk.mend();
        server.live(&[]).unwrap();
        if !was_full {
            break;
        }
        refused += 1;
    }
    assert!(refused > 0);
}

/// With a segment for each save, another save than the refused one may be next.
#[test]
fn after_a_refused_save_another_may_come() {
    let mut server = Server::new(0);
    let mut storage = server.start().unwrap();
    server.save(&mut storage, &appends(1, [command(1, 10)])).unwrap();
    server.disk.plan(Fault::Full(0));
    for _ in 0..3 {
        server.save(&mut storage, &appends(2, [command(1, 5000)])).unwrap_err();
    }
    server.disk.mend();
    server.save(&mut storage, &appends(2, [command(1, 20), command(1, 0)])).unwrap();
    drop(storage);
    server.live(&[]).unwrap();
}

#[test]
fn nothing_is_prepared_where_there_is_no_room() {
    for full_from in 0..2 {
        let mut server = Server::new(SMALL_SEGMENTS);
        let mut storage = server.start().unwrap();
        server.save(&mut storage, &appends(1, [command(1, 600)])).unwrap();
        server.disk.plan(Fault::Full(full_from));
        let prepared = server.act(&mut storage, &Act::Prepare);
        assert_eq!(prepared.is_err(), full_from == 0);
        assert!(prepared.is_ok() || !server.disk.files().contains_key("log-0000000002.new"));
        assert!(!storage.is_poisoned());
        server.disk.mend();
        server.act(&mut storage, &Act::Prepare).unwrap();
        server.save(&mut storage, &appends(2, [command(1, 600)])).unwrap();
        drop(storage);
        server.live(&[]).unwrap();
    }
}

#[test]
fn room_is_kept_for_a_snapshot_and_goes_at_a_start() {
    let mut server = Server::new(SMALL_SEGMENTS);
    let mut storage = server.start().unwrap();
    let has_room = |server: &Server| server.disk.files().contains_key("room.new");
    while storage.keep_room().unwrap() {}
    assert!(has_room(&server));
    storage.free_room().unwrap();
    assert!(!has_room(&server));

    server.disk.plan(Fault::Full(0));
    assert!(storage.keep_room().unwrap_err().is_full());
    assert!(!storage.is_poisoned() && !has_room(&server));
    server.disk.mend();
    while storage.keep_room().unwrap() {}
    for tearing in Tearing::all(3) {
        let mut after_a_crash = server.copy();
        after_a_crash.disk.crash(tearing);
        after_a_crash.live(&[]).unwrap();
        assert!(!has_room(&after_a_crash));
    }
    drop(storage);
    server.live(&[]).unwrap();
    assert!(!has_room(&server));
}

/// What is left of the file for which there was no space may refuse to be removed, too. Then nothing is
/// certain any longer.
#[test]
fn if_the_leavings_can_t_be_removed_nothing_more_is_saved() {
    let mut server = Server::new(0);
    let mut storage = server.start().unwrap();
    server.save(&mut storage, &appends(1, [command(1, 10)])).unwrap();
    server.disk.plan(Fault::FullAndBroken(0));
    let refused = server.save(&mut storage, &appends(2, [command(1, 10)])).unwrap_err();
    assert!(refused.is_full());
    assert!(storage.is_poisoned());
    server.disk.crash(Tearing::Kept);
    server.live(&[]).unwrap();
}

/// Some file systems (btrfs, ZFS, thin volumes) need space even to overwrite zeroes. It is unknown how much
/// of the save they have written, so the server must stop.
#[test]
fn a_disk_that_needs_room_to_write_over_zeroes_stops_all_saving() {
    let mut server = Server::new(SMALL_SEGMENTS);
    let mut storage = server.start().unwrap();
    server.save(&mut storage, &appends(1, [command(1, 10)])).unwrap();
    server.disk.plan(Fault::FullEverywhere(0));
    let refused = server.save(&mut storage, &appends(2, [command(1, 10)])).unwrap_err();
    assert!(refused.is_full() && storage.is_poisoned());
    assert_eq!(refused.help(), "make room on the disk, then start the server again");
    server.disk.mend();
    assert!(matches!(storage.save(&appends(2, [command(1, 10)])), Err(StorageError::Poisoned { .. })));
    server.live(&[]).unwrap();
}

#[test]
fn a_start_that_finds_no_room_does_no_harm() {
    let mut lived = Server::new(SMALL_SEGMENTS);
    lived.live_and_save(&life()).unwrap();
    for server in [Server::new(SMALL_SEGMENTS), lived] {
        let mut full_from = 0;
        loop {
            let mut server = server.copy();
            server.disk.plan(Fault::Full(full_from));
            let started = server.start();
            let has_left_something = server.disk.files().keys().any(|name| name.ends_with(".new"));
            assert!(!has_left_something, "{:?}", server.disk.files().keys());
            server.disk.mend();
            for tearing in Tearing::all(3) {
                let mut after_a_crash = server.copy();
                after_a_crash.disk.crash(tearing);
                after_a_crash.live(&[]).unwrap();
            }
            server.live(&[]).unwrap();
            match started {
                Ok(_) => break,
                Err(error) => assert!(error.is_full()),
            }
            full_from += 1;
        }
        assert!(full_from > 0);
    }
}

/// Whether a file can be opened depends on what others have open: that passes, as a full disk does.
#[cfg(unix)]
#[test]
fn too_many_open_files_are_waited_out() {
    let refused = |number| StorageError::Io {
        action: "create",
        path: "log-0000000002.new".into(),
        cause: std::io::Error::from_raw_os_error(number),
    };
    for (number, passes) in [(23, true), (24, true), (5, false)] {
        assert_eq!(refused(number).is_full(), passes, "{}", refused(number));
    }
    assert!(refused(24).help().contains("open files"));
}
