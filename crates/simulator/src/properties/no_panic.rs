//! Checked by the world: a server that has panicked no longer takes any steps.

use super::{Promise, Violation};
use crate::quiet::words_of;
use consensus::NodeId;
use std::any::Any;

static PROMISE: Promise = Promise {
    name: "no server panics",
    meaning: "Whatever happens to a server, it carries on or shuts down cleanly. A server that panics has \
              found a contradiction in its own state.",
};

pub(crate) fn promise() -> Promise {
    PROMISE
}

/// A server has panicked while it acted.
pub(crate) fn violation(node: NodeId, panic: &(dyn Any + Send)) -> Violation {
    Violation::without_events(PROMISE, node, format!("{node} panicked: {}", words_of(panic)))
}
