//! Servers, clock and network, all under one hand.

use crate::network::{InFlight, Network};
use crate::properties::{self, Property, Step, Violation};
use crate::rules::AllBut;
use crate::server::Server;
use consensus::{Config, Log, NodeId, Quorum, Timing};
use driver::{Effects, Speed};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use trace::{ClusterView, Event, Laboratory, Process, Record};

/// What a world is made of.
#[derive(Debug, Clone)]
pub struct WorldOptions {
    /// How many servers: n1, n2, and so on.
    pub servers: u64,
    /// How long they wait for what.
    pub timing: Timing,
    /// Where their randomness comes from.
    pub seed: u64,
    /// The rules that they obey.
    pub rules: AllBut,
    /// How long a message is under way.
    pub latency: Duration,
    /// The log that a server begins with, where that is not the empty one.
    pub logs: BTreeMap<NodeId, Log>,
}

/// A world of servers that do nothing until time passes or something is done to them.
#[derive(Debug)]
pub struct World {
    now: Duration,
    rules: AllBut,
    servers: BTreeMap<NodeId, Server>,
    network: Network,
    view: ClusterView,
    properties: Vec<Box<dyn Property>>,
    /// What has happened and was not taken yet.
    records: Vec<Record>,
    violations: Vec<Violation>,
}

/// Why something can't be done to a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl World {
    /// A world in which all servers have just been started.
    pub fn new(options: WorldOptions) -> World {
        let WorldOptions { servers, timing, seed, rules, latency, mut logs } = options;
        let ids: Vec<NodeId> = (1..=servers).map(NodeId).collect();
        let voters: Quorum = ids.iter().copied().collect();
        let server = |id| {
            let config = Config { id, voters: voters.clone(), timing, seed };
            (id, Server::new(config, logs.remove(&id).unwrap_or_default()))
        };
        let mut world = World {
            now: Duration::ZERO,
            rules,
            servers: ids.iter().copied().map(server).collect(),
            network: Network::new(latency),
            view: ClusterView::new(ids.iter().copied()),
            properties: properties::all(),
            records: Vec::new(),
            violations: Vec::new(),
        };
        for id in ids {
            world.start(id);
        }
        world
    }

    /// What an observer knows of the servers.
    pub fn view(&self) -> &ClusterView {
        &self.view
    }

    /// What has happened since this was last asked.
    pub fn take_records(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records)
    }

    /// The properties that did not hold, each as often as that happened.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The messages under way, in the order in which they were sent: from, to and what they say.
    pub fn in_flight(&self) -> impl Iterator<Item = (NodeId, NodeId, String)> {
        self.network.in_flight().map(|InFlight { envelope, .. }| {
            (envelope.from, envelope.to, trace::english::message_words(&envelope.message))
        })
    }

    /// Lets time pass. Messages arrive when they have been under way for the network's latency;
    /// timers run out.
    pub fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(next) = self.next_event().filter(|&next| next <= end) {
            self.now = self.now.max(next);
            self.deliver_where(|now, message| message.due <= now);
            self.tick_due();
        }
        self.now = end;
    }

    /// Lets a server's election timer run out now.
    ///
    /// # Errors
    /// If it can't act.
    pub fn timeout(&mut self, id: NodeId) -> Result<(), Refusal> {
        self.running(id)?;
        self.act(id, |server, now, effects| server.expire_timer(now, effects));
        Ok(())
    }

    /// Delivers what is under way now from this server and to that one; none means any. The answers
    /// that come of it stay under way.
    pub fn deliver(&mut self, from: Option<NodeId>, to: Option<NodeId>) {
        self.deliver_where(|_, message| message.goes(from, to));
    }

    /// Delivers what is under way, and what comes of that, until nothing is under way to a server that
    /// can hear it.
    pub fn settle(&mut self) {
        while self.deliver_where(|_, _| true) > 0 {}
    }

    /// Loses what is under way from this server and to that one. Tells how many messages that were.
    pub fn lose(&mut self, from: Option<NodeId>, to: Option<NodeId>) -> usize {
        let lost = self.network.find(|message| message.goes(from, to));
        lost.iter().filter_map(|&number| self.network.take(number)).count()
    }

    /// Doubles what is under way from this server and to that one. Tells how many messages that were.
    pub fn duplicate(&mut self, from: Option<NodeId>, to: Option<NodeId>) -> usize {
        let doubled = self.network.find(|message| message.goes(from, to));
        for &number in &doubled {
            self.network.duplicate(self.now, number);
        }
        doubled.len()
    }

    /// Cuts the link from one server to another, in this direction only.
    pub fn cut(&mut self, from: NodeId, to: NodeId) {
        self.network.cut(from, to);
    }

    /// Cuts these servers off from all others, both ways.
    pub fn partition(&mut self, group: &[NodeId]) {
        for &inside in group {
            for outside in self.servers.keys().copied().filter(|id| !group.contains(id)) {
                self.network.cut(inside, outside);
                self.network.cut(outside, inside);
            }
        }
    }

    /// Mends all links.
    pub fn heal(&mut self) {
        self.network.heal();
    }

    /// Takes a server's power away: its memory is gone, and of its disk what was not synced.
    ///
    /// # Errors
    /// If it is dead already.
    pub fn crash(&mut self, id: NodeId) -> Result<(), Refusal> {
        self.alive(id)?.crash();
        self.note(id, Laboratory::Died { signal: Some(9), status: None, last_words: String::new() });
        Ok(())
    }

    /// Starts a dead server again.
    ///
    /// # Errors
    /// If it is alive.
    pub fn restart(&mut self, id: NodeId) -> Result<(), Refusal> {
        if self.server(id)?.is_alive() {
            return Err(Refusal(format!("{id} is alive: crash it first")));
        }
        self.start(id);
        Ok(())
    }

    /// Halts a server: it hears and does nothing, and forgets nothing.
    ///
    /// # Errors
    /// If it can't act already.
    pub fn pause(&mut self, id: NodeId) -> Result<(), Refusal> {
        self.running(id)?.is_paused = true;
        self.note(id, Laboratory::Paused);
        Ok(())
    }

    /// Lets a halted server go on. What was sent to it meanwhile arrives now.
    ///
    /// # Errors
    /// If it is not halted.
    pub fn resume(&mut self, id: NodeId) -> Result<(), Refusal> {
        let server = self.alive(id)?;
        if !std::mem::take(&mut server.is_paused) {
            return Err(Refusal(format!("{id} is not paused")));
        }
        self.note(id, Laboratory::Resumed);
        Ok(())
    }

    /// From now on, what the server decides is not saved until [`World::save`] is called.
    ///
    /// # Errors
    /// If there is no such server.
    pub fn hold_saves(&mut self, id: NodeId) -> Result<(), Refusal> {
        self.server(id)?.holds_saves = true;
        Ok(())
    }

    /// Saves what the server has decided, and from now on at once again.
    ///
    /// # Errors
    /// If it can't act.
    pub fn save(&mut self, id: NodeId) -> Result<(), Refusal> {
        self.running(id)?.holds_saves = false;
        self.save_due(id);
        Ok(())
    }

    /// The next time that the server saves, its disk fails.
    ///
    /// # Errors
    /// If there is no such server.
    pub fn fail_next_save(&mut self, id: NodeId) -> Result<(), Refusal> {
        self.server(id)?.disk().fail_next_sync();
        Ok(())
    }

    /// Lets a server's clock run at another speed.
    ///
    /// # Errors
    /// If there is no such server.
    pub fn set_speed(&mut self, id: NodeId, speed: Speed) -> Result<(), Refusal> {
        let now = self.now;
        self.server(id)?.set_speed(now, speed);
        Ok(())
    }

    /// When the next message arrives or the next timer runs out.
    fn next_event(&self) -> Option<Duration> {
        let arrivals =
            self.network.in_flight().filter(|message| self.can_hear(message)).map(|message| message.due);
        let deadlines = self.servers.values().filter_map(Server::next_deadline);
        arrivals.chain(deadlines).min()
    }

    /// Dead servers lose what is sent to them; for halted ones the network keeps it.
    fn can_hear(&self, message: &InFlight) -> bool {
        !self.servers[&message.envelope.to].is_paused
    }

    fn deliver_where(&mut self, is_wanted: impl Fn(Duration, &InFlight) -> bool) -> usize {
        let now = self.now;
        let numbers = self.network.find(|message| is_wanted(now, message) && self.can_hear(message));
        for &number in &numbers {
            if let Some(envelope) = self.network.take(number) {
                self.act(envelope.to, |server, now, effects| server.receive(now, envelope, effects));
            }
        }
        numbers.len()
    }

    fn tick_due(&mut self) {
        let now = self.now;
        let is_due = |server: &Server| server.next_deadline().is_some_and(|deadline| deadline <= now);
        let due: Vec<NodeId> =
            self.servers.iter().filter(|(_, server)| is_due(server)).map(|(&id, _)| id).collect();
        for id in due {
            self.act(id, |server, now, effects| server.tick(now, effects));
        }
    }

    fn start(&mut self, id: NodeId) {
        let rules = self.rules;
        // Only the view is told of the process: there is none in this world.
        let started = Process::Started { pid: 0, address: String::new() };
        self.act(id, |server, now, effects| {
            server.start(now, rules, effects).expect("a simulated disk that was never hurt can be read");
        });
        let life = self.records.last().map_or(1, |record| record.life);
        self.view.apply(&Record { life, ..self.observed(id, Event::Process(started)) });
    }

    /// Lets a server do something, then save it, unless its saves are held.
    fn act(&mut self, id: NodeId, action: impl FnOnce(&mut Server, Duration, &mut Effects)) {
        let mut effects = Effects::default();
        let server = self.servers.get_mut(&id).expect("only servers of this world act");
        action(server, self.now, &mut effects);
        self.pass_on(id, effects);
        self.save_due(id);
    }

    fn save_due(&mut self, id: NodeId) {
        let mut effects = Effects::default();
        let server = self.servers.get_mut(&id).expect("only servers of this world save");
        if server.holds_saves || !server.needs_save() {
            return;
        }
        if let Err(error) = server.save(self.now, &mut effects) {
            server.crash();
            self.note(id, Laboratory::Died { signal: None, status: Some(1), last_words: error.to_string() });
        }
        self.pass_on(id, effects);
    }

    /// Passes on what a step has brought about, and checks all properties.
    fn pass_on(&mut self, id: NodeId, mut effects: Effects) {
        for record in &mut effects.records {
            record.t = micros(self.now);
            self.view.apply(record);
        }
        if let Some(driver) = self.servers[&id].driver() {
            let node = driver.node();
            let term = node.hard_state().current_term;
            let step = Step { node: id, role: node.role(), term, records: &effects.records };
            self.violations.extend(self.properties.iter_mut().filter_map(|property| property.check(&step)));
        }
        self.records.append(&mut effects.records);
        for envelope in effects.envelopes {
            self.network.send(self.now, envelope);
        }
    }

    fn note(&mut self, id: NodeId, what: Laboratory) {
        let record = self.observed(id, Event::Laboratory(what));
        self.view.apply(&record);
        self.records.push(record);
    }

    fn observed(&self, id: NodeId, event: Event) -> Record {
        let (life, term) = self.view.server(id).map(|server| (server.life, server.term)).unwrap_or_default();
        Record { t: micros(self.now), node: id, life, seq: None, cause: None, term, event }
    }

    fn server(&mut self, id: NodeId) -> Result<&mut Server, Refusal> {
        self.servers.get_mut(&id).ok_or_else(|| Refusal(format!("there is no {id} in this world")))
    }

    fn alive(&mut self, id: NodeId) -> Result<&mut Server, Refusal> {
        let server = self.server(id)?;
        if server.is_alive() { Ok(server) } else { Err(Refusal(format!("{id} is dead: restart it first"))) }
    }

    fn running(&mut self, id: NodeId) -> Result<&mut Server, Refusal> {
        let server = self.alive(id)?;
        if server.is_running() {
            Ok(server)
        } else {
            Err(Refusal(format!("{id} is paused: resume it first")))
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
