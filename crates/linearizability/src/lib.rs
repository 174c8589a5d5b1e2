//! Is a history linearizable? How to find out, and how to show why not.
//!
//! Clients record what they ask of a replicated store, when, and the answers: a [`History`]. The store
//! promises that it behaves **like a single copy**: each operation seems to take effect at one point in time
//! between its call and its answer. So there must be an order of all operations that respects their times
//! (what ended before another began comes before it), and in which a single copy gives exactly these answers.
//! A history with such an order is *linearizable* (Herlihy and Wing, 1990). [`check`] looks for it:
//!
//! ```
//! use raft_for_beginners_linearizability::{Answer, History, Kind, Request, Verdict, check};
//!
//! let mut history = History::default();
//! let write = history.call(1, "x", Request::write("1"), 10);
//! history.returned(write, Answer::Done { version: None }, 20);
//! let read = history.call(2, "x", Request::Read, 30);
//! history.returned(read, Answer::NotFound, 40);
//!
//! let Verdict::Violation(bad) = check(&history) else { panic!() };
//! assert_eq!(bad.kind(), Kind::LostWrite);
//! println!("{bad}"); // a picture of it
//! ```
//!
//! For users, docs/linearizability.md explains more.
//!
//! # How it works, in the best order for reading the files
//!
//! **Key by key** (`register.rs`). If the operations on each key can be ordered, then all can: that is a
//! theorem of the same paper. So only histories of single registers need to be checked. There an operation is
//! only what it *demands* of the value (a read with the answer 1 demands that it is 1) and what it *sets*.
//!
//! **Versions** (`versions.rs`). A store may say in each answer which version of the key it wrote or found.
//! Then the same version is the same write, and a write takes effect only after those of lower versions. That
//! leaves little to search.
//!
//! **Through time** (`search.rs`). Trying all orders takes forever: sixteen concurrent operations have
//! 20,922,789,888,000. Wing and Gong (1993) give up an order as soon as an answer in it is wrong. Lowe (2017)
//! saw that only two things about an order so far matter for the future: which operations have taken effect,
//! and the value. Here the search goes through the history and carries all such *possibilities* along. When
//! an operation returns, those remain in which it has taken effect with this answer. If none remain, the
//! history is not linearizable, and that is the point in time to show.
//!
//! What keeps them few:
//!
//! * An operation takes effect as late as possible: when it returns, or when the answer of another needs
//!   it. Reads are the exception: they do no harm, so they take effect as soon as their value is there.
//! * A write that nobody sees does no harm either, if it comes just before another write. So when a value is
//!   overwritten, all other writes that are open at that time *may* from then on have happened just before,
//!   together with open reads of them. Whether they did is decided when it matters.
//! * A possibility that owes no more, and has used up no more, than another with the same value makes the
//!   other superfluous: anything that can follow the other can follow this one.
//!
//! **Uncertain operations** (`timeline.rs`). One without an answer may take effect at any time, so it stays
//! open. It is never owed. It is dropped as soon as it makes no difference: when all operations have returned
//! that could show whether the register had the value that it sets. For if it takes effect later, leave it
//! out: the register then keeps the value before a little longer, and nobody looks. So one whose value is
//! never read need not be looked at.
//!
//! **The shortest bad history** (`shrink.rs`), **why it is bad** (`explain.rs`) **and its picture**
//! (`picture.rs`): what a person sees, with as few operations as show the true cause.
//!
//! # What it costs
//!
//! In general the question is NP-complete (Gibbons and Korach, 1997). It is easy if each value is written
//! once, so let clients write different values. Then the possibilities are few even with hundreds of
//! uncertain operations. If hundreds of uncertain compare-and-swaps share a few values, it can be too much.
//! The search therefore has a limit, and returns [`Verdict::Undecided`] when it reaches it.
//!
//! # What is not checked
//!
//! * Whether there was anything to delete, if the answer to a delete without a condition is "done".
//! * The version of an uncertain write, if several of them wrote the same value, or nobody found it: it can't
//!   be known which of them it was. (Their values are checked all the same.)
//! * Versions across keys. Those of each key must rise, and that is all.

mod explain;
mod file;
mod history;
mod picture;
mod register;
mod search;
mod seen;
mod shrink;
mod timeline;
mod versions;
mod words;

pub use explain::Kind;
pub use file::ReadError;
pub use history::{Answer, History, Operation, Outcome, Pending, Request, Value};

use register::{Register, Step};
use search::{Budget, Finding, search};
use std::collections::BTreeMap;
use std::fmt;

/// Maximum number of steps that [`check`] takes for a key: a few seconds of work.
pub const MOST_STEPS: u64 = 200_000_000;

/// Default number of columns of a picture.
const WIDTH: usize = 100;

/// Whether a history is linearizable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is linearizable.
    Ok,
    /// It is not, and this shows it.
    Violation(BadHistory),
    /// It would take too many steps to find out. All keys that could be decided are linearizable.
    Undecided {
        /// The key whose operations took too many.
        key: String,
        /// Number of answers on it that were explained until then.
        explained: usize,
        /// Maximum number of steps.
        most_steps: u64,
    },
}

/// A few operations on one key that are not linearizable: the fewest that could be found in a history that is
/// not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadHistory {
    operations: Vec<Operation>,
    /// Those whose answers don't matter, only what they set.
    as_writes: Vec<bool>,
    /// The versions in which others found what they wrote, if their own clients did not get them.
    found_as: Vec<Option<u64>>,
    unexplained: usize,
    kind: Kind,
    explanation: String,
}

/// Is the history linearizable?
pub fn check(history: &History) -> Verdict {
    check_within(history, MOST_STEPS)
}

/// Is the history linearizable? At most this number of steps is taken to find out, for each key; and as many
/// to shorten a violation. A step is to find a possibility, or to compare it with another: tens of
/// nanoseconds. An easy history needs some tens for each operation.
pub fn check_within(history: &History, most_steps: u64) -> Verdict {
    let mut keys: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in &history.operations {
        keys.entry(&operation.key).or_default().push(operation);
    }
    let mut undecided = None;
    for (key, operations) in keys {
        let register = Register::new(operations);
        match search(&register.steps, &mut Budget(most_steps)) {
            Finding::Linearizable => {}
            Finding::Unexplained(place) => {
                return Verdict::Violation(BadHistory::new(&register, place, most_steps));
            }
            Finding::Undecided(explained) => {
                let verdict = Verdict::Undecided { key: key.to_owned(), explained, most_steps };
                undecided.get_or_insert(verdict);
            }
        }
    }
    undecided.unwrap_or(Verdict::Ok)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Ok => write!(f, "linearizable"),
            Verdict::Violation(bad) => write!(f, "not linearizable\n\n{bad}"),
            Verdict::Undecided { key, explained, most_steps } => {
                writeln!(f, "gave up after {most_steps} steps on key {key}.")?;
                writeln!(f, "Its first {explained} answers can be explained.")?;
                write!(f, "More keys, or clients that write different values, make it easier.")
            }
        }
    }
}

impl BadHistory {
    fn new(register: &Register<'_>, unexplained: usize, most_steps: u64) -> BadHistory {
        let bad = shrink::shrink(&register.steps, unexplained, &mut Budget(most_steps));
        let is_unexplained = |&(place, _): &(usize, Step)| place == bad.unexplained;
        let unexplained = bad.steps.iter().position(is_unexplained).expect("it is one of them");
        let is_write = |&(place, step): &(usize, Step)| step.demand != register.steps[place].demand;
        let as_writes = bad.steps.iter().map(is_write).collect();
        let register = register.only(&bad.steps);
        let found_as = register.operations.iter().zip(&register.steps).map(|(operation, step)| {
            Some(step.version()).filter(|&version| version > 0 && words::known_version(operation).is_none())
        });
        let found_as = found_as.collect();
        let (kind, explanation) = explain::explain(&register, unexplained);
        let operations = register.operations.into_iter().cloned().collect();
        BadHistory { operations, as_writes, found_as, unexplained, kind, explanation }
    }

    /// The key that they are about.
    pub fn key(&self) -> &str {
        &self.unexplained().key
    }

    /// The operations, in the order of their calls.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The first of them whose answer no order explains.
    pub fn unexplained(&self) -> &Operation {
        &self.operations[self.unexplained]
    }

    /// The kind of violation.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Why no order explains them, in English.
    pub fn explanation(&self) -> &str {
        &self.explanation
    }

    /// The operations as bars over time, in lines of at most this number of columns.
    pub fn picture(&self, width: usize) -> String {
        picture::picture(self, width)
    }
}

/// The picture and the explanation.
impl fmt::Display for BadHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n\n{}", self.picture(WIDTH), self.explanation)
    }
}
