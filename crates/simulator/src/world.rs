//! Servers, clock, network and disks, all under one hand.

use crate::action::{Action, Selection, Wish};
use crate::application::Application;
use crate::beginning::Beginning;
use crate::clients::{Answered, Clients};
use crate::coverage::Coverage;
use crate::disk::SimulatedDisk;
use crate::logs::Logs;
use crate::machine::Machine as _;
use crate::network::{Due, Fate, LinkWeather, Network, Place, Weather};
use crate::properties::{self, Calm, Moment, Property, Step, Violation, durability, linearizable, no_panic};
use crate::rules::{AllBut, RulesOfWorld};
use crate::server::{Finished, Server};
use crate::store_clients::{Asked, Heard, StoreClients, Try};
use crate::substitute::Substitute;
use consensus::{
    AppendEntries, Change, ClusterId, Config, Credentials, Entry, HardState, Incarnation, Index, Lease,
    Limits, Log, LogPosition, Memory, Message, Node, NodeId, Origin, Payload, Profile, RoleKind, Rule,
    Rules as _, Start, Term, Timing,
};
use driver::{Effects, Envelope, Input, RequestId, Speed, StateMachine as _, TraceLevel};
use fastrand::Rng;
use linearizability::BadHistory;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use storage::StorageError;
use trace::{
    ClusterView, Event, EventId, Faults, Io, Laboratory, Link, Process, Record, StoreContent, Unsynced,
};

/// Maximum number of messages in flight after some were duplicated.
const MOST_IN_FLIGHT: usize = 10_000;

/// How thoroughly clients' histories are checked in a world that may not do too much.
const STEPS_OF_A_BOUNDED_CHECK: u64 = 100_000;
/// To check a history so thoroughly takes as long as to bring about this number of records.
const RECORDS_FOR_A_CHECK: usize = 10_000;

/// The cluster whose messages stray into this world.
const OTHER_CLUSTER: ClusterId = ClusterId(0);

/// What a world is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct WorldOptions {
    /// How many servers the cluster begins with: n1, n2, and so on.
    pub servers: u64,
    /// How many more there are, that are yet to join it.
    pub spares: u64,
    /// How long they wait for what.
    pub timing: Timing,
    /// How much they send at once.
    pub limits: Limits,
    /// Whether leaders have leases, by which clients then read.
    pub lease: Option<Lease>,
    /// Which rules servers follow beyond the paper's basic algorithm.
    pub profile: Profile,
    /// Where all randomness comes from: that of the servers, the network and the disks.
    pub seed: u64,
    /// The rules that the servers obey at first. [`Action::SwitchRule`] changes them.
    pub rules: AllBut,
    /// What answers about one of the conditions in the place of Raft. A script can name it only if it is an expression.
    pub substitute: Option<Substitute>,
    /// What the network does to messages.
    pub weather: Weather,
    /// How long a disk takes for a save: drawn from this range for each save.
    pub save_time: RangeInclusive<Duration>,
    /// How many bytes each disk has room for; `None` if there is no bound.
    pub disk_size: Option<usize>,
    /// What servers begin with, where that is not the empty log.
    pub logs: BTreeMap<NodeId, Log>,
    /// What servers remember of terms and votes, where that is not the latest term of all logs, without a vote in it.
    pub memories: BTreeMap<NodeId, HardState>,
    /// Up to here those logs are committed: no leader may lack this entry.
    pub committed: LogPosition,
    /// Whether the servers are yet to found their cluster; otherwise that was done before the world began.
    pub founds: bool,
    /// Whether the records tell the servers' steps too.
    pub trace_level: TraceLevel,
}

impl Default for WorldOptions {
    /// Three servers that obey all rules, in a world without chance: each message is in flight for a
    /// millisecond, and disks take no time.
    fn default() -> WorldOptions {
        WorldOptions {
            servers: 3,
            spares: 0,
            timing: Timing::default(),
            // A simulated log forgets all that it may.
            limits: Limits { bytes_behind_snapshot: 0, ..Limits::default() },
            lease: None,
            profile: Profile::PAPER,
            seed: 1,
            rules: AllBut(None),
            substitute: None,
            weather: Weather::fair(Duration::from_millis(1)),
            save_time: Duration::ZERO..=Duration::ZERO,
            disk_size: None,
            logs: BTreeMap::new(),
            memories: BTreeMap::new(),
            committed: LogPosition::default(),
            founds: false,
            trace_level: TraceLevel::Events,
        }
    }
}

impl WorldOptions {
    /// All servers of the world.
    pub(crate) fn all(&self) -> impl Iterator<Item = NodeId> + use<> {
        (1..=self.servers + self.spares).map(NodeId)
    }

    /// Why servers can't begin with such logs and memories; `None` if they can.
    pub fn problem_with_beginning(&self) -> Option<String> {
        let is_stranger = |id: &&NodeId| !self.all().any(|server| server == **id);
        if let Some(stranger) = self.logs.keys().find(is_stranger) {
            return Some(format!("there is no {stranger} that could begin with a log"));
        }
        if let Some(stranger) = self.memories.keys().find(is_stranger) {
            return Some(format!("there is no {stranger} that could remember a term"));
        }
        let votes = self.memories.values().filter_map(|memory| memory.voted_for.as_ref());
        if let Some(stranger) = { votes }.find(is_stranger) {
            return Some(format!("there is no {stranger} that could have been voted for"));
        }
        Beginning::new(self.servers, &self.logs, self.committed, &self.memories).problem()
    }
}

/// A world of servers that do nothing until time passes or something is done to them. They run the key-value store, or
/// another application.
pub struct World<A: Application = StoreClients> {
    options: WorldOptions,
    rules: RulesOfWorld,
    now: Duration,
    servers: BTreeMap<NodeId, Server<A::Machine>>,
    network: Network,
    /// What disks draw their times from.
    random: Rng,
    calm: Option<Calm>,
    view: ClusterView,
    properties: Vec<Box<dyn Property<A::Machine>>>,
    /// What has happened and was not taken yet.
    records: Vec<Record>,
    /// How many records have been taken.
    taken: usize,
    violations: Vec<Violation>,
    coverage: Coverage,
    journal: Option<Vec<Action>>,
    /// The maximum number of steps of servers; `None` if there is none.
    most_steps: Option<u64>,
    /// Nothing more happens once it has more records than this; `None` if there is no bound.
    most_records: Option<usize>,
    /// A run ends early where a promise is broken in it.
    stops_at_violations: bool,
    clients: Clients,
    application: A,
    /// What its clients have been told in the present step, by whom, and in which event that server responded.
    heard: Vec<(NodeId, Option<EventId>, Laboratory)>,
    /// Where it is in what is due at this moment.
    turn: Turn,
    /// Who acted last.
    acting: NodeId,
    /// A buffer that is reused.
    effects: Effects<A::Machine>,
}

impl<A: Application> fmt::Debug for World<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let World { options, now, .. } = self;
        f.debug_struct("World").field("options", options).field("now", now).finish_non_exhaustive()
    }
}

/// A message in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageInFlight {
    /// The event in which it was sent. A copy of it has the same one.
    pub sent_as: EventId,
    /// Its sender.
    pub from: NodeId,
    /// Its receiver.
    pub to: NodeId,
    /// What it says, in words.
    pub words: String,
    /// When it arrives, in the time of the world; `None` if it is held.
    pub due: Option<Duration>,
    /// What means this message and no other, as in `deliver from=n1 to=n2 kind=vote count=1`, until something happens.
    pub selection: Selection,
}

/// The outcome of all that was done to a world.
#[derive(Debug)]
pub struct Ending {
    /// The first promise that was not kept, if there is one.
    pub violation: Option<Violation>,
    /// What was tried.
    pub coverage: Coverage,
}

/// Why something can't be done to a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub(crate) String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// What a founder remembers of a cluster that was founded before the world began. It has met the others.
fn founding_memory(founders: &BTreeSet<NodeId>, id: NodeId) -> Memory {
    let incarnation = |id: &NodeId| SimulatedDisk::first_start(id.0).incarnation;
    let others = founders.iter().filter(|other| **other != id);
    let starts = others.map(|other| (*other, SimulatedDisk::first_start(other.0))).collect();
    let folders = founders.iter().map(|id| (*id, incarnation(id))).collect();
    let founders = founders.iter().map(|id| (*id, Some(incarnation(id)))).collect();
    let cluster = Some(ClusterId::of_founders(&folders));
    Memory { cluster, founders, is_founded: true, starts, ..Memory::default() }
}

/// Of several things that are due at one moment, messages arrive first, then disks finish their saves, then timers run
/// out, of one server after the other.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Messages,
    /// Those of this server and later ones.
    Saves(NodeId),
    /// Those of this server and later ones.
    Timers(NodeId),
}

/// Maximum time to wait for a leader, in longest election timeouts.
pub(crate) const GIVE_UP: u32 = 1_000;

impl World {
    /// A world in which all servers have just been started.
    pub fn new(options: WorldOptions) -> World {
        World::with(options, StoreClients::default(), Vec::new())
    }

    /// What a server's store holds; `None` while the server is down, and if there is no such server.
    pub fn store(&self, id: NodeId) -> Option<StoreContent> {
        Some(self.servers.get(&id)?.machine()?.content(None))
    }

    /// What clients have been told, as a picture if it contradicts itself.
    ///
    /// # Errors
    /// If too much has happened to find out.
    pub(crate) fn history(&mut self) -> Result<String, Refusal> {
        let like_one_store = || "linearizable: like a single store\n".to_owned();
        Ok(self.contradiction()?.map_or_else(like_one_store, |bad| bad.to_string()))
    }
}

impl<A: Application> World<A> {
    /// A world of this application in which all servers have just been started. It is watched for these properties too.
    pub(crate) fn with(
        options: WorldOptions,
        application: A,
        own_properties: Vec<Box<dyn Property<A::Machine>>>,
    ) -> World<A> {
        let ids: Vec<NodeId> = options.all().collect();
        let founders: BTreeSet<NodeId> = (1..=options.servers).map(NodeId).collect();
        let memory = |id| founding_memory(&founders, id);
        // Who had a part in the elections of those terms can't vote in them again.
        let term = options.logs.values().map(|log| log.last().term).max().unwrap_or_default();
        let server = |id| {
            let config = Config {
                id,
                membership: Arc::default(),
                credentials: Credentials {
                    founders: if founders.contains(&id) { founders.clone() } else { BTreeSet::new() },
                    ..Credentials::default()
                },
                timing: options.timing,
                limits: options.limits,
                lease: options.lease,
                profile: options.profile,
                seed: options.seed,
            };
            let is_founder = founders.contains(&id) && !options.founds;
            let memory = if is_founder { memory(id) } else { Memory::default() };
            let log = options.logs.get(&id).cloned().unwrap_or_default();
            let usual = HardState { current_term: term, voted_for: None };
            let hard_state = options.memories.get(&id).copied().unwrap_or(usual);
            (id, Server::new(config, memory, log, hard_state, options.disk_size))
        };
        let mut random = Rng::with_seed(options.seed);
        let mut world = World {
            now: Duration::ZERO,
            servers: ids.iter().copied().map(server).collect(),
            network: Network::new(options.weather.clone(), random.fork()),
            random,
            calm: None,
            view: ClusterView::new(founders.clone()),
            properties: properties::all().into_iter().chain(own_properties).collect(),
            records: Vec::new(),
            taken: 0,
            violations: Vec::new(),
            coverage: Coverage::default(),
            journal: None,
            most_steps: None,
            most_records: None,
            stops_at_violations: false,
            clients: Clients::default(),
            application,
            heard: Vec::new(),
            turn: Turn::Messages,
            acting: NodeId(1),
            effects: Effects::default(),
            rules: RulesOfWorld::new(options.rules, options.substitute.clone()),
            options,
        };
        for id in ids {
            world.start(id);
        }
        world
    }

    /// From now on, notes each single thing that happens as the action that would make it happen by
    /// itself. See [`World::journal`].
    pub fn keep_journal(&mut self) {
        self.journal = Some(Vec::new());
        for id in (1..=self.options.servers).map(NodeId) {
            self.note_that_saves_are_slow(id);
        }
    }

    /// From now on, the world stops at the first violation, and after this number of steps of servers.
    pub(crate) fn end_after(&mut self, most_steps: u64) {
        self.most_steps = Some(most_steps);
    }

    /// Has it stopped for a violation, or for the number of steps? For a journal, nothing after a violation matters.
    pub(crate) fn is_over(&self) -> bool {
        let is_about_a_violation = self.journal.is_some() || self.most_steps.is_some();
        (is_about_a_violation && !self.violations.is_empty())
            || self.most_steps.is_some_and(|most| self.coverage.steps > most)
    }

    /// From now on, time stands still and no message arrives once there are more records than this.
    pub(crate) fn stop_after(&mut self, most_records: usize) {
        self.most_records = Some(most_records);
    }

    /// Has it stopped because of the number of records?
    pub(crate) fn is_stopped(&self) -> bool {
        self.most_records.is_some_and(|most| self.recorded() > most)
    }

    /// In a journal each save is an action of its own.
    fn note_that_saves_are_slow(&mut self, id: NodeId) {
        if !self.options.save_time.end().is_zero() {
            self.note_in_journal(&Action::HoldSaves(id));
        }
    }

    /// What has happened since [`World::keep_journal`]. Done in a fair world, step by step, it leads the
    /// servers through the same states, without any chance.
    pub fn journal(&mut self) -> Vec<Action> {
        self.journal.take().unwrap_or_default()
    }

    /// What an observer knows of the servers.
    pub fn view(&self) -> &ClusterView {
        &self.view
    }

    /// What has happened since this was last asked.
    pub fn take_records(&mut self) -> Vec<Record> {
        self.taken += self.records.len();
        std::mem::take(&mut self.records)
    }

    /// Forgets what has happened since the records were last taken.
    pub(crate) fn drop_records(&mut self) {
        self.taken += self.records.len();
        self.records.clear();
    }

    /// The number of records since it began.
    pub fn recorded(&self) -> usize {
        self.taken + self.records.len()
    }

    /// Is the trouble over, so that progress is owed?
    pub(crate) fn is_calm(&self) -> bool {
        self.calm.is_some()
    }

    /// The outcome of it all.
    pub(crate) fn end(mut self) -> Ending {
        self.coverage.finish(self.now);
        Ending { violation: self.violations.into_iter().next(), coverage: self.coverage }
    }

    /// The time that has passed in it.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// What its servers run, and who uses it.
    pub(crate) fn application(&self) -> &A {
        &self.application
    }

    pub(crate) fn application_mut(&mut self) -> &mut A {
        &mut self.application
    }

    /// The number of the latest request that is not one of the application's own clients.
    pub(crate) fn last_request(&self) -> RequestId {
        self.clients.last_id()
    }

    /// What it was made of.
    pub fn options(&self) -> &WorldOptions {
        &self.options
    }

    /// The rules that its servers obey now.
    pub fn rules(&self) -> AllBut {
        self.rules.now()
    }

    /// The promises that were not kept, each once, in the order in which they were broken.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The messages in flight, in the order in which they were sent.
    pub fn messages(&self) -> Vec<MessageInFlight> {
        let message = |place: Place| {
            let Envelope { from, to, sent_as, message, .. } = self.network.get(place)?;
            let due = match place.0 {
                Due::At(due) => Some(due),
                Due::Never => None,
            };
            let (words, selection) = (trace::english::message_words(message), self.network.name(place));
            Some(MessageInFlight { sent_as: *sent_as, from: *from, to: *to, words, due, selection })
        };
        self.network.find(&Selection::default()).into_iter().filter_map(message).collect()
    }

    /// All servers' logs.
    pub(crate) fn logs(&self) -> Logs {
        Logs::of(self.servers.iter())
    }

    /// A server, dead or alive.
    ///
    /// # Errors
    /// If there is none of this name.
    pub(crate) fn look_at(&self, id: NodeId) -> Result<&Server<A::Machine>, Refusal> {
        self.servers.get(&id).ok_or_else(|| no_such_server(id))
    }

    /// Does one thing, and tells how many messages it took, where it was about messages.
    ///
    /// # Errors
    /// If it can't be done in the present state. Nothing has happened then.
    pub fn perform(&mut self, action: &Action) -> Result<usize, Refusal> {
        let journal_before = self.journal.as_ref().map_or(0, Vec::len);
        self.note_in_journal(action);
        let done = catch_unwind(AssertUnwindSafe(|| self.apply(action))).unwrap_or_else(|panic| {
            self.note_other_answers(self.acting);
            self.note_violation(no_panic::violation(self.acting, &*panic));
            Ok(0)
        });
        match &done {
            Ok(_) => self.coverage.note_action(action),
            Err(_) => self.journal.iter_mut().for_each(|journal| journal.truncate(journal_before)),
        }
        match action {
            Action::Run(_)
            | Action::RunUntilLed
            | Action::Step
            | Action::Calm
            | Action::Propose(..)
            | Action::Read(_)
            | Action::Client(..)
            | Action::Snapshot(_)
            | Action::CheckHistory => {}
            Action::HoldSaves(_)
            | Action::Save(_)
            | Action::FinishSave(_)
            | Action::FillDisk(_)
            | Action::MendDisk(_) => self.calm.iter_mut().for_each(|calm| calm.have_disks_worked = false),
            // No progress is owed to a user who interferes.
            _ => self.calm = None,
        }
        done
    }

    fn apply(&mut self, action: &Action) -> Result<usize, Refusal> {
        match action {
            Action::Run(duration) => self.run_until(self.now + *duration),
            Action::RunUntilLed => self.run_until_led(),
            Action::Step => self.take_step()?,
            Action::Tick(id) => self.tick(*id)?,
            Action::Timeout(id) => {
                self.running(*id)?;
                self.act(*id, |server, now, effects| server.expire_timer(now, effects));
            }
            Action::StepDown(id) => self.step_down(*id)?,
            Action::Propose(Some(id), value) => self.propose(*id, *value)?,
            Action::Propose(None, value) => {
                self.ask_leaders(|id| Action::Propose(id, *value), |world, id| world.propose(id, *value))?;
            }
            Action::Read(Some(id)) => self.read(*id)?,
            Action::Read(None) => self.ask_leaders(Action::Read, Self::read)?,
            Action::Client(client, wish, Some(id)) => self.ask_store(*client, *wish, *id)?,
            Action::Client(client, wish, None) => {
                let leaders = self.leaders()?;
                let id = leaders[(client % leaders.len() as u64) as usize];
                self.note_in_journal(&Action::Client(*client, *wish, Some(id)));
                self.ask_store(*client, *wish, id)?;
            }
            Action::CheckHistory => self.check_history()?,
            Action::ChangeMembers(change, Some(id)) => self.change_members(*id, change)?,
            Action::ChangeMembers(change, None) => self.ask_leaders(
                |id| Action::ChangeMembers(change.clone(), id),
                |world, id| world.change_members(id, change),
            )?,
            Action::Transfer(to, Some(id)) => self.transfer(*id, *to)?,
            Action::Transfer(to, None) => {
                self.ask_leaders(|id| Action::Transfer(*to, id), |world, id| world.transfer(id, *to))?;
            }
            Action::LoseConnection(id, peer) => {
                self.running(*id)?;
                self.server(*peer)?;
                self.step(*id, Input::ConnectionLost { peer: *peer });
            }
            Action::MakeConnection(id, peer) => {
                self.running(*id)?;
                let origin = self.running(*peer)?.node().map(Node::origin).unwrap_or_default();
                self.network.learn_address(*id, *peer);
                self.step(*id, Input::ConnectionMade { peer: *peer, origin });
            }
            Action::SetNext(id, follower, next) => self.set_next(*id, *follower, *next)?,
            Action::SetProfile(id, profile) => {
                self.running(*id)?;
                self.step(*id, Input::SetProfile(*profile));
            }
            Action::SwitchRule(rule, is_on) => self.switch_rule(*rule, *is_on)?,
            Action::Deliver(selection) => return Ok(self.deliver(self.network.find(selection))),
            Action::Settle => while !self.is_stopped() && self.deliver(self.not_held()) > 0 {},
            Action::Lose(selection) => {
                let lost = self.network.find(selection);
                return Ok(lost.into_iter().filter_map(|place| self.network.take(place)).count());
            }
            Action::Duplicate(selection) => {
                let doubled = self.network.find(selection);
                if self.network.count() + doubled.len() > MOST_IN_FLIGHT {
                    let most = format!("{MOST_IN_FLIGHT} messages in flight are the most");
                    return Err(Refusal(most));
                }
                doubled.iter().for_each(|&place| self.network.duplicate(self.now, place));
                return Ok(doubled.len());
            }
            Action::Hold(selection) => {
                let held = self.network.find(selection);
                held.iter().for_each(|&place| self.network.hold(place));
                return Ok(held.len());
            }
            Action::Delay(selection, by) => {
                let delayed = self.network.find(selection);
                delayed.iter().for_each(|&place| self.network.delay(self.now, place, *by));
                return Ok(delayed.len());
            }
            Action::Link(Some((from, to)), weather) => {
                self.set_weather(vec![self.link(*from, *to)?], weather)
            }
            Action::Link(None, weather) => self.set_weather(self.links(), weather),
            Action::Cut(from, to) => self.cut(vec![self.link(*from, *to)?]),
            Action::Mend(from, to) => {
                let link = self.link(*from, *to)?;
                self.network.mend(*from, *to);
                self.note(*from, Laboratory::LinksMended { links: vec![link] });
            }
            Action::Partition(group) => self.partition(group)?,
            Action::Heal => {
                self.network.heal();
                self.note(NodeId(1), Laboratory::LinksHealed);
            }
            Action::Crash(id, unsynced) => {
                self.alive(*id)?.crash(*unsynced);
                self.note_power_cut(*id, *unsynced);
            }
            Action::Kill(id) => {
                self.alive(*id)?.kill();
                self.note_kill(*id);
            }
            Action::Restart(id) => self.restart(*id)?,
            Action::Pause(id) => {
                self.running(*id)?.is_paused = true;
                self.note(*id, Laboratory::Paused);
            }
            Action::Resume(id) => self.resume(*id)?,
            Action::HoldSaves(id) => self.server(*id)?.holds_saves = true,
            Action::Save(id) => {
                self.running(*id)?.holds_saves = false;
                while self.servers[id].is_saving() && self.finish_save(*id) {}
                self.note_that_saves_are_slow(*id);
            }
            Action::FinishSave(id) => {
                self.running(*id)?;
                self.finish_save(*id);
            }
            Action::HoldApplies(id) => self.server(*id)?.holds_applies = true,
            Action::Apply(id) => {
                self.running(*id)?.holds_applies = false;
                self.act(*id, |_, _, _| ());
            }
            Action::Snapshot(id) => {
                self.running(*id)?;
                self.step(*id, Input::TakeSnapshot);
            }
            Action::FailNextSave(id) => self.server(*id)?.disk().fail_next_sync(),
            Action::CrashInSave(id, operations, unsynced) => {
                self.server(*id)?.disk().cut_power_after(*operations, *unsynced);
            }
            Action::KillInSave(id, operations) => {
                self.server(*id)?.disk().kill_process_after(*operations);
            }
            Action::DamageLastSave(id, bit) => {
                if self.server(*id)?.is_alive() {
                    return Err(Refusal(format!("{id} is alive: crash it first")));
                }
                if !self.server(*id)?.damage_last_save(*bit) {
                    return Err(Refusal(format!("{id} has no save that could be damaged")));
                }
            }
            Action::FillDisk(id) => self.server(*id)?.disk().fill(),
            Action::LoseDisk(id, joins) => {
                self.dead(*id)?.lose_disk(*joins);
                self.note_other_disk(*id);
            }
            Action::CopyDisk(id) => self.server(*id)?.back_up(),
            Action::PutBack(id, only_log) => self.put_back(*id, *only_log)?,
            Action::ForgetVote(id) => self.forget(*id, Server::forget_vote)?,
            Action::ForgetEntries(id, entries) => {
                self.forget(*id, |server| server.forget_entries(*entries))?
            }
            Action::Move(id) => {
                self.dead(*id)?;
                self.network.change_address(*id);
            }
            Action::Stray(from, to, term) => self.stray(*from, *to, *term)?,
            Action::MendDisk(id) => {
                self.server(*id)?.disk().mend();
                self.save_or_wait(*id);
            }
            Action::SetClock(id, speed) => {
                let now = self.now;
                self.server(*id)?.set_speed(now, *speed);
            }
            Action::JumpClock(id, by) => {
                let now = self.now;
                self.alive(*id)?.jump_clock(now, *by);
            }
            Action::Calm => self.begin_calm()?,
        }
        Ok(0)
    }

    /// Lets time pass until then: messages arrive, timers run out, disks finish.
    fn run_until(&mut self, mut end: Duration) {
        let broken_before = self.violations.len();
        while let Some(next) = self.next_due().filter(|&next| next <= end) {
            self.now = self.now.max(next);
            while !self.is_stopped() && self.do_what_is_due() {}
            if self.is_over() || self.is_stopped() {
                return;
            }
            if self.stops_at_violations && self.violations.len() > broken_before {
                end = self.now;
            }
        }
        self.now = self.now.max(end);
        // Nothing is due any longer.
        self.turn = Turn::Messages;
        self.check_time();
    }

    /// Lets time pass, but not beyond the first promise that is broken in it. Returns how much has passed.
    pub(crate) fn run_until_violation(&mut self, at_most: Duration) -> Duration {
        let begin = self.now;
        self.stops_at_violations = true;
        let _ = self.perform(&Action::Run(at_most));
        self.stops_at_violations = false;
        self.now - begin
    }

    /// Does of an action only what brings this number of records since the world began, or a little more where a single
    /// thing brings several. Returns actions that do the same.
    pub(crate) fn perform_until(&mut self, action: &Action, recorded: usize) -> Result<Vec<Action>, Refusal> {
        let mut done = Vec::new();
        match action {
            Action::Run(duration) => self.take_steps_until(recorded, self.now + *duration, &mut done)?,
            Action::RunUntilLed => self.take_steps_until(recorded, self.gives_up(), &mut done)?,
            Action::Deliver(selection) => {
                self.deliver_until(self.network.find(selection), recorded, &mut done)?;
            }
            Action::Settle => while self.deliver_until(self.not_held(), recorded, &mut done)? > 0 {},
            _ => {
                self.perform(action)?;
                done.push(action.clone());
            }
        }
        Ok(done)
    }

    fn take_steps_until(
        &mut self,
        recorded: usize,
        end: Duration,
        done: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let begin = self.now;
        // What was due until then is a run; what is due at this moment are single steps.
        let (mut until, mut steps) = (None, 0);
        while self.recorded() < recorded && self.next_due().is_some_and(|due| due <= end) {
            let last = self.now;
            self.perform(&Action::Step)?;
            if self.now > last && steps > 0 {
                (until, steps) = (Some(last), 0);
            }
            steps += 1;
        }
        // What is overdue at the end of a run is noticed there.
        let rest = if self.recorded() < recorded { end - self.now } else { Duration::ZERO };
        if !rest.is_zero() || self.next_due().is_none_or(|next| next > self.now) {
            self.perform(&Action::Run(rest))?;
            (until, steps) = (Some(self.now), 0);
        }
        done.extend(until.map(|until| Action::Run(until - begin)));
        done.extend(std::iter::repeat_n(Action::Step, steps));
        Ok(())
    }

    /// Delivers these messages one by one, and returns how many that were.
    fn deliver_until(
        &mut self,
        places: Vec<Place>,
        recorded: usize,
        done: &mut Vec<Action>,
    ) -> Result<usize, Refusal> {
        let mut delivered = 0;
        for place in places {
            if self.recorded() >= recorded {
                return Ok(0);
            }
            let action = Action::Deliver(self.network.name(place));
            if self.perform(&action)? > 0 {
                delivered += 1;
                done.push(action);
            }
        }
        Ok(delivered)
    }

    /// Lets time pass until a single thing has happened by itself.
    fn take_step(&mut self) -> Result<(), Refusal> {
        while !self.do_what_is_due() {
            let next = self.next_due().ok_or_else(|| {
                Refusal("nothing is due: no message is in flight, no timer runs, no disk is busy".to_owned())
            })?;
            self.now = self.now.max(next);
        }
        self.check_time();
        Ok(())
    }

    /// When [`Action::RunUntilLed`] gives up, if it begins now.
    pub(crate) fn gives_up(&self) -> Duration {
        self.now + self.options.timing.election_timeout_max() * GIVE_UP
    }

    /// Lets time pass until one server has led for some time, or a promise is broken. In a calm one of
    /// them happens; otherwise it is given up at some time.
    fn run_until_led(&mut self) {
        let slice = self.options.timing.election_timeout_max();
        let mut led = 0;
        for _ in 0..GIVE_UP {
            let leader_before = self.view.leader();
            self.run_until(self.now + slice);
            let is_same = leader_before.is_some() && self.view.leader() == leader_before;
            led = if is_same && self.moment().all_agree() { led + 1 } else { 0 };
            if led == 4 || !self.violations.is_empty() || self.is_over() || self.is_stopped() {
                return;
            }
        }
    }

    /// When something next happens by itself: a message arrives, a timer runs out, or a disk finishes. A time that has
    /// passed stands for now.
    pub fn next_due(&self) -> Option<Duration> {
        let servers = self.servers.values().flat_map(|server| [server.next_deadline(), server.save_due()]);
        servers.chain([self.network.next_due()]).flatten().min()
    }

    /// Does the next single thing that is due at this moment. Returns false if there is none.
    fn do_what_is_due(&mut self) -> bool {
        let now = self.now;
        if let Turn::Messages = self.turn {
            if let Some(envelope) = self.network.take_due(now) {
                self.arrive(envelope);
                return true;
            }
            self.turn = Turn::Saves(NodeId(0));
        }
        if let Turn::Saves(first) = self.turn {
            if let Some(id) = self.first_due(first, Server::save_due) {
                self.turn = Turn::Saves(NodeId(id.0 + 1));
                self.note_in_journal(&Action::FinishSave(id));
                self.finish_save(id);
                self.save_or_wait(id);
                return true;
            }
            self.turn = Turn::Timers(NodeId(0));
        }
        if let Turn::Timers(first) = self.turn {
            if let Some(id) = self.first_due(first, Server::next_deadline) {
                self.turn = Turn::Timers(NodeId(id.0 + 1));
                self.note_in_journal(&Action::Tick(id));
                self.act(id, |server, now, effects| server.tick(now, effects));
                return true;
            }
            self.turn = Turn::Messages;
        }
        false
    }

    /// The first of these servers, from this one on, for which such a time has come.
    fn first_due(
        &self,
        first: NodeId,
        time: impl Fn(&Server<A::Machine>) -> Option<Duration>,
    ) -> Option<NodeId> {
        let mut servers = self.servers.range(first..);
        servers.find(|(_, server)| time(server).is_some_and(|due| due <= self.now)).map(|(&id, _)| id)
    }

    fn arrive(&mut self, envelope: Envelope) {
        if self.lures_away(&envelope) {
            return;
        }
        let server = self.servers.get_mut(&envelope.to).expect("messages go to servers of this world");
        if server.is_paused {
            server.mailbox.push(envelope);
        } else {
            self.deliver_one(envelope);
        }
    }

    fn deliver_one(&mut self, envelope: Envelope) {
        self.network.learn_address(envelope.to, envelope.from);
        self.note_in_journal(&Action::Deliver(Selection::of(&envelope)));
        self.coverage.messages += 1;
        self.step(envelope.to, envelope.into());
    }

    /// The messages in flight that arrive by themselves.
    fn not_held(&self) -> Vec<Place> {
        let mut places = self.network.find(&Selection::default());
        places.retain(|(due, _)| *due != Due::Never);
        places
    }

    /// Delivers these messages, where they are in flight to a server that is not halted.
    fn deliver(&mut self, places: Vec<Place>) -> usize {
        let mut delivered = 0;
        for place in places {
            if self.is_stopped() {
                break;
            }
            let hears =
                |envelope: &Envelope| !self.servers[&envelope.to].is_paused && !self.lures_away(envelope);
            if self.network.get(place).is_some_and(hears)
                && let Some(envelope) = self.network.take(place)
            {
                delivered += 1;
                self.network.learn_address(envelope.to, envelope.from);
                self.step(envelope.to, envelope.into());
            }
        }
        delivered
    }

    /// The time jumps to the server's next deadline, which only this server notices.
    fn tick(&mut self, id: NodeId) -> Result<(), Refusal> {
        let deadline = self.running(id)?.next_deadline();
        let deadline = deadline.ok_or_else(|| Refusal(format!("{id} waits for nothing")))?;
        self.now = self.now.max(deadline);
        self.act(id, |server, now, effects| server.tick(now, effects));
        Ok(())
    }

    fn propose(&mut self, id: NodeId, value: u64) -> Result<(), Refusal> {
        self.running(id)?;
        let command = self.application.command(value);
        let command = command.ok_or_else(|| Refusal(format!("there is no command {value}")))?;
        let request = self.clients.write(command.clone());
        self.step(id, Input::propose([(request, command)]));
        Ok(())
    }

    fn read(&mut self, id: NodeId) -> Result<(), Refusal> {
        self.running(id)?;
        let request = self.clients.read();
        self.act(id, |server, now, effects| server.read(now, request, effects));
        Ok(())
    }

    /// An operator wants to change the members, and asks a server.
    fn change_members(&mut self, id: NodeId, change: &Change) -> Result<(), Refusal> {
        self.running(id)?;
        change.add.keys().try_for_each(|&added| self.server(added).map(drop))?;
        let request = self.clients.next_id();
        self.step(id, Input::ChangeMembership { change: change.clone(), request });
        Ok(())
    }

    /// An operator wants another leader, and asks a server.
    fn transfer(&mut self, id: NodeId, to: NodeId) -> Result<(), Refusal> {
        self.running(id)?;
        let request = self.clients.next_id();
        self.step(id, Input::TransferLeadership { to, request });
        Ok(())
    }

    /// A leader stops leading. Its new timer runs out as late as a timer can.
    fn step_down(&mut self, id: NodeId) -> Result<(), Refusal> {
        if self.running(id)?.node().is_none_or(|node| node.role() != RoleKind::Leader) {
            return Err(Refusal(format!("{id} does not lead")));
        }
        let timeout = self.options.timing.election_timeout_max();
        self.act(id, |server, now, effects| server.set_timer(now, timeout, effects));
        Ok(())
    }

    /// A leader's nextIndex for a follower gets another value.
    fn set_next(&mut self, id: NodeId, follower: NodeId, next: Index) -> Result<(), Refusal> {
        let node = self.running(id)?.node().expect("it runs");
        let progress =
            node.progress().ok_or_else(|| Refusal(format!("{id} does not lead: it has no nextIndex")))?;
        if !progress.contains_key(&follower) {
            return Err(Refusal(format!("{id} has no nextIndex for {follower}")));
        }
        let last = node.log().last().index;
        if !(Index(1)..=last.next()).contains(&next) {
            return Err(Refusal(format!(
                "the log of {id} ends with entry {last}: its nextIndex can be 1 to {}",
                last.next()
            )));
        }
        self.step(id, Input::SetNextIndex { follower, next });
        Ok(())
    }

    /// One rule at most is off.
    fn switch_rule(&mut self, rule: Rule, is_on: bool) -> Result<(), Refusal> {
        let off = self.rules().0;
        match off {
            _ if is_on == (off != Some(rule)) => {
                return Err(Refusal(format!("{rule} is {} already", if is_on { "on" } else { "off" })));
            }
            Some(other) if !is_on => {
                return Err(Refusal(format!(
                    "{other} is off, and one rule at a time can be: switch it on first"
                )));
            }
            _ => self.rules.change(AllBut(if is_on { None } else { Some(rule) })),
        }
        self.note(NodeId(1), Laboratory::RuleSwitched { rule, is_on });
        Ok(())
    }

    /// A client of the store asks a server.
    fn ask_store(&mut self, client: u64, wish: Wish, id: NodeId) -> Result<(), Refusal> {
        self.running(id)?;
        let attempt = self.application.ask(client, wish, self.rules())?;
        let Try { id: request, asked, what, command } = attempt;
        self.note(id, Laboratory::ClientAsks { client, what, command, again: wish == Wish::Retry });
        self.act(id, |server, now, effects| match asked {
            Asked::Write(command) => server.step(now, Input::propose([(request, command)]), effects),
            Asked::Read => server.read(now, request, effects),
        });
        Ok(())
    }

    /// What a server tells clients goes to those who have asked.
    fn answer_clients(&mut self, id: NodeId, effects: &mut Effects<A::Machine>) -> Vec<Answered> {
        let server = &self.servers[&id];
        let machine = server.machine().expect("only a living server answers");
        let heard = self.application.hear(&mut effects.outcomes, machine);
        let answers = self.clients.note(server, &mut effects.outcomes);
        for (request, Heard { client, answer, outcome }) in heard {
            let told = Laboratory::ClientHears { client, answer, outcome: Some(outcome) };
            self.heard.push((id, response_to(request, &effects.records), told));
        }
        answers
    }

    fn check_history(&mut self) -> Result<(), Refusal> {
        if let Some(bad) = self.contradiction()? {
            self.note_violation(linearizable::violation(self.acting, &bad));
        }
        Ok(())
    }

    fn contradiction(&mut self) -> Result<Option<BadHistory>, Refusal> {
        match &mut self.most_records {
            Some(most) => {
                *most = most.saturating_sub(RECORDS_FOR_A_CHECK);
                self.application.contradiction(STEPS_OF_A_BOUNDED_CHECK)
            }
            None => self.application.contradiction(linearizability::MOST_STEPS),
        }
    }

    /// The servers that think to lead.
    fn leaders(&self) -> Result<Vec<NodeId>, Refusal> {
        let leads = |id: &NodeId| {
            let server = &self.servers[id];
            server.is_running() && server.node().is_some_and(|node| node.role() == RoleKind::Leader)
        };
        let leaders: Vec<NodeId> = self.servers.keys().copied().filter(leads).collect();
        if leaders.is_empty() { Err(Refusal("nobody leads".to_owned())) } else { Ok(leaders) }
    }

    /// Asks each server that thinks to lead: there may be several, or none.
    fn ask_leaders(
        &mut self,
        action: impl Fn(Option<NodeId>) -> Action,
        ask: impl Fn(&mut Self, NodeId) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        for id in self.leaders()? {
            self.note_in_journal(&action(Some(id)));
            ask(self, id)?;
        }
        Ok(())
    }

    /// All links.
    fn links(&self) -> Vec<Link> {
        let all = || self.servers.keys().copied();
        all().flat_map(|from| all().filter(move |to| *to != from).map(move |to| Link { from, to })).collect()
    }

    fn link(&self, from: NodeId, to: NodeId) -> Result<Link, Refusal> {
        self.look_at(from)?;
        self.look_at(to)?;
        Ok(Link { from, to })
    }

    fn cut(&mut self, links: Vec<Link>) {
        links.iter().for_each(|link| self.network.cut(link.from, link.to));
        if let Some(&Link { from, .. }) = links.first() {
            self.note(from, Laboratory::LinksCut { links });
        }
    }

    fn set_weather(&mut self, links: Vec<Link>, weather: &LinkWeather) {
        links.iter().for_each(|link| self.network.set_weather((link.from, link.to), weather));
        let Some(&Link { from, .. }) = links.first() else { return };
        let delay_us = weather.latency.as_ref().map_or(0, |latency| micros(*latency.end()));
        let loss = weather.loss.unwrap_or_default();
        // A rare loss must not become none.
        let percent = if loss > 0.0 { ((loss * 100.0).round() as u8).max(1) } else { 0 };
        let faults: Vec<Faults> = links.iter().map(|link| self.view.network().faults(*link)).collect();
        if faults.iter().any(|faults| faults.delay_us != delay_us) {
            self.note(from, Laboratory::LinksDelayed { links: links.clone(), delay_us });
        }
        if faults.iter().any(|faults| faults.loss_percent != percent) {
            self.note(from, Laboratory::LinksLossy { links, percent });
        }
    }

    fn partition(&mut self, group: &[NodeId]) -> Result<(), Refusal> {
        group.iter().try_for_each(|&id| self.look_at(id).map(drop))?;
        let mut links = self.links();
        links.retain(|link| group.contains(&link.from) != group.contains(&link.to));
        self.cut(links);
        Ok(())
    }

    /// A server's disk is replaced by an older copy. If nobody knew of a later start of it, nobody could tell: that no
    /// protocol can catch.
    fn put_back(&mut self, id: NodeId, only_log: bool) -> Result<(), Refusal> {
        let next = self.dead(id)?.backed_up_start();
        let next = next.ok_or_else(|| Refusal(format!("there is no copy of the disk of {id}")))?;
        let has_seen_later = |server: &Server<A::Machine>| {
            let memory = server.memory();
            memory.starts.get(&id).is_some_and(|seen| {
                seen.incarnation == next.incarnation && (seen.number, seen.run) > (next.number, 0)
            })
        };
        let others = self.servers.iter().filter(|(other, _)| **other != id);
        let unaware =
            others.map(|(other, server)| (other, has_seen_later(server))).find(|(_, has_seen)| !has_seen);
        if let Some((unaware, _)) = unaware.filter(|_| !only_log) {
            return Err(Refusal(format!("{unaware} has not seen a later start of {id}: nobody could tell")));
        }
        self.server(id)?.put_back(only_log);
        self.note_other_disk(id);
        Ok(())
    }

    /// A dead server's disk has lost something that was synced. Nobody can tell.
    fn forget(
        &mut self,
        id: NodeId,
        forget: impl FnOnce(&mut Server<A::Machine>) -> Result<(), String>,
    ) -> Result<(), Refusal> {
        forget(self.dead(id)?).map_err(|why| Refusal(format!("{id}: {why}")))?;
        self.note_other_disk(id);
        Ok(())
    }

    fn note_other_disk(&mut self, id: NodeId) {
        self.properties.iter_mut().for_each(|property| property.forget(id));
    }

    /// A leader of another cluster, which has this number, sends a server of this one its first entry.
    fn stray(&mut self, from: NodeId, to: NodeId, term: Term) -> Result<(), Refusal> {
        self.server(from)?;
        self.server(to)?;
        if from == to {
            return Err(Refusal(format!("{to} does not believe anybody who calls itself {to}")));
        }
        if self.servers[&to].joins_who_calls() {
            return Err(Refusal(format!(
                "{to} has no cluster yet: it would join the other one, which this world does not have"
            )));
        }
        let start = Start { incarnation: Incarnation(from.0), number: 1, run: from.0 };
        let origin = Origin { cluster: Some(OTHER_CLUSTER), start: Some(start), ..Origin::default() };
        let message = Message::AppendEntries(AppendEntries {
            term,
            prev_log_index: Index(0),
            prev_log_term: Term(0),
            entries: vec![Entry { term, payload: Payload::NoOp }],
            leader_commit: Index(0),
            round: 0,
        });
        let sent_as = EventId { node: from, life: 0, seq: 0 };
        self.network.send(self.now, Envelope { from, to, sent_as, origin, message });
        Ok(())
    }

    /// Would this message make a server join another cluster? It may have lost its disk since the message was sent. This
    /// world has no servers of that cluster, so the message is lost.
    fn lures_away(&self, envelope: &Envelope) -> bool {
        envelope.origin.cluster == Some(OTHER_CLUSTER) && self.servers[&envelope.to].joins_who_calls()
    }

    fn restart(&mut self, id: NodeId) -> Result<(), Refusal> {
        self.dead(id)?;
        self.start(id);
        Ok(())
    }

    fn resume(&mut self, id: NodeId) -> Result<(), Refusal> {
        let server = self.alive(id)?;
        if !std::mem::take(&mut server.is_paused) {
            return Err(Refusal(format!("{id} is not paused")));
        }
        for envelope in std::mem::take(&mut server.mailbox) {
            self.network.put_back(self.now, envelope);
        }
        self.note(id, Laboratory::Resumed);
        Ok(())
    }

    fn begin_calm(&mut self) -> Result<(), Refusal> {
        if let Some(trouble) = self.trouble() {
            return Err(Refusal(format!("{trouble}: a calm begins when all that is over")));
        }
        self.network.learn_all_addresses();
        let latency = self.network.calm_down();
        let lossy = self.view.network().faulty_links().filter(|faulty| faulty.faults.loss_percent > 0);
        let links: Vec<Link> = lossy.map(|faulty| faulty.link).collect();
        if let Some(&Link { from, .. }) = links.first() {
            self.note(from, Laboratory::LinksLossy { links, percent: 0 });
        }
        self.calm = Some(Calm { since: self.now, latency, have_disks_worked: true });
        Ok(())
    }

    /// What still stands in the way of progress.
    fn trouble(&self) -> Option<String> {
        if self.network.has_cuts() {
            return Some("links are cut".to_owned());
        }
        if self.network.holds_any() {
            return Some("messages are held".to_owned());
        }
        let nodes: Vec<_> = self.servers.values().filter_map(Server::node).collect();
        if self.options.founds && nodes.iter().any(|node| node.awaited_founders().is_some()) {
            return Some("the cluster is not founded".to_owned());
        }
        let known = nodes.iter().map(|node| node.membership()).chain([self.view.membership()]);
        for membership in known {
            let voters = &membership.voters;
            let runs = |id| {
                self.servers.get(&id).is_some_and(|server| {
                    server.is_running()
                        && server.node().is_some_and(|node| properties::is_part_of(node, membership))
                })
            };
            let all: Vec<usize> = voters.counts(|_| true).map(|(all, _)| all).collect();
            let lacking = voters.counts(runs).zip(all).find(|((running, majority), _)| running < majority);
            if let Some(((running, _), all)) = lacking.filter(|(_, all)| *all > 0) {
                return Some(format!("{running} of {all} servers run"));
            }
        }
        // A server that was removed and does not know it may disturb the others forever (§6).
        let knows_most = nodes.iter().max_by_key(|node| node.commit_index())?;
        let committed = knows_most.membership_at(knows_most.commit_index());
        // Who has heard that it goes, and not that this is committed, may still run.
        let may_run = |node: &&&Node<RulesOfWorld>| {
            node.membership().voters.contains(node.id()) || !node.is_membership_committed()
        };
        let stranger = nodes
            .iter()
            .filter(may_run)
            .find(|node| !committed.contains(node.id()) && !knows_most.membership().contains(node.id()));
        if let Some(stranger) = stranger {
            return Some(format!("{} was removed and does not know it", stranger.id()));
        }
        self.servers.iter().find_map(|(id, server)| match server {
            _ if server.is_paused => Some(format!("{id} is paused")),
            _ if server.holds_applies => Some(format!("what {id} must apply is held")),
            _ if server.holds_saves => Some(format!("the saves of {id} are held")),
            _ if server.disk().is_about_to_fail() => Some(format!("the disk of {id} is about to fail")),
            _ if server.is_alive() && server.speed() != Speed::REAL_TIME => {
                Some(format!("the clock of {id} is not true"))
            }
            _ => None,
        })
    }

    fn start(&mut self, id: NodeId) {
        let (rules, trace_level) = (self.rules.clone(), self.options.trace_level);
        let mut effects = Effects::default();
        let server = self.servers.get_mut(&id).expect("only servers of this world start");
        match server.start(self.now, rules, trace_level, &mut effects) {
            Ok(news) => {
                let forgotten = server.take_forgotten();
                let life = effects.records.first().map_or(1, |record| record.life);
                self.note_process(id, life, news);
                if let Some(what_happened) = forgotten {
                    self.note_violation(durability::forgotten(id, &what_happened));
                }
                self.pass_on(id, &mut effects);
                self.save_or_wait(id);
            }
            Err(error) => self.note_disk_failure(id, &error),
        }
    }

    /// Lets a server do something, and sees to it that what it decides is saved. A dead one does nothing.
    fn act(
        &mut self,
        id: NodeId,
        action: impl FnOnce(&mut Server<A::Machine>, Duration, &mut Effects<A::Machine>),
    ) {
        if !self.servers[&id].is_alive() {
            return;
        }
        self.acting = id;
        let mut effects = std::mem::take(&mut self.effects);
        let server = self.servers.get_mut(&id).expect("only servers of this world act");
        action(server, self.now, &mut effects);
        self.pass_on(id, &mut effects);
        self.effects = effects;
        self.save_or_wait(id);
    }

    /// Lets something happen to a server, at its own time.
    fn step(&mut self, id: NodeId, input: Input) {
        self.act(id, |server, now, effects| server.step(now, input, effects));
    }

    /// Saves what a server has decided, at once or when its disk will have finished.
    fn save_or_wait(&mut self, id: NodeId) {
        while self.servers[&id].is_saving() && !self.servers[&id].holds_saves {
            let (min, max) = (*self.options.save_time.start(), *self.options.save_time.end());
            let save_time = min + (max - min).mul_f64(self.random.f64());
            if !save_time.is_zero() {
                let server = self.servers.get_mut(&id).expect("only servers of this world save");
                return server.set_save_due(self.now + save_time);
            }
            if !self.finish_save(id) {
                return;
            }
        }
    }

    /// Lets a server's disk do what it is busy with. Returns whether it could.
    fn finish_save(&mut self, id: NodeId) -> bool {
        let mut effects = std::mem::take(&mut self.effects);
        let server = self.servers.get_mut(&id).expect("only servers of this world save");
        let finished = server.finish_job(self.now, &mut effects);
        let is_done = finished.as_ref().is_ok_and(|finished| finished.is_done);
        match finished {
            Ok(Finished { news, .. }) => {
                let life = self.view.server(id).map_or(1, |server| server.life);
                self.note_process(id, life, news);
                if is_done {
                    self.pass_on(id, &mut effects);
                }
            }
            Err(error) => self.note_disk_failure(id, &error),
        }
        self.effects = effects;
        is_done
    }

    /// The server's disk has failed it, and the server ends. If that was for a lack of power, all that
    /// was not synced is gone too.
    fn note_disk_failure(&mut self, id: NodeId, error: &StorageError) {
        let server = self.servers.get_mut(&id).expect("only servers of this world fail");
        match server.disk().has_no_power() {
            Some(unsynced) => {
                server.crash(unsynced);
                self.note_power_cut(id, unsynced);
            }
            None if server.disk().take_killed() => {
                server.kill();
                self.note_kill(id);
            }
            None => {
                server.kill();
                let last_words = error.to_string();
                self.note(
                    id,
                    Laboratory::Died { signal: None, status: Some(1), power_cut: None, last_words },
                );
            }
        }
        // To refuse a damaged disk is right.
        if !matches!(error, StorageError::Io { .. }) && !self.servers[&id].disk().is_damaged() {
            let violation = durability::violation(id, error);
            self.note_violation(violation);
        }
    }

    /// Passes on what a step has brought about, and checks all promises. What was committed is applied.
    fn pass_on(&mut self, id: NodeId, effects: &mut Effects<A::Machine>) {
        let server = self.servers.get_mut(&id).expect("only servers of this world act");
        server.give_to_disk(effects);
        let mut answers = self.answer_clients(id, effects);
        let server = self.servers.get_mut(&id).expect("only servers of this world act");
        if server.needs_apply() {
            server.apply(self.now, effects);
            server.give_to_disk(effects);
            answers.extend(self.answer_clients(id, effects));
        }
        for record in &mut effects.records {
            record.t = micros(self.now);
            self.view.apply(record);
            self.coverage.note_record(record);
        }
        self.coverage.steps += 1;
        let broken = self.check(id, &effects.records, &answers);
        self.records.append(&mut effects.records);
        for (id, cause, told) in std::mem::take(&mut self.heard) {
            let record = self.observed(id, Event::Laboratory(told));
            self.note_record(Record { cause, ..record });
        }
        broken.into_iter().for_each(|violation| self.note_violation(violation));
        for envelope in effects.envelopes.drain(..) {
            self.send(envelope);
        }
    }

    fn send(&mut self, envelope: Envelope) {
        let selection = self.journal.is_some().then(|| Selection::of(&envelope));
        match self.network.send(self.now, envelope) {
            Fate::UnderWay => {}
            Fate::UnderWayTwice => {
                self.coverage.doubled += 1;
                selection.into_iter().for_each(|message| self.note_in_journal(&Action::Duplicate(message)));
            }
            Fate::Lost => self.coverage.lost += 1,
        }
    }

    fn check(&mut self, id: NodeId, records: &[Record], answers: &[Answered]) -> Vec<Violation> {
        let mut properties = std::mem::take(&mut self.properties);
        let server = &self.servers[&id];
        let (node, machine) = server.node().zip(server.machine()).expect("only a living server takes a step");
        let (moment, step) = (
            self.moment(),
            Step { node, records, applied: machine.commands(), answers, is_set_back: server.is_set_back() },
        );
        let broken = |property: &mut Box<dyn Property<A::Machine>>| {
            let breach = property.check(&moment, &step)?;
            Some(step.breaks(property.promise(), breach))
        };
        let violations = properties.iter_mut().filter_map(broken).collect();
        self.clients.note_committed(node.commit_index());
        self.properties = properties;
        violations
    }

    fn check_time(&mut self) {
        let mut properties = std::mem::take(&mut self.properties);
        let moment = self.moment();
        let broken = |property: &mut Box<dyn Property<A::Machine>>| {
            let (node, what_happened) = property.check_time(&moment)?;
            Some(Violation::without_events(property.promise(), node, what_happened))
        };
        let violations: Vec<Violation> = properties.iter_mut().filter_map(broken).collect();
        self.properties = properties;
        violations.into_iter().for_each(|violation| self.note_violation(violation));
    }

    fn moment(&self) -> Moment<'_, A::Machine> {
        Moment {
            now: self.now,
            timing: &self.options.timing,
            calm: self.calm.as_ref().filter(|calm| calm.have_disks_worked),
            calm_network: self.calm.as_ref(),
            servers: &self.servers,
            committed: self.options.committed,
        }
    }

    fn note_violation(&mut self, violation: Violation) {
        if self.violations.iter().any(|earlier| earlier.promise == violation.promise) {
            return;
        }
        let told = Laboratory::Violated {
            property: violation.promise.name.to_owned(),
            meaning: violation.promise.meaning.to_owned(),
            what_happened: violation.what_happened.clone(),
            contradicts: violation.contradicts.map(Box::new),
        };
        let record = self.observed(violation.node, Event::Laboratory(told));
        self.records.push(Record { cause: violation.done, ..record });
        self.violations.push(violation);
    }

    fn note_power_cut(&mut self, id: NodeId, unsynced: Unsynced) {
        let (signal, status, last_words) = (None, None, String::new());
        self.note(id, Laboratory::Died { signal, status, power_cut: Some(unsynced), last_words });
    }

    fn note_kill(&mut self, id: NodeId) {
        let (signal, status, power_cut, last_words) = (Some(9), None, None, String::new());
        self.note(id, Laboratory::Died { signal, status, power_cut, last_words });
    }

    /// The step in which a server has panicked left no records. What it was answered otherwise than by Raft may be the reason.
    fn note_other_answers(&mut self, id: NodeId) {
        let node = self.servers[&id].node();
        let answers = node.map(|node| node.rules().take_other_answers()).unwrap_or_default();
        for answer in answers {
            self.note_record(self.observed(id, Event::Decision(answer)));
        }
    }

    fn note(&mut self, id: NodeId, what: Laboratory) {
        self.note_record(self.observed(id, Event::Laboratory(what)));
    }

    fn note_record(&mut self, record: Record) {
        self.coverage.note_record(&record);
        self.view.apply(&record);
        self.records.push(record);
    }

    /// What a real server's process would report, in this life of the server.
    fn note_process(&mut self, id: NodeId, life: u64, what: Option<Process>) {
        let Some(what) = what else { return };
        let record = Record { life, ..self.observed(id, Event::Process(what)) };
        self.records.push(record);
    }

    fn observed(&self, id: NodeId, event: Event) -> Record {
        let (life, term) = self.view.server(id).map(|server| (server.life, server.term)).unwrap_or_default();
        Record { t: micros(self.now), node: id, life, seq: None, cause: None, term, event, content: None }
    }

    fn note_in_journal(&mut self, action: &Action) {
        if let Some(journal) = self.journal.as_mut().filter(|_| action.is_elementary()) {
            journal.push(action.clone());
        }
    }

    fn server(&mut self, id: NodeId) -> Result<&mut Server<A::Machine>, Refusal> {
        self.servers.get_mut(&id).ok_or_else(|| no_such_server(id))
    }

    fn alive(&mut self, id: NodeId) -> Result<&mut Server<A::Machine>, Refusal> {
        let server = self.server(id)?;
        if server.is_alive() { Ok(server) } else { Err(Refusal(format!("{id} is dead: restart it first"))) }
    }

    fn dead(&mut self, id: NodeId) -> Result<&mut Server<A::Machine>, Refusal> {
        let server = self.server(id)?;
        if server.is_alive() { Err(Refusal(format!("{id} is alive: crash it first"))) } else { Ok(server) }
    }

    fn running(&mut self, id: NodeId) -> Result<&mut Server<A::Machine>, Refusal> {
        let server = self.alive(id)?;
        if server.is_running() {
            Ok(server)
        } else {
            Err(Refusal(format!("{id} is paused: resume it first")))
        }
    }
}

/// The event in which a server has responded to this request.
fn response_to(request: RequestId, records: &[Record]) -> Option<EventId> {
    let responds = |record: &&Record| match record.event {
        Event::Io(Io::Answered { request: answered, .. }) => answered == request.0,
        _ => false,
    };
    records.iter().rev().find(responds).and_then(Record::id)
}

fn no_such_server(id: NodeId) -> Refusal {
    Refusal(format!("there is no {id} in this world"))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
