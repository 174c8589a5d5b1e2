//! One server's core and state machine, with all that waits for the disk.

use crate::clients::{Applied, Clients, Outcome, RequestId};
use crate::reasons::Reasons;
use crate::scribe::{Scribe, Telling};
use crate::snapshots::{BrokenSnapshot, Restored, Restoring, WholeSnapshot};
use crate::state_machine::{Restore, StateMachine};
use consensus::AppendOutcome::{Matched, Mismatch, Refused};
use consensus::event::What;
use consensus::{
    Batch, Change, Chunk, ChunkWanted, Config, Durability, Entry, EveryRule, HardState, Index, Input,
    Instant, Log, LogPosition, Membership, Message, Node, NodeId, Origin, Outgoing, Output, Payload, Profile,
    ReadBy, RoleKind, Rule, Rules,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use storage::Recovered;
use trace::{Content, Event, EventId, Io, RECORDED, Record, State, StepInput, Wish};

/// A message on the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The sender.
    pub from: NodeId,
    /// The receiver.
    pub to: NodeId,
    /// The event in which the sender sent it, so that the receiver can tell what caused its own.
    pub sent_as: EventId,
    /// Which of the sender's data folders it comes from, and from which cluster.
    pub origin: Origin,
    /// What it says.
    pub message: Message,
}

/// What a driver has done, for its keeper to pass on.
///
/// The keeper takes all of it out after each call of the driver, or after a few that follow each other at once: lists grow,
/// and of the rest only the latest would be kept. It may be done in any order, but for two things. The disk gets
/// [`save`](Effects::save) first, then [`forget`](Effects::forget), [`store_chunk`](Effects::store_chunk) and
/// [`take_snapshot`](Effects::take_snapshot). And who has got the outcome
/// [`Readable`](crate::ReadOutcome::Readable) reads before the driver is called again. Nothing here waits for anything:
/// what an envelope rests on is on the disk already.
///
/// Each call of a driver is told the time on the server's own clock, which never goes back. A driver never waits, and may
/// be called in any thread, one call after the other.
pub struct Effects<M: StateMachine> {
    /// What happened, in order. Their time is the server's own, in microseconds since its start.
    pub records: Vec<Record>,
    /// What is to be saved now; then the keeper says [`saved`](Driver::saved). There is never more
    /// than one save under way.
    pub save: Option<Batch>,
    /// The save waits for room on the disk. Before it, the log on the disk is to begin after this entry, which gives room. Nothing
    /// is said of it when that is done, or can't be.
    pub forget: Option<LogPosition>,
    /// What is to be sent now. It may be lost; Raft can stand that.
    pub envelopes: Vec<Envelope>,
    /// A snapshot is to be saved, and covers the log up to this entry; then the keeper says
    /// [`snapshot_taken`](Driver::snapshot_taken). It may be given up for [`Effects::store_chunk`].
    pub take_snapshot: Option<(LogPosition, WholeSnapshot<M::Snapshot>)>,
    /// Pieces of the newest snapshot are to be read; then the keeper says
    /// [`chunk_read`](Driver::chunk_read).
    pub read_chunks: Vec<ChunkWanted>,
    /// A piece of a leader's snapshot is to be saved, and if it is the last, the whole snapshot; then the
    /// keeper says [`chunk_stored`](Driver::chunk_stored).
    pub store_chunk: Option<Chunk>,
    /// What came of clients' requests.
    pub outcomes: Vec<(RequestId, Outcome<M::Answer>)>,
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
            save: None,
            forget: None,
            envelopes: Vec::new(),
            take_snapshot: None,
            read_chunks: Vec::new(),
            store_chunk: None,
            outcomes: Vec::new(),
        }
    }
}

/// A server's core and state machine, with the messages that wait for the disk.
///
/// Whoever keeps it tells it what happens ([`receive`](Driver::receive), [`tick`](Driver::tick), …), and
/// does what the [`Effects`] ask for. A keeper that never saves does no harm: what rests on the disk is
/// not said. While a save is under way the driver goes on; what it decides meanwhile is saved next,
/// together.
pub struct Driver<M: StateMachine, R: Rules = EveryRule> {
    node: Node<R>,
    machine: M,
    /// As far as this the committed commands have been applied (Figure 2, lastApplied).
    last_applied: Index,
    /// About so many bytes of entries have been applied since the last snapshot.
    applied_bytes: usize,
    /// A snapshot of the own state machine is being saved.
    takes_snapshot: bool,
    /// The snapshot in whose favour a newer one was put off last.
    put_off_for: Option<LogPosition>,
    /// What comes of a leader's snapshot.
    incoming: Option<Incoming<M>>,
    clients: Clients,
    scribe: Scribe,
    output: Output,
    /// What the disk is busy with.
    saving: Option<Saving>,
    /// What it must save next.
    unsaved: Unsaved,
    /// A piece of a leader's snapshot, which waits until the term is saved into which the snapshot reaches.
    unstored: Option<Chunk>,
    reasons: Reasons,
}

impl<M: StateMachine, R: Rules> fmt::Debug for Driver<M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("id", &self.node.id()).finish_non_exhaustive()
    }
}

/// What is made of a leader's snapshot.
enum Incoming<M: StateMachine> {
    /// Some of the snapshot has come.
    Partly(Restoring<M>),
    /// All of it has.
    Wholly(Restored<M>),
}

/// A save that is under way.
#[derive(Debug)]
struct Saving {
    /// What will be on disk: so many changes of the memory, this hard state, and the log up to here.
    memory: u64,
    hard_state: HardState,
    log: LogPosition,
    /// Is nothing saved but the memory?
    is_memory_only: bool,
    /// The event that decided the latest part of it.
    decided_as: EventId,
    /// Messages that rest on it.
    held_back: Vec<Outbound>,
    /// If all that it changes in the log is entries from here on.
    changes_from: Option<Index>,
}

/// What has been decided and is not on its way to the disk yet.
#[derive(Debug, Default)]
struct Unsaved {
    batch: Batch,
    /// The event that decided the latest part of it.
    decided_as: Option<EventId>,
    /// Messages that rest on it.
    held_back: Vec<Outbound>,
}

/// A message on its way out, and the event that led to it.
#[derive(Debug)]
struct Outbound {
    to: NodeId,
    message: Message,
    cause: Option<EventId>,
}

impl<M: StateMachine, R: Rules> Driver<M, R> {
    /// Starts a server from what its storage held, with the state machine that its snapshot holds. Its data folder says
    /// who it is: of the credentials in `config` only the founders count. Its clock
    /// stands at [`Instant::START`].
    pub fn start(
        mut config: Config,
        recovered: Recovered,
        machine: M,
        rules: R,
        telling: Telling,
        effects: &mut Effects<M>,
    ) -> Driver<M, R> {
        let Recovered {
            hard_state, log_begins_after: snapshot, log, life, start, earlier_runs, memory, ..
        } = recovered;
        config.credentials.start = start;
        config.credentials.earlier_runs = earlier_runs;
        config.credentials.memory = memory;
        let told = (telling == Telling::StepsToo).then(|| start_input(&config, hard_state, snapshot, &log));
        let log = Log::new(snapshot, log);
        let is_new = hard_state == HardState::default() && log.last() == LogPosition::default();
        let restored = Io::Restored { hard_state, log: log.last(), snapshot, terms: first_of_terms(&log) };
        let mut scribe = Scribe::new(config.id, life, telling);
        let mut output = Output::default();
        let node = Node::start(config, hard_state, log, rules, &mut output);

        let restored = (!is_new).then(|| {
            let (term, event) = (hard_state.current_term, Event::Io(restored));
            scribe.record(Instant::START, term, None, Telling::Events, || event, &mut effects.records)
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
            scribe,
            output,
            saving: None,
            unsaved: Unsaved::default(),
            unstored: None,
            reasons: Reasons::default(),
        };
        if let Some(restored) = restored {
            driver.reasons.note_restored(driver.node.commit_index(), restored);
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
        let first = restored.unwrap_or(driver.scribe.next_id());
        driver.carry_out(Instant::START, restored, effects);
        if let Some(input) = told {
            driver.tell_step(Instant::START, first, input, effects);
        }
        driver
    }

    /// From now on it tells so much.
    pub fn set_telling(&mut self, telling: Telling) {
        self.scribe.telling = telling;
    }

    /// The core, to look at.
    pub fn node(&self) -> &Node<R> {
        &self.node
    }

    /// As far as this the committed commands have been applied (Figure 2, lastApplied).
    pub fn last_applied(&self) -> Index {
        self.last_applied
    }

    /// How many requests have no outcome yet.
    pub fn waiting_requests(&self) -> usize {
        self.clients.waiting() + self.node.waiting_reads()
    }

    /// The state machine, to read from.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// When the server next wants a [`tick`](Driver::tick).
    pub fn next_deadline(&self) -> Instant {
        self.node.next_deadline()
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant, effects: &mut Effects<M>) {
        if now < self.next_deadline() {
            return;
        }
        let first = self.scribe.next_id();
        self.step(now, None, Input::Tick, effects);
        self.tell_step(now, first, StepInput::Tick, effects);
    }

    /// A message has come.
    pub fn receive(&mut self, now: Instant, envelope: Envelope, effects: &mut Effects<M>) {
        let Envelope { from, sent_as, origin, message, .. } = envelope;
        let received = || Event::Io(Io::Received { from, message: message.clone() });
        let received = self.record(now, Some(sent_as), received, effects);
        let told =
            self.if_steps_are_told(|| StepInput::Receive { from, sent_as, origin, message: message.clone() });
        self.step(now, Some(received), Input::Message { from, origin, message }, effects);
        if let Some(input) = told {
            self.tell_step(now, received, input, effects);
        }
    }

    /// Clients want these commands in the log. Each gets its outcome later, unless this server dies.
    pub fn propose(&mut self, now: Instant, requests: Vec<(RequestId, Arc<[u8]>)>, effects: &mut Effects<M>) {
        let (ids, commands): (Vec<RequestId>, Vec<Arc<[u8]>>) = requests.into_iter().unzip();
        let requests: Vec<u64> = ids.iter().map(|id| id.0).collect();
        let told = self.if_steps_are_told(|| StepInput::Propose {
            commands: commands.clone(),
            requests: requests.clone(),
        });
        let asked = || Event::Io(Io::Asked { wish: Wish::Write, requests });
        let asked = self.record(now, None, asked, effects);
        let content = || {
            let entries = commands.iter().map(|command| M::words(command).into()).collect();
            Content { entries, store: None }
        };
        add_content(asked, content, effects);
        self.step(now, Some(asked), Input::Propose { commands }, effects);
        let proposed = self.output.proposed.take().expect("a proposal has an outcome");
        let answers = effects.outcomes.len();
        self.clients.note_proposed(ids, proposed, &mut effects.outcomes);
        self.tell_answers(now, asked, answers, effects);
        if let Some(input) = told {
            self.tell_step(now, asked, input, effects);
        }
    }

    /// A client wants to read what is committed by now, or something newer (§8). When its outcome is
    /// [`ReadOutcome::Readable`](crate::ReadOutcome::Readable), the [state machine](Driver::machine) is such a state.
    pub fn read(&mut self, now: Instant, request: RequestId, by: ReadBy, effects: &mut Effects<M>) {
        let asked = || Event::Io(Io::Asked { wish: Wish::Read, requests: vec![request.0] });
        let asked = self.record(now, None, asked, effects);
        self.step(now, Some(asked), Input::Read { id: request.0, by }, effects);
        self.tell_step(now, asked, StepInput::Read { id: request.0, by }, effects);
    }

    /// Somebody wants to change the members (§6).
    pub fn change_membership(
        &mut self,
        now: Instant,
        request: RequestId,
        change: Change,
        effects: &mut Effects<M>,
    ) {
        let told = self
            .if_steps_are_told(|| StepInput::ChangeMembership { change: change.clone(), request: request.0 });
        let asked = || Event::Io(Io::Asked { wish: Wish::Change, requests: vec![request.0] });
        let asked = self.record(now, None, asked, effects);
        self.step(now, Some(asked), Input::ChangeMembership { change }, effects);
        let answers = effects.outcomes.len();
        let begun = self.output.changed.take().expect("a change has an outcome");
        self.clients.note_change(request, begun, &mut effects.outcomes);
        self.tell_answers(now, self.reasons.outcomes.unwrap_or(asked), answers, effects);
        if let Some(input) = told {
            self.tell_step(now, asked, input, effects);
        }
    }

    /// Somebody wants another server to lead (thesis §3.10).
    pub fn transfer_leadership(
        &mut self,
        now: Instant,
        request: RequestId,
        to: NodeId,
        effects: &mut Effects<M>,
    ) {
        let asked = || Event::Io(Io::Asked { wish: Wish::Transfer, requests: vec![request.0] });
        let asked = self.record(now, None, asked, effects);
        self.step(now, Some(asked), Input::TransferLeadership { to }, effects);
        let answers = effects.outcomes.len();
        let begun = self.output.transferred.take().expect("a transfer has an outcome");
        effects.outcomes.push((request, Outcome::Transfer(begun)));
        self.tell_answers(now, self.reasons.outcomes.unwrap_or(asked), answers, effects);
        self.tell_step(now, asked, StepInput::TransferLeadership { to, request: request.0 }, effects);
    }

    /// The connection to another server broke.
    pub fn connection_lost(&mut self, now: Instant, peer: NodeId, effects: &mut Effects<M>) {
        let first = self.scribe.next_id();
        self.step(now, None, Input::ConnectionLost { peer }, effects);
        self.tell_step(now, first, StepInput::ConnectionLost { peer }, effects);
    }

    /// Another server has connected to this one.
    pub fn connection_made(&mut self, now: Instant, peer: NodeId, origin: Origin, effects: &mut Effects<M>) {
        let first = self.scribe.next_id();
        self.step(now, None, Input::ConnectionMade { peer, origin }, effects);
        self.tell_step(now, first, StepInput::ConnectionMade { peer, origin }, effects);
    }

    /// The server follows another profile from now on.
    pub fn set_profile(&mut self, now: Instant, profile: Profile, effects: &mut Effects<M>) {
        let first = self.scribe.next_id();
        self.step(now, None, Input::SetProfile(profile), effects);
        self.tell_step(now, first, StepInput::SetProfile(profile), effects);
    }

    /// For the laboratory: lets the election timer run out at `deadline`.
    pub fn set_election_timer(&mut self, now: Instant, deadline: Instant, effects: &mut Effects<M>) {
        let first = self.scribe.next_id();
        self.step(now, None, Input::SetElectionTimer { deadline }, effects);
        self.tell_step(now, first, StepInput::SetElectionTimer { deadline }, effects);
    }

    /// The save that was asked for is done: lets go what waited for it.
    ///
    /// # Panics
    /// If none was asked for.
    pub fn saved(&mut self, now: Instant, effects: &mut Effects<M>) {
        let saving = self.saving.take().expect("what was saved was asked for");
        let Saving { memory, hard_state, log, is_memory_only, decided_as, held_back, .. } = saving;
        let first = self.scribe.next_id();
        let saved = if is_memory_only {
            decided_as
        } else {
            self.record(now, Some(decided_as), || Event::Io(Io::Saved { hard_state, log }), effects)
        };
        for outbound in held_back {
            self.release(now, outbound, effects);
        }
        self.step(now, Some(saved), Input::Persisted { memory, hard_state, log }, effects);
        self.tell_step(now, first, StepInput::Saved, effects);
    }

    /// Are there committed commands that were not applied yet?
    pub fn needs_apply(&self) -> bool {
        self.last_applied < self.node.commit_index()
    }

    /// Applies up to so many committed commands, in order, and answers who waited for that.
    pub fn apply(&mut self, now: Instant, at_most: usize, effects: &mut Effects<M>) {
        let is_once = self.node.rules().hold(Rule::ApplyInOrderOnce);
        let before = if is_once { self.last_applied } else { self.last_applied.previous() };
        let count = self.node.commit_index().0 - before.0;
        let entries = &self.node.log().after(before)[..at_most.min(count as usize)];
        let answers = effects.outcomes.len();
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
            self.clients.note_applied(position, applied, self.node.rules(), &mut effects.outcomes);
        }
        self.last_applied = index;
        self.clients.note_readable(index, &mut effects.outcomes);
        let committed = self.reasons.commit_of(index);
        let applied = self.record(now, committed, || Event::Io(Io::Applied { index }), effects);
        let content = || {
            let applied = self.node.log().after(before).iter().take((index.0 - before.0) as usize);
            let commands: Vec<&[u8]> = applied.filter_map(command_in).collect();
            Content { entries: Vec::new(), store: Some(self.machine.content(Some(&commands))) }
        };
        add_content(applied, content, effects);
        self.reasons.applied = Some(applied);
        self.tell_answers(now, applied, answers, effects);
        self.tell_step(now, applied, StepInput::Apply { at_most }, effects);
    }

    /// About how many bytes of entries have been applied since the last snapshot: the more, the more a new
    /// snapshot would let the log forget.
    pub fn applied_bytes(&self) -> usize {
        self.applied_bytes
    }

    /// Begins a snapshot of all that is applied, unless one is under way, there is nothing new in it, or it must wait: for the
    /// disk to save the term that it reaches into, or until a follower has got the one before.
    pub fn take_snapshot(&mut self, now: Instant, effects: &mut Effects<M>) {
        let is_only_applied = self.node.rules().hold(Rule::SnapshotOnlyApplied);
        let index = if is_only_applied { self.last_applied } else { self.node.commit_index() };
        if self.takes_snapshot || self.node.awaits_snapshot() || index <= self.node.snapshot().index {
            return;
        }
        let term = self.node.log().term_at(index).expect("what is applied is in the log");
        let last_included = LogPosition { index, term };
        if !self.may_be_durable(last_included) {
            return;
        }
        if self.keeps_snapshot() {
            return self.put_off_snapshot(now, effects);
        }
        self.takes_snapshot = true;
        self.applied_bytes = 0;
        let snapshot = WholeSnapshot::new(self.node.membership_at(index), self.machine.snapshot());
        effects.take_snapshot = Some((last_included, snapshot));
        let applied = self.reasons.applied;
        let begun = self.record(now, applied, || Event::Io(Io::SnapshotBegun { last_included }), effects);
        self.reasons.snapshot_begun = Some(begun);
        self.tell_step(now, begun, StepInput::TakeSnapshot, effects);
    }

    /// Does a follower still need the newest snapshot, so that none may take its place? If the log has grown too long
    /// meanwhile, or the disk is full, the log comes first.
    fn keeps_snapshot(&self) -> bool {
        let node = &self.node;
        node.rules().hold(Rule::KeepSnapshotBeingSent)
            && node.is_sending_snapshot()
            && self.applied_bytes < node.config().limits.bytes_while_sending
            && !node.is_disk_full()
    }

    fn put_off_snapshot(&mut self, now: Instant, effects: &mut Effects<M>) {
        let being_sent = self.node.snapshot();
        if self.put_off_for != Some(being_sent) {
            self.put_off_for = Some(being_sent);
            let applied = self.reasons.applied;
            let put_off = self.record(now, applied, || Event::Io(Io::SnapshotPutOff { being_sent }), effects);
            self.tell_step(now, put_off, StepInput::TakeSnapshot, effects);
        }
    }

    /// May a snapshot that covers the log up to here be on disk? Not before the term is into which it reaches: after a crash
    /// the server would have entries of a term that it does not know.
    fn may_be_durable(&self, last_included: LogPosition) -> bool {
        last_included.term <= self.node.persisted_hard_state().current_term
    }

    /// The snapshot that was asked for is saved.
    pub fn snapshot_taken(&mut self, now: Instant, last_included: LogPosition, effects: &mut Effects<M>) {
        self.takes_snapshot = false;
        let first = self.scribe.next_id();
        self.step(now, self.reasons.snapshot_begun, Input::SnapshotTaken { last_included }, effects);
        self.tell_step(now, first, StepInput::SnapshotTaken { last_included }, effects);
    }

    /// There was no room for the snapshot that was asked for.
    pub fn snapshot_given_up(&mut self, now: Instant, effects: &mut Effects<M>) {
        self.takes_snapshot = false;
        let first = self.scribe.next_id();
        self.tell_step(now, first, StepInput::SnapshotGivenUp, effects);
    }

    /// A piece of the snapshot that was asked for is read; none if that is not the newest any more.
    pub fn chunk_read(&mut self, now: Instant, to: NodeId, chunk: Option<Chunk>, effects: &mut Effects<M>) {
        let first = self.scribe.next_id();
        let told = self.if_steps_are_told(|| StepInput::ChunkRead { to, chunk: chunk.clone() });
        self.step(now, self.reasons.chunk_wanted(to), Input::ChunkRead { to, chunk }, effects);
        if let Some(input) = told {
            self.tell_step(now, first, input, effects);
        }
    }

    /// A piece of a leader's snapshot is saved, and ends at `end`.
    pub fn chunk_stored(
        &mut self,
        now: Instant,
        last_included: LogPosition,
        end: u64,
        is_last: bool,
        effects: &mut Effects<M>,
    ) {
        let first = self.scribe.next_id();
        let whole = match &self.incoming {
            Some(Incoming::Wholly(restored)) if is_last => Some(restored.membership.clone()),
            _ => None,
        };
        self.step(now, self.reasons.chunk_came, Input::ChunkStored { last_included, end, whole }, effects);
        self.tell_step(now, first, StepInput::ChunkStored { last_included, end, is_last }, effects);
    }

    /// The disk is full: a save waits for room.
    pub fn disk_full(&mut self, now: Instant, effects: &mut Effects<M>) {
        let first = self.scribe.next_id();
        self.step(now, None, Input::DiskFull, effects);
        self.tell_step(now, first, StepInput::DiskFull, effects);
    }

    /// The disk has room again.
    pub fn disk_has_room(&mut self, now: Instant, effects: &mut Effects<M>) {
        let first = self.scribe.next_id();
        self.step(now, None, Input::DiskHasRoom, effects);
        self.tell_step(now, first, StepInput::DiskHasRoom, effects);
    }

    /// There was no room for a piece of a leader's snapshot.
    pub fn chunk_not_stored(&mut self, now: Instant, effects: &mut Effects<M>) {
        self.incoming = None;
        let first = self.scribe.next_id();
        self.step(now, self.reasons.chunk_came, Input::ChunkNotStored, effects);
        self.tell_step(now, first, StepInput::ChunkNotStored, effects);
    }

    /// Makes a state machine of a leader's snapshot while it comes, and has it saved.
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
                effects.take_snapshot = None;
                self.unstored = Some(chunk);
            }
            Err(_) => {
                self.step(now, Some(cause), Input::SnapshotBroken { from }, effects);
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

    /// Goes on from a leader's snapshot, which is on disk.
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
        self.clients.note_installed(last_included, &mut effects.outcomes);
        self.clients.note_readable(index, &mut effects.outcomes);
    }

    /// Tells which answers clients have got since there were `before` of them.
    fn tell_answers(&mut self, now: Instant, cause: EventId, before: usize, effects: &mut Effects<M>) {
        for place in before..effects.outcomes.len() {
            let (RequestId(request), outcome) = &effects.outcomes[place];
            let (request, answer) = (*request, outcome.told(self.last_applied));
            self.record(now, Some(cause), || Event::Io(Io::Answered { request, answer }), effects);
        }
    }

    fn if_steps_are_told(&self, input: impl FnOnce() -> StepInput) -> Option<StepInput> {
        (self.scribe.telling == Telling::StepsToo).then(input)
    }

    fn step(&mut self, now: Instant, cause: Option<EventId>, input: Input, effects: &mut Effects<M>) {
        self.node.step(now, input, &mut self.output);
        self.carry_out(now, cause, effects);
    }

    /// Does what the core has put out: tells its decisions, has its state saved, and sends its messages,
    /// or holds them back until they are safe to send.
    fn carry_out(&mut self, now: Instant, cause: Option<EventId>, effects: &mut Effects<M>) {
        let mut output = std::mem::take(&mut self.output);
        let first = self.scribe.next_id();
        self.tell(now, cause, &mut output.events, effects);

        let decided = std::mem::take(&mut output.save);
        if !decided.is_empty() {
            self.unsaved.batch.merge(decided);
            self.unsaved.decided_as = Some(first);
        }
        for wanted in &output.read_chunks {
            self.reasons.note_chunk_wanted(wanted.to, cause.unwrap_or(first), first);
        }
        effects.read_chunks.append(&mut output.read_chunks);
        for Outgoing { to, message, durability, because_of } in output.messages.drain(..) {
            let decision = because_of.map(|place| EventId { seq: first.seq + place as u64, ..first });
            let cause = decision.or(cause).or(self.reasons.role);
            let outbound = Outbound { to, message, cause };
            match durability {
                Durability::Nothing => self.release(now, outbound, effects),
                Durability::HardState | Durability::Log => self.hold_back(outbound),
            }
        }
        let answers = effects.outcomes.len();
        if let Some(last_included) = output.install.take() {
            self.install(last_included, effects);
        }
        for (id, outcome) in output.reads.drain(..) {
            self.clients.note_read(
                RequestId(id),
                outcome,
                self.last_applied,
                self.node.rules(),
                &mut effects.outcomes,
            );
        }
        if self.is_removed() {
            self.clients.note_removed(self.node.commit_index(), &mut effects.outcomes);
        }
        let chunk = output.store_chunk.take();
        self.output = output;
        let decided = self.reasons.outcomes.or(cause).unwrap_or(first);
        self.tell_answers(now, decided, answers, effects);
        self.begin_save(effects);
        if let Some(chunk) = chunk {
            self.take_in(now, cause.unwrap_or(first), chunk, effects);
        }
        if self.unstored.as_ref().is_some_and(|chunk| self.may_be_durable(chunk.last_included)) {
            effects.store_chunk = self.unstored.take();
        }
    }

    /// Is this server no member any more, and knows that this is committed? Then nobody sends it the log.
    fn is_removed(&self) -> bool {
        let node = &self.node;
        node.role() != RoleKind::Leader
            && !node.membership().contains(node.id())
            && node.is_membership_committed()
    }

    /// Keeps a message until what it rests on is on disk. A disk that stands still must not gather the answers to
    /// all heartbeats: the newest says enough.
    fn hold_back(&mut self, mut outbound: Outbound) {
        let held_back = match &mut self.saving {
            Some(saving) if self.unsaved.batch.is_empty() => &mut saving.held_back,
            _ => &mut self.unsaved.held_back,
        };
        held_back.retain(|earlier| !outbound.speaks_for(earlier));
        held_back.push(outbound);
    }

    /// Gives the disk what it has to do, unless it is busy.
    fn begin_save(&mut self, effects: &mut Effects<M>) {
        if let Some(saving) = &mut self.saving {
            if self.node.is_disk_full() {
                let forget = self.unsaved.forget_before(saving, self.node.persisted_log());
                effects.forget = forget.or(effects.forget.take());
            }
            return;
        }
        if self.unsaved.batch.is_empty() {
            return;
        }
        let Unsaved { batch, decided_as, held_back } = std::mem::take(&mut self.unsaved);
        let decided_as = decided_as.expect("what is to be saved was decided");
        // All that the core has put out so far is in this batch, or was saved before.
        let (hard_state, log) = (self.node.hard_state(), self.node.log().last());
        let memory = self.node.memory_version();
        let is_memory_only = !batch.is_in_log();
        let changes_from = batch.changes_from();
        self.saving =
            Some(Saving { memory, hard_state, log, is_memory_only, decided_as, held_back, changes_from });
        effects.save = Some(batch);
    }

    /// Records decisions. What caused the first of them is said from outside, or is an earlier event if only time has
    /// passed; the others follow from the first.
    fn tell(
        &mut self,
        now: Instant,
        mut cause: Option<EventId>,
        events: &mut Vec<consensus::event::Event>,
        effects: &mut Effects<M>,
    ) {
        self.reasons.outcomes = None;
        for event in events.drain(..) {
            let event_cause = self.reasons.of(&event, cause);
            self.reasons.note(&event.what, self.scribe.next_id());
            let least = Telling::least_with(&event.what);
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
    }

    fn release(&mut self, now: Instant, outbound: Outbound, effects: &mut Effects<M>) {
        let Outbound { to, message, cause } = outbound;
        let sent = || Event::Io(Io::Sent { to, message: message.clone() });
        let sent_as = self.record(now, cause, sent, effects);
        let (from, origin) = (self.node.id(), self.node.origin());
        effects.envelopes.push(Envelope { from, to, sent_as, origin, message });
    }

    /// Ends the telling of a step whose first event is `first` with what it began with and came to.
    fn tell_step(&mut self, now: Instant, first: EventId, input: StepInput, effects: &mut Effects<M>) {
        if self.scribe.telling < Telling::StepsToo {
            return;
        }
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

    /// Names an event, and writes it down if what happens is told.
    fn record(
        &mut self,
        now: Instant,
        cause: Option<EventId>,
        event: impl FnOnce() -> Event,
        effects: &mut Effects<M>,
    ) -> EventId {
        self.record_from(Telling::Events, now, cause, event, effects)
    }

    /// Names an event, and writes it down if at least so much is told.
    fn record_from(
        &mut self,
        least: Telling,
        now: Instant,
        cause: Option<EventId>,
        event: impl FnOnce() -> Event,
        effects: &mut Effects<M>,
    ) -> EventId {
        let term = self.node.hard_state().current_term;
        self.scribe.record(now, term, cause, least, event, &mut effects.records)
    }
}

impl Outbound {
    /// Is this an answer to the same leader as an earlier one that waits for the same save, which need not be sent then?
    /// What matters of it, this one says too from now on.
    fn speaks_for(&mut self, earlier: &Outbound) -> bool {
        let Message::AppendEntriesReply(earlier_answer) = &earlier.message else { return false };
        let Message::AppendEntriesReply(answer) = &mut self.message else { return false };
        if self.to != earlier.to || answer.term < earlier_answer.term {
            return false;
        }
        if answer.term > earlier_answer.term {
            // Nobody leads that term any more, as far as this server knows. Messages may be lost.
            return true;
        }
        match (&mut answer.outcome, &earlier_answer.outcome) {
            // Within a term a follower goes on agreeing where it has agreed with its leader.
            (Matched { match_index }, Matched { match_index: before }) => {
                *match_index = (*match_index).max(*before);
            }
            (Matched { .. } | Mismatch { .. }, Mismatch { .. }) => {}
            // That is about the requests of an earlier term, and so is its round.
            (Refused, Refused) => return true,
            _ => return false,
        }
        answer.round = answer.round.max(earlier_answer.round);
        true
    }
}

impl Unsaved {
    /// The new beginning of the log, if it may go before the save that waits for room: it is about entries that are on disk, and
    /// that save changes only later ones.
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

/// Says what an event is about, if it was recorded just now.
fn add_content<M: StateMachine>(id: EventId, content: impl FnOnce() -> Content, effects: &mut Effects<M>) {
    if let Some(record) = effects.records.last_mut().filter(|record| record.id() == Some(id)) {
        record.content = Some(Box::new(content()));
    }
}

/// What these entries of the log hold, in words.
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

fn start_input(config: &Config, hard_state: HardState, snapshot: LogPosition, log: &[Entry]) -> StepInput {
    StepInput::Start {
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
