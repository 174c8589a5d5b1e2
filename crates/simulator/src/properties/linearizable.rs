//! Checked when a run asks for it: it is about the whole history.

use super::{Promise, Violation};
use crate::linearizability::BadHistory;
use consensus::NodeId;

static PROMISE: Promise = Promise {
    name: "like a single store (§8; thesis §6.3)",
    meaning: "Whatever servers and messages do, the clients see what they would see of a single store that does one \
              thing after the other: no write vanishes, none happens twice, no read shows what is over.",
};

/// What clients were told can't be.
pub(crate) fn violation(node: NodeId, bad: &BadHistory) -> Violation {
    let what_happened = format!("key {}: {}", bad.key(), bad.explanation().replace('\n', " "));
    Violation { promise: &PROMISE, node, what_happened }
}

pub(crate) fn promise() -> &'static Promise {
    &PROMISE
}
