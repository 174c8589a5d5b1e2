//! Gives each event its name, and its cause.

use consensus::event::What;
use consensus::{Instant, NodeId, Term};
use trace::{Event, EventId, Record};

/// How much a driver tells.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TraceLevel {
    /// Only which role the server has, who the members are, which changes of them were refused, and which messages were
    /// rejected. All else that happens has its name all the same ([`crate::Envelope::sent_as`]), but is not written down.
    Essential,
    /// What happens.
    #[default]
    Events,
    /// Also each step, with its input and the state after it: enough to play it again.
    Replayable,
}

impl TraceLevel {
    /// How much a driver tells at least that tells of this.
    pub fn least_with(what: &What) -> TraceLevel {
        match what {
            What::Role { .. }
            | What::Membership { .. }
            | What::CaughtUp { .. }
            | What::ChangeRefused { .. }
            | What::Removed { .. }
            | What::Rejected { .. }
            | What::RefusedBy { .. }
            | What::Founded { .. }
            | What::Joined { .. }
            | What::LostEntries { .. }
            | What::Retired { .. } => TraceLevel::Essential,
            _ => TraceLevel::Events,
        }
    }
}

/// Writes the records of one server's life.
#[derive(Debug)]
pub(crate) struct Recorder {
    node: NodeId,
    life: u64,
    last_seq: u64,
    pub(crate) trace_level: TraceLevel,
}

impl Recorder {
    pub(crate) fn new(node: NodeId, life: u64, trace_level: TraceLevel) -> Recorder {
        Recorder { node, life, last_seq: 0, trace_level }
    }

    /// The name that the next event will get.
    pub(crate) fn next_id(&self) -> EventId {
        EventId { node: self.node, life: self.life, seq: self.last_seq + 1 }
    }

    /// Gives an event its name, and writes it down if at least so much is told.
    pub(crate) fn record(
        &mut self,
        now: Instant,
        term: Term,
        cause: Option<EventId>,
        least: TraceLevel,
        event: impl FnOnce() -> Event,
        records: &mut Vec<Record>,
    ) -> EventId {
        let id = self.next_id();
        self.last_seq = id.seq;
        if self.trace_level >= least {
            let t = u64::try_from(now.since_start().as_micros()).unwrap_or(u64::MAX);
            let (seq, event) = (Some(id.seq), event());
            records.push(Record { t, node: id.node, life: id.life, seq, cause, term, event, content: None });
        }
        id
    }
}
