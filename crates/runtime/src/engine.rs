//! The engine owns the driver: it waits for what happens, lets the driver act on it, and passes on what
//! came of it. It runs as a task beside those of the connections.

use crate::alarm::Alarm;
use crate::disk::{DiskJobs, Done};
use crate::error::ServerError;
use crate::inbound::Inbound;
use crate::lab::{Lab, LabCommand};
use crate::monotonic_now;
use crate::observer::Observer;
use crate::pace::Pace;
use crate::replicated::Replicated;
use crate::requests::{ChangeError, ProposeError, Request, TransferError, Waiting};
use crate::settings::Settings;
use crate::transport::Transport;
use crate::view::{Health, Leadership, View};
use consensus::event::{Problem, What};
use consensus::{Change, Instant, Membership, NodeId, Origin, RoleKind};
use driver::{Clock, DiskDone, DiskJob, Driver, Effects, Input, RequestId, StateMachine};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::select;
use tokio::sync::mpsc::Receiver;
use tokio::sync::{oneshot, watch};
use trace::{Event, Process, Record};

/// Maximum number of inputs, and of requests, handled before the clock is read again.
const AT_ONCE: usize = 256;

/// Maximum number of commands applied before the engine looks what else there is to do.
const APPLY_AT_ONCE: usize = 4096;

/// How long the connection to a removed server is kept: its leader needs one election timeout to tell it.
const FAREWELL: Duration = Duration::from_secs(10);

/// Writes wait while commands of this many bytes are to be saved, besides those that the disk is busy with. A leader
/// whose disk stands still goes on with the disks of the others, and would keep them all.
const MOST_BYTES_UNSAVED: usize = 64 << 20;

/// A driver with its clock, transport and observer.
pub(crate) struct Engine<M: StateMachine, T, O> {
    driver: Driver<M>,
    disk: DiskJobs<M::Snapshot>,
    settings: Settings,
    life: u64,
    clock: Clock,
    /// The lab's features, if this server has them.
    lab: Option<Lab>,
    transport: T,
    observer: O,
    effects: Effects<M>,
    waiting: Waiting<M>,
    /// Writes that have come and were not proposed yet.
    writes: Vec<(RequestId, Arc<[u8]>)>,
    /// How many bytes the commands have that were proposed since the disk last began to save.
    unsaved_bytes: usize,
    /// What the system says of a disk that has no room for what is to be saved.
    disk_full: Option<String>,
    pace: Pace,
    leaders: Leaders,
    /// What those who watch know.
    leadership: Leadership,
    watchers: watch::Sender<Leadership>,
    /// Where this server's messages come from, as the transport knows it.
    origin: Origin,
    /// Servers whose addresses were set by hand: those are newer than what the configuration says.
    placed: BTreeSet<NodeId>,
    /// Servers that are no members any longer, and when to hang up on them, on the monotonic clock.
    gone: VecDeque<(Duration, NodeId)>,
    rejected: u64,
    contradictions: Contradictions,
    /// Problems that were reported already: each is reported once, then only counted.
    reported: BTreeSet<String>,
}

/// The leaders that a server has seen.
#[derive(Debug, Default)]
struct Leaders {
    latest: Option<NodeId>,
    changes: u64,
}

impl Leaders {
    fn note(&mut self, leader: Option<NodeId>) {
        if leader.is_some() && leader != self.latest {
            self.latest = leader;
            self.changes += 1;
        }
    }
}

/// Messages that can't be, unless a server has lost data: they would replace what is committed, or claim to lead the very
/// term that this server leads.
#[derive(Debug, Default)]
struct Contradictions {
    count: u64,
    /// When the latest came, on the monotonic clock, and from which server.
    latest: Option<(Duration, NodeId)>,
}

/// How long after a contradiction a server is in alarm.
const ALARM: Duration = Duration::from_secs(10);

impl Contradictions {
    fn note(&mut self, from: NodeId) {
        self.count += 1;
        self.latest = Some((monotonic_now(), from));
    }

    fn by(&self) -> Option<NodeId> {
        let is_recent = |when: Duration| monotonic_now().saturating_sub(when) < ALARM;
        self.latest.filter(|(when, _)| is_recent(*when)).map(|(_, from)| from)
    }
}

/// The server is to stop.
struct Stopping;

impl<M: Replicated, T: Transport, O: Observer> Engine<M, T, O> {
    pub(crate) fn new(
        driver: Driver<M>,
        disk: DiskJobs<M::Snapshot>,
        settings: Settings,
        life: u64,
        transport: T,
        observer: O,
        watchers: watch::Sender<Leadership>,
    ) -> Engine<M, T, O> {
        let seed = driver.node().config().seed;
        Engine {
            driver,
            disk,
            clock: Clock::start(monotonic_now(), settings.speed()),
            lab: settings.lab.as_ref().map(|lab| Lab::new(lab, seed)),
            settings,
            life,
            transport,
            observer,
            effects: Effects::default(),
            waiting: Waiting::default(),
            writes: Vec::new(),
            unsaved_bytes: 0,
            disk_full: None,
            pace: Pace::default(),
            leaders: Leaders::default(),
            leadership: Leadership::default(),
            watchers,
            origin: Origin::default(),
            placed: BTreeSet::new(),
            gone: VecDeque::new(),
            rejected: 0,
            contradictions: Contradictions::default(),
            reported: BTreeSet::new(),
        }
    }

    /// Runs until it is told to stop, or nobody is left who could ask it for anything.
    ///
    /// # Errors
    /// If the disk fails, or the thread that owns it: then the server must not go on.
    pub(crate) async fn run(
        mut self,
        news: impl IntoIterator<Item = Process>,
        mut first: Effects<M>,
        (mut inbox, mut requests): (Receiver<Inbound>, Receiver<Request<M>>),
        mut alarm: Alarm,
    ) -> Result<(), ServerError> {
        news.into_iter().for_each(|news| self.report(Event::Process(news)));
        self.pass_on(&mut first, monotonic_now());
        loop {
            while let Some(done) = self.disk.next_done() {
                self.note_done(done)?;
            }
            let (inbound, request) = select! {
                biased;
                inbound = inbox.recv() => (inbound, None),
                request = requests.recv() => match request {
                    Some(request) => (None, Some(request)),
                    None => break,
                },
                () = alarm.wait(self.next_moment()) => (None, None),
            };
            self.adapt_trace();
            if let Some(Stopping) = self.handle_all(inbound, request, &mut inbox, &mut requests)? {
                break;
            }
            self.propose();
            self.deliver_due();
            self.tick();
            self.apply();
        }
        self.report(Event::Process(Process::Stopped));
        Ok(())
    }

    /// What has come already is handled before a timer runs out: a busy server should not start an election while its
    /// leader's heartbeats wait in its own queue. Messages and requests take turns.
    fn handle_all(
        &mut self,
        mut inbound: Option<Inbound>,
        mut request: Option<Request<M>>,
        inbox: &mut Receiver<Inbound>,
        requests: &mut Receiver<Request<M>>,
    ) -> Result<Option<Stopping>, ServerError> {
        for _ in 0..AT_ONCE {
            match inbound.take().or_else(|| inbox.try_recv().ok()) {
                Some(Inbound::Stop) => return Ok(Some(Stopping)),
                Some(it) => self.handle(it)?,
                None if request.is_none() && requests.is_empty() => break,
                None => {}
            }
            if let Some(it) = request.take().or_else(|| requests.try_recv().ok()) {
                self.handle_request(it);
            }
        }
        Ok(None)
    }

    /// Records only what the observer wants to know.
    fn adapt_trace(&mut self) {
        self.driver.set_trace_level(self.settings.trace_level.max(self.observer.level()));
    }

    fn now(&self) -> Instant {
        self.clock.at(monotonic_now())
    }

    /// When there is something to do even if nothing happens, on the monotonic clock.
    fn next_moment(&self) -> Option<Duration> {
        if self.driver.needs_apply() {
            return Some(Duration::ZERO);
        }
        let labs = self.lab.as_ref().and_then(Lab::next_moment);
        let next = self.driver.next_deadline().min(labs.unwrap_or(Instant::NEVER));
        self.clock.real_time_of(next)
    }

    fn handle(&mut self, inbound: Inbound) -> Result<(), ServerError> {
        match inbound {
            Inbound::Envelope(envelope) => match &mut self.lab {
                Some(lab) => {
                    lab.hold(envelope, self.clock.at(monotonic_now()));
                    self.deliver_due();
                }
                None => self.step(envelope.into()),
            },
            Inbound::Disk(done) => self.note_done(done)?,
            Inbound::ConnectionLost(peer) => self.step(Input::ConnectionLost { peer }),
            Inbound::ConnectionMade(peer, origin) => self.step(Input::ConnectionMade { peer, origin }),
            Inbound::Garbage { from, problem } => {
                self.rejected += 1;
                if self.reported.insert(problem.to_owned()) {
                    let (from, problem) = (from.to_string(), problem.to_owned());
                    self.report(Event::Process(Process::Garbage { from, problem }));
                }
            }
            Inbound::Address(id, address) => {
                self.placed.insert(id);
                self.transport.set_address(id, address);
            }
            Inbound::Lab(command) => self.handle_lab(command),
            Inbound::Stop => unreachable!("handled by handle_all"),
        }
        Ok(())
    }

    fn handle_request(&mut self, request: Request<M>) {
        match request {
            Request::Propose { answer, .. } if self.waits_for_room() => {
                let why = self.disk_full.clone().unwrap_or_default();
                // The client may be gone by now.
                let _ = answer.send(Err(ProposeError::DiskFull { why }));
            }
            Request::Propose { answer, .. } if self.unsaved_bytes >= MOST_BYTES_UNSAVED => {
                let _ = answer.send(Err(ProposeError::Busy));
            }
            Request::Propose { command, answer } => {
                let id = self.waiting.add_write(command.len(), answer);
                self.writes.extend(id.map(|id| (id, command)));
            }
            Request::Read { by, reader } => {
                if let Some(id) = self.waiting.add_read(reader) {
                    self.step(Input::Read { id, by });
                }
            }
            Request::Look(look) => {
                let (now, health) = (self.now(), self.health());
                look(&View { driver: &self.driver, now, health });
            }
            Request::ChangeMembers { change, answer } => self.change_members(change, answer),
            Request::Transfer { to, answer } => self.transfer(to, answer),
        }
    }

    fn note_done(&mut self, done: Done) -> Result<(), ServerError> {
        match done {
            Done::Job { done: DiskDone::NoRoom(error), .. } => {
                self.note_room(Some(error.to_string()));
                self.step(Input::DiskFull);
                // It lets the log forget.
                self.step(Input::TakeSnapshot);
            }
            Done::HasRoom => {
                self.note_room(None);
                self.step(Input::DiskHasRoom);
            }
            Done::Job { done, took } => {
                match done {
                    DiskDone::Saved => self.note_pace(took),
                    DiskDone::ChunkRead { .. } | DiskDone::ChunkNotRead => self.disk.note_read(),
                    _ => {}
                }
                done.input().into_iter().for_each(|input| self.step(input));
            }
            Done::Failed(error) => return Err(error.into()),
            Done::Panicked => return Err(ServerError::DiskThread),
        }
        Ok(())
    }

    /// The disk has no room, as the system says; or, with none, it has room again.
    fn note_room(&mut self, disk_full: Option<String>) {
        self.disk_full.clone_from(&disk_full);
        self.report(Event::Process(Process::DiskFull { why: disk_full }));
    }

    /// A save took this long. If the disk is too slow for elections, or no longer is, that is reported. A server that
    /// needs no other's vote is elected however slow its disk is.
    fn note_pace(&mut self, took: Duration) {
        let now = monotonic_now();
        let took = self.clock.at(now).since(self.clock.at(now.saturating_sub(took)));
        let timeout = self.driver.node().config().timing.election_timeout_min();
        if self.driver.node().membership().voters.majority() > 1 && self.pace.note_save(took, timeout) {
            self.report(Event::Process(Process::SlowDisk { slow: self.pace.slow() }));
        }
    }

    fn handle_lab(&mut self, command: LabCommand) {
        let now = self.now();
        let Some(lab) = &mut self.lab else { return };
        match command {
            LabCommand::Speed(speed) => {
                // Leases rest on clocks of which none runs much faster than another.
                if self.driver.node().config().lease.is_none() {
                    self.clock.set_speed(monotonic_now(), speed);
                }
            }
            LabCommand::Link { from, faults } => lab.set_link(from, faults),
            LabCommand::ExpireElectionTimer { at } => {
                let deadline = self.clock.at(self.settings.epoch + Duration::from_micros(at)).max(now);
                lab.force_timeout(deadline);
                self.step(Input::SetElectionTimer { deadline });
            }
            LabCommand::Profile(profile) => self.step(Input::SetProfile(profile)),
        }
    }

    /// With a change, the configuration also gets the addresses of founders that it lacks: newcomers know them from nowhere
    /// else.
    fn change_members(&mut self, mut change: Change, answer: oneshot::Sender<Result<(), ChangeError>>) {
        let node = self.driver.node();
        let grows = !change.add.is_empty();
        let lacks = |id: &NodeId| {
            grows && !node.membership().addresses.contains_key(id) && !change.remove.contains(id)
        };
        for id in node.membership().members().into_iter().filter(lacks).collect::<Vec<_>>() {
            let own = (id == node.id()).then(|| self.settings.address.clone()).flatten();
            if let Some(address) = own.or_else(|| self.transport.address_of(id)) {
                change.relocate.entry(id).or_insert(address);
            }
        }
        if let Some(request) = self.waiting.add_change(answer) {
            self.step(Input::ChangeMembership { change, request });
        }
    }

    fn transfer(&mut self, to: NodeId, answer: oneshot::Sender<Result<(), TransferError>>) {
        if let Some(request) = self.waiting.add_transfer(answer) {
            self.step(Input::TransferLeadership { to, request });
        }
    }

    /// Delivers the messages that the lab has held for long enough.
    fn deliver_due(&mut self) {
        if self.lab.is_none() {
            return;
        }
        let now = self.now();
        while let Some(envelope) = self.lab.as_mut().and_then(|lab| lab.next_due(now)) {
            self.step(envelope.into());
        }
    }

    fn tick(&mut self) {
        let now = self.now();
        if self.lab.as_mut().is_some_and(|lab| lab.is_timeout_forced(now)) {
            // A heartbeat that was in flight may have restarted the timer meanwhile.
            self.step(Input::SetElectionTimer { deadline: now });
        }
        if now >= self.driver.next_deadline() {
            self.step(Input::Tick);
        }
    }

    /// Does this server lead, with a full disk, and is nothing committed without that disk?
    fn waits_for_room(&self) -> bool {
        let node = self.driver.node();
        let leads = node.role() == RoleKind::Leader;
        leads && self.disk_full.is_some() && node.commit_index() <= node.persisted_log()
    }

    /// Proposes all that has come together: one append, one sync, one message to each follower.
    fn propose(&mut self) {
        if !self.writes.is_empty() {
            self.unsaved_bytes += self.writes.iter().map(|(_, command)| command.len()).sum::<usize>();
            let proposal = Input::propose(self.writes.drain(..));
            self.step(proposal);
        }
    }

    /// Applies some of what is committed: not so much that a heartbeat would be late for it.
    fn apply(&mut self) {
        if self.driver.needs_apply() {
            self.step(Input::Apply { at_most: APPLY_AT_ONCE });
            if self.driver.applied_bytes() >= self.settings.snapshot_after {
                self.step(Input::TakeSnapshot);
            }
        }
    }

    /// Gives the driver an input, and passes on the effects.
    fn step(&mut self, input: Input) {
        let moment = monotonic_now();
        self.driver.step(self.clock.at(moment), input, &mut self.effects);
        let mut effects = std::mem::take(&mut self.effects);
        self.pass_on(&mut effects, moment);
        self.effects = effects;
    }

    /// Records what happened at this moment on the monotonic clock, has saved what is to be saved, and sends what is to be
    /// sent.
    fn pass_on(&mut self, effects: &mut Effects<M>, moment: Duration) {
        let t = self.t(moment);
        for record in effects.records.drain(..) {
            self.record(Record { t, ..record });
        }
        if effects.disk.iter().any(|job| matches!(job, DiskJob::Save(_))) {
            self.unsaved_bytes = 0;
        }
        self.disk.take(effects.disk.drain(..));
        self.note_leadership();
        self.note_origin();
        for envelope in effects.envelopes.drain(..) {
            self.transport.send(envelope);
        }
        self.waiting.complete(&mut effects.outcomes, self.driver.machine());
    }

    /// If this server belongs to a cluster now, the others are told with each message.
    fn note_origin(&mut self) {
        let origin = self.driver.node().origin();
        if std::mem::replace(&mut self.origin, origin) != origin {
            self.transport.set_origin(origin);
        }
    }

    /// Tells those who watch, and the transport, if another server leads or belongs to the cluster now.
    fn note_leadership(&mut self) {
        let node = self.driver.node();
        let (term, leader) = (node.hard_state().current_term, node.leader());
        let has_other_members = !Arc::ptr_eq(&self.leadership.members, node.membership());
        if has_other_members || (term, leader) != (self.leadership.term, self.leadership.leader) {
            let members = node.membership().clone();
            let before = std::mem::replace(&mut self.leadership, Leadership { term, leader, members });
            self.leaders.note(leader);
            if has_other_members {
                self.note_members(&before.members);
            }
            self.watchers.send_replace(self.leadership.clone());
        }
        self.hang_up_on_gone();
    }

    /// Other servers belong to the cluster now: calls those that have come, and hangs up on those that are gone, a
    /// little later, when they have heard of it.
    fn note_members(&mut self, before: &Membership) {
        let members = &self.leadership.members;
        self.transport.set_members(members);
        for (&id, address) in &members.addresses {
            let is_new = before.addresses.get(&id) != Some(address) && !self.placed.contains(&id);
            // A log of an earlier version may hold any text here, but no server can be reached at such an address.
            if let Ok(address) = address.parse()
                && is_new
            {
                self.transport.set_address(id, address);
            }
        }
        let gone = before.members().into_iter().filter(|id| !members.contains(*id));
        let when = monotonic_now() + FAREWELL;
        self.gone.extend(gone.map(|id| (when, id)));
    }

    fn hang_up_on_gone(&mut self) {
        while let Some(&(when, id)) = self.gone.front()
            && when <= monotonic_now()
        {
            self.gone.pop_front();
            if !self.leadership.members.contains(id) {
                self.transport.hang_up(id);
            }
        }
    }

    /// Passes a record on. Each kind of malformed message is reported once per peer, then only counted.
    fn record(&mut self, record: Record) {
        if let Event::Decision(decision) = &record.event
            && let What::Rejected { from, problem } = &decision.what
        {
            self.rejected += 1;
            if is_contradiction(*problem) {
                self.contradictions.note(*from);
            }
            if !self.reported.insert(format!("{from} {problem:?}")) {
                return;
            }
        }
        self.observer.record(record);
    }

    /// Records what is not the driver's.
    fn report(&mut self, event: Event) {
        let node = self.driver.node();
        let (id, term) = (node.id(), node.hard_state().current_term);
        self.record(Record {
            t: self.t(monotonic_now()),
            node: id,
            life: self.life,
            seq: None,
            cause: None,
            term,
            event,
            content: None,
        });
    }

    /// Microseconds since the epoch.
    fn t(&self, moment: Duration) -> u64 {
        let since_start = moment.saturating_sub(self.settings.epoch);
        u64::try_from(since_start.as_micros()).unwrap_or(u64::MAX)
    }

    fn health(&self) -> Health {
        Health {
            waiting: self.waiting.len(),
            replaced: self.waiting.replaced(),
            leader_changes: self.leaders.changes,
            rejected: self.rejected,
            contradictions: self.contradictions.count,
            contradicted_by: self.contradictions.by(),
            disk_full: self.disk_full.clone(),
            slow_disk: self.pace.slow(),
        }
    }
}

/// Can that only be if a server has lost data?
fn is_contradiction(problem: Problem) -> bool {
    matches!(problem, Problem::ContradictsCommitted | Problem::OwnTerm)
}
