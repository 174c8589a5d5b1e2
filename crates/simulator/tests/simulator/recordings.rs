//! Recordings are played again. One that was changed, in any way, is an error and no more.

use consensus::NodeId;
use driver::TraceLevel;
use fastrand::Rng;
use simulator::{Action, SearchOptions, World, WorldOptions, draw, reenact};
use trace::{ClusterView, Episodes, Event, Feed, Input, Io, Record, StepInput};

/// The records of the run that this seed draws, with all steps.
fn recorded(seed: u64) -> Vec<Record> {
    let script = draw(seed, &SearchOptions { servers: Some(3), ..SearchOptions::default() });
    let mut world = World::new(WorldOptions { trace_level: TraceLevel::Replayable, ..script.options });
    // What comes in the calm afterwards is mostly routine.
    for action in script.actions.iter().take_while(|action| **action != Action::Calm) {
        let _ = world.perform(action);
    }
    world.take_records()
}

#[test]
fn what_the_simulator_records_comes_to_the_same_states_again() {
    for seed in 0..20 {
        let records = recorded(seed);
        let reenacted = reenact(&records).unwrap_or_else(|error| panic!("seed {seed}: {}", error.misfit));
        assert!(reenacted.steps > 0 && reenacted.lives >= 3, "seed {seed}: {reenacted:?}");
    }
}

#[test]
fn a_save_that_no_server_asked_for_is_impossible() {
    let mut world =
        World::new(WorldOptions { trace_level: TraceLevel::Replayable, ..WorldOptions::default() });
    world.perform(&Action::RunUntilLed).unwrap();
    let mut records = world.take_records();
    let is_save = |record: &Record| match &record.event {
        Event::Io(Io::Step { input, .. }) => matches!(**input, StepInput::Input(Input::Saved)),
        _ => false,
    };
    // Disks take no time in this world, so no save was in progress after the last one.
    let place = records.iter().rposition(is_save).unwrap() + 1;
    records.insert(place, records[place - 1].clone());
    let divergence = reenact(&records).unwrap_err();
    assert_eq!(divergence.place, place);
    let words = divergence.misfit.to_string();
    assert!(
        words.starts_with("this can't happen after what was recorded before (it contradicts "),
        "{words}"
    );
}

/// Moves, doubles, drops or changes a record, as a line of the file. Returns false if the line can't be read then.
fn change_something(records: &mut Vec<Record>, random: &mut Rng) -> bool {
    let place = |random: &mut Rng, length: usize| random.u64(..length as u64) as usize;
    let (here, there) = (place(random, records.len()), place(random, records.len()));
    match random.u8(..4) {
        0 => drop(records.remove(here)),
        1 => records.insert(there, records[here].clone()),
        2 => {
            let moved = records.remove(here);
            records.insert(there.min(records.len()), moved);
        }
        _ => {
            let mut line = records[here].to_json();
            let digits: Vec<usize> =
                line.match_indices(|sign: char| sign.is_ascii_digit()).map(|(at, _)| at).collect();
            let digit = digits[place(random, digits.len())];
            let others = ["", "0", "1", "7", "99", "4294967296", "18446744073709551"];
            line.replace_range(digit..=digit, others[place(random, others.len())]);
            match Record::from_json(&line) {
                Ok(record) => records[here] = record,
                Err(_) => return false,
            }
        }
    }
    true
}

#[test]
fn a_recording_that_was_changed_is_an_error_and_no_panic() {
    let recordings: Vec<Vec<Record>> =
        (0..10).map(|seed| recorded(seed).into_iter().take(600).collect()).collect();
    let (mut misfits, mut good) = (0, 0);
    for seed in 0..1_000 {
        let mut random = Rng::with_seed(seed);
        let mut records = recordings[(seed % 10) as usize].clone();
        if !(0..random.u8(1..=3)).all(|_| change_something(&mut records, &mut random)) {
            continue;
        }
        match reenact(&records) {
            Ok(_) => good += 1,
            Err(divergence) => {
                assert!(divergence.place < records.len() && !divergence.misfit.to_string().is_empty());
                misfits += 1;
            }
        }
        // A recording without steps is not checked before it is shown.
        let (mut view, mut feed, mut episodes) =
            (ClusterView::new((1..=3).map(NodeId)), Feed::new(), Episodes::default());
        for record in &records {
            view.apply(record);
            episodes.observe(record);
            feed.tell(record).iter().for_each(|line| drop(line.to_string()));
        }
    }
    assert!(misfits > 300 && good > 20, "{misfits} {good}");
}
