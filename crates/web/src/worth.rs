//! Which records are kept longest: elections longer than the rest of the story, and that longer than the routine.

use consensus::Message;
use consensus::event::What;
use std::collections::{BTreeMap, BTreeSet};
use trace::{Event, EventId, Io, Laboratory, Record, Sieve, Sifted};

/// Maximum number of messages in flight whose arrival is waited for.
const MOST_IN_FLIGHT: usize = 1_000;

/// What is worth most comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Worth {
    /// It happens all the time while nothing changes.
    Routine,
    Story,
    /// Elections, and what was done to the servers.
    Election,
}

/// What a record is worth, and which earlier record is worth as much because it led to this one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) worth: Worth,
    pub(crate) reason: Option<u64>,
}

/// Judges records in the order in which they come.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    sieve: Sieve,
    /// The number of each server's latest record that may turn out to be the reason of a later one.
    seemed_routine: BTreeMap<consensus::NodeId, u64>,
    /// Messages of the story that have not arrived. Without its arrival, a message seems to be lost.
    in_flight: BTreeSet<EventId>,
}

impl Judge {
    pub(crate) fn judge(&mut self, number: u64, record: &Record) -> Judged {
        let Sifted { is_routine, reason } = self.sieve.sift(record);
        if is_routine && record.begins_step() {
            self.seemed_routine.insert(record.node, number);
        }
        let arrives = matches!(record.event, Event::Io(Io::Received { .. }))
            && record.cause.is_some_and(|sending| self.in_flight.remove(&sending));
        let worth = match is_routine && !arrives {
            true => Worth::Routine,
            false if is_of_election(record) => Worth::Election,
            false => Worth::Story,
        };
        if worth > Worth::Routine && matches!(record.event, Event::Io(Io::Sent { .. })) {
            self.in_flight.extend(record.id());
            if self.in_flight.len() > MOST_IN_FLIGHT {
                self.in_flight.pop_first();
            }
        }
        let reason = reason.and_then(|reason| self.seemed_routine.remove(&reason.node));
        Judged { worth, reason }
    }
}

fn is_of_election(record: &Record) -> bool {
    match &record.event {
        Event::Decision(decision) => matches!(
            decision.what,
            What::Role { .. }
                | What::Term { .. }
                | What::Timeout { .. }
                | What::Check { .. }
                | What::PreVote { .. }
                | What::PreTally { .. }
                | What::Vote { .. }
                | What::Tally { .. }
                | What::Leader { .. }
        ),
        Event::Io(Io::Sent { message, .. } | Io::Received { message, .. }) => matches!(
            message,
            Message::PreVote(_)
                | Message::PreVoteReply(_)
                | Message::RequestVote(_)
                | Message::RequestVoteReply(_)
                | Message::TimeoutNow(_)
        ),
        Event::Io(_) => false,
        Event::Process(_) => true,
        Event::Laboratory(done) => {
            !matches!(done, Laboratory::ClientAsks { .. } | Laboratory::ClientHears { .. })
        }
    }
}
