//! Exercises about Raft that grade themselves in simulated clusters.
//!
//! * [`Blank`]: a condition of Raft that learners fill in: as a function of their own ([`Project`]), as a program in any
//!   language ([`question_line`], [`read_answer`]), or as an expression ([`simulator::Substitute::in_words`]);
//! * [`Grading`]: what an answer is worth. It plays directed scenarios first, then random runs; a run that breaks a promise is
//!   made short;
//! * [`Mystery`]: which rule is off in this cluster?
//! * [`Challenge`]: break a promise with few commands;
//! * [`Puzzle`]: help a cluster with few commands.
//!
//! Nothing here does I/O, and all of it can be done in slices, as in a browser.

mod attempt;
mod blank;
mod challenge;
mod check;
mod grading;
mod mystery;
mod project;
mod protocol;
mod puzzle;

pub use attempt::NoAttempt;
pub use blank::{Blank, UnknownBlank};
pub use challenge::{Challenge, Marked};
pub use check::{Check, Fault, OUT_OF};
pub use grading::{Fate, Grading, Outcome, Outcomes};
pub use mystery::Mystery;
pub use project::Project;
pub use protocol::{question_line, read_answer};
pub use puzzle::{Puzzle, Tried};
