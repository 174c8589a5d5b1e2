//! Elections in the simulator.

use super::Trial;
use super::line::Line;
use consensus::event::What;
use consensus::{Entry, Log, LogPosition, NodeId, Payload, RoleKind, Term};
use driver::Telling;
use fastrand::Rng;
use simulator::{Action, Selection, Weather, World, WorldOptions};
use std::ops::RangeInclusive;
use std::time::Duration;
use trace::{Event, Record};

/// The leader that crashes.
const LEADER: NodeId = NodeId(1);

/// What the simulated machines take for what.
#[derive(Debug, Clone)]
pub(super) struct Machines {
    /// How many servers there are.
    pub(super) nodes: u64,
    /// How long a message is under way.
    pub(super) latency: RangeInclusive<Duration>,
    /// How long a disk takes for a save.
    pub(super) save_time: RangeInclusive<Duration>,
    pub(super) seed: u64,
}

impl Machines {
    /// Such that a request to all, which has to be saved before it is answered, takes so long on average: one part of ten
    /// to get there and back each, and the rest for the disk.
    pub(super) fn new(nodes: u64, broadcast_time: Duration, seed: u64) -> Machines {
        let share = |tenths: f64| broadcast_time.mul_f64(tenths / 10.0);
        Machines { nodes, latency: share(std::env::var("LMIN").unwrap().parse().unwrap())..=share(std::env::var("LMAX").unwrap().parse().unwrap()), save_time: share(std::env::var("SMIN").unwrap().parse().unwrap())..=share(std::env::var("SMAX").unwrap().parse().unwrap()), seed }
    }

    /// The world of one trial of a line.
    fn world(&self, line: Line, trial: u64, telling: Telling) -> World {
        World::new(WorldOptions {
            servers: self.nodes,
            timing: line.timing(),
            seed: self.seed.wrapping_mul(1_000_003).wrapping_add(trial),
            weather: Weather { latency: self.latency.clone(), loss: 0.0, duplication: 0.0 },
            save_time: self.save_time.clone(),
            logs: logs(self.nodes),
            telling,
            ..WorldOptions::default()
        })
    }

    /// Lets the leader crash once, and waits for the next one, but no longer than `patience`.
    pub(super) fn trial(&self, line: Line, trial: u64, patience: Duration) -> Trial {
        self.play(line, trial, patience, Telling::Events).0
    }

    /// The same, with all that happens from the last heartbeats on.
    pub(super) fn story(&self, line: Line, trial: u64, patience: Duration) -> (Trial, Vec<Record>) {
        self.play(line, trial, patience, Telling::Events)
    }

    fn play(&self, line: Line, trial: u64, patience: Duration, telling: Telling) -> (Trial, Vec<Record>) {
        let mut world = self.world(line, trial, telling);
        let perform = |world: &mut World, action: Action| {
            world.perform(&action).expect("nothing stands in the way of it");
        };
        let servers = || (1..=self.nodes).map(NodeId);
        perform(&mut world, Action::Timeout(LEADER));
        while !world.take_records().iter().any(is_lead) {
            servers().for_each(|id| perform(&mut world, Action::Save(id)));
            perform(&mut world, Action::Deliver(Selection::default()));
        }
        // The leader hears no answers to what it sends, so the logs stay as they are.
        servers().filter(|&id| id != LEADER).for_each(|id| perform(&mut world, Action::Cut(id, LEADER)));
        perform(&mut world, Action::Tick(LEADER));
        world.take_records();
        let wait = Rng::with_seed(self.seed ^ trial).f64();
        let wait = line.timing().heartbeat_interval().mul_f64(wait);
        perform(&mut world, Action::Run(wait));
        perform(&mut world, Action::Kill(LEADER));
        let mut records = world.take_records();
        let (crashed, term) = records.last().map(|record| (record.t, record.term)).expect("it died");
        let mut waited = Duration::ZERO;
        let slice = line.timing().election_timeout_min() / 4;
        loop {
            perform(&mut world, Action::Run(slice));
            waited += slice;
            let first_new = records.len();
            records.extend(world.take_records());
            let new_leader = records[first_new..].iter().find(|record| is_lead(record) && record.term > term);
            let downtime = new_leader.map(|record| Duration::from_micros(record.t - crashed));
            if downtime.is_some() || waited >= patience {
                let term_now = records.iter().map(|record| record.term).max().unwrap_or(term);
                let elections = term_now.0 - term.0;
                return (Trial { downtime, elections }, records);
            }
        }
    }
}

fn is_lead(record: &Record) -> bool {
    let Event::Decision(decision) = &record.event else { return false };
    matches!(decision.what, What::Role { role: RoleKind::Leader, .. })
}

/// Logs of different lengths: of those who are left, only about half can win, since the others' logs are behind those of a
/// majority (§5.4.1).
fn logs(nodes: u64) -> std::collections::BTreeMap<NodeId, Log> {
    let entry = || Entry { term: Term(1), payload: Payload::NoOp };
    let log = |id: u64| {
        let entries = (id..=nodes).map(|_| entry()).collect();
        (NodeId(id), Log::new(LogPosition::default(), entries))
    };
    (1..=nodes).map(log).collect()
}
