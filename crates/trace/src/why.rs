//! Why did something happen? The chain of causes that led to an event, across servers.

use crate::record::{Event, EventId, Laboratory, Record};
use consensus::RoleKind;
use consensus::event::What;
use std::collections::BTreeMap;

/// The events of a trace, to be asked for their causes.
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
    /// A promise was not kept.
    Violation,
}

impl Kind {
    /// Every kind, with its name.
    pub const ALL: [(&str, Kind); 5] = [
        ("leader", Kind::Leader),
        ("candidate", Kind::Candidate),
        ("timeout", Kind::Timeout),
        ("vote", Kind::Vote),
        ("violation", Kind::Violation),
    ];

    /// Is this event of the kind?
    pub fn is(self, event: &Event) -> bool {
        match (self, event) {
            (Kind::Violation, Event::Laboratory(Laboratory::Violated { .. })) => true,
            (kind, Event::Decision(decision)) => match decision.what {
                What::Role { role, .. } => {
                    kind == Kind::Leader && role == RoleKind::Leader
                        || kind == Kind::Candidate && role == RoleKind::Candidate
                }
                What::Timeout { .. } => kind == Kind::Timeout,
                What::Vote { .. } => kind == Kind::Vote,
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

    /// The event with this name, if it is among the records.
    pub fn find(&self, id: EventId) -> Option<&'a Record> {
        self.places.get(&id).map(|&place| &self.records[place])
    }

    /// The last event of this kind, if there is one.
    pub fn last(&self, kind: Kind) -> Option<&'a Record> {
        self.records.iter().rev().find(|record| kind.is(&record.event))
    }

    /// What led to this record, the first cause first and the record itself last. It begins later than
    /// it could where the records do.
    pub fn chain(&self, record: &'a Record) -> Vec<&'a Record> {
        let mut chain = vec![record];
        let mut place = None;
        while let Some(&cause) = chain.last().and_then(|record| self.places.get(&record.cause?)) {
            // A cause stands before its effect. In a trace that somebody has tampered with it may not.
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
