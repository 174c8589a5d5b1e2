//! The definition of linearizability, tried out: every order of the operations, one after the other.

use linearizability::{Answer, Operation, Outcome, Request};
use std::collections::BTreeSet;

/// What a register holds. The version is `None` if it is not among those in any answer.
type Content<'a> = Option<(&'a str, Option<u64>)>;

/// A register, and the highest version that it has written, of those in any answer.
#[derive(Clone, Copy)]
struct Register<'a> {
    content: Content<'a>,
    latest: u64,
}

/// Is there an order of these operations on one key that respects their times, and in which a register gives
/// these answers?
pub fn is_linearizable(operations: &[Operation]) -> bool {
    let happened: Vec<&Operation> =
        operations.iter().filter(|operation| operation.outcome != Outcome::DidNotHappen).collect();
    let versions: BTreeSet<u64> = happened.iter().flat_map(|operation| spoken_of(operation)).collect();
    can_be_ordered(&happened, Register { content: None, latest: 0 }, &versions)
}

fn can_be_ordered(left: &[&Operation], register: Register, versions: &BTreeSet<u64>) -> bool {
    left.iter().all(|operation| operation.outcome == Outcome::Uncertain)
        || (0..left.len()).any(|first| {
            let mut rest = left.to_vec();
            let operation = rest.remove(first);
            rest.iter().all(|other| !is_before(other, operation))
                && take_effect(operation, register, versions)
                    .into_iter()
                    .any(|register| can_be_ordered(&rest, register, versions))
        })
}

fn is_before(one: &Operation, other: &Operation) -> bool {
    matches!(one.outcome, Outcome::Returned { at, .. } if at < other.called)
}

fn spoken_of(operation: &Operation) -> Vec<u64> {
    let told = match &operation.outcome {
        Outcome::Returned {
            answer: Answer::Done { version } | Answer::Found { version, .. } | Answer::Differs { version },
            ..
        } => *version,
        _ => None,
    };
    told.into_iter().chain(if_version(&operation.request)).filter(|&version| version > 0).collect()
}

fn if_version(request: &Request) -> Option<u64> {
    match request {
        Request::Read => None,
        Request::Write { if_version, .. }
        | Request::Delete { if_version }
        | Request::CompareAndSwap { if_version, .. } => *if_version,
    }
}

/// Everything that may happen to the register, with the answer that was given.
fn take_effect<'a>(
    operation: &'a Operation,
    register: Register<'a>,
    versions: &BTreeSet<u64>,
) -> Vec<Register<'a>> {
    let before = register.content;
    let is_refused = match if_version(&operation.request) {
        None => false,
        Some(0) => before.is_some(),
        Some(wanted) => before.and_then(|(_, version)| version) != Some(wanted),
    };
    let write = |new: &'a str| {
        let next = versions.range(register.latest + 1..);
        let known = next.map(|&version| Register { content: Some((new, Some(version))), latest: version });
        known.chain([Register { content: Some((new, None)), ..register }]).collect::<Vec<_>>()
    };
    let (is_done, after) = match &operation.request {
        _ if is_refused => (false, vec![register]),
        Request::Read => (false, vec![register]),
        Request::Write { value, .. } => (true, write(value)),
        Request::Delete { if_version } => {
            let is_done = before.is_some() || (if_version.is_none() && is_told_done(operation));
            (is_done, vec![Register { content: None, ..register }])
        }
        Request::CompareAndSwap { expected, new, .. }
            if before.is_some_and(|(value, _)| value == expected) =>
        {
            (true, write(new))
        }
        Request::CompareAndSwap { .. } => (false, vec![register]),
    };
    let Outcome::Returned { answer, .. } = &operation.outcome else { return after };
    let is_told = |after: &Register| is_answer(answer, &operation.request, is_done, after.content);
    after.into_iter().filter(is_told).collect()
}

fn is_told_done(operation: &Operation) -> bool {
    matches!(operation.outcome, Outcome::Returned { answer: Answer::Done { .. }, .. })
}

/// Is that the answer if this is what the register holds afterwards?
fn is_answer(answer: &Answer, request: &Request, is_done: bool, after: Content) -> bool {
    let held = after.and_then(|(_, version)| version);
    match answer {
        Answer::Done { version } => is_done && (version.is_none() || *version == held),
        Answer::Found { value, version } => {
            !is_done
                && after.is_some_and(|(held, _)| held == value)
                && (version.is_none() || *version == held)
        }
        Answer::NotFound | Answer::Differs { version: Some(0) } => {
            !is_done && after.is_none() && (*answer == Answer::NotFound || *request != Request::Read)
        }
        Answer::Differs { version } => {
            let is_conditional =
                if_version(request).is_some() || matches!(request, Request::CompareAndSwap { .. });
            !is_done && is_conditional && (version.is_none() || *version == held)
        }
    }
}
