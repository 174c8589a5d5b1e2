//! However time is divided, the same happens.

use simulator::{Action, SearchOptions, World, draw};
use std::time::Duration;
use trace::Record;

/// What happens in the run of this seed, if time passes in this way.
fn records(seed: u64, pass: impl Fn(&mut World, Duration)) -> Vec<Record> {
    let script = draw(seed, &SearchOptions::default());
    let mut world = World::new(script.options);
    for action in &script.actions {
        match action {
            Action::Run(duration) => pass(&mut world, *duration),
            // Whether it can be done depends on what happened before.
            _ => drop(world.perform(action)),
        }
    }
    world.take_records()
}

fn run(world: &mut World, duration: Duration) {
    world.perform(&Action::Run(duration)).unwrap();
}

#[test]
fn two_runs_are_the_same_as_one() {
    for seed in 0..60 {
        let in_two = |world: &mut World, duration: Duration| {
            let first = duration * 3 / 8;
            run(world, first);
            run(world, duration - first);
        };
        assert_eq!(records(seed, in_two), records(seed, run), "seed {seed}");
    }
}

#[test]
fn single_steps_are_the_same_as_a_run() {
    for seed in 0..60 {
        let in_steps = |world: &mut World, duration: Duration| {
            let end = world.now() + duration;
            while world.next_due().is_some_and(|due| due <= end) {
                let before = world.now();
                world.perform(&Action::Step).unwrap();
                assert!(before <= world.now() && world.now() <= end, "seed {seed}");
            }
            run(world, end - world.now());
        };
        assert_eq!(records(seed, in_steps), records(seed, run), "seed {seed}");
    }
}

#[test]
fn there_is_no_step_where_nothing_is_due() {
    let mut world = World::new(simulator::WorldOptions { servers: 1, ..Default::default() });
    world.perform(&Action::Crash(consensus::NodeId(1), simulator::Unsynced::Lost)).unwrap();
    assert_eq!(world.next_due(), None);
    let refused = world.perform(&Action::Step).unwrap_err().to_string();
    assert_eq!(refused, "nothing is due: no message is in flight, no timer runs, no disk is busy");
}
