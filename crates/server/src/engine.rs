//! The engine owns the driver: it waits for what happens, lets the driver act on it, and passes on what
//! came of it. It runs in the thread of the network, beside the tasks of the connections: no message changes
//! threads on its way.

use crate::alarm::Alarm;
use crate::broadcast::Broadcast;
use crate::changes::Batch;
use crate::clients::{ChangeOutcome, Request, TransferOutcome, Waiting, WriteRefusal};
use crate::command::Command;
use crate::disk::{DiskThread, Done};
use crate::error::ServerError;
use crate::inbox::Inbound;
use crate::links::Links;
use crate::machine::Machine;
use crate::monotonic_now;
use crate::pace::Pace;
use crate::transport::Transport;
use crate::trouble;
use api::{SnapshotBeingSent, Status, Trouble};
use consensus::event::{Problem, What};
use consensus::{Change, Instant, Membership, NodeId, Origin, Progress, RoleKind};
use driver::{Clock, DiskDone, DiskJob, Driver, Effects, Envelope, Input, RequestId, Speed, TraceLevel};
use gate::Names;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::select;
use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;
use trace::{Event, Process, Record};

/// So many happenings are handled before the clock is looked at again.
const AT_ONCE: usize = 256;

/// So many commands are applied before it is looked again what else there is to do.
const APPLY_AT_ONCE: usize = 4096;

/// So long after a server has gone it is still talked to. Its leader tells it that it has for an election timeout.
const FAREWELL: Duration = Duration::from_secs(10);

/// Writes wait while commands of so many bytes are to be saved, besides those that the disk is busy with. A leader
/// whose disk stands still goes on with the disks of the others, and would keep them all.
const MOST_BYTES_UNSAVED: usize = 64 << 20;

/// So many messages are held for their latency, at most. More are lost.
const IN_FLIGHT: usize = 4096;

/// A driver with its clock, transport and observer.
pub(crate) struct Engine<T, O> {
    driver: Driver<Machine>,
    disk: DiskThread,
    about: EngineSettings,
    clock: Clock,
    transport: T,
    observer: O,
    events: Broadcast,
    effects: Effects<Machine>,
    waiting: Waiting,
    /// Writes that have come and were not proposed yet.
    writes: Vec<(RequestId, Arc<[u8]>)>,
    /// How many bytes the commands have that were proposed since the disk last began to save.
    unsaved_bytes: usize,
    links: Links,
    /// Messages that are held for a while, ascending by when they are due.
    in_flight: VecDeque<(Instant, Envelope)>,
    /// What the system says of a disk that has no room for what is to be saved.
    disk_full: Option<String>,
    pace: Pace,
    /// When the laboratory wants the election timer to run out.
    forced_timeout: Option<Instant>,
    leaders: Leaders,
    /// Where this server's messages come from, as the transport knows it.
    origin: Origin,
    /// The members that the transport knows.
    members: Arc<Membership>,
    /// Servers of which the laboratory says where they are: that is newer than what the configuration says.
    placed: BTreeSet<NodeId>,
    /// Servers that are no members any more, and when to hang up on them, on the monotonic clock.
    gone: VecDeque<(Duration, NodeId)>,
    rejected: u64,
    contradictions: Contradictions,
    /// Problems that were told already: each is told once, then only counted.
    told: BTreeSet<String>,
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

/// Messages that can't be, unless somebody has lost data: they would replace what is committed, or claim to lead the very
/// term that this server leads.
#[derive(Debug, Default)]
struct Contradictions {
    count: u64,
    /// When the latest came, on the monotonic clock, and from whom.
    latest: Option<(Duration, NodeId)>,
}

/// For so long after a contradiction a server is not ready.
const ALARM: Duration = Duration::from_secs(10);

impl Contradictions {
    fn note(&mut self, from: NodeId) {
        self.count += 1;
        self.latest = Some((monotonic_now(), from));
    }

    fn trouble(&self) -> Option<Trouble> {
        let (_, from) = self.latest.filter(|(when, _)| monotonic_now().saturating_sub(*when) < ALARM)?;
        let what = format!(
            "{from} contradicts what this server knows for certain: one of them has lost data, or they belong to different clusters"
        );
        let help =
            "stop the server whose disk was replaced or restored, and compare the logs with `raft log`"
                .to_owned();
        Some(Trouble { what, help })
    }
}

/// What does not change while a server runs.
#[derive(Debug)]
pub(crate) struct EngineSettings {
    pub(crate) cluster: String,
    /// Where others reach it, as HOST:PORT, if it is one place.
    pub(crate) address: Option<String>,
    pub(crate) life: u64,
    /// The cluster's start on the monotonic clock: the zero of [`Record::t`].
    pub(crate) epoch: Duration,
    /// How fast the clock runs at first.
    pub(crate) first_speed: Speed,
    /// After about so many bytes of entries a snapshot is taken.
    pub(crate) snapshot_after: usize,
    /// How long each message is held before it is delivered, in the server's own time.
    pub(crate) latency: Duration,
    /// Have leaders leases?
    pub(crate) gives_leases: bool,
    /// How much the observer wants to know.
    pub(crate) trace_level: TraceLevel,
    /// The names under which clients may ask for it.
    pub(crate) names: Names,
}

impl<T: Transport, O: FnMut(Record)> Engine<T, O> {
    pub(crate) fn new(
        driver: Driver<Machine>,
        disk: DiskThread,
        about: EngineSettings,
        transport: T,
        links: Links,
        observer: O,
        events: Broadcast,
    ) -> Engine<T, O> {
        Engine {
            driver,
            disk,
            clock: Clock::start(monotonic_now(), about.first_speed),
            about,
            transport,
            observer,
            events,
            effects: Effects::default(),
            waiting: Waiting::default(),
            writes: Vec::new(),
            unsaved_bytes: 0,
            links,
            in_flight: VecDeque::new(),
            disk_full: None,
            pace: Pace::default(),
            forced_timeout: None,
            leaders: Leaders::default(),
            origin: Origin::default(),
            members: Arc::default(),
            placed: BTreeSet::new(),
            gone: VecDeque::new(),
            rejected: 0,
            contradictions: Contradictions::default(),
            told: BTreeSet::new(),
        }
    }

    /// Runs until it is told to stop, or nobody is left who could tell it anything.
    ///
    /// # Errors
    /// If the disk fails, or the thread that owns it: then the server must not go on.
    pub(crate) async fn run(
        mut self,
        news: impl IntoIterator<Item = Process>,
        mut first: Effects<Machine>,
        mut inbox: Receiver<Inbound>,
        mut alarm: Alarm,
    ) -> Result<(), ServerError> {
        news.into_iter().for_each(|news| self.report(Event::Process(news)));
        self.pass_on(&mut first);
        'running: loop {
            let awaited = select! {
                biased;
                happening = inbox.recv() => match happening {
                    Some(happening) => Some(happening),
                    None => break,
                },
                () = alarm.wait(self.next_moment()) => None,
            };
            self.tell_if_heard();
            // What has come already is handled before a timer runs out: a busy server should not hold
            // an election while its leader's heartbeats wait in its own queue.
            let waiting = std::iter::from_fn(|| inbox.try_recv().ok());
            for happening in awaited.into_iter().chain(waiting.take(AT_ONCE)) {
                if let Inbound::Command(Command::Stop) = happening {
                    break 'running;
                }
                self.handle(happening)?;
            }
            self.propose();
            self.deliver_due();
            self.tick();
            self.apply();
        }
        self.report(Event::Process(Process::Stopped));
        self.disk.stop(inbox);
        Ok(())
    }

    /// What happens is written down only where somebody wants to know.
    fn tell_if_heard(&mut self) {
        let least = if self.events.is_heard() { TraceLevel::Events } else { TraceLevel::Essential };
        self.driver.set_trace_level(self.about.trace_level.max(least));
    }

    fn now(&self) -> Instant {
        self.clock.at(monotonic_now())
    }

    /// When there is something to do even if nothing happens, on the monotonic clock.
    fn next_moment(&self) -> Option<Duration> {
        if self.driver.needs_apply() {
            return Some(Duration::ZERO);
        }
        let deadlines = [
            Some(self.driver.next_deadline()),
            self.in_flight.front().map(|(due, _)| *due),
            self.forced_timeout,
        ];
        let next = deadlines.into_iter().flatten().min().unwrap_or(Instant::NEVER);
        self.clock.real_time_of(next)
    }

    fn handle(&mut self, happening: Inbound) -> Result<(), ServerError> {
        match happening {
            Inbound::Envelope(envelope) => {
                self.hold(envelope);
                self.deliver_due();
            }
            Inbound::Disk(done) => self.note_done(done)?,
            Inbound::Command(command) => self.handle_command(command),
            Inbound::Client(Request::Write { answer, .. }) if self.waits_for_room() => {
                let why = self.disk_full.clone().unwrap_or_default();
                // Who asked may be gone by now.
                let _ = answer.send(Err(WriteRefusal::DiskFull { why }));
            }
            Inbound::Client(Request::Write { answer, .. }) if self.unsaved_bytes >= MOST_BYTES_UNSAVED => {
                let _ = answer.send(Err(WriteRefusal::Busy));
            }
            Inbound::Client(Request::Write { command, answer }) => {
                let id = self.waiting.add_write(command.len(), answer);
                self.writes.extend(id.map(|id| (id, command)));
            }
            Inbound::Client(Request::Read { by, answer }) => {
                if let Some(id) = self.waiting.add_read(answer) {
                    self.step(Input::Read { id, by });
                }
            }
            Inbound::Client(Request::ReadStale { answer }) => {
                // Who asked may be gone by now.
                let _ = answer.send(Ok(self.driver.machine().store.clone()));
            }
            Inbound::Client(Request::Watch { after, answer }) => {
                let last_applied = self.driver.last_applied();
                let cluster = self.driver.node().memory().cluster;
                let batch = self.driver.machine().changes.next(after, last_applied);
                let _ = answer.send(Batch { cluster, ..batch });
            }
            Inbound::Client(Request::ChangeMembership { change, answer }) => {
                self.change_membership(change, answer);
            }
            Inbound::Client(Request::TransferLeadership { to, answer }) => {
                self.transfer_leadership(to, answer);
            }
            Inbound::ConnectionLost(peer) => self.step(Input::ConnectionLost { peer }),
            Inbound::ConnectionMade(peer, origin) => self.step(Input::ConnectionMade { peer, origin }),
            Inbound::StatusAsked(answer) => {
                // Who asked may be gone by now.
                let _ = answer.send(self.status());
            }
            Inbound::Garbage { from, problem } => {
                self.rejected += 1;
                if self.told.insert(problem.to_owned()) {
                    let (from, problem) = (from.to_string(), problem.to_owned());
                    self.report(Event::Process(Process::Garbage { from, problem }));
                }
            }
        }
        Ok(())
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

    /// A save took this long. If the disk is too slow for elections, or no longer is, that is reported. A server alone
    /// is elected however slow its disk is.
    fn note_pace(&mut self, took: Duration) {
        let now = monotonic_now();
        let took = self.clock.at(now).since(self.clock.at(now.saturating_sub(took)));
        let timeout = self.driver.node().config().timing.election_timeout_min();
        if self.driver.node().membership().members().len() > 1 && self.pace.note_save(took, timeout) {
            self.report(Event::Process(Process::SlowDisk { slow: self.pace.slow() }));
        }
    }

    fn handle_command(&mut self, command: Command) {
        match command {
            Command::Peer { id, address } => {
                self.placed.insert(id);
                self.transport.set_address(id, address);
            }
            Command::Speed { multiple } => {
                // Leases rest on clocks of which none runs much faster than another.
                if let Ok(speed) = Speed::new(multiple)
                    && !self.about.gives_leases
                {
                    self.clock.set_speed(monotonic_now(), speed);
                }
            }
            Command::Link { from, faults } => {
                self.links.set(from, faults);
                // What is under way on a link that is cut is lost.
                self.in_flight.retain(|(_, envelope)| !self.links.is_cut(envelope.from));
            }
            Command::ExpireElectionTimer { at } => {
                let now = self.now();
                let deadline = self.clock.at(self.about.epoch + Duration::from_micros(at)).max(now);
                self.forced_timeout = Some(deadline);
                self.step(Input::SetElectionTimer { deadline });
            }
            Command::Profile(profile) => self.step(Input::SetProfile(profile)),
            // What comes of these is in the story.
            Command::ChangeMembership(change) => self.change_membership(change, oneshot::channel().0),
            Command::TransferLeadership { to } => self.transfer_leadership(to, oneshot::channel().0),
            Command::Stop => unreachable!("handled by run"),
        }
    }

    /// With a change, the configuration also gets the addresses of founders that it lacks: newcomers know them from nowhere
    /// else.
    fn change_membership(&mut self, mut change: Change, answer: oneshot::Sender<ChangeOutcome>) {
        let node = self.driver.node();
        let grows = !change.add.is_empty();
        let lacks = |id: &NodeId| {
            grows && !node.membership().addresses.contains_key(id) && !change.remove.contains(id)
        };
        for id in node.membership().members().into_iter().filter(lacks).collect::<Vec<_>>() {
            let own = (id == node.id()).then(|| self.about.address.clone()).flatten();
            if let Some(address) = own.or_else(|| self.transport.address_of(id)) {
                change.relocate.entry(id).or_insert(address);
            }
        }
        if let Some(request) = self.waiting.add_change(answer) {
            self.step(Input::ChangeMembership { change, request });
        }
    }

    fn transfer_leadership(&mut self, to: NodeId, answer: oneshot::Sender<TransferOutcome>) {
        if let Some(request) = self.waiting.add_transfer(answer) {
            self.step(Input::TransferLeadership { to, request });
        }
    }

    /// Holds a message for as long as it takes on its way, if it is not lost there.
    fn hold(&mut self, envelope: Envelope) {
        if self.in_flight.len() < IN_FLIGHT
            && let Some(delay) = self.links.carry(envelope.from)
        {
            let due = self.now() + self.about.latency + delay;
            let place = self.in_flight.partition_point(|(earlier, _)| *earlier <= due);
            self.in_flight.insert(place, (due, envelope));
        }
    }

    fn deliver_due(&mut self) {
        let now = self.now();
        while let Some((_, envelope)) = self.in_flight.pop_front_if(|(due, _)| *due <= now) {
            self.step(envelope.into());
        }
    }

    fn tick(&mut self) {
        let now = self.now();
        if self.forced_timeout.take_if(|deadline| *deadline <= now).is_some() {
            // A heartbeat that was under way may have restarted the timer meanwhile.
            self.step(Input::SetElectionTimer { deadline: now });
        }
        self.step(Input::Tick);
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
            if self.driver.applied_bytes() >= self.about.snapshot_after {
                self.step(Input::TakeSnapshot);
            }
        }
    }

    /// Lets something happen to the server, and passes on what came of it.
    fn step(&mut self, input: Input) {
        let now = self.now();
        self.driver.step(now, input, &mut self.effects);
        let mut effects = std::mem::take(&mut self.effects);
        self.pass_on(&mut effects);
        self.effects = effects;
    }

    /// Tells what happened, has saved what is to be saved, and sends what is to be sent.
    fn pass_on(&mut self, effects: &mut Effects<Machine>) {
        // What one step brings about happens at one time, and stays together in the story.
        let t = self.t();
        for record in effects.records.drain(..) {
            self.tell(Record { t, ..record });
        }
        if effects.disk.iter().any(|job| matches!(job, DiskJob::Save(_))) {
            self.unsaved_bytes = 0;
        }
        self.disk.take_from(effects);
        self.leaders.note(self.driver.node().leader());
        self.note_members();
        self.note_origin();
        for envelope in effects.envelopes.drain(..) {
            self.transport.send(envelope);
        }
        self.waiting.complete(&mut effects.outcomes, &self.driver.machine().store);
    }

    /// If this server belongs to a cluster now, the others are told with each message.
    fn note_origin(&mut self) {
        let origin = self.driver.node().origin();
        if std::mem::replace(&mut self.origin, origin) != origin {
            self.transport.set_origin(origin);
        }
    }

    /// If other servers belong to the cluster now: calls those that have come, and hangs up on those that are gone, a
    /// little later, when they have heard of it.
    fn note_members(&mut self) {
        let now = monotonic_now();
        if !Arc::ptr_eq(&self.members, self.driver.node().membership()) {
            let before = std::mem::replace(&mut self.members, self.driver.node().membership().clone());
            self.transport.set_members(&self.members);
            for (&id, address) in &self.members.addresses {
                let is_new = before.addresses.get(&id) != Some(address) && !self.placed.contains(&id);
                // A log of an earlier version may hold any text here, but no server can be reached at such an address.
                if let Ok(address) = address.parse()
                    && is_new
                {
                    self.transport.set_address(id, address);
                }
            }
            // Clients are sent there, so they may ask for it under that name.
            let own = self.members.addresses.get(&self.driver.node().id());
            self.about.names.set_advertised(own.map(|address| gate::host_of(address)));
            let gone = before.members().into_iter().filter(|id| !self.members.contains(*id));
            self.gone.extend(gone.map(|id| (now + FAREWELL, id)));
        }
        while let Some((_, id)) = self.gone.pop_front_if(|(when, _)| *when <= now) {
            if !self.members.contains(id) {
                self.transport.hang_up(id);
            }
        }
    }

    /// Passes a record on. A peer that sends nonsense again and again
    /// is told of once.
    fn tell(&mut self, record: Record) {
        if let Event::Decision(decision) = &record.event
            && let What::Rejected { from, problem } = &decision.what
        {
            self.rejected += 1;
            if is_contradiction(*problem) {
                self.contradictions.note(*from);
            }
            if !self.told.insert(format!("{from} {problem:?}")) {
                return;
            }
        }
        self.events.tell(&record);
        (self.observer)(record);
    }

    /// Tells of something that is not the driver's.
    fn report(&mut self, event: Event) {
        let node = self.driver.node();
        let (id, term) = (node.id(), node.hard_state().current_term);
        self.tell(Record {
            t: self.t(),
            node: id,
            life: self.about.life,
            seq: None,
            cause: None,
            term,
            event,
            content: None,
        });
    }

    /// Microseconds since the cluster's start.
    fn t(&self) -> u64 {
        let since_start = monotonic_now().saturating_sub(self.about.epoch);
        u64::try_from(since_start.as_micros()).unwrap_or(u64::MAX)
    }

    fn status(&self) -> Status {
        let node = self.driver.node();
        let trouble = trouble::of_itself(node).or_else(|| self.contradictions.trouble());
        let not_ready = match self.contradictions.trouble() {
            Some(Trouble { what, .. }) => Some(what),
            None => trouble::why_not_ready(node, self.driver.last_applied()),
        };
        Status {
            node: node.id(),
            cluster: self.about.cluster.clone(),
            cluster_id: node.memory().cluster,
            start: node.config().credentials.start,
            trouble,
            not_ready,
            peers: trouble::of_others(node, self.now()),
            contradictions: self.contradictions.count,
            membership: Membership::clone(node.membership()),
            is_membership_committed: node.is_membership_committed(),
            profile: node.config().profile,
            role: node.role(),
            term: node.hard_state().current_term,
            voted_for: node.hard_state().voted_for,
            leader: node.leader(),
            snapshot: node.snapshot(),
            last_log: node.log().last(),
            commit_index: node.commit_index(),
            last_applied: self.driver.last_applied(),
            waiting: self.waiting.len() as u64,
            leader_changes: self.leaders.changes,
            failed: self.waiting.replaced(),
            life: self.about.life,
            rejected: self.rejected,
            disk_full: self.disk_full.clone(),
            slow_disk: self.pace.slow(),
            snapshots_being_sent: self.snapshots_being_sent(),
            bytes_since_snapshot: self.driver.applied_bytes() as u64,
            most_bytes_while_sending: node.config().limits.bytes_while_sending as u64,
        }
    }

    fn snapshots_being_sent(&self) -> Vec<SnapshotBeingSent> {
        let progress = self.driver.node().progress().into_iter().flatten();
        let being_sent = |(&to, progress): (&NodeId, &Progress)| {
            let (last_included, bytes) = progress.snapshot()?;
            Some(SnapshotBeingSent { to, last_included, bytes })
        };
        progress.filter_map(being_sent).collect()
    }
}

/// Can that only be if somebody has lost data?
fn is_contradiction(problem: Problem) -> bool {
    matches!(problem, Problem::ContradictsCommitted | Problem::OwnTerm)
}
