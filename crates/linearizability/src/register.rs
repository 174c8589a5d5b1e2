//! Operations on one key, as a register sees them: what each demands of its content, and what it changes.
//! Values are numbers here.

use crate::history::{Answer, Operation, Outcome, Request};
use crate::versions::Versions;
use std::collections::BTreeMap;
use std::iter;

pub(crate) type Value = usize;

/// What a register holds, or what is known about that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Content {
    pub(crate) value: Value,
    /// 0 if unknown, or if there is no value.
    pub(crate) version: u64,
}

/// No value: what every register holds at first.
pub(crate) const ABSENT: Content = Content { value: 0, version: 0 };

/// What must be true of the content when an operation takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Demand {
    Nothing,
    Is(Content),
    IsNot(Content),
    /// There is a value, with a version of which it is unknown who wrote it.
    IsUntraced,
    /// The answer is one that no register gives to this request.
    Impossible,
}

/// An operation, as a register sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) called: u64,
    /// When it returned. `None`: it is uncertain.
    pub(crate) returned: Option<u64>,
    pub(crate) demand: Demand,
    /// The content that it sets. `None`: it changes nothing.
    pub(crate) sets: Option<Content>,
}

impl Content {
    /// Is it this one, as far as that one is known?
    pub(crate) fn is(self, told: Content) -> bool {
        self.value == told.value && (told.version == 0 || self.version == told.version)
    }

    /// The ways to state it: with its version, and without.
    pub(crate) fn tellings(self) -> impl Iterator<Item = Content> {
        let without = Content { version: 0, ..self };
        iter::once(self).chain((self != without).then_some(without))
    }
}

impl Demand {
    pub(crate) fn allows(self, content: Content) -> bool {
        match self {
            Demand::Nothing => true,
            Demand::Is(demanded) => content.is(demanded),
            Demand::IsNot(excluded) => !content.is(excluded),
            Demand::IsUntraced => content != ABSENT && content.version == 0,
            Demand::Impossible => false,
        }
    }

    /// Is there more than one value that meets it, but not all do?
    pub(crate) fn is_vague(self) -> bool {
        matches!(self, Demand::IsNot(_) | Demand::IsUntraced)
    }
}

impl Step {
    /// Could its answer show that the register held this?
    pub(crate) fn sees(&self, content: Content) -> bool {
        self.demand != Demand::Nothing && self.demand.allows(content)
    }

    /// Does it change nothing, and get its answer if the register holds this?
    pub(crate) fn is_read_of(&self, content: Content) -> bool {
        self.sets.is_none() && self.demand.allows(content)
    }

    /// Does it set the content, whatever that was before?
    pub(crate) fn overwrites(&self) -> bool {
        self.demand == Demand::Nothing && self.sets.is_some()
    }

    /// Can it come directly before any other that overwrites, so that nothing is left of it? Not if it has a
    /// version: those rise.
    pub(crate) fn can_be_hidden(&self) -> bool {
        self.overwrites() && self.version() == 0
    }

    /// Does it set the content if that was one of several?
    pub(crate) fn destroys(&self) -> bool {
        self.sets.is_some() && self.demand.is_vague()
    }

    /// The version that it writes; 0 if unknown.
    pub(crate) fn version(&self) -> u64 {
        self.sets.map_or(0, |content| content.version)
    }

    /// Does it set the content, and must it do so before the write of this version, according to its own
    /// version?
    pub(crate) fn precedes(&self, version: u64) -> bool {
        let own = match self.demand {
            Demand::Is(found) if found.version > 0 => found.version,
            _ => self.version(),
        };
        self.sets.is_some() && (1..version).contains(&own)
    }
}

/// The operations on one key that say anything about it, in the order of their calls.
pub(crate) struct Register<'a> {
    pub(crate) operations: Vec<&'a Operation>,
    /// Each operation as the register sees it.
    pub(crate) steps: Vec<Step>,
    /// What the numbers of values stand for.
    pub(crate) values: Vec<Option<&'a str>>,
}

impl<'a> Register<'a> {
    pub(crate) fn new(operations: impl IntoIterator<Item = &'a Operation>) -> Register<'a> {
        let mut operations: Vec<&Operation> = operations.into_iter().collect();
        operations.retain(|operation| operation.outcome != Outcome::DidNotHappen);
        operations.sort_by_key(|operation| operation.called);
        let mut reader = Reader::new(Versions::of(&operations));
        let (operations, steps) = operations
            .into_iter()
            .enumerate()
            .filter_map(|(place, operation)| Some((operation, reader.step(place, operation)?)))
            .unzip();
        Register { operations, steps, values: reader.values }
    }

    /// Only the operations at these places, with these steps.
    pub(crate) fn only(&self, steps: &[(usize, Step)]) -> Register<'a> {
        Register {
            operations: steps.iter().map(|&(place, _)| self.operations[place]).collect(),
            steps: steps.iter().map(|&(_, step)| step).collect(),
            values: self.values.clone(),
        }
    }
}

/// The conditions under which a request changes something.
#[derive(Debug, Clone, Copy)]
struct Conditions<'a> {
    value: Option<&'a str>,
    version: Option<u64>,
    /// The key must be there.
    exists: bool,
}

impl<'a> Conditions<'a> {
    fn of(request: &'a Request) -> Conditions<'a> {
        match request {
            Request::Read => Conditions { value: None, version: None, exists: false },
            Request::Write { if_version, .. } => {
                Conditions { value: None, version: *if_version, exists: false }
            }
            Request::Delete { if_version } => Conditions { value: None, version: *if_version, exists: true },
            Request::CompareAndSwap { expected, if_version, .. } => {
                Conditions { value: Some(expected), version: *if_version, exists: true }
            }
        }
    }

    /// Does it not matter what the key holds, if it is there?
    fn are_none(self) -> bool {
        self.value.is_none() && self.version.is_none()
    }

    /// Do they hold if there is no value?
    fn allow_absence(self) -> bool {
        !self.exists && self.version.is_none_or(|version| version == 0)
    }

    /// Do they certainly hold for what was found, part of which may be unknown?
    fn allow(self, value: Option<&str>, version: Option<u64>) -> bool {
        self.value.is_none_or(|wanted| value == Some(wanted))
            && self.version.is_none_or(|wanted| version == Some(wanted))
    }
}

/// Versions begin at 1, and a deleted key has none.
fn is_version_nonsense(request: &Request, answer: &Answer) -> bool {
    match answer {
        Answer::Done { version: Some(version) } => *version == 0 || matches!(request, Request::Delete { .. }),
        Answer::Found { version, .. } => *version == Some(0),
        _ => false,
    }
}

/// Turns operations into steps.
struct Reader<'a> {
    versions: Versions<'a>,
    values: Vec<Option<&'a str>>,
    numbers: BTreeMap<&'a str, Value>,
}

impl<'a> Reader<'a> {
    fn new(versions: Versions<'a>) -> Reader<'a> {
        Reader { versions, values: vec![None], numbers: BTreeMap::new() }
    }

    /// `None` for an operation whose answer says nothing, and that has no effect.
    fn step(&mut self, place: usize, operation: &'a Operation) -> Option<Step> {
        let (returned, answer) = match &operation.outcome {
            Outcome::Returned { at, answer } => (Some(*at), Some(answer)),
            Outcome::Uncertain | Outcome::DidNotHappen => (None, None),
        };
        let conditions = Conditions::of(&operation.request);
        let (demand, sets) = match (&operation.request, answer) {
            (request, Some(answer)) if is_version_nonsense(request, answer) => (Demand::Impossible, None),
            (Request::Read, None) => return None,
            (Request::Read, Some(answer)) => (self.demand_of_read(answer), None),
            (request, None | Some(Answer::Done { .. })) => {
                let version = self.versions.written(place, operation);
                (self.demand_of_success(conditions), Some(self.set_by(request, version)))
            }
            (_, Some(answer)) => (self.demand_of_refusal(conditions, answer)?, None),
        };
        Some(Step { called: operation.called, returned, demand, sets })
    }

    fn set_by(&mut self, request: &'a Request, version: Option<u64>) -> Content {
        match request {
            Request::Write { value: new, .. } | Request::CompareAndSwap { new, .. } => {
                Content { value: self.number(new), version: version.unwrap_or(0) }
            }
            Request::Read | Request::Delete { .. } => ABSENT,
        }
    }

    fn demand_of_read(&mut self, answer: &'a Answer) -> Demand {
        match answer {
            Answer::Found { value, version } => Demand::Is(self.content(value, *version)),
            Answer::NotFound => Demand::Is(ABSENT),
            Answer::Done { .. } | Answer::Differs { .. } => Demand::Impossible,
        }
    }

    fn demand_of_success(&mut self, conditions: Conditions<'a>) -> Demand {
        match (conditions.value, conditions.version) {
            (_, Some(0)) if conditions.exists => Demand::Impossible,
            (Some(value), version) => Demand::Is(self.content(value, version)),
            (None, Some(version)) => self.demand_of_version(version),
            (None, None) => Demand::Nothing,
        }
    }

    /// `None` if the answer says nothing.
    fn demand_of_refusal(&mut self, conditions: Conditions<'a>, answer: &'a Answer) -> Option<Demand> {
        match *answer {
            Answer::NotFound | Answer::Differs { version: Some(0) } if !conditions.allow_absence() => {
                Some(Demand::Is(ABSENT))
            }
            Answer::Found { ref value, version } if !conditions.allow(Some(value), version) => {
                Some(Demand::Is(self.content(value, version)))
            }
            Answer::Differs { version: Some(version) }
                if !conditions.allow(self.versions.value(version), Some(version)) =>
            {
                Some(self.demand_of_version(version))
            }
            Answer::Differs { version: None } if !conditions.are_none() => {
                self.demand_of_difference(conditions)
            }
            _ => Some(Demand::Impossible),
        }
    }

    fn demand_of_difference(&mut self, conditions: Conditions<'a>) -> Option<Demand> {
        match self.demand_of_success(conditions) {
            Demand::Is(wanted) if conditions.version.is_none_or(|version| version == wanted.version) => {
                Some(Demand::IsNot(wanted))
            }
            _ => None,
        }
    }

    /// The key has this version; 0: there is no such key.
    fn demand_of_version(&mut self, version: u64) -> Demand {
        match self.versions.value(version) {
            _ if version == 0 => Demand::Is(ABSENT),
            Some(value) => Demand::Is(self.content(value, Some(version))),
            None => Demand::IsUntraced,
        }
    }

    fn content(&mut self, value: &'a str, version: Option<u64>) -> Content {
        let version = version.filter(|&version| self.versions.is_traced(version));
        Content { value: self.number(value), version: version.unwrap_or(0) }
    }

    fn number(&mut self, value: &'a str) -> Value {
        *self.numbers.entry(value).or_insert_with(|| {
            self.values.push(Some(value));
            self.values.len() - 1
        })
    }
}
