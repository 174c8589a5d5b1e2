//! What clients asked of a store, when, and the answers.

use consensus::Index;
use serde::{Deserialize, Serialize};

/// A value, as text. Other values can be given in hexadecimal, say: all that matters here is which values are
/// equal.
pub type Value = String;

/// A client's request for a key. `if_version` is a condition: only if the key has this version, where 0 means
/// that there is no such key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Read the value.
    Read,
    /// Set the value.
    Write {
        /// The value.
        value: Value,
        /// Only if it has this version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_version: Option<u64>,
    },
    /// Remove the value. Whether there was one is not checked if the answer is [`Answer::Done`].
    Delete {
        /// Only if it has this version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_version: Option<u64>,
    },
    /// Set the new value if the key has the expected one.
    CompareAndSwap {
        /// The value that it must have.
        expected: Value,
        /// The value that it then gets.
        new: Value,
        /// Only if the key also has this version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_version: Option<u64>,
    },
}

impl Request {
    /// A write without a condition.
    pub fn write(value: impl Into<Value>) -> Request {
        Request::Write { value: value.into(), if_version: None }
    }
}

/// An answer to a client.
///
/// A store may count its writes: each gives the key a *version*, higher than all before, which is in the
/// answer to the write, and in the answers to those who find what it wrote. Versions are checked if they are
/// given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To a write, a delete or a compare-and-swap: it has taken effect.
    Done {
        /// The key's new version, if given. For a delete: `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u64>,
    },
    /// The key has this value. For anything but a read: the condition does not hold, and nothing was changed.
    Found {
        /// The value.
        value: Value,
        /// Its version, if given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u64>,
    },
    /// There is no such key. For anything but a read: so nothing was changed.
    NotFound,
    /// For a request with a condition: it does not hold, and nothing was changed.
    Differs {
        /// The key's version, if given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u64>,
    },
}

impl Answer {
    /// Our key-value store's answer to a write; `None` if it leaves in doubt what an earlier try of the same
    /// request did.
    pub fn of_store(answer: kv::Answer) -> Option<Answer> {
        Some(match answer {
            kv::Answer::Written { version } => Answer::Done { version: Some(version.0) },
            kv::Answer::Deleted => Answer::Done { version: None },
            kv::Answer::NotFound | kv::Answer::VersionDiffers { actual: Index(0) } => Answer::NotFound,
            kv::Answer::VersionDiffers { actual: version } | kv::Answer::ValueDiffers { version } => {
                Answer::Differs { version: Some(version.0) }
            }
            _ => return None,
        })
    }
}

/// The outcome of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// An answer arrived.
    Returned {
        /// When, on the clock of [`Operation::called`].
        at: u64,
        /// The answer.
        answer: Answer,
    },
    /// No answer arrived. It may have taken effect, may still do so at any time, or never.
    Uncertain,
    /// It certainly had no effect and never will, as when it was never sent.
    DidNotHappen,
}

/// One operation: a request of one client, and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The client.
    pub client: u64,
    /// The key.
    pub key: String,
    /// The request.
    pub request: Request,
    /// When it was called. Any clock will do that all clients share and that never goes backwards:
    /// nanoseconds, or the number of the event. Operations of which one ends at the time at which another is
    /// called count as concurrent.
    pub called: u64,
    /// Its outcome.
    pub outcome: Outcome,
}

/// A record of clients' requests and the answers. They write it while they run:
///
/// ```
/// use raft_for_beginners_linearizability::{Answer, History, Request};
///
/// let mut history = History::default();
/// let write = history.call(1, "x", Request::write("5"), 100);
/// let read = history.call(2, "x", Request::Read, 110);
/// history.returned(read, Answer::NotFound, 130);
/// history.uncertain(write); // a timeout
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    pub(crate) operations: Vec<Operation>,
}

/// An operation that was called and waits for its outcome. If it never gets one, it is uncertain.
#[derive(Debug)]
#[must_use = "an operation without an outcome counts as uncertain"]
pub struct Pending(usize);

impl History {
    /// A client asks something of a key.
    pub fn call(&mut self, client: u64, key: impl Into<String>, request: Request, now: u64) -> Pending {
        let (key, outcome) = (key.into(), Outcome::Uncertain);
        self.operations.push(Operation { client, key, request, called: now, outcome });
        Pending(self.operations.len() - 1)
    }

    /// An answer arrived. If no register gives such an answer to such a request, like a read that is `Done`,
    /// that will be found to be a violation.
    ///
    /// # Panics
    /// If that was before the call, or if another history has called it.
    pub fn returned(&mut self, pending: Pending, answer: Answer, now: u64) {
        let operation = &mut self.operations[pending.0];
        assert!(now >= operation.called, "the clock has gone back from {} to {now}", operation.called);
        operation.outcome = Outcome::Returned { at: now, answer };
    }

    /// It is not known, and never will be, whether it takes effect: a timeout, a broken connection.
    pub fn uncertain(&mut self, pending: Pending) {
        self.operations[pending.0].outcome = Outcome::Uncertain;
    }

    /// It certainly has no effect, now or later.
    pub fn did_not_happen(&mut self, pending: Pending) {
        self.operations[pending.0].outcome = Outcome::DidNotHappen;
    }

    /// All operations, in the order in which they were called.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }
}
