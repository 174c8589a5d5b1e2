//! Random schedules: messages lost, doubled and out of order, crashes, pauses, partitions, slow saves. All
//! properties are checked after every step, and when the trouble is over, a leader must be elected.

use consensus::{NodeId, Rule, Timing};
use simulator::{AllBut, Refusal, World, WorldOptions};
use std::collections::BTreeMap;
use std::time::Duration;

/// A source of random numbers that gives the same ones for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn world(seed: u64, without: Option<Rule>) -> (World, u64, Chance) {
    let mut chance = Chance(seed);
    let servers = 1 + chance.below(7);
    let options = WorldOptions {
        servers,
        timing: Timing::default(),
        seed,
        rules: AllBut(without),
        latency: Duration::from_millis(chance.below(40)),
        logs: BTreeMap::new(),
    };
    (World::new(options), servers, chance)
}

/// Does one random thing. What can't be done in the present state is passed over.
fn make_trouble(world: &mut World, servers: u64, chance: &mut Chance) {
    let node = NodeId(1 + chance.below(servers));
    let other = NodeId(1 + chance.below(servers));
    let done: Result<(), Refusal> = match chance.below(16) {
        0 => world.crash(node),
        1 | 2 => world.restart(node),
        3 => world.pause(node),
        4 | 5 => world.resume(node),
        6 => world.timeout(node),
        7 => world.hold_saves(node),
        8 => world.save(node),
        9 => {
            world.lose(Some(node), None);
            Ok(())
        }
        10 => {
            world.duplicate(None, Some(other));
            Ok(())
        }
        11 => {
            world.cut(node, other);
            Ok(())
        }
        12 => {
            world.heal();
            Ok(())
        }
        // Not in the order in which they were sent.
        13 => {
            world.deliver(None, Some(node));
            Ok(())
        }
        _ => {
            world.run(Duration::from_millis(chance.below(200)));
            Ok(())
        }
    };
    let _ = done;
}

/// Mends everything.
fn end_trouble(world: &mut World, servers: u64) {
    world.heal();
    for node in (1..=servers).map(NodeId) {
        // What is not paused or dead needs neither.
        let _ = world.resume(node);
        let _ = world.restart(node);
        let _ = world.save(node);
    }
}

#[test]
fn no_schedule_violates_a_property_and_afterwards_there_is_a_leader() {
    for seed in 0..600 {
        let (mut world, servers, mut chance) = world(seed, None);
        for _ in 0..150 {
            make_trouble(&mut world, servers, &mut chance);
            world.take_records();
        }
        end_trouble(&mut world, servers);
        world.run(Duration::from_secs(20));
        assert_eq!(world.violations(), [], "seed {seed}");
        assert!(world.view().leader().is_some(), "seed {seed}: {}", world.view());
    }
}

#[test]
fn such_schedules_find_what_is_wrong_without_a_rule() {
    // Those that chance alone finds soon. The others have scenarios of their own.
    let found_soon = [
        Rule::StartAsFollower,
        Rule::CandidateVotesForItself,
        Rule::MajorityWins,
        Rule::OneVotePerTerm,
        Rule::IgnoreStaleAnswers,
        Rule::PersistBeforeAnswer,
    ];
    for rule in found_soon {
        let is_found = |seed| {
            let (mut world, servers, mut chance) = world(seed, Some(rule));
            (0..150).any(|_| {
                make_trouble(&mut world, servers, &mut chance);
                world.take_records();
                !world.violations().is_empty()
            })
        };
        assert!((0..2_000).any(is_found), "nothing is violated without {rule}");
    }
}
