//! One server's core with its storage.

use crate::scribe::Scribe;
use consensus::event::What;
use consensus::{
    Append, Config, Durability, Entry, EveryRule, HardState, Input, Instant, Log, LogPosition, Message, Node,
    NodeId, Outgoing, Output, Proposed, Rules,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage::{Batch, Disk, Recovered, Storage, StorageError};
use trace::{Event, EventId, Io, Record, State, StepInput};

/// A message on the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The sender.
    pub from: NodeId,
    /// The receiver.
    pub to: NodeId,
    /// The event in which the sender sent it, so that the receiver can tell what caused its own.
    pub sent_as: EventId,
    /// What it says.
    pub message: Message,
}

/// How much a driver tells.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// What happens.
    #[default]
    Events,
    /// Also each step, with its input and the state after it: enough to play it again.
    StepsToo,
}

/// What a driver has done, for its keeper to pass on.
#[derive(Debug, Default)]
pub struct Effects {
    /// What happened, in order. Their time is the server's own.
    pub records: Vec<Record>,
    /// What is to be sent now. It may be lost; Raft can stand that.
    pub envelopes: Vec<Envelope>,
    /// What became of a proposal.
    pub proposed: Option<Proposed>,
}

/// A server's core and storage, with the messages that wait for the disk.
///
/// Whoever keeps it tells it what happens ([`receive`](Driver::receive), [`tick`](Driver::tick)), and
/// calls [`save`](Driver::save) while it [`needs_save`](Driver::needs_save). A keeper that forgets to
/// save does no harm: what rests on the disk is not said.
#[derive(Debug)]
pub struct Driver<D: Disk, R: Rules = EveryRule> {
    node: Node<R>,
    storage: Storage<D>,
    scribe: Scribe,
    telling: Telling,
    output: Output,
    /// What is not on disk yet, and the event that decided the latest part of it.
    unsaved: Option<(Batch, EventId)>,
    /// Messages that rest on it.
    held_back: Vec<Outbound>,
    /// The event that started the election timer that runs now.
    timer_started_as: Option<EventId>,
}

/// A message on its way out, and the event that led to it.
#[derive(Debug)]
struct Outbound {
    to: NodeId,
    message: Message,
    cause: Option<EventId>,
}

impl<D: Disk, R: Rules> Driver<D, R> {
    /// Starts a server from what its storage held. Its clock stands at [`Instant::START`].
    pub fn start(
        config: Config,
        (storage, recovered): (Storage<D>, Recovered),
        rules: R,
        telling: Telling,
        effects: &mut Effects,
    ) -> Driver<D, R> {
        let Recovered { hard_state, log, .. } = recovered;
        let input = start_input(&config, hard_state, &log);
        let log = Log::from_entries(log);
        let is_new = hard_state == HardState::default() && log.last() == LogPosition::default();
        let restored = Io::Restored { hard_state, log: log.last() };
        let mut scribe = Scribe::new(config.id, recovered.life);
        let mut output = Output::default();
        let node = Node::start(config, hard_state, log, rules, &mut output);

        let restored = (!is_new).then(|| {
            let (term, event) = (hard_state.current_term, Event::Io(restored));
            scribe.record(Instant::START, term, None, event, &mut effects.records)
        });
        let mut driver = Driver {
            node,
            storage,
            scribe,
            telling,
            output,
            unsaved: None,
            held_back: Vec::new(),
            timer_started_as: None,
        };
        let first = restored.unwrap_or(driver.scribe.next_id());
        driver.carry_out(Instant::START, restored, effects);
        driver.tell_step(Instant::START, first, input, effects);
        driver
    }

    /// The core, to look at.
    pub fn node(&self) -> &Node<R> {
        &self.node
    }

    /// When the server next wants a [`tick`](Driver::tick).
    pub fn next_deadline(&self) -> Instant {
        self.node.next_deadline()
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant, effects: &mut Effects) {
        if now < self.next_deadline() {
            return;
        }
        let first = self.scribe.next_id();
        self.step(now, None, Input::Tick, effects);
        self.tell_step(now, first, StepInput::Tick, effects);
    }

    /// A message has come.
    pub fn receive(&mut self, now: Instant, envelope: Envelope, effects: &mut Effects) {
        let Envelope { from, sent_as, message, .. } = envelope;
        let received = Event::Io(Io::Received { from, message: message.clone() });
        let received = self.record(now, Some(sent_as), received, effects);
        let tells_steps = self.telling == Telling::StepsToo;
        let told = tells_steps.then(|| StepInput::Receive { from, sent_as, message: message.clone() });
        self.step(now, Some(received), Input::Message { from, message }, effects);
        if let Some(input) = told {
            self.tell_step(now, received, input, effects);
        }
    }

    /// Clients want these commands in the log.
    pub fn propose(&mut self, now: Instant, commands: Vec<Arc<[u8]>>, effects: &mut Effects) {
        let first = self.scribe.next_id();
        let told =
            (self.telling == Telling::StepsToo).then(|| StepInput::Propose { commands: commands.clone() });
        self.step(now, None, Input::Propose { commands }, effects);
        if let Some(input) = told {
            self.tell_step(now, first, input, effects);
        }
    }

    /// For the laboratory: lets the election timer run out at `deadline`.
    pub fn set_election_timer(&mut self, now: Instant, deadline: Instant, effects: &mut Effects) {
        let first = self.scribe.next_id();
        self.step(now, None, Input::SetElectionTimer { deadline }, effects);
        self.tell_step(now, first, StepInput::SetElectionTimer { deadline }, effects);
    }

    /// Is there something that must reach the disk before the server may speak of it?
    pub fn needs_save(&self) -> bool {
        self.unsaved.is_some()
    }

    /// Saves what the server has decided, then lets go what waited for it.
    ///
    /// # Errors
    /// If the disk failed. The server must stop then: it can't know what the disk holds.
    pub fn save(&mut self, now: Instant, effects: &mut Effects) -> Result<(), StorageError> {
        let Some((batch, decided_as)) = self.unsaved.take() else { return Ok(()) };
        self.storage.save(&batch)?;
        // All that the core has put out so far is in the batch, or was saved before.
        let (hard_state, log) = (self.node.hard_state(), self.node.log().last());
        let saved = self.record(now, Some(decided_as), Event::Io(Io::Saved { hard_state, log }), effects);
        for outbound in std::mem::take(&mut self.held_back) {
            self.release(now, outbound, effects);
        }
        self.step(now, Some(saved), Input::Persisted { hard_state, log }, effects);
        self.tell_step(now, saved, StepInput::Saved, effects);
        Ok(())
    }

    fn step(&mut self, now: Instant, cause: Option<EventId>, input: Input, effects: &mut Effects) {
        self.node.step(now, input, &mut self.output);
        self.carry_out(now, cause, effects);
    }

    /// Does what the core has put out: tells its decisions, keeps its hard state for the disk, and
    /// sends its messages, or holds them back until they are safe to send.
    fn carry_out(&mut self, now: Instant, cause: Option<EventId>, effects: &mut Effects) {
        let mut output = std::mem::take(&mut self.output);
        let first = self.scribe.next_id();
        self.tell(now, cause, &mut output.events, effects);

        effects.proposed = output.proposed.take().or(effects.proposed);
        self.keep_for_disk(output.hard_state.take(), output.append.take(), first);
        for Outgoing { to, message, durability, because_of } in output.messages.drain(..) {
            let decision = because_of.map(|place| EventId { seq: first.seq + place as u64, ..first });
            let cause = decision.or(cause);
            let outbound = Outbound { to, message, cause };
            match durability {
                Durability::Nothing => self.release(now, outbound, effects),
                Durability::HardState | Durability::Log => self.held_back.push(outbound),
            }
        }
        self.output = output;
    }

    fn keep_for_disk(&mut self, hard_state: Option<HardState>, append: Option<Append>, decided_as: EventId) {
        if hard_state.is_none() && append.is_none() {
            return;
        }
        let (batch, latest) = self.unsaved.get_or_insert_with(|| (Batch::default(), decided_as));
        *latest = decided_as;
        batch.hard_state = hard_state.or(batch.hard_state);
        if let Some(append) = append {
            batch.append = Some(match batch.append.take() {
                None => append,
                Some(earlier) => joined(earlier, append),
            });
        }
    }

    /// Records decisions. What caused the first of them is said from outside, or is the timer that ran
    /// out; the others follow from the first.
    fn tell(
        &mut self,
        now: Instant,
        cause: Option<EventId>,
        events: &mut Vec<consensus::event::Event>,
        effects: &mut Effects,
    ) {
        let mut cause = cause;
        for event in events.drain(..) {
            let is_timer = matches!(event.what, What::Timer { .. });
            let is_timeout = matches!(event.what, What::Timeout { .. });
            let event_cause = if is_timeout { self.timer_started_as } else { cause };
            let id = self.record(now, event_cause, Event::Decision(event), effects);
            cause = cause.or(Some(id));
            if is_timer {
                self.timer_started_as = Some(id);
            }
        }
    }

    fn release(&mut self, now: Instant, outbound: Outbound, effects: &mut Effects) {
        let Outbound { to, message, cause } = outbound;
        let sent_as = self.record(now, cause, Event::Io(Io::Sent { to, message: message.clone() }), effects);
        effects.envelopes.push(Envelope { from: self.node.id(), to, sent_as, message });
    }

    /// Ends the telling of a step whose first event is `first` with what it began with and came to.
    fn tell_step(&mut self, now: Instant, first: EventId, input: StepInput, effects: &mut Effects) {
        if self.telling == Telling::Events {
            return;
        }
        let node = &self.node;
        let state = State {
            role: node.role(),
            voted_for: node.hard_state().voted_for,
            last_log: node.log().last(),
            commit_index: node.commit_index(),
            configuration: node.config().voters.voters().into_iter().collect(),
        };
        let step = Event::Io(Io::Step { now, input: Box::new(input), state: Box::new(state) });
        self.record(now, Some(first), step, effects);
    }

    fn record(
        &mut self,
        now: Instant,
        cause: Option<EventId>,
        event: Event,
        effects: &mut Effects,
    ) -> EventId {
        let term = self.node.hard_state().current_term;
        self.scribe.record(now, term, cause, event, &mut effects.records)
    }
}

/// Two appends as one: the later one replaces what the earlier one has where it begins, and after.
fn joined(earlier: Append, later: Append) -> Append {
    if later.first <= earlier.first {
        return later;
    }
    let kept = (later.first.0 - earlier.first.0) as usize;
    let mut entries = earlier.entries;
    assert!(kept <= entries.len(), "the log has no holes");
    entries.truncate(kept);
    entries.extend(later.entries);
    Append { first: earlier.first, entries }
}

fn start_input(config: &Config, hard_state: HardState, log: &[Entry]) -> StepInput {
    StepInput::Start {
        voters: config.voters.voters().into_iter().collect(),
        heartbeat_interval: config.timing.heartbeat_interval(),
        election_timeout_min: config.timing.election_timeout_min(),
        election_timeout_max: config.timing.election_timeout_max(),
        limits: config.limits,
        seed: config.seed,
        hard_state,
        log: log.to_vec(),
    }
}
