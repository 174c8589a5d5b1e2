//! The definition of linearizability, tried out: every order of the operations, one after the other.

use simulator::linearizability::{Answer, Operation, Outcome, Request};

/// Is there an order of these operations on one key that keeps to their times, and in which a register
/// gives these answers?
pub fn is_linearizable(operations: &[Operation]) -> bool {
    let happened: Vec<&Operation> =
        operations.iter().filter(|operation| operation.outcome != Outcome::DidNotHappen).collect();
    can_be_ordered(&happened, None)
}

fn can_be_ordered(left: &[&Operation], value: Option<&str>) -> bool {
    left.iter().all(|operation| operation.outcome == Outcome::Uncertain)
        || (0..left.len()).any(|first| {
            let mut rest = left.to_vec();
            let operation = rest.remove(first);
            let is_in_time = rest.iter().all(|other| !is_before(other, operation));
            is_in_time && take_effect(operation, value).is_some_and(|value| can_be_ordered(&rest, value))
        })
}

fn is_before(one: &Operation, other: &Operation) -> bool {
    matches!(one.outcome, Outcome::Returned { at, .. } if at < other.called)
}

/// The value afterwards; none if the answer can't be right.
fn take_effect<'a>(operation: &'a Operation, value: Option<&'a str>) -> Option<Option<&'a str>> {
    let (answer, after) = match &operation.request {
        Request::Read => (Answer::Found(value.map(str::to_owned)), value),
        Request::Write(new) => (Answer::Done, Some(new.as_str())),
        Request::Delete => (Answer::Done, None),
        Request::CompareAndSwap { expected, new } if expected.as_deref() == value => {
            (Answer::Done, Some(new.as_str()))
        }
        Request::CompareAndSwap { .. } => (Answer::Found(value.map(str::to_owned)), value),
    };
    match &operation.outcome {
        Outcome::Returned { answer: told, .. } => {
            let is_told_less = *told == Answer::Differs
                && matches!(operation.request, Request::CompareAndSwap { .. })
                && matches!(answer, Answer::Found(_));
            (*told == answer || is_told_less).then_some(after)
        }
        _ => Some(after),
    }
}
