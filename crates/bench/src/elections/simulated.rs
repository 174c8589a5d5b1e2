//! Elections in the simulator.

use super::Trial;
use super::line::Line;
use consensus::{Entry, Log, LogPosition, NodeId, Payload, Term};
use fastrand::Rng;
use simulator::{Action, Selection, Weather, World, WorldOptions};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;
use trace::Record;

/// The leader that crashes.
const LEADER: NodeId = NodeId(1);

/// How long the simulated machines take for what.
#[derive(Debug, Clone)]
pub(super) struct Machines {
    /// Number of servers.
    pub(super) nodes: u64,
    /// How long a message is in flight.
    pub(super) latency: RangeInclusive<Duration>,
    /// How long a save takes.
    pub(super) save_time: RangeInclusive<Duration>,
    /// Can every server win? Otherwise only about half of the remaining ones, since the others' logs are
    /// behind those of a majority (§5.4.1).
    pub(super) equal_logs: bool,
    pub(super) seed: u64,
}

impl Machines {
    /// The world of one trial of a line.
    fn world(&self, line: Line, trial: u64) -> World {
        World::new(WorldOptions {
            servers: self.nodes,
            timing: line.timing(),
            seed: self.seed.wrapping_mul(1_000_003).wrapping_add(trial),
            weather: Weather { latency: self.latency.clone(), loss: 0.0, duplication: 0.0 },
            save_time: self.save_time.clone(),
            logs: self.logs(),
            ..WorldOptions::default()
        })
    }

    /// The logs with which the servers begin; the leader's is the longest.
    fn logs(&self) -> BTreeMap<NodeId, Log> {
        let length = |id: u64| if self.equal_logs { 1 } else { self.nodes + 1 - id };
        let log = |id: u64| {
            let entries = (0..length(id)).map(|_| Entry { term: Term(1), payload: Payload::NoOp });
            (NodeId(id), Log::new(LogPosition::default(), entries.collect()))
        };
        (1..=self.nodes).map(log).collect()
    }

    /// Makes the leader crash once, and waits for the next one, but no longer than `patience`.
    pub(super) fn trial(&self, line: Line, trial: u64, patience: Duration) -> Trial {
        self.story(line, trial, patience).0
    }

    /// The same, with all records from the last heartbeats on.
    pub(super) fn story(&self, line: Line, trial: u64, patience: Duration) -> (Trial, Vec<Record>) {
        let mut world = self.world(line, trial);
        let perform = |world: &mut World, action: Action| {
            world.perform(&action).expect("nothing stands in the way of it");
        };
        let servers = || (1..=self.nodes).map(NodeId);
        perform(&mut world, Action::Timeout(LEADER));
        while !world.take_records().iter().any(Record::comes_to_lead) {
            servers().for_each(|id| perform(&mut world, Action::Save(id)));
            perform(&mut world, Action::Deliver(Selection::default()));
        }
        // The leader gets no replies to what it sends, so the logs stay as they are.
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
            let new_leader =
                records[first_new..].iter().find(|record| record.comes_to_lead() && record.term > term);
            let downtime = new_leader.map(|record| Duration::from_micros(record.t - crashed));
            if downtime.is_some() || waited >= patience {
                let term_now = records.iter().map(|record| record.term).max().unwrap_or(term);
                let elections = term_now.0 - term.0;
                return (Trial { downtime, elections }, records);
            }
        }
    }
}
