//! What a person does to a running world: to messages in flight, to links, to rules.

use consensus::{NodeId, RoleKind, Rule};
use simulator::{Action, MessageInFlight, SearchOptions, Selection, Weather, World, WorldOptions, draw};
use std::time::Duration;
use trace::{Event, FaultyLink, Io, Laboratory, Record};

fn perform(world: &mut World, command: &str) -> Result<usize, String> {
    world.perform(&command.parse::<Action>()?).map_err(|refusal| refusal.to_string())
}

#[track_caller]
fn does(world: &mut World, command: &str) -> usize {
    perform(world, command).unwrap_or_else(|error| panic!("{command}: {error}"))
}

fn role(world: &World, id: u64) -> Option<RoleKind> {
    world.view().server(NodeId(id)).and_then(|server| server.role)
}

/// The same message is not named twice, and each name means the message that it was given for.
#[test]
fn each_message_in_flight_has_a_name_of_its_own() {
    let mut named = 0;
    for seed in 0..40 {
        let script = draw(seed, &SearchOptions::default());
        let play = |actions: &[Action]| {
            let mut world = World::new(script.options.clone());
            actions.iter().for_each(|action| drop(world.perform(action)));
            world
        };
        for played in (0..script.actions.len()).step_by(script.actions.len() / 5 + 1) {
            let mut world = play(&script.actions[..played]);
            let all = world.messages();
            for (place, message) in all.iter().enumerate() {
                let name = format!("lose{}", message.selection).parse::<Action>().unwrap();
                assert_eq!(name, Action::Lose(message.selection.clone()), "seed {seed}");
                let mut world = play(&script.actions[..played]);
                assert_eq!(world.perform(&name), Ok(1), "seed {seed}: {name}");
                let without_names = |messages: &[MessageInFlight]| -> Vec<_> {
                    let parts =
                        |message: &MessageInFlight| (message.sent_as, message.due, message.words.clone());
                    messages.iter().map(parts).collect()
                };
                let mut expected = without_names(&all);
                expected.remove(place);
                assert_eq!(without_names(&world.messages()), expected, "seed {seed}: {name}");
                named += 1;
            }
            drop(world.take_records());
        }
    }
    assert!(named > 200, "{named}");
}

#[test]
fn a_message_in_flight_is_the_one_that_was_sent() {
    let mut world = World::new(WorldOptions::default());
    does(&mut world, "timeout n1");
    let messages = world.messages();
    let names: Vec<String> = messages.iter().map(|message| message.selection.to_string()).collect();
    assert_eq!(
        names,
        [" from=n1 to=n2 kind=request-vote count=1", " from=n1 to=n3 kind=request-vote count=1"]
    );
    let records = world.take_records();
    for message in messages {
        let sent = records.iter().find(|record| record.id() == Some(message.sent_as)).unwrap();
        assert!(matches!(&sent.event, Event::Io(Io::Sent { to, .. }) if *to == message.to), "{sent:?}");
        assert_eq!(message.due, Some(Duration::from_millis(1)));
    }
}

#[test]
fn the_second_of_two_like_messages_has_a_name_too() {
    let mut world = World::new(WorldOptions::default());
    does(&mut world, "timeout n1");
    does(&mut world, "duplicate to=n2");
    let names: Vec<Selection> = world.messages().into_iter().map(|message| message.selection).collect();
    let second = names.last().unwrap();
    assert_eq!(second.to_string(), " from=n1 to=n2 kind=request-vote term=1 last=0 skip=1 count=1");
    assert_eq!(does(&mut world, &format!("hold{second}")), 1);
    let held: Vec<bool> = world.messages().iter().map(|message| message.due.is_none()).collect();
    assert_eq!(held, [false, false, true]);
}

#[test]
fn a_held_message_arrives_when_it_is_delivered() {
    let mut world = World::new(WorldOptions::default());
    does(&mut world, "timeout n1");
    assert_eq!(does(&mut world, "hold kind=request-vote"), 2);
    assert_eq!(
        perform(&mut world, "calm").unwrap_err(),
        "messages are held: a calm begins when all that is over"
    );
    does(&mut world, "run 100ms");
    does(&mut world, "settle");
    assert_eq!((world.messages().len(), role(&world, 1)), (2, Some(RoleKind::Candidate)));
    assert_eq!(does(&mut world, "deliver to=n2"), 1);
    does(&mut world, "settle");
    assert_eq!(role(&world, 1), Some(RoleKind::Leader));
    // Delayed by nothing, it arrives at once.
    assert_eq!(does(&mut world, "delay from=n1 to=n3 kind=request-vote by=0ms"), 1);
    assert_eq!(world.messages()[0].due, Some(world.now()));
}

#[test]
fn a_delayed_message_arrives_later() {
    let mut world = World::new(WorldOptions::default());
    does(&mut world, "timeout n1");
    does(&mut world, "delay to=n2 by=20ms");
    let due: Vec<_> = world.messages().into_iter().map(|message| message.due).collect();
    assert_eq!(due, [21, 1].map(|millis| Some(Duration::from_millis(millis))));
}

#[test]
fn a_link_has_its_own_weather_in_one_direction() {
    let mut world = World::new(WorldOptions::default());
    does(&mut world, "link n1 n2 latency=50ms");
    does(&mut world, "link n1 n3 loss=1");
    does(&mut world, "timeout n1");
    let in_flight = |world: &World| -> Vec<_> {
        world.messages().into_iter().map(|message| (message.to.0, message.due.unwrap().as_millis())).collect()
    };
    assert_eq!(in_flight(&world), [(2, 50)]);
    does(&mut world, "lose");
    does(&mut world, "link n1 n2");
    does(&mut world, "link n1 n3");
    does(&mut world, "timeout n1");
    assert_eq!(in_flight(&world), [(2, 1), (3, 1)]);
    does(&mut world, "lose");
    does(&mut world, "link latency=9ms duplication=1");
    does(&mut world, "timeout n2");
    assert_eq!(in_flight(&world), [(1, 9), (1, 9), (3, 9), (3, 9)]);
    does(&mut world, "lose");
    does(&mut world, "heal");
    does(&mut world, "timeout n3");
    assert_eq!(in_flight(&world), [(1, 21), (2, 21)].map(|(to, due)| (to, due - 20)));
    assert!(perform(&mut world, "link n1 n9 loss=0.5").unwrap_err().contains("there is no n9"));
    assert!("link n1".parse::<Action>().unwrap_err().contains("say which server"));
    assert!("link n1 n2 loss=2".parse::<Action>().unwrap_err().contains("\"2\" is no share"));
}

#[test]
fn what_is_done_to_links_is_recorded() {
    let mut world = World::new(WorldOptions::default());
    let faulty = |world: &World| -> Vec<(u64, u64, bool, u8, u64)> {
        let parts = |FaultyLink { link, faults }: FaultyLink| {
            (link.from.0, link.to.0, faults.cut, faults.loss_percent, faults.delay_us)
        };
        let mut faulty: Vec<_> = world.view().network().faulty_links().map(parts).collect();
        faulty.sort();
        faulty
    };
    does(&mut world, "cut n1 n2");
    does(&mut world, "link n1 n3 latency=10ms..20ms loss=0.25");
    assert_eq!(faulty(&world), [(1, 2, true, 0, 0), (1, 3, false, 25, 20_000)]);
    does(&mut world, "mend n1 n2");
    does(&mut world, "link n1 n3 loss=0.25");
    assert_eq!(faulty(&world), [(1, 3, false, 25, 0)]);
    does(&mut world, "calm");
    assert_eq!(faulty(&world), []);
    does(&mut world, "partition n1");
    assert_eq!(faulty(&world).len(), 4);
    does(&mut world, "heal");
    assert_eq!(faulty(&world), []);
    let records = world.take_records();
    assert_eq!(records.iter().filter(|record| record.is_about_links()).count(), 8);
}

/// Links with a weather of their own that is no other are no different: not even what is drawn at random.
#[test]
fn a_link_with_the_usual_weather_changes_nothing() {
    let usual = Weather { loss: 0.1, duplication: 0.1, latency: Duration::ZERO..=Duration::from_millis(9) };
    let options = WorldOptions { weather: usual, ..WorldOptions::default() };
    let records = |commands: &[&str]| {
        let mut world = World::new(options.clone());
        for command in commands {
            does(&mut world, command);
        }
        does(&mut world, "run 2s");
        let mut records = world.take_records();
        records.retain(|record| !record.is_about_links());
        records
    };
    assert_eq!(records(&["link n1 n2 loss=0.1", "link duplication=0.1"]), records(&[]));
}

#[test]
fn a_rule_is_switched_off_and_on_while_the_cluster_runs() {
    let mut world = World::new(WorldOptions::default());
    let vote_twice = |world: &mut World| {
        for candidate in ["n1", "n3"] {
            does(world, &format!("timeout {candidate}"));
            does(world, "deliver to=n2 kind=request-vote");
            does(world, "lose");
        }
        // n3 hears nothing of n1's term, and so asks in the same one.
        world.violations().len()
    };
    assert_eq!(vote_twice(&mut world), 0);
    let rule = Rule::OneVotePerTerm;
    does(&mut world, "rule one-vote-per-term off");
    assert_eq!(world.rules().0, Some(rule));
    assert_eq!(world.options().rules.0, None);
    assert_eq!(
        perform(&mut world, "rule one-vote-per-term off").unwrap_err(),
        "one-vote-per-term is off already"
    );
    assert_eq!(perform(&mut world, "rule pre-vote on").unwrap_err(), "pre-vote is on already");
    let second = perform(&mut world, "rule pre-vote off").unwrap_err();
    assert_eq!(second, "one-vote-per-term is off, and one rule at a time can be: switch it on first");
    assert_eq!(vote_twice(&mut world), 1);
    does(&mut world, "rule one-vote-per-term on");
    assert_eq!(world.rules().0, None);
    let switched = |record: &Record| match &record.event {
        Event::Laboratory(Laboratory::RuleSwitched { rule, is_on }) => Some((*rule, *is_on)),
        _ => None,
    };
    let records = world.take_records();
    for record in &records {
        assert_eq!(&Record::from_json(&record.to_json()).unwrap(), record);
    }
    let switched: Vec<_> = records.iter().filter_map(switched).collect();
    assert_eq!(switched, [(rule, false), (rule, true)]);
    assert!("rule fun off".parse::<Action>().unwrap_err().contains("there is no rule \"fun\""));
    assert_eq!("rule pre-vote maybe".parse::<Action>().unwrap_err(), "\"maybe\" is neither on nor off");
}

/// What is left of n2 after its disk forgot something: its term, its vote, and the terms of its log.
fn left_after(forget: &str) -> (u64, Option<u64>, Vec<u64>) {
    let mut world = World::new(WorldOptions::default());
    for command in
        ["timeout n1", "settle", "propose 7", "propose 8", "settle", "kill n2", forget, "restart n2"]
    {
        does(&mut world, command);
    }
    let found = |record: &Record| match &record.event {
        Event::Io(Io::Restored { hard_state, terms, log, .. }) if record.node == NodeId(2) => {
            let all = vec![terms.first().map_or(0, |first| first.term.0); log.index.0 as usize];
            Some((hard_state.current_term.0, hard_state.voted_for.map(|vote| vote.0), all))
        }
        _ => None,
    };
    world.take_records().iter().rev().find_map(found).unwrap_or_default()
}

#[test]
fn a_disk_forgets_no_more_than_it_is_told_to() {
    assert_eq!(left_after("move n2"), (1, Some(1), vec![1, 1, 1]));
    assert_eq!(left_after("forget n2 vote"), (1, None, vec![1, 1, 1]));
    assert_eq!(left_after("forget n2 entries=1"), (1, Some(1), vec![1, 1]));
    assert_eq!(left_after("forget n2 entries=3"), (1, Some(1), vec![]));
    assert_eq!(left_after("forget n2 all"), (0, None, vec![]));
}

#[test]
fn a_log_that_a_snapshot_replaced_in_part_forgets_entries_after_it() {
    let mut world = World::new(WorldOptions::default());
    for command in [
        "timeout n1",
        "settle",
        "propose 7",
        "settle",
        "tick n1",
        "settle",
        "snapshot n2",
        "propose 8",
        "settle",
    ] {
        does(&mut world, command);
    }
    does(&mut world, "kill n2");
    let refused = perform(&mut world, "forget n2 entries=2").unwrap_err();
    assert!(refused.contains("its log has 1 entry after its snapshot"), "{refused}");
    does(&mut world, "forget n2 entries=1");
    does(&mut world, "restart n2");
    assert_eq!(world.violations(), []);
}
