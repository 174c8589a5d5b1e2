//! What a view shows of the servers' logs is what they hold, although it knows only the events.

use consensus::LogPosition;
use driver::TraceLevel;
use simulator::{SearchOptions, World, WorldOptions, draw};
use trace::{ClusterView, Event, Io, LogView};

/// Plays a random run, and checks after each step of a server whether the view knows the log that the server
/// has. Returns the number of steps, and how often a log had changed.
fn follow(seed: u64) -> (usize, usize) {
    let script = draw(seed, &SearchOptions::default());
    let mut world = World::new(WorldOptions { trace_level: TraceLevel::Replayable, ..script.options });
    let mut view = ClusterView::new(world.view().servers().map(|(id, _)| id));
    let (mut steps, mut changes) = (0, 0);
    for action in &script.actions {
        // What can't be done at that time is skipped.
        let _ = world.perform(action);
        for record in world.take_records() {
            let before = view.server(record.node).map(|server| server.log.last_index());
            view.apply(&record);
            let log = &view.server(record.node).expect("it is one of the servers").log;
            changes += usize::from(before != Some(log.last_index()));
            if let Event::Io(Io::Step { state, .. }) = &record.event {
                steps += 1;
                assert_eq!(last(log), state.last_log, "seed {seed}: {}", record.to_json());
                assert_eq!(log.commit_index(), state.commit_index, "seed {seed}: {}", record.to_json());
            }
        }
    }
    (steps, changes)
}

fn last(log: &LogView) -> LogPosition {
    let index = log.last_index();
    LogPosition { index, term: log.term_at(index).unwrap_or_default() }
}

#[test]
fn logs_are_known_through_crashes_and_conflicts() {
    let followed: Vec<(usize, usize)> = (1..=40).map(follow).collect();
    let steps: usize = followed.iter().map(|(steps, _)| steps).sum();
    let changes: usize = followed.iter().map(|(_, changes)| changes).sum();
    assert!(steps > 10_000 && changes > 1_000, "{steps} steps, {changes} changes are too few to tell");
}
