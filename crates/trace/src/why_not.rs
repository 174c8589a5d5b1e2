//! Why did something not happen? What prevented it, with the rule and the event that shows it.

mod clients;
mod elections;
mod log;

use crate::english;
use crate::record::{Event, Laboratory, Link, Process, Record};
use crate::view::{ClusterView, Condition, ServerView};
use consensus::event::What;
use consensus::{NodeId, Rule};
use std::collections::BTreeMap;

/// Something that a server has not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Omission {
    /// It has not become leader.
    Lead,
    /// It has not voted for a server that asked it to.
    Vote,
    /// It has not committed its last entries.
    Commit,
    /// It has not replied to a client.
    Reply,
}

impl Omission {
    /// Every omission, with its name.
    pub const ALL: [(&str, Omission); 4] = [
        ("leader", Omission::Lead),
        ("vote", Omission::Vote),
        ("commit", Omission::Commit),
        ("reply", Omission::Reply),
    ];

    /// What a server has or has not done, after "has" or "has not".
    pub fn done(self) -> &'static str {
        match self {
            Omission::Lead => "become leader",
            Omission::Vote => "voted",
            Omission::Commit => "committed its last entry",
            Omission::Reply => "replied to its clients",
        }
    }
}

/// Something that prevented it.
#[derive(Debug)]
pub struct Obstacle<'a> {
    /// A description, in one sentence without a full stop.
    pub sentence: String,
    /// The rule that prevented it, if one did.
    pub rule: Option<Rule>,
    /// The event that shows it, if there is one.
    pub evidence: Option<&'a Record>,
}

/// Why a server has not done something.
#[derive(Debug)]
pub enum WhyNot<'a> {
    /// It has done it, in this event.
    ItDid(&'a Record),
    /// These obstacles prevented it; the most important one comes first.
    Because(Vec<Obstacle<'a>>),
}

/// Why has this server not done that, after all of these records and at this time, in microseconds since the
/// cluster's start? If records are missing before some places, `resumed` has the state of the cluster at each
/// of these.
pub fn why_not<'a>(
    past: &'a [Record],
    resumed: &'a BTreeMap<usize, ClusterView>,
    moment: u64,
    server: NodeId,
    omission: Omission,
) -> WhyNot<'a> {
    let past = Past::new(past, resumed, server, moment);
    if let Some(obstacle) = past.cant_act() {
        return WhyNot::Because(vec![obstacle]);
    }
    match omission {
        Omission::Lead => past.why_no_leader(),
        Omission::Vote => past.why_no_vote(),
        Omission::Commit => past.why_no_commit(),
        Omission::Reply => past.why_no_reply(),
    }
}

impl<'a> Obstacle<'a> {
    /// An obstacle that this event shows. It was the event's rule that prevented it.
    fn shown_by(evidence: &'a Record, sentence: String) -> Obstacle<'a> {
        Obstacle { sentence, rule: evidence.rule(), evidence: Some(evidence) }
    }

    /// An obstacle that no single event shows.
    fn of(rule: Option<Rule>, sentence: String) -> Obstacle<'a> {
        Obstacle { sentence, rule, evidence: None }
    }
}

/// Everything that had happened by a certain time, from the view of one server.
struct Past<'a> {
    records: &'a [Record],
    /// The cluster before the records at these places: other records before them are missing.
    resumed: &'a BTreeMap<usize, ClusterView>,
    view: ClusterView,
    id: NodeId,
    moment: u64,
}

impl<'a> Past<'a> {
    fn new(
        records: &'a [Record],
        resumed: &'a BTreeMap<usize, ClusterView>,
        id: NodeId,
        moment: u64,
    ) -> Past<'a> {
        let known = resumed.range(..=records.len()).next_back().map(|(place, view)| (*place, view.clone()));
        let (place, mut view) = known.unwrap_or_else(|| {
            let all: Vec<&Record> = records.iter().collect();
            (0, ClusterView::new(ClusterView::founders_of(&all)))
        });
        records[place..].iter().for_each(|record| view.apply(record));
        Past { records, resumed, view, id, moment }
    }

    /// The same time, from the view of another server.
    fn of(&self, id: NodeId) -> Past<'a> {
        Past { view: self.view.clone(), id, ..*self }
    }

    fn server(&self) -> Option<&ServerView> {
        self.view.server(self.id)
    }

    /// What the server has reported since its latest start, each with its place among all records.
    fn own(&self) -> impl DoubleEndedIterator<Item = (usize, &'a Record)> {
        let (id, life) = (self.id, self.server().map_or(0, |server| server.life));
        let is_own = move |(_, record): &(usize, &Record)| record.node == id && record.life == life;
        self.records.iter().enumerate().filter(is_own)
    }

    /// The latest of its events since its start for which this holds.
    fn last(&self, is_it: impl Fn(&Record) -> bool) -> Option<&'a Record> {
        self.own().rev().map(|(_, record)| record).find(|record| is_it(record))
    }

    fn last_decision(&self, is_it: impl Fn(&What) -> bool) -> Option<&'a Record> {
        self.last(|record| record.decision().is_some_and(&is_it))
    }

    /// What keeps the server from doing anything at all.
    fn cant_act(&self) -> Option<Obstacle<'a>> {
        let id = self.id;
        let is_end = |record: &Record| match &record.event {
            Event::Laboratory(laboratory) => {
                matches!(laboratory, Laboratory::Died { .. } | Laboratory::Paused)
            }
            Event::Process(process) => matches!(process, Process::Stopped),
            _ => false,
        };
        let how = match self.server().map_or(Condition::Starting, |server| server.condition) {
            Condition::Running => return None,
            Condition::Starting => return Some(Obstacle::of(None, format!("{id} has not started yet"))),
            Condition::Paused => "is paused",
            Condition::Dead => "is dead",
        };
        let ended = self.last(is_end)?;
        Some(Obstacle::shown_by(ended, format!("{id} {how}: {}", english::sentence(ended))))
    }

    /// Why nothing has been heard from another server.
    fn silence_of(&self, other: NodeId) -> Obstacle<'a> {
        let peer = self.of(other);
        if let Some(obstacle) = peer.cant_act() {
            return obstacle;
        }
        let link = Link { from: self.id, to: other };
        let cut = [link, link.back()].into_iter().find(|&link| self.view.network().faults(link).cut);
        Obstacle::of(
            None,
            match cut {
                Some(Link { from, to }) => format!("no messages get through from {from} to {to}"),
                None => format!("{other} has not replied yet"),
            },
        )
    }

    /// How long ago this was.
    fn ago(&self, record: &Record) -> String {
        match self.moment.saturating_sub(record.t) {
            0..1000 => "just now".to_owned(),
            micros => format!("{} ago", english::milliseconds(micros)),
        }
    }
}

/// Numbers for an ordinary configuration, or for both halves of a joint one: `1 of 2` or `1 of 2 and 2 of 2`.
fn tally(counts: impl IntoIterator<Item = (usize, usize)>) -> String {
    let each: Vec<String> =
        counts.into_iter().map(|(count, needed)| format!("{count} of {needed}")).collect();
    each.join(" and ")
}
