//! Assigns each event an id and a cause.

use consensus::event::What;
use consensus::{Instant, NodeId, Term};
use trace::{Event, EventId, Record};

/// How much a driver records.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TraceLevel {
    /// Only the server's role, the members, refused changes of them, and rejected messages. Everything else
    /// gets an id too ([`crate::Envelope::sent_as`]), but is not recorded.
    Essential,
    /// All events.
    #[default]
    Events,
    /// Also each step, with its input and the state after it: enough to replay it.
    Replayable,
}

impl TraceLevel {
    /// The lowest level that records this.
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

/// Writes the records of one server, from one start to the next.
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

    /// The id that the next event will get.
    pub(crate) fn next_id(&self) -> EventId {
        EventId { node: self.node, life: self.life, seq: self.last_seq + 1 }
    }

    /// Gives an event an id, and records it if the trace level is at least `least`.
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
