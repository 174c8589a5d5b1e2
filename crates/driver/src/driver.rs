//! One server's core and state machine, with everything that waits for the disk.

use crate::clients::{Applied, Clients, Outcomes};
use crate::disk_job::DiskJob;
use crate::reasons::{Reasons, rests_on};
use crate::recorder::{Recorder, TraceLevel};
use crate::snapshots::{BrokenSnapshot, Restored, Restoring, WholeSnapshot};
use crate::state_machine::{Restore, StateMachine};
use consensus::event::{Decision, What};
use consensus::{
    Batch, Chunk, Config, Durability, Entry, EveryRule, HardState, Index, Instant, Log, LogPosition,
    Membership, Message, Node, NodeId, Origin, Outgoing, Output, Payload, RoleKind, Rule, Rules,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use storage::Recovered;
use trace::{
    Beginning, Content, Event, EventId, Input, Io, RECORDED, Record, RequestId, State, StepInput, Wish,
};

/// A message on the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The sender.
    pub from: NodeId,
    /// The receiver.
    pub to: NodeId,
    /// The event in which the sender sent it, so that the receiver can name it as a cause.
    pub sent_as: EventId,
    /// The sender's data folder and cluster.
    pub origin: Origin,
    /// The message.
    pub message: Message,
}

impl From<Envelope> for Input {
    /// It has arrived.
    fn from(envelope: Envelope) -> Input {
        let Envelope { from, sent_as, origin, message, .. } = envelope;
        Input::Receive { from, sent_as, origin, message }
    }
}

/// What the caller must do after a call.
///
/// Each step adds to it. The caller takes everything out after each step, or after a few steps in quick
/// succession, and carries it out in any order; only the disk must get its jobs in the order given here. The
/// result of a job is [reported](crate::DiskDone::input) to the driver. Nothing else waits for the disk: what
/// an envelope depends on is there already. A request that may [read](Outcomes::reads) sees the [state
/// machine](Driver::machine) as it is now, or at any later time.
pub struct Effects<M: StateMachine> {
    /// What happened, in order. Times are the server's own, in microseconds since its start.
    pub records: Vec<Record>,
    /// Jobs for the disk. A caller that never does them is slow but safe: messages that depend on unsaved
    /// state are not released.
    pub disk: Vec<DiskJob<M::Snapshot>>,
    /// Messages to send now. They may be lost; Raft tolerates that.
    pub envelopes: Vec<Envelope>,
    /// The outcomes of clients' requests.
    pub outcomes: Outcomes<M::Answer>,
}

impl<M: StateMachine> fmt::Debug for Effects<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effects").field("records", &self.records).finish_non_exhaustive()
    }
}

impl<M: StateMachine> Default for Effects<M> {
    fn default() -> Effects<M> {
        Effects {
            records: Vec::new(),
            disk: Vec::new(),
            envelopes: Vec::new(),
            outcomes: Outcomes::default(),
        }
    }
}

/// A server's core and state machine, with the messages that wait for the disk.
///
/// The caller reports what happens ([`step`](Driver::step)), and carries out the [`Effects`]. The driver
/// continues while a save is in progress; what it decides meanwhile is saved next, in one batch. It never
/// blocks, and may be used from any thread, by one at a time.
pub struct Driver<M: StateMachine, R: Rules = EveryRule> {
    node: Node<R>,
    machine: M,
    /// lastApplied: highest index whose command has been applied (Figure 2).
    last_applied: Index,
    /// Approximate number of bytes of entries applied since the last snapshot.
    applied_bytes: usize,
    /// Is a snapshot of this server's state machine being saved?
    takes_snapshot: bool,
    /// The last snapshot for which a newer one was put off.
    put_off_for: Option<LogPosition>,
    /// A leader's snapshot that is being received.
    incoming: Option<Incoming<M>>,
    clients: Clients,
    recorder: Recorder,
    output: Output,
    /// The save in progress.
    saving: Option<Saving>,
    /// What must be saved next.
    unsaved: Unsaved,
    /// A chunk of a leader's snapshot that waits until the term that the snapshot reaches is saved.
    unstored: Option<Chunk>,
    reasons: Reasons,
}

impl<M: StateMachine, R: Rules> fmt::Debug for Driver<M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("id", &self.node.id()).finish_non_exhaustive()
    }
}

/// A leader's snapshot, turned into a state machine as it arrives.
enum Incoming<M: StateMachine> {
    /// Some of the snapshot has arrived.
    Partly(Restoring<M>),
    /// All of it has.
    Wholly(Restored<M>),
}

/// A save in progress.
#[derive(Debug)]
struct Saving {
    /// What will be on disk: this number of changes of the memory, this hard state, and the log up to here.
    memory: u64,
    hard_state: HardState,
    log: LogPosition,
    /// Is nothing saved but the memory?
    is_memory_only: bool,
    /// The event of the latest decision in it.
    decided_as: EventId,
    /// Messages that depend on it.
    held_back: Vec<Outbound>,
    /// If it changes nothing in the log but entries from this one on: this index.
    changes_from: Option<Index>,
}

/// What has been decided but is not on its way to the disk yet.
#[derive(Debug, Default)]
struct Unsaved {
    batch: Batch,
    /// The event of the latest decision in it.
    decided_as: Option<EventId>,
    /// Messages that depend on it.
    held_back: Vec<Outbound>,
}

/// A message to send, and the event that led to it.
#[derive(Debug)]
struct Outbound {
    to: NodeId,
    message: Message,
    cause: Option<EventId>,
}

impl<M: StateMachine, R: Rules> Driver<M, R> {
    /// Starts a server from what its storage held, with the state machine that its snapshot holds. Its data
    /// folder says who it is: of the credentials in `config` only the founders count. Its clock shows
    /// [`Instant::START`].
    pub fn start(
        mut config: Config,
        recovered: Recovered,
        machine: M,
        rules: R,
        trace_level: TraceLevel,
        effects: &mut Effects<M>,
    ) -> Driver<M, R> {
        let Recovered {
            hard_state, log_begins_after: snapshot, log, life, start, earlier_runs, memory, ..
        } = recovered;
        config.credentials.start = start;
        config.credentials.earlier_runs = earlier_runs;
        config.credentials.memory = memory;
        let told =
            (trace_level == TraceLevel::Replayable).then(|| beginning(&config, hard_state, snapshot, &log));
        let log = Log::new(snapshot, log);
        let is_new = hard_state == HardState::default() && log.last() == LogPosition::default();
        let restored = Io::Restored { hard_state, log: log.last(), snapshot, terms: first_of_terms(&log) };
        let mut recorder = Recorder::new(config.id, life, trace_level);
        let mut output = Output::default();
        let node = Node::start(config, hard_state, log, rules, &mut output);

        let restored = (!is_new).then(|| {
            let (term, event) = (hard_state.current_term, Event::Io(restored));
            recorder.record(Instant::START, term, None, TraceLevel::Events, || event, &mut effects.records)
        });
        let mut driver = Driver {
            node,
            machine,
            last_applied: snapshot.index,
            applied_bytes: 0,
            takes_snapshot: false,
            put_off_for: None,
            incoming: None,
            clients: Clients::default(),
            recorder,
            output,
            saving: None,
            unsaved: Unsaved::default(),
            unstored: None,
            reasons: Reasons::default(),
        };
        if let Some(restored) = restored {
            driver.reasons.record_restored(driver.node.commit_index(), restored);
            let Driver { node, machine, .. } = &driver;
            let content = || {
                let log = node.log();
                let left_out = (log.last().index.0 - snapshot.index.0).saturating_sub(RECORDED as u64);
                let first = Index(snapshot.index.0 + left_out).next();
                let entries = words_of::<M>(log, first, log.last().index);
                Content { entries, store: Some(machine.content(None)) }
            };
            add_content(restored, content, effects);
        }
        let first = restored.unwrap_or(driver.recorder.next_id());
        driver.carry_out(Instant::START, restored, effects);
        if let Some(start) = told {
            driver.record_step(Instant::START, first, StepInput::Start { start }, effects);
        }
        driver
    }

    /// Changes what it records from now on.
    pub fn set_trace_level(&mut self, trace_level: TraceLevel) {
        self.recorder.trace_level = trace_level;
    }

    /// The core, for reading.
    pub fn node(&self) -> &Node<R> {
        &self.node
    }

    /// lastApplied: highest index whose command has been applied (Figure 2).
    pub fn last_applied(&self) -> Index {
        self.last_applied
    }

    /// Number of requests without an outcome so far.
    pub fn waiting_requests(&self) -> usize {
        self.clients.waiting() + self.node.waiting_reads()
    }

    /// The state machine, for reading.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// When the server next needs an [`Input::Tick`].
    pub fn next_deadline(&self) -> Instant {
        self.node.next_deadline()
    }

    /// Are there committed commands that have not been applied? Then the server needs an [`Input::Apply`]
    /// soon.
    pub fn needs_apply(&self) -> bool {
        self.last_applied < self.node.commit_index()
    }

    /// Approximate number of bytes of entries applied since the last snapshot: the more, the more of the log
    /// an [`Input::TakeSnapshot`] could remove.
    pub fn applied_bytes(&self) -> usize {
        self.applied_bytes
    }

    /// Processes one input, and adds the effects.
    ///
    /// `now` is the time on the server's own clock, and never goes back. Two inputs may do nothing: a tick
    /// before the [deadline](Driver::next_deadline); and a snapshot, if one is in progress, if it would hold
    /// nothing new, or if it must wait: for the disk to save the term that it reaches, or for a follower to
    /// get the one before.
    ///
    /// # Panics
    /// If the disk is reported to have done something that it was not asked to do.
    pub fn step(&mut self, now: Instant, input: Input, effects: &mut Effects<M>) {
        use consensus::Input as Core;
        let told = (self.recorder.trace_level == TraceLevel::Replayable).then(|| input.clone());
        let first = self.recorder.next_id();
        match input {
            Input::Tick if now < self.next_deadline() => return,
            Input::Tick => self.step_core(now, None, Core::Tick, effects),
            Input::Receive { from, sent_as, origin, message } => {
                let received = || Event::Io(Io::Received { from, message: message.clone() });
                let received = self.record(now, Some(sent_as), received, effects);
                self.step_core(now, Some(received), Core::Message { from, origin, message }, effects);
            }
            Input::Propose { commands, requests } => self.propose(now, commands, requests, effects),
            Input::Read { id, by } => {
                let asked = self.record_asked(now, Wish::Read, &[id], effects);
                self.step_core(now, Some(asked), Core::Read { id: id.0, by }, effects);
            }
            Input::ChangeMembership { change, request } => {
                let asked = self.record_asked(now, Wish::Change, &[request], effects);
                self.step_core(now, Some(asked), Core::ChangeMembership { change }, effects);
                let begun = self.output.changed.take().expect("a change has an outcome");
                self.clients.on_change(request, begun, &mut effects.outcomes);
                self.record_answers(now, self.reasons.outcomes.unwrap_or(asked), effects);
            }
            Input::TransferLeadership { to, request } => {
                let asked = self.record_asked(now, Wish::Transfer, &[request], effects);
                self.step_core(now, Some(asked), Core::TransferLeadership { to }, effects);
                let begun = self.output.transferred.take().expect("a transfer has an outcome");
                self.clients.on_transfer(request, begun, &mut effects.outcomes);
                self.record_answers(now, self.reasons.outcomes.unwrap_or(asked), effects);
            }
            Input::ConnectionLost { peer } => {
                self.step_core(now, None, Core::ConnectionLost { peer }, effects);
            }
            Input::ConnectionMade { peer, origin } => {
                self.step_core(now, None, Core::ConnectionMade { peer, origin }, effects);
            }
            Input::DiskFull => self.step_core(now, None, Core::DiskFull, effects),
            Input::DiskHasRoom => self.step_core(now, None, Core::DiskHasRoom, effects),
            Input::SetProfile(profile) => self.step_core(now, None, Core::SetProfile(profile), effects),
            Input::SetElectionTimer { deadline } => {
                self.step_core(now, None, Core::SetElectionTimer { deadline }, effects);
            }
            Input::SetNextIndex { follower, next } => {
                self.step_core(now, None, Core::SetNextIndex { follower, next }, effects);
            }
            Input::Saved => self.saved(now, effects),
            Input::Apply { at_most } => self.apply(now, at_most, effects),
            Input::TakeSnapshot => {
                if !self.take_snapshot(now, effects) {
                    return;
                }
            }
            Input::SnapshotTaken { last_included } => {
                self.takes_snapshot = false;
                let begun = self.reasons.snapshot_begun;
                self.step_core(now, begun, Core::SnapshotTaken { last_included }, effects);
            }
            Input::SnapshotGivenUp => self.takes_snapshot = false,
            Input::ChunkRead { to, chunk } => {
                self.step_core(now, self.reasons.chunk_wanted(to), Core::ChunkRead { to, chunk }, effects);
            }
            Input::ChunkStored { last_included, end, is_last } => {
                let whole = match &self.incoming {
                    Some(Incoming::Wholly(restored)) if is_last => Some(restored.membership.clone()),
                    _ => None,
                };
                let stored = Core::ChunkStored { last_included, end, whole };
                self.step_core(now, self.reasons.chunk_came, stored, effects);
            }
            Input::ChunkNotStored => {
                self.incoming = None;
                self.step_core(now, self.reasons.chunk_came, Core::ChunkNotStored, effects);
            }
        }
        if let Some(input) = told {
            self.record_step(now, first, StepInput::Input(input), effects);
        }
    }

    /// Records that clients ask for something.
    fn record_asked(
        &mut self,
        now: Instant,
        wish: Wish,
        requests: &[RequestId],
        effects: &mut Effects<M>,
    ) -> EventId {
        let numbers = || requests.iter().map(|request| request.0).collect();
        self.record(now, None, || Event::Io(Io::Asked { wish, requests: numbers() }), effects)
    }

    /// Each request gets its outcome later, unless this server dies.
    fn propose(
        &mut self,
        now: Instant,
        commands: Vec<Arc<[u8]>>,
        requests: Vec<RequestId>,
        effects: &mut Effects<M>,
    ) {
        let asked = self.record_asked(now, Wish::Write, &requests, effects);
        let content = || {
            let entries = commands.iter().map(|command| M::words(command).into()).collect();
            Content { entries, store: None }
        };
        add_content(asked, content, effects);
        self.step_core(now, Some(asked), consensus::Input::Propose { commands }, effects);
        let proposed = self.output.proposed.take().expect("a proposal has an outcome");
        self.clients.on_proposed(requests, proposed, &mut effects.outcomes);
        self.record_answers(now, asked, effects);
    }

    /// The save is done: releases the messages that waited for it.
    fn saved(&mut self, now: Instant, effects: &mut Effects<M>) {
        let saving = self.saving.take().expect("what was saved was asked for");
        let Saving { memory, hard_state, log, is_memory_only, decided_as, held_back, .. } = saving;
        let saved = if is_memory_only {
            decided_as
        } else {
            self.record(now, Some(decided_as), || Event::Io(Io::Saved { hard_state, log }), effects)
        };
        for outbound in held_back {
            self.release(now, outbound, effects);
        }
        self.step_core(now, Some(saved), consensus::Input::Persisted { memory, hard_state, log }, effects);
    }

    /// Applies at most this many committed commands, in order, and answers the requests that waited for them.
    fn apply(&mut self, now: Instant, at_most: usize, effects: &mut Effects<M>) {
        let is_once = self.node.rules().hold(Rule::ApplyInOrderOnce);
        let before = if is_once { self.last_applied } else { self.last_applied.previous() };
        let count = self.node.commit_index().0 - before.0;
        let entries = &self.node.log().after(before)[..at_most.min(count as usize)];
        let mut index = before;
        for entry in entries {
            index = index.next();
            self.applied_bytes += entry.size();
            let applied = match &entry.payload {
                Payload::NoOp => {
                    self.machine.skip(index);
                    Applied::Nothing
                }
                Payload::Command(command) => Applied::Command(self.machine.apply(index, command)),
                Payload::Membership(_) => {
                    self.machine.skip(index);
                    Applied::Membership
                }
            };
            let position = LogPosition { index, term: entry.term };
            self.clients.on_applied(position, applied, self.node.rules(), &mut effects.outcomes);
        }
        self.last_applied = index;
        self.clients.on_readable(index, &mut effects.outcomes);
        let committed = self.reasons.commit_of(index);
        let applied = self.record(now, committed, || Event::Io(Io::Applied { index }), effects);
        let content = || {
            let applied = self.node.log().after(before).iter().take((index.0 - before.0) as usize);
            let commands: Vec<&[u8]> = applied.filter_map(command_in).collect();
            Content { entries: Vec::new(), store: Some(self.machine.content(Some(&commands))) }
        };
        add_content(applied, content, effects);
        self.reasons.applied = Some(applied);
        self.record_answers(now, applied, effects);
    }

    /// Begins a snapshot of everything applied, if that makes sense now, or puts it off. Returns whether it
    /// has begun.
    fn take_snapshot(&mut self, now: Instant, effects: &mut Effects<M>) -> bool {
        let is_only_applied = self.node.rules().hold(Rule::SnapshotOnlyApplied);
        let index = if is_only_applied { self.last_applied } else { self.node.commit_index() };
        if self.takes_snapshot || self.node.awaits_snapshot() || index <= self.node.snapshot().index {
            return false;
        }
        let term = self.node.log().term_at(index).expect("what is applied is in the log");
        let last_included = LogPosition { index, term };
        if !self.may_be_durable(last_included) {
            return false;
        }
        if self.keeps_snapshot() {
            return self.put_off_snapshot(now, effects);
        }
        self.takes_snapshot = true;
        self.applied_bytes = 0;
        let rest = WholeSnapshot::new(self.node.membership_at(index), self.machine.snapshot());
        effects.disk.push(DiskJob::Snapshot { last_included, written: 0, rest });
        let applied = self.reasons.applied;
        let begun = self.record(now, applied, || Event::Io(Io::SnapshotBegun { last_included }), effects);
        self.reasons.snapshot_begun = Some(begun);
        true
    }

    /// Does a follower still need the newest snapshot, so that no other may replace it? If the log has grown
    /// too long meanwhile, or the disk is full, the log matters more.
    fn keeps_snapshot(&self) -> bool {
        let node = &self.node;
        node.rules().hold(Rule::KeepSnapshotBeingSent)
            && node.is_sending_snapshot()
            && self.applied_bytes < node.config().limits.bytes_while_sending
            && !node.is_disk_full()
    }

    /// Records, once for each snapshot, that a newer one waits for it.
    fn put_off_snapshot(&mut self, now: Instant, effects: &mut Effects<M>) -> bool {
        let being_sent = self.node.snapshot();
        let is_first = self.put_off_for.replace(being_sent) != Some(being_sent);
        if is_first {
            let applied = self.reasons.applied;
            self.record(now, applied, || Event::Io(Io::SnapshotPutOff { being_sent }), effects);
        }
        is_first
    }

    /// May a snapshot that covers entries up to this one be on disk? Not before the term that it reaches:
    /// after a crash the server would have entries of a term that it does not know.
    fn may_be_durable(&self, last_included: LogPosition) -> bool {
        last_included.term <= self.node.persisted_hard_state().current_term
    }

    /// Builds a state machine from a leader's snapshot as it arrives, and has it saved.
    fn take_in(
        &mut self,
        now: Instant,
        cause: EventId,
        (from, chunk): (NodeId, Chunk),
        effects: &mut Effects<M>,
    ) {
        match self.restore(&chunk) {
            Ok(incoming) => {
                self.incoming = Some(incoming);
                self.reasons.chunk_came = Some(cause);
                self.takes_snapshot = false;
                self.unstored = Some(chunk);
            }
            Err(_) => {
                self.step_core(now, Some(cause), consensus::Input::SnapshotBroken { from }, effects);
            }
        }
    }

    fn restore(
        &mut self,
        chunk: &Chunk,
    ) -> Result<Incoming<M>, BrokenSnapshot<<M::Restore as Restore<M>>::Error>> {
        let so_far = match self.incoming.take() {
            Some(Incoming::Partly(restoring)) if chunk.offset > 0 => restoring,
            _ => Restoring::default(),
        };
        let restoring = so_far.feed(&chunk.bytes)?;
        Ok(match chunk.is_last {
            true => Incoming::Wholly(restoring.finish(chunk.last_included.index)?),
            false => Incoming::Partly(restoring),
        })
    }

    /// Continues from a leader's snapshot, which is on disk.
    fn install(&mut self, last_included: LogPosition, effects: &mut Effects<M>) {
        let index = last_included.index;
        let restored = self.incoming.take();
        if !self.node.rules().allow(Rule::NoGoingBack, index > self.last_applied) {
            return;
        }
        let Some(Incoming::Wholly(restored)) = restored else {
            unreachable!("a snapshot is whole before it is on disk")
        };
        self.machine = restored.machine;
        let is_installed =
            |record: &&mut Record| matches!(record.decision(), Some(What::SnapshotInstalled { .. }));
        if let Some(installed) = effects.records.iter_mut().rfind(is_installed) {
            let store = Some(self.machine.content(None));
            installed.content = Some(Box::new(Content { entries: Vec::new(), store }));
        }
        self.last_applied = index;
        self.applied_bytes = 0;
        self.clients.on_installed(last_included, &mut effects.outcomes);
        self.clients.on_readable(index, &mut effects.outcomes);
    }

    /// Records the outcomes that clients have got since the last call.
    fn record_answers(&mut self, now: Instant, cause: EventId, effects: &mut Effects<M>) {
        let mut answers = std::mem::take(&mut self.clients.answers);
        for (RequestId(request), answer) in answers.0.drain(..) {
            self.record(now, Some(cause), || Event::Io(Io::Answered { request, answer }), effects);
        }
        self.clients.answers = answers;
    }

    fn step_core(
        &mut self,
        now: Instant,
        cause: Option<EventId>,
        input: consensus::Input,
        effects: &mut Effects<M>,
    ) {
        self.node.step(now, input, &mut self.output);
        self.carry_out(now, cause, effects);
    }

    /// Carries out the core's output: records its decisions, has its state saved, and sends its messages, or
    /// holds them back until it is safe to send them.
    fn carry_out(&mut self, now: Instant, cause: Option<EventId>, effects: &mut Effects<M>) {
        let mut output = std::mem::take(&mut self.output);
        let first = self.recorder.next_id();
        let other_answers = self.node.rules().take_other_answers();
        let in_between = other_answers.len() as u64;
        let what_rests_on_them =
            self.record_decisions(now, cause, &mut output.decisions, other_answers, effects);

        let decided = std::mem::take(&mut output.save);
        if !decided.is_empty() {
            self.unsaved.batch.merge(decided);
            self.unsaved.decided_as = Some(first);
        }
        for wanted in &output.read_chunks {
            self.reasons.record_chunk_wanted(wanted.to, cause.unwrap_or(first), first);
        }
        for Outgoing { to, message, durability, because_of } in output.messages.drain(..) {
            let decision = because_of.map(|place| {
                let in_between = if place >= what_rests_on_them { in_between } else { 0 };
                EventId { seq: first.seq + place as u64 + in_between, ..first }
            });
            let cause = decision.or(cause).or(self.reasons.role);
            let outbound = Outbound { to, message, cause };
            match durability {
                Durability::Nothing => self.release(now, outbound, effects),
                Durability::HardState | Durability::Log => self.hold_back(outbound),
            }
        }
        if let Some(last_included) = output.install.take() {
            self.install(last_included, effects);
        }
        for (id, outcome) in output.reads.drain(..) {
            self.clients.on_read(
                RequestId(id),
                outcome,
                self.last_applied,
                self.node.rules(),
                &mut effects.outcomes,
            );
        }
        if self.is_removed() {
            self.clients.on_removed(self.node.commit_index(), &mut effects.outcomes);
        }
        let decided = self.reasons.outcomes.or(cause).unwrap_or(first);
        self.record_answers(now, decided, effects);
        self.begin_save(effects);
        let (chunk, wanted) = (output.store_chunk.take(), std::mem::take(&mut output.read_chunks));
        self.output = output;
        if let Some(chunk) = chunk {
            self.take_in(now, cause.unwrap_or(first), chunk, effects);
        }
        if self.unstored.as_ref().is_some_and(|chunk| self.may_be_durable(chunk.last_included)) {
            effects.disk.extend(self.unstored.take().map(DiskJob::Store));
        }
        effects.disk.extend(wanted.into_iter().map(DiskJob::Read));
    }

    /// Is this server no longer a member, and does it know that this is committed? Then no other server sends
    /// it the log.
    fn is_removed(&self) -> bool {
        let node = &self.node;
        node.role() != RoleKind::Leader
            && !node.membership().contains(node.id())
            && node.is_membership_committed()
    }

    /// Keeps a message until what it depends on is on disk. If the disk hangs, the replies to all heartbeats
    /// must not pile up: the latest one says enough.
    fn hold_back(&mut self, mut outbound: Outbound) {
        let held_back = match &mut self.saving {
            Some(saving) if self.unsaved.batch.is_empty() => &mut saving.held_back,
            _ => &mut self.unsaved.held_back,
        };
        held_back.retain(|earlier| !outbound.supersedes(earlier));
        held_back.push(outbound);
    }

    /// Starts a save of everything unsaved, unless the disk is busy.
    fn begin_save(&mut self, effects: &mut Effects<M>) {
        if let Some(saving) = &mut self.saving {
            if self.node.is_disk_full() {
                let forget = self.unsaved.forget_before(saving, self.node.persisted_log());
                effects.disk.extend(forget.map(DiskJob::Forget));
            }
            return;
        }
        if self.unsaved.batch.is_empty() {
            return;
        }
        let Unsaved { batch, decided_as, held_back } = std::mem::take(&mut self.unsaved);
        let decided_as = decided_as.expect("what is to be saved was decided");
        // Everything that the core has put out so far is in this batch, or was saved before.
        let (hard_state, log) = (self.node.hard_state(), self.node.log().last());
        let memory = self.node.memory_version();
        let is_memory_only = !batch.is_in_log();
        let changes_from = batch.changes_from();
        self.saving =
            Some(Saving { memory, hard_state, log, is_memory_only, decided_as, held_back, changes_from });
        effects.disk.push(DiskJob::Save(batch));
    }

    /// Records decisions. The caller names the cause of the first one; if only time has passed, it is an
    /// earlier event. The others follow from the first. Answers that are not Raft's are recorded before the first
    /// decision that rests on them, or last if none does; this returns the place of that decision.
    fn record_decisions(
        &mut self,
        now: Instant,
        mut cause: Option<EventId>,
        events: &mut Vec<Decision>,
        mut other_answers: Vec<Decision>,
        effects: &mut Effects<M>,
    ) -> usize {
        self.reasons.outcomes = None;
        let other_rule = other_answers.last().and_then(|answer| answer.rule);
        let rests_on_them = |event: &Decision| other_rule.is_some_and(|rule| rests_on(&event.what, rule));
        let first_of_these = events.iter().position(rests_on_them).unwrap_or(events.len());
        let mut other_answer = None;
        for (place, mut event) in events.drain(..).enumerate() {
            if place == first_of_these {
                other_answer = self.record_other_answers(now, cause, &mut other_answers, effects);
            }
            event.by_other_answer = rests_on_them(&event);
            let step_cause = if event.by_other_answer { other_answer } else { cause };
            let event_cause = self.reasons.of(&event, step_cause);
            self.reasons.record(&event.what, self.recorder.next_id());
            let least = TraceLevel::least_with(&event.what);
            let appended = match event.what {
                What::Appended { first, last } => Some((first, last.index)),
                _ => None,
            };
            let id = self.record_from(least, now, event_cause, || Event::Decision(event), effects);
            if let Some((first, last)) = appended {
                let entries = || words_of::<M>(self.node.log(), first, last);
                add_content(id, || Content { entries: entries(), store: None }, effects);
            }
            cause = cause.or(Some(id));
        }
        self.record_other_answers(now, cause, &mut other_answers, effects);
        first_of_these
    }

    fn record_other_answers(
        &mut self,
        now: Instant,
        cause: Option<EventId>,
        answers: &mut Vec<Decision>,
        effects: &mut Effects<M>,
    ) -> Option<EventId> {
        let mut last = None;
        for answer in answers.drain(..) {
            last = Some(self.record(now, cause, || Event::Decision(answer), effects));
        }
        last
    }

    fn release(&mut self, now: Instant, outbound: Outbound, effects: &mut Effects<M>) {
        let Outbound { to, message, cause } = outbound;
        let sent = || Event::Io(Io::Sent { to, message: message.clone() });
        let sent_as = self.record(now, cause, sent, effects);
        let (from, origin) = (self.node.id(), self.node.origin());
        effects.envelopes.push(Envelope { from, to, sent_as, origin, message });
    }

    /// Ends the record of a step, whose first event is `first`, with the step's input and the state after it.
    fn record_step(&mut self, now: Instant, first: EventId, input: StepInput, effects: &mut Effects<M>) {
        let node = &self.node;
        let state = State {
            role: node.role(),
            voted_for: node.hard_state().voted_for,
            last_log: node.log().last(),
            commit_index: node.commit_index(),
            membership: Membership::clone(node.membership()),
        };
        let step = Event::Io(Io::Step { now, input: Box::new(input), state: Box::new(state) });
        self.record(now, Some(first), || step, effects);
    }

    /// Gives an event an id, and writes it down if the trace has events.
    fn record(
        &mut self,
        now: Instant,
        cause: Option<EventId>,
        event: impl FnOnce() -> Event,
        effects: &mut Effects<M>,
    ) -> EventId {
        self.record_from(TraceLevel::Events, now, cause, event, effects)
    }

    /// Gives an event an id, and writes it down if the trace level is at least `least`.
    fn record_from(
        &mut self,
        least: TraceLevel,
        now: Instant,
        cause: Option<EventId>,
        event: impl FnOnce() -> Event,
        effects: &mut Effects<M>,
    ) -> EventId {
        let term = self.node.hard_state().current_term;
        self.recorder.record(now, term, cause, least, event, &mut effects.records)
    }
}

impl Outbound {
    /// Does this message make an earlier one, which waits for the same save, unnecessary?
    fn supersedes(&mut self, earlier: &Outbound) -> bool {
        match (&mut self.message, &earlier.message) {
            (Message::AppendEntriesReply(reply), Message::AppendEntriesReply(earlier_reply)) => {
                self.to == earlier.to && reply.supersedes(earlier_reply)
            }
            _ => false,
        }
    }
}

impl Unsaved {
    /// The new beginning of the log, if it may be saved before the save that waits for space: it concerns
    /// entries that are on disk, and that save changes only later ones.
    fn forget_before(&mut self, saving: &mut Saving, persisted_log: Index) -> Option<LogPosition> {
        let may_go_first = |position: &mut LogPosition| {
            position.index <= persisted_log && saving.changes_from.is_some_and(|first| first > position.index)
        };
        let position = self.batch.begins_after.take_if(may_go_first)?;
        if self.batch.is_empty() {
            saving.held_back.append(&mut self.held_back);
        }
        Some(position)
    }
}

/// Adds the content to an event that was recorded just now.
fn add_content<M: StateMachine>(id: EventId, content: impl FnOnce() -> Content, effects: &mut Effects<M>) {
    if let Some(record) = effects.records.last_mut().filter(|record| record.id() == Some(id)) {
        record.content = Some(Box::new(content()));
    }
}

/// The content of these entries of the log, in words.
fn words_of<M: StateMachine>(log: &Log, first: Index, last: Index) -> Vec<Arc<str>> {
    let entries = log.after(first.previous()).iter().take((last.next().0 - first.0) as usize);
    let words = entries.map(|entry| match &entry.payload {
        Payload::NoOp => "no-op".to_owned(),
        Payload::Command(command) => M::words(command),
        Payload::Membership(membership) => format!("members {membership}"),
    });
    words.map(Arc::from).collect()
}

fn command_in(entry: &Entry) -> Option<&[u8]> {
    match &entry.payload {
        Payload::Command(command) => Some(command),
        Payload::NoOp | Payload::Membership(_) => None,
    }
}

/// The first entry of each term in the log.
fn first_of_terms(log: &Log) -> Vec<LogPosition> {
    let mut firsts: Vec<LogPosition> = Vec::new();
    for (index, Entry { term, .. }) in log.entries() {
        if firsts.last().is_none_or(|latest| latest.term != *term) {
            firsts.push(LogPosition { index, term: *term });
        }
    }
    firsts
}

fn beginning(config: &Config, hard_state: HardState, snapshot: LogPosition, log: &[Entry]) -> Beginning {
    Beginning {
        membership: Membership::clone(&config.membership),
        credentials: config.credentials.clone(),
        heartbeat_interval: config.timing.heartbeat_interval(),
        election_timeout_min: config.timing.election_timeout_min(),
        election_timeout_max: config.timing.election_timeout_max(),
        limits: config.limits,
        lease: config.lease,
        profile: config.profile,
        seed: config.seed,
        hard_state,
        snapshot,
        log: log.to_vec(),
    }
}
