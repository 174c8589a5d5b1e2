//! Crashes and errors at every operation of the disk.

use crate::known::{Act, Server};
use crate::model_disk::{Fault, ModelDisk};
use crate::snapshots::life_with_snapshots;
use crate::tearing::Tearing;
use crate::{SMALL_SEGMENTS, appends, command, hard_state, life, saves};
use consensus::Batch;
use storage::{SEGMENT_SIZE, Storage, StorageError};

/// Number of disk operations when the server starts and does all of these.
fn operations(server: &Server, acts: &[Act]) -> usize {
    let mut server = server.copy();
    server.disk.plan(Fault::PowerCutBefore(usize::MAX));
    server.live(acts).unwrap();
    server.disk.operations()
}

/// The server, stopped by this fault in a run in which it would have done all of these.
fn stopped(server: &Server, acts: &[Act], fault: Fault) -> Server {
    let mut server = server.copy();
    server.disk.plan(fault);
    server.live(acts).expect_err("a fault");
    server
}

/// It starts after a crash, and what it knows then, it also knows after another crash.
fn recovers_for_good(server: &Server, tearing: Tearing, before: &str) {
    let mut server = server.copy();
    for _ in 0..2 {
        server.disk.crash(tearing);
        server.live(&[]).unwrap_or_else(|error| panic!("{error} after {before}, {tearing:?}"));
    }
}

/// A server after its first run; its next one does what is in [`next_life`].
fn lived_once() -> Server {
    let mut server = Server::new(SMALL_SEGMENTS);
    server.live_and_save(&life()).unwrap();
    server
}

fn next_life() -> Vec<Act> {
    let votes = Batch { hard_state: Some(hard_state(5, Some(3))), ..Batch::default() };
    vec![
        appends(9, [command(4, 300)]).into(),
        Batch { append: appends(7, [command(5, 700), command(5, 20)]).append, ..votes }.into(),
        saves(hard_state(6, None)).into(),
    ]
}

/// Servers, with what each will do in its next run.
fn servers() -> [(Server, Vec<Act>); 4] {
    let first_life: Vec<Act> = life().into_iter().map(Act::from).collect();
    let prepared = first_life.iter().flat_map(|act| [act.clone(), Act::Prepare]).collect();
    [
        (Server::new(SMALL_SEGMENTS), first_life),
        (Server::new(SMALL_SEGMENTS), prepared),
        (lived_once(), next_life()),
        (lived_once(), life_with_snapshots()),
    ]
}

#[test]
fn a_crash_at_any_operation_leaves_what_was_known_before_or_after_the_save() {
    for (server, acts) in servers() {
        for cut in Fault::power_cuts(operations(&server, &acts)) {
            let stopped = stopped(&server, &acts, cut);
            for tearing in Tearing::all(40) {
                recovers_for_good(&stopped, tearing, &format!("{cut:?}"));
            }
        }
    }
}

#[test]
fn a_crash_while_recovering_from_a_crash_does_no_harm() {
    for (server, acts) in servers() {
        for (number, first) in Fault::power_cuts(operations(&server, &acts)).enumerate() {
            let tearing = Tearing::Drawn(number as u64);
            let crashed = stopped(&server, &acts, first);
            crashed.disk.crash(tearing);
            crash_again_and_again(&crashed, number as u64, &format!("{first:?}, {tearing:?}"));
        }
    }
}

/// A server that crashes once more, at any operation while it recovers, and once more after that.
fn crash_again_and_again(crashed: &Server, seed: u64, before: &str) {
    for (number, second) in Fault::power_cuts(operations(crashed, &[])).enumerate() {
        let mut server = stopped(crashed, &[], second);
        let tearing = Tearing::Drawn(seed << 20 | number as u64);
        recovers_for_good(&server, tearing, &format!("{before}, {second:?}"));

        server.disk.crash(tearing);
        let third = Fault::PowerCutAfter(number % 20);
        server.disk.plan(third);
        if server.live(&[]).is_err() {
            recovers_for_good(&server, tearing, &format!("{before}, {second:?}, {third:?}"));
        }
    }
}

#[test]
fn what_a_server_finds_after_an_error_is_durable() {
    for (server, acts) in servers() {
        for failing in 0..operations(&server, &acts) {
            for half_done in Tearing::all(3) {
                let mut server = stopped(&server, &acts, Fault::Error(failing, half_done));
                // The server restarts, the machine does not: the system's memory is what it was.
                server.live(&[]).unwrap_or_else(|error| panic!("{error} after {failing}, {half_done:?}"));
                for tearing in Tearing::all(3) {
                    recovers_for_good(&server, tearing, &format!("an error at {failing}, {half_done:?}"));
                }
            }
        }
    }
}

#[test]
fn a_crash_after_an_error_leaves_what_was_known_before_or_after_the_save() {
    for (server, acts) in servers() {
        for failing in 0..operations(&server, &acts) {
            for tearing in Tearing::all(5) {
                let server = stopped(&server, &acts, Fault::Error(failing, tearing));
                recovers_for_good(&server, tearing, &format!("an error at {failing}"));
            }
        }
    }
}

/// Nothing is tried twice: after a failed sync the second try would succeed and save nothing.
#[test]
fn after_a_failed_save_the_disk_is_left_alone() {
    let whole_save = 3;
    let into_the_next_segment = 10;
    for (segment_size, operations) in [(SEGMENT_SIZE, whole_save), (0, into_the_next_segment)] {
        for failing in 0..operations {
            let mut server = Server::new(segment_size);
            let mut storage = server.start().unwrap();
            server.save(&mut storage, &appends(1, [command(1, 1)])).unwrap();
            server.disk.plan(Fault::Error(failing, Tearing::Kept));
            let failed = server.save(&mut storage, &appends(2, [command(1, 1)]));
            assert!(matches!(failed, Err(StorageError::Io { .. })));
            assert_eq!(server.disk.operations(), failing + 1);
            assert_poisoned(&server, &mut storage);
        }
        let mut server = Server::new(segment_size);
        let mut storage = server.start().unwrap();
        server.save(&mut storage, &appends(1, [command(1, 1)])).unwrap();
        server.disk.plan(Fault::Error(operations, Tearing::Kept));
        server.save(&mut storage, &appends(2, [command(1, 1)])).unwrap();
    }
}

fn assert_poisoned(server: &Server, storage: &mut Storage<ModelDisk>) {
    assert!(storage.is_poisoned());
    let before = (server.disk.operations(), server.disk.files());
    for batch in [Batch::default(), appends(2, [command(1, 1)]), saves(hard_state(7, None))] {
        assert!(matches!(storage.save(&batch), Err(StorageError::Poisoned { .. })));
    }
    assert_eq!((server.disk.operations(), server.disk.files()), before);
}

/// A save that begins a prepared segment writes only the segment's contents: its header, and the seal in the
/// one before.
#[test]
fn a_save_need_not_wait_for_a_segment_that_is_prepared() {
    let mut server = Server::new(SMALL_SEGMENTS);
    let mut storage = server.start().unwrap();
    let prepare = |storage: &mut Storage<ModelDisk>| {
        let before = server.disk.operations();
        storage.prepare().unwrap();
        server.disk.operations() - before
    };
    assert_eq!(prepare(&mut storage), 0);
    storage.save(&appends(1, [command(1, 600)])).unwrap();
    assert_eq!(prepare(&mut storage), 2);
    assert_eq!(prepare(&mut storage), 0);
    assert_eq!(server.disk.files()["log-0000000002.new"], [0; SMALL_SEGMENTS as usize]);
    server.disk.plan(Fault::Full(0));
    storage.save(&appends(2, [command(1, 600)])).unwrap();
    assert_eq!(server.disk.operations(), 6 + 3);
}

#[test]
fn a_prepared_segment_that_is_too_small_is_replaced() {
    let mut server = Server::new(SMALL_SEGMENTS);
    let large = appends(2, [command(1, 5000)]);
    let acts = [appends(1, [command(1, 600)]).into(), Act::Prepare, large.into(), Act::Prepare];
    server.live(&acts).unwrap();
    assert!(server.disk.files()["log-0000000002"].len() > 5000);
    server.live(&[]).unwrap();
}

#[test]
fn an_empty_batch_costs_nothing() {
    let mut server = Server::new(SEGMENT_SIZE);
    let mut storage = server.start().unwrap();
    let before = server.disk.operations();
    storage.save(&Batch::default()).unwrap();
    assert_eq!(server.disk.operations(), before);
}

#[test]
fn a_save_is_one_sync() {
    let mut server = Server::new(SEGMENT_SIZE);
    let mut storage = server.start().unwrap();
    let before = server.disk.operations();
    storage.save(&appends(1, [command(1, 1)])).unwrap();
    let write_sync_and_mark = 3;
    assert_eq!(server.disk.operations() - before, write_sync_and_mark);
}

#[test]
#[should_panic(expected = "a log without a gap")]
fn a_gap_in_the_log_is_never_saved() {
    let _ =
        Server::new(SEGMENT_SIZE).live_and_save(&[appends(1, [command(1, 1)]), appends(3, [command(1, 1)])]);
}
