//! Three of the project's drivers in one thread, as in a server, with a state machine that does nothing.

use super::Cluster;
use consensus::{Config, Credentials, EveryRule, Instant, Limits, Membership, NodeId, Profile, Timing};
use driver::{DiskJob, Driver, Effects, Envelope, Input, RequestId, TraceLevel, WriteOutcome};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time;
use storage::Recovered;
use tokio::sync::{mpsc, oneshot};

const VOTERS: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];
/// Index of the server that leads.
const LEADER: usize = 0;

/// Maximum number of commands that are proposed together.
const BATCH: usize = 1024;

/// Approximate number of bytes of commands after which a server takes a snapshot, and removes what it covers.
const SNAPSHOT_AFTER: usize = 1 << 20;

/// A channel to the thread of the servers.
#[derive(Clone)]
pub struct Ours {
    requests: mpsc::Sender<Request>,
    command: Arc<[u8]>,
}

struct Request {
    command: Arc<[u8]>,
    done: oneshot::Sender<()>,
}

impl Ours {
    /// A cluster that lives as long as one of its clients.
    pub fn start(value_size: usize) -> Ours {
        let (requests, inbox) = mpsc::channel(BATCH);
        std::thread::spawn(move || Servers::start().serve(inbox));
        Ours { requests, command: vec![7; value_size].into() }
    }
}

impl Cluster for Ours {
    async fn write(&self) {
        let (done, is_done) = oneshot::channel();
        let request = Request { command: self.command.clone(), done };
        assert!(self.requests.send(request).await.is_ok(), "the servers are there");
        is_done.await.expect("what the leader takes is committed");
    }
}

struct Servers {
    drivers: [Driver<()>; 3],
    effects: Effects<()>,
    /// Messages in flight.
    network: VecDeque<Envelope>,
    waiting: BTreeMap<RequestId, oneshot::Sender<()>>,
    last_request: u64,
    began: time::Instant,
}

impl Servers {
    fn start() -> Servers {
        let mut effects = Effects::default();
        let driver = |id: NodeId| {
            let config = Config {
                id,
                membership: Membership::of_voters(VOTERS).into(),
                credentials: Credentials::default(),
                timing: Timing::default(),
                limits: Limits { bytes_behind_snapshot: SNAPSHOT_AFTER / 8, ..Limits::default() },
                lease: None,
                profile: Profile::PAPER,
                seed: id.0,
            };
            Driver::start(config, Recovered::default(), (), EveryRule, TraceLevel::Essential, &mut effects)
        };
        let mut servers = Servers {
            drivers: VOTERS.map(driver),
            effects,
            network: VecDeque::new(),
            waiting: BTreeMap::new(),
            last_request: 0,
            began: time::Instant::now(),
        };
        let now = servers.now();
        servers.drivers[LEADER].step(now, Input::SetElectionTimer { deadline: now }, &mut servers.effects);
        servers.drivers[LEADER].step(now, Input::Tick, &mut servers.effects);
        servers.pass_on(LEADER);
        servers.talk();
        servers
    }

    fn now(&self) -> Instant {
        Instant::after_start(self.began.elapsed())
    }

    fn serve(mut self, mut inbox: mpsc::Receiver<Request>) {
        let mut requests = Vec::with_capacity(BATCH);
        // While a client waits, there is always a next request, and no timer runs out.
        while inbox.blocking_recv_many(&mut requests, BATCH) > 0 {
            let mut commands = Vec::with_capacity(requests.len());
            let mut ids = Vec::with_capacity(requests.len());
            for Request { command, done } in requests.drain(..) {
                self.last_request += 1;
                let id = RequestId(self.last_request);
                self.waiting.insert(id, done);
                commands.push(command);
                ids.push(id);
            }
            self.drivers[LEADER].step(
                self.now(),
                Input::Propose { commands, requests: ids },
                &mut self.effects,
            );
            self.pass_on(LEADER);
            self.talk();
            for place in 0..VOTERS.len() {
                self.drivers[place].step(self.now(), Input::Tick, &mut self.effects);
                self.pass_on(place);
            }
            self.talk();
        }
    }

    fn talk(&mut self) {
        while let Some(envelope) = self.network.pop_front() {
            let place = VOTERS.iter().position(|&voter| voter == envelope.to).expect("all know each other");
            self.drivers[place].step(self.now(), envelope.into(), &mut self.effects);
            self.pass_on(place);
        }
    }

    /// Does what a server asks for. What it wants saved is in its memory, and that is enough here.
    fn pass_on(&mut self, place: usize) {
        let now = self.now();
        let (driver, effects) = (&mut self.drivers[place], &mut self.effects);
        loop {
            let input = match effects.disk.pop() {
                Some(DiskJob::Save(_)) => Input::Saved,
                Some(DiskJob::Snapshot { last_included, .. }) => Input::SnapshotTaken { last_included },
                Some(job) => unreachable!("nobody lags behind, and there is room: {job:?}"),
                None if driver.needs_apply() => Input::Apply { at_most: BATCH },
                None if driver.applied_bytes() >= SNAPSHOT_AFTER => Input::TakeSnapshot,
                None => break,
            };
            driver.step(now, input, effects);
        }
        effects.records.clear();
        self.network.extend(effects.envelopes.drain(..));
        for (id, outcome) in effects.outcomes.writes.drain(..) {
            assert!(matches!(outcome, WriteOutcome::Applied { .. }), "the leader stays");
            let done = self.waiting.remove(&id).expect("each has one outcome");
            // At the end of a run nobody waits any longer.
            let _ = done.send(());
        }
    }
}
