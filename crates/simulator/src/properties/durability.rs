//! Checked where a server starts or saves: only there does it show what its disk holds.

use super::{Promise, Violation};
use consensus::NodeId;
use storage::StorageError;

static PROMISE: Promise = Promise {
    name: "saved data is found again (§5, Figure 2)",
    meaning: "A server that restarts finds the term, the vote and the log that it saved, complete, no \
              matter when it crashed. If its disk has damaged them, it does not start. Otherwise it could \
              vote twice, or lack entries that it promised to keep.",
};

/// A server finds its disk damaged, although the disk did nothing that a disk may not do.
pub(crate) fn violation(node: NodeId, error: &StorageError) -> Violation {
    Violation::without_events(PROMISE, node, format!("{node} can't use its disk: {error}"))
}

/// A server whose disk was damaged has started without all that it had saved.
pub(crate) fn forgotten(node: NodeId, what: &str) -> Violation {
    let what_happened = format!("{node} did not notice that its disk is damaged: {what}");
    Violation::without_events(PROMISE, node, what_happened)
}

pub(crate) fn promise() -> Promise {
    PROMISE
}
