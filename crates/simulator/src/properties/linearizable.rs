//! Checked when a run asks for it: it is about the whole history.

use super::{Promise, Violation};
use consensus::NodeId;
use linearizability::BadHistory;

static PROMISE: Promise = Promise {
    name: "linearizability (§8; thesis §6.3)",
    meaning: "Whatever servers and messages do, clients see what they would see from a single store that does \
              one thing after another: no write vanishes, no write happens twice, and no read returns an \
              overwritten value.",
};

/// What clients were told can't be.
pub(crate) fn violation(node: NodeId, bad: &BadHistory) -> Violation {
    let what_happened = format!("key {}: {}", bad.key(), bad.explanation().replace('\n', " "));
    Violation::without_events(PROMISE, node, what_happened)
}

pub(crate) fn promise() -> Promise {
    PROMISE
}
