//! What clients asked of a store, when, and what they were answered.

use consensus::Index;
use serde::{Deserialize, Serialize};

/// A value, as text. What is no text can be given in hexadecimal, say: all that matters here is which
/// values are equal.
pub type Value = String;

/// What a client asks of a key. `if_version` is a condition: only if the key has this version, where 0
/// stands for no such key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Which value does it have?
    Read,
    /// Give it this value.
    Write {
        /// The value.
        value: Value,
        /// Only if it has this version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_version: Option<u64>,
    },
    /// Take its value away. Whether there was one is not checked where the answer is [`Answer::Done`].
    Delete {
        /// Only if it has this version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_version: Option<u64>,
    },
    /// If it has the expected value, give it the new one.
    CompareAndSwap {
        /// The value that it must have.
        expected: Value,
        /// The value that it then gets.
        new: Value,
        /// Only if it has this version, too.
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

/// What a client is answered.
///
/// A store may count its writes: each gives the key a *version*, higher than all before, which the answer
/// to it tells, and the answers to those who find what it wrote. Where versions are told they are checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To a write, a delete or a compare-and-swap: it has taken effect.
    Done {
        /// The version that the key has now, if it is told. To a delete: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u64>,
    },
    /// The key has this value. To all but a read: that is not what was asked for, and nothing was changed.
    Found {
        /// The value.
        value: Value,
        /// Its version, if it is told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u64>,
    },
    /// There is no such key. To all but a read: so nothing was changed.
    NotFound,
    /// To a request with a condition: it is not met, and nothing was changed.
    Differs {
        /// The version that the key has, if it is told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u64>,
    },
}

impl Answer {
    /// What our key-value store answers to a write; none if that leaves in doubt what an earlier try of the
    /// same request has done.
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

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was answered.
    Returned {
        /// When, on the clock of [`Operation::called`].
        at: u64,
        /// With what.
        answer: Answer,
    },
    /// No answer came. It may have taken effect, may yet do so at any time, or never.
    Uncertain,
    /// It certainly had no effect and never will, as when it was never sent.
    DidNotHappen,
}

/// One operation: a request of one client, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Who asked.
    pub client: u64,
    /// The key that it is about.
    pub key: String,
    /// What was asked.
    pub request: Request,
    /// When. Any clock will do that all clients share and that never goes backwards: nanoseconds, or the
    /// number of the event. Operations of which one ends at the time at which another is called count as
    /// concurrent.
    pub called: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// A record of what clients asked and were answered. They write it while they run:
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

/// An operation that was called and waits for its outcome. If none is ever told, it is uncertain.
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

    /// It is answered. An answer that no register gives to such a request, as a read that is `Done`, will
    /// be found to be a violation.
    ///
    /// # Panics
    /// If that was before it was called, or if another history has called it.
    pub fn returned(&mut self, pending: Pending, answer: Answer, now: u64) {
        let operation = &mut self.operations[pending.0];
        assert!(now >= operation.called, "the clock has gone back from {} to {now}", operation.called);
        operation.outcome = Outcome::Returned { at: now, answer };
    }

    /// Nobody knows, or will know, whether it takes effect: a timeout, a broken connection.
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
