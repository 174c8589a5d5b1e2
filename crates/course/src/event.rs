//! What can happen in a run, as checks name it.

use consensus::event::What;
use consensus::{Index, NodeId, RoleKind, Term};
use std::collections::BTreeMap;
use std::str::FromStr;
use trace::{Event, Laboratory, OutcomeKind, Record};

/// A kind of event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    Server { who: Who, does: Does },
    AsksAgain { client: u64 },
    IsTold { client: u64, what: String },
    TwoLead { same_term: bool },
}

/// What a server does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Does {
    Dies,
    BecomesLeader(Option<Term>),
    StopsLeading,
    VotesFor(NodeId, Option<Term>),
    Commits(Index),
    /// It changes its nextIndex for this follower.
    ChangesNext(NodeId, Index),
    IsAskedForPut,
    ConfirmsPut,
}

/// One server, or any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Who(Option<NodeId>);

/// A record, and what a view of the cluster would show once it has happened.
#[derive(Debug)]
pub(crate) struct Moment<'a> {
    record: &'a Record,
    /// The servers that lead, each with its term.
    leaders: BTreeMap<NodeId, Term>,
    /// It led until this record.
    led: bool,
    /// What the record's client has asked for last.
    asked: String,
}

impl Moment<'_> {
    /// One for each record, in order.
    pub(crate) fn of(records: &[Record]) -> Vec<Moment<'_>> {
        let mut moments: Vec<Moment> = Vec::new();
        let mut leaders = BTreeMap::new();
        let mut asked: BTreeMap<u64, String> = BTreeMap::new();
        for record in records {
            let led = leaders.contains_key(&record.node);
            note_leader(&mut leaders, record);
            let asked = match &record.event {
                Event::Laboratory(Laboratory::ClientAsks { client, what, .. }) => {
                    asked.insert(*client, what.clone());
                    what.clone()
                }
                Event::Laboratory(Laboratory::ClientHears { client, .. }) => {
                    asked.get(client).cloned().unwrap_or_default()
                }
                _ => String::new(),
            };
            moments.push(Moment { record, leaders: leaders.clone(), led, asked });
        }
        moments
    }

    /// When it happened, in microseconds.
    pub(crate) fn time(&self) -> u64 {
        self.record.t
    }

    /// The promise that was broken, if one was.
    pub(crate) fn broken(&self) -> Option<&str> {
        match &self.record.event {
            Event::Laboratory(Laboratory::Violated { property, .. }) => Some(property),
            _ => None,
        }
    }
}

fn note_leader(leaders: &mut BTreeMap<NodeId, Term>, record: &Record) {
    if let Event::Laboratory(Laboratory::Died { .. }) = record.event {
        leaders.remove(&record.node);
    }
    match record.decision() {
        Some(What::Role { role: RoleKind::Leader, .. }) => {
            leaders.insert(record.node, record.term);
        }
        Some(What::Role { .. }) => {
            leaders.remove(&record.node);
        }
        _ => {}
    }
}

impl Pattern {
    /// Is this moment's event one of this kind?
    pub(crate) fn fits(&self, moment: &Moment) -> bool {
        let record = moment.record;
        match self {
            Pattern::Server { who: Who(who), does } => {
                who.is_none_or(|who| who == record.node) && does.fits(moment)
            }
            Pattern::AsksAgain { client } => matches!(
                &record.event,
                Event::Laboratory(Laboratory::ClientAsks { client: asking, again: true, .. }) if asking == client
            ),
            Pattern::IsTold { client, what } => matches!(
                &record.event,
                Event::Laboratory(Laboratory::ClientHears { client: told, answer, .. })
                    if told == client && answer == what
            ),
            Pattern::TwoLead { same_term } => {
                let terms: Vec<&Term> = moment.leaders.values().collect();
                let has_twice = |term| terms.iter().filter(|of_other| **of_other == term).count() > 1;
                terms.len() > 1 && (!same_term || terms.iter().any(|term| has_twice(*term)))
            }
        }
    }
}

impl Does {
    fn fits(&self, moment: &Moment) -> bool {
        let record = moment.record;
        let is_term = |term: &Option<Term>| term.is_none_or(|term| term == record.term);
        match (self, &record.event, record.decision()) {
            (Does::Dies, Event::Laboratory(Laboratory::Died { .. }), _) => true,
            (Does::BecomesLeader(term), _, Some(What::Role { role: RoleKind::Leader, .. })) => is_term(term),
            (Does::StopsLeading, _, _) => moment.led && !moment.leaders.contains_key(&record.node),
            (Does::VotesFor(other, term), _, Some(What::Vote { candidate, granted: true })) => {
                candidate == other && is_term(term)
            }
            (Does::Commits(entry), _, Some(What::Committed { index })) => index >= entry,
            (Does::ChangesNext(follower, next), _, Some(What::BackedUp { follower: of, next: to })) => {
                (follower, next) == (of, to)
            }
            (Does::IsAskedForPut, Event::Laboratory(Laboratory::ClientAsks { .. }), _) => {
                is_put(&moment.asked)
            }
            (Does::ConfirmsPut, Event::Laboratory(Laboratory::ClientHears { outcome, .. }), _) => {
                *outcome == Some(OutcomeKind::Done) && is_put(&moment.asked)
            }
            _ => false,
        }
    }
}

fn is_put(asked: &str) -> bool {
    asked.starts_with("put ")
}

impl FromStr for Pattern {
    type Err = ();

    fn from_str(text: &str) -> Result<Pattern, ()> {
        match text {
            "two servers lead at once" => return Ok(Pattern::TwoLead { same_term: false }),
            "two servers lead the same term" => return Ok(Pattern::TwoLead { same_term: true }),
            _ => {}
        }
        if let Some(client) = text.strip_suffix(" asks again") {
            return Ok(Pattern::AsksAgain { client: parse_client(client)? });
        }
        if let Some((client, what)) = text.split_once(" is told: ") {
            return Ok(Pattern::IsTold { client: parse_client(client)?, what: what.to_owned() });
        }
        let (who, does) = match text.strip_prefix("a server ") {
            Some(does) => (Who(None), does),
            None => {
                let (who, does) = text.split_once(' ').ok_or(())?;
                (Who(Some(parse_server(who)?)), does)
            }
        };
        Ok(Pattern::Server { who, does: does.parse()? })
    }
}

impl FromStr for Does {
    type Err = ();

    fn from_str(text: &str) -> Result<Does, ()> {
        match text {
            "dies" => return Ok(Does::Dies),
            "becomes leader" => return Ok(Does::BecomesLeader(None)),
            "stops leading" => return Ok(Does::StopsLeading),
            "is asked for a put" => return Ok(Does::IsAskedForPut),
            "confirms a put" => return Ok(Does::ConfirmsPut),
            _ => {}
        }
        if let Some(term) = text.strip_prefix("becomes leader of term ") {
            return Ok(Does::BecomesLeader(Some(Term(number(term)?))));
        }
        if let Some(index) = text.strip_prefix("commits entry ") {
            return Ok(Does::Commits(Index(number(index)?)));
        }
        if let Some(next) = text.strip_prefix("has the nextIndex ") {
            let (next, follower) = next.split_once(" for ").ok_or(())?;
            return Ok(Does::ChangesNext(parse_server(follower)?, Index(number(next)?)));
        }
        let vote = text.strip_prefix("votes for ").ok_or(())?;
        match vote.split_once(" in term ") {
            Some((candidate, term)) => {
                Ok(Does::VotesFor(parse_server(candidate)?, Some(Term(number(term)?))))
            }
            None => Ok(Does::VotesFor(parse_server(vote)?, None)),
        }
    }
}

fn number(text: &str) -> Result<u64, ()> {
    text.parse().map_err(drop)
}

pub(crate) fn parse_server(text: &str) -> Result<NodeId, ()> {
    number(text.strip_prefix('n').ok_or(())?).map(NodeId)
}

fn parse_client(text: &str) -> Result<u64, ()> {
    number(text.strip_prefix('c').ok_or(())?)
}
