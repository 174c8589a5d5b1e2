//! Which records are kept longest: elections longer than the rest of the story, and that longer than the
//! routine.

use consensus::event::What;
use consensus::{Message, NodeId};
use std::collections::{BTreeMap, BTreeSet};
use trace::{Event, EventId, Io, Laboratory, Record, Sieve, Sifted};

/// Maximum number of messages in flight whose arrival is awaited.
const MOST_IN_FLIGHT: usize = 1_000;

/// The highest worth comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Worth {
    /// It happens all the time while nothing changes.
    Routine,
    Story,
    /// Elections, and what was done to the servers.
    Election,
}

/// The worth of a record, and which earlier record is worth as much because it led to this one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) worth: Worth,
    pub(crate) reason: Option<u64>,
}

/// Judges records in the order in which they arrive.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    sieve: Sieve,
    /// The number of each server's latest record that may turn out to be the cause of a later one.
    seemed_routine: BTreeMap<NodeId, u64>,
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

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::{AppendEntriesReply, AppendOutcome, Index, Term};

    fn reply(seq: u64, event: fn(Message) -> Io, cause: Option<u64>) -> Record {
        let outcome = AppendOutcome::Matched { match_index: Index(1) };
        let message = Message::AppendEntriesReply(AppendEntriesReply { term: Term(1), round: 0, outcome });
        let cause = cause.map(|seq| EventId { node: NodeId(2), life: 1, seq });
        let (node, event) = (NodeId(2), Event::Io(event(message)));
        Record { t: seq, node, life: 1, seq: Some(seq), cause, term: Term(1), event, content: None }
    }

    #[test]
    fn a_message_of_the_story_arrives_in_the_story() {
        let sent = |message| Io::Sent { to: NodeId(1), message };
        let received = |message| Io::Received { from: NodeId(2), message };
        let mut judge = Judge::default();
        let mut worth = |record| judge.judge(1, &record).worth;
        assert_eq!(worth(reply(1, sent, None)), Worth::Story);
        assert_eq!(worth(reply(2, sent, None)), Worth::Routine, "it says the same again");
        assert_eq!(worth(reply(3, received, Some(1))), Worth::Story);
        assert_eq!(worth(reply(4, received, Some(2))), Worth::Routine);
    }

    #[test]
    fn elections_are_worth_more_than_the_rest() {
        let decision = |what| Event::Decision(consensus::event::Decision::new(None, what));
        let of = |event| Record { event, ..reply(1, |message| Io::Sent { to: NodeId(1), message }, None) };
        let mut judge = Judge::default();
        let mut worth = |event| judge.judge(1, &of(event)).worth;
        assert_eq!(worth(decision(What::Leader { leader: NodeId(1) })), Worth::Election);
        assert_eq!(worth(decision(What::NoVoter)), Worth::Story);
        assert_eq!(worth(decision(What::Heartbeat)), Worth::Routine);
        assert_eq!(worth(Event::Laboratory(Laboratory::Paused)), Worth::Election);
    }
}
