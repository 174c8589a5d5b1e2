//! Operations on one key as a register sees them: what each demands of the value, and what it makes of
//! it. Values are numbers here.

use super::history::{Answer, Operation, Outcome, Request};
use std::collections::BTreeMap;

pub(super) type Value = usize;

/// No value: what every register holds at first.
pub(super) const ABSENT: Value = 0;

/// What must be true of the value at the moment at which an operation takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Demand {
    Nothing,
    Is(Value),
    IsNot(Value),
    /// The answer is one that no register gives to this request.
    Impossible,
}

/// An operation, as a register sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) called: u64,
    /// When it returned. None: it is uncertain.
    pub(super) returned: Option<u64>,
    pub(super) demand: Demand,
    /// The value that it gives the register. None: it changes nothing.
    pub(super) sets: Option<Value>,
}

impl Demand {
    pub(super) fn allows(self, value: Value) -> bool {
        match self {
            Demand::Nothing => true,
            Demand::Is(demanded) => value == demanded,
            Demand::IsNot(excluded) => value != excluded,
            Demand::Impossible => false,
        }
    }
}

impl Step {
    /// Could one tell from its answer that the register had this value?
    pub(super) fn sees(&self, value: Value) -> bool {
        self.demand != Demand::Nothing && self.demand.allows(value)
    }

    /// Does it change nothing, and give its answer where the register has this value?
    pub(super) fn is_read_of(&self, value: Value) -> bool {
        self.sets.is_none() && self.demand.allows(value)
    }

    /// Does it set the value whatever that was before?
    pub(super) fn overwrites(&self) -> bool {
        self.sets.is_some() && self.demand == Demand::Nothing
    }
}

/// The operations on one key that tell anything about it, in the order of their calls.
pub(super) struct Register<'a> {
    pub(super) operations: Vec<&'a Operation>,
    /// For each operation how the register sees it.
    pub(super) steps: Vec<Step>,
    /// What the numbers of values stand for.
    pub(super) values: Vec<Option<&'a str>>,
}

impl<'a> Register<'a> {
    pub(super) fn new(operations: impl IntoIterator<Item = &'a Operation>) -> Register<'a> {
        let mut values = vec![None];
        let mut numbers = BTreeMap::from([(None, ABSENT)]);
        let mut number = |value: Option<&'a str>| {
            *numbers.entry(value).or_insert_with(|| {
                values.push(value);
                values.len() - 1
            })
        };
        let mut steps: Vec<(&Operation, Step)> = operations
            .into_iter()
            .filter_map(|operation| Some((operation, step(operation, &mut number)?)))
            .collect();
        steps.sort_by_key(|(_, step)| step.called);
        let (operations, steps) = steps.into_iter().unzip();
        Register { operations, steps, values }
    }

    /// The operations at these places only, with these steps.
    pub(super) fn only(&self, steps: &[(usize, Step)]) -> Register<'a> {
        Register {
            operations: steps.iter().map(|&(place, _)| self.operations[place]).collect(),
            steps: steps.iter().map(|&(_, step)| step).collect(),
            values: self.values.clone(),
        }
    }
}

/// None for an operation that has no effect, and whose answer nobody knows.
fn step<'a>(operation: &'a Operation, number: &mut impl FnMut(Option<&'a str>) -> Value) -> Option<Step> {
    let (returned, answer) = match &operation.outcome {
        Outcome::DidNotHappen => return None,
        Outcome::Uncertain => (None, None),
        Outcome::Returned { at, answer } => (Some(*at), Some(answer)),
    };
    let (demand, sets) = match (&operation.request, answer) {
        (Request::Read, None) => return None,
        (Request::Read, Some(Answer::Found(found))) => (Demand::Is(number(found.as_deref())), None),
        (Request::Write(value), None | Some(Answer::Done)) => (Demand::Nothing, Some(number(Some(value)))),
        (Request::Delete, None | Some(Answer::Done)) => (Demand::Nothing, Some(ABSENT)),
        (Request::CompareAndSwap { expected, new }, None | Some(Answer::Done)) => {
            (Demand::Is(number(expected.as_deref())), Some(number(Some(new))))
        }
        (Request::CompareAndSwap { expected, .. }, Some(Answer::Found(found))) if found != expected => {
            (Demand::Is(number(found.as_deref())), None)
        }
        (Request::CompareAndSwap { expected, .. }, Some(Answer::Differs)) => {
            (Demand::IsNot(number(expected.as_deref())), None)
        }
        _ => (Demand::Impossible, None),
    };
    Some(Step { called: operation.called, returned, demand, sets })
}
