//! Why did something happen? The chain of causes that led to an event, across servers.

use crate::record::{Event, EventId, Io, Laboratory, Record};
use consensus::RoleKind;
use consensus::event::What;
use std::collections::BTreeMap;

/// The events of a trace, indexed for questions about their causes.
#[derive(Debug)]
pub struct Causes<'a> {
    records: &'a [Record],
    places: BTreeMap<EventId, usize>,
}

/// A kind of event worth asking about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A server became leader.
    Leader,
    /// A server became a candidate.
    Candidate,
    /// An election timer ran out.
    Timeout,
    /// A vote was granted or refused.
    Vote,
    /// Entries were committed.
    Commit,
    /// Entries were applied to the state machine.
    Apply,
    /// Entries were removed from a log.
    Truncate,
    /// A client got its response.
    Reply,
    /// A promise was not kept.
    Violation,
}

impl Kind {
    /// Every kind, with its name.
    pub const ALL: [(&str, Kind); 9] = [
        ("leader", Kind::Leader),
        ("candidate", Kind::Candidate),
        ("timeout", Kind::Timeout),
        ("vote", Kind::Vote),
        ("commit", Kind::Commit),
        ("apply", Kind::Apply),
        ("truncate", Kind::Truncate),
        ("reply", Kind::Reply),
        ("violation", Kind::Violation),
    ];

    /// Is this event of the kind?
    pub fn is(self, event: &Event) -> bool {
        match event {
            Event::Laboratory(Laboratory::Violated { .. }) => self == Kind::Violation,
            Event::Io(Io::Applied { .. }) => self == Kind::Apply,
            Event::Io(Io::Answered { .. }) => self == Kind::Reply,
            Event::Decision(decision) => match decision.what {
                What::Role { role: RoleKind::Leader, .. } => self == Kind::Leader,
                What::Role { role: RoleKind::Candidate, .. } => self == Kind::Candidate,
                What::Timeout { .. } => self == Kind::Timeout,
                What::Vote { .. } => self == Kind::Vote,
                What::Committed { .. } => self == Kind::Commit,
                What::Truncated { .. } => self == Kind::Truncate,
                _ => false,
            },
            _ => false,
        }
    }
}

impl<'a> Causes<'a> {
    /// The causes within these records.
    pub fn new(records: &'a [Record]) -> Causes<'a> {
        let named = records.iter().enumerate().filter_map(|(place, record)| Some((record.id()?, place)));
        Causes { records, places: named.collect() }
    }

    /// The event with this id, if it is among the records.
    pub fn find(&self, id: EventId) -> Option<&'a Record> {
        self.places.get(&id).map(|&place| &self.records[place])
    }

    /// The last event of this kind, if there is one.
    pub fn last(&self, kind: Kind) -> Option<&'a Record> {
        self.records.iter().rev().find(|record| kind.is(&record.event))
    }

    /// The earlier event that a violation contradicts, if this is one and it contradicts a single event.
    pub fn contradicted(&self, record: &Record) -> Option<&'a Record> {
        match &record.event {
            Event::Laboratory(Laboratory::Violated { contradicts, .. }) => self.find(**contradicts.as_ref()?),
            _ => None,
        }
    }

    /// What led to this record, the first cause first and the record itself last. If the records begin later
    /// than the causes, so does the chain.
    pub fn chain(&self, record: &'a Record) -> Vec<&'a Record> {
        let mut chain = vec![record];
        let mut place = None;
        while let Some(&cause) = chain.last().and_then(|record| self.places.get(&record.cause?)) {
            // A cause comes before its effect. In a manipulated trace it may not.
            if place.is_some_and(|place| cause >= place) {
                break;
            }
            place = Some(cause);
            chain.push(&self.records[cause]);
        }
        chain.reverse();
        chain
    }
}
