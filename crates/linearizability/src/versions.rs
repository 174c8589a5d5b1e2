//! Who wrote which version, according to all answers together.

use crate::history::{Answer, Operation, Outcome, Request};
use crate::words::known_version;
use std::collections::{BTreeMap, BTreeSet};

/// What is known about the versions of a key.
///
/// The client of an uncertain write doesn't know its version. But if another client found the value, in a
/// version of which no other write is known, it must have been that one. Only if several such writes had the
/// same value, it can't be known which of them it was. Then the version is *doubtful*, and isn't used.
#[derive(Default)]
pub(crate) struct Versions<'a> {
    /// What was written in each version.
    values: BTreeMap<u64, &'a str>,
    /// The versions of operations whose answers don't have them, by their place.
    untold: BTreeMap<usize, u64>,
    doubtful: BTreeSet<u64>,
}

impl<'a> Versions<'a> {
    /// Of the operations on one key that may have happened.
    pub(crate) fn of(operations: &[&'a Operation]) -> Versions<'a> {
        let (mut told, mut found) = (BTreeMap::new(), BTreeSet::new());
        let mut untold: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, operation) in operations.iter().enumerate() {
            found.extend(finds(operation).filter(|&(version, _)| version > 0));
            match (writes(operation), known_version(operation)) {
                (Some(value), Some(version)) => drop(told.insert(version, value)),
                (Some(value), None) => untold.entry(value).or_default().push(place),
                (None, _) => {}
            }
        }
        let mut versions = Versions::default();
        for &(version, value) in found.iter().filter(|(version, _)| !told.contains_key(version)) {
            match untold.get(value).map_or(&[][..], Vec::as_slice) {
                [] => {}
                &[place] => drop(versions.untold.entry(place).or_insert(version)),
                _ => drop(versions.doubtful.insert(version)),
            }
        }
        versions.values = found.into_iter().collect();
        versions.values.extend(told);
        versions
    }

    /// The value that was written in this version, if known.
    pub(crate) fn value(&self, version: u64) -> Option<&'a str> {
        self.values.get(&version).copied()
    }

    /// The version that this operation has written, if known.
    pub(crate) fn written(&self, place: usize, operation: &Operation) -> Option<u64> {
        known_version(operation).or(self.untold.get(&place).copied())
    }

    /// Is it known which operation wrote it, if any did?
    pub(crate) fn is_traced(&self, version: u64) -> bool {
        self.values.contains_key(&version) && !self.doubtful.contains(&version)
    }
}

/// The value that the operation has written, or may have.
fn writes(operation: &Operation) -> Option<&str> {
    let new = match &operation.request {
        Request::Write { value: new, .. } | Request::CompareAndSwap { new, .. } => new,
        Request::Read | Request::Delete { .. } => return None,
    };
    let may_be_done = match &operation.outcome {
        Outcome::Returned { answer, .. } => matches!(answer, Answer::Done { .. }),
        Outcome::Uncertain => true,
        Outcome::DidNotHappen => false,
    };
    may_be_done.then_some(new)
}

/// The version that the operation has found, with its value.
fn finds(operation: &Operation) -> Option<(u64, &str)> {
    let Outcome::Returned { answer, .. } = &operation.outcome else { return None };
    match (&operation.request, answer) {
        (_, Answer::Found { value, version: Some(version) }) => Some((*version, value)),
        (Request::CompareAndSwap { expected, if_version: Some(version), .. }, Answer::Done { .. }) => {
            Some((*version, expected))
        }
        _ => None,
    }
}
