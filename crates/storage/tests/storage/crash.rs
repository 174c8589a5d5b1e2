//! Crashes and errors at every operation of the disk.

use crate::model_disk::{CrashOutcome, Fault, ModelDisk, crash_outcomes};
use crate::{hard_state, identity};
use consensus::HardState;
use storage::{Recovered, Storage, StorageError};

/// What a server has been promised, and so what it must find when it comes back.
#[derive(Debug, Default)]
struct Promised {
    saved: HardState,
    /// A save that did not come to its end.
    begun: Option<HardState>,
    life: u64,
}

impl Promised {
    fn check(&mut self, recovered: Recovered) {
        let found = recovered.hard_state;
        assert!(found == self.saved || Some(found) == self.begun, "{found:?} after {self:?}");
        assert!(recovered.life > self.life, "life {} after {self:?}", recovered.life);
        *self = Promised { saved: found, begun: None, life: recovered.life };
    }
}

fn open(disk: &ModelDisk, promised: &mut Promised) -> Result<Storage<ModelDisk>, StorageError> {
    let (storage, recovered) = Storage::open(disk.clone(), identity())?;
    promised.check(recovered);
    Ok(storage)
}

fn save(
    storage: &mut Storage<ModelDisk>,
    hard_state: HardState,
    promised: &mut Promised,
) -> Result<(), StorageError> {
    promised.begun = Some(hard_state);
    storage.save(&hard_state)?;
    promised.saved = hard_state;
    promised.begun = None;
    Ok(())
}

/// A life in which the server learns of a new term, and then votes in it.
fn live(disk: &ModelDisk, promised: &mut Promised) -> Result<(), StorageError> {
    let mut storage = open(disk, promised)?;
    let term = promised.saved.current_term.0 + 1;
    save(&mut storage, hard_state(term, None), promised)?;
    save(&mut storage, hard_state(term, Some(3)), promised)
}

/// How many operations a life has, both the first and the later ones.
fn operations_of_a_life() -> usize {
    let disk = ModelDisk::default();
    let mut promised = Promised::default();
    let lives = [(); 2].map(|()| {
        let before = disk.operations();
        live(&disk, &mut promised).unwrap();
        disk.operations() - before
    });
    assert_eq!(lives[0], lives[1]);
    lives[0]
}

fn power_cuts() -> impl Iterator<Item = Fault> {
    (0..operations_of_a_life()).flat_map(|at| [Fault::PowerCutBefore(at), Fault::PowerCutAfter(at)])
}

#[test]
fn a_crash_at_any_operation_leaves_the_old_state_or_the_new() {
    for outcome in crash_outcomes() {
        for first_cut in power_cuts() {
            for second_cut in power_cuts() {
                crash_twice(first_cut, second_cut, outcome);
            }
        }
    }
}

fn crash_twice(first_cut: Fault, second_cut: Fault, outcome: CrashOutcome) {
    let disk = ModelDisk::default();
    let mut promised = Promised::default();
    for cut in [first_cut, second_cut] {
        disk.plan(cut);
        live(&disk, &mut promised).expect_err("a power cut");
        disk.crash(outcome);
    }
    live(&disk, &mut promised).unwrap_or_else(|error| panic!("{error} after {first_cut:?}, {second_cut:?}"));
}

#[test]
fn what_a_server_finds_after_an_error_is_durable() {
    for outcome in crash_outcomes() {
        for failing in 0..operations_of_a_life() {
            for lives_before in 0..2 {
                let disk = ModelDisk::default();
                let mut promised = Promised::default();
                for _ in 0..lives_before {
                    live(&disk, &mut promised).unwrap();
                }
                disk.plan(Fault::Error(failing));
                live(&disk, &mut promised).expect_err("an error");
                // The server restarts, the machine does not: the system's memory is what it was.
                open(&disk, &mut promised).unwrap();
                disk.crash(outcome);
                open(&disk, &mut promised).unwrap();
            }
        }
    }
}

#[test]
fn after_a_failed_save_the_disk_is_left_alone() {
    let operations_of_a_save = 4;
    for failing in 0..operations_of_a_save {
        let disk = ModelDisk::default();
        let (mut storage, _) = Storage::open(disk.clone(), identity()).unwrap();
        disk.plan(Fault::Error(failing));
        assert!(matches!(storage.save(&hard_state(1, None)), Err(StorageError::Io { .. })));

        let operations = disk.operations();
        assert_eq!(operations, failing + 1);
        for _ in 0..2 {
            assert!(matches!(storage.save(&hard_state(2, None)), Err(StorageError::Poisoned { .. })));
        }
        assert_eq!(disk.operations(), operations);
    }
}
