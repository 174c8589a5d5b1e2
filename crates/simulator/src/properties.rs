//! What must hold whatever happens. Each property has a file of its own, and is checked after every
//! step of every server.

mod election_safety;
mod one_vote_per_term;
mod terms_never_fall;

use consensus::{NodeId, RoleKind, Term};
use std::fmt;
use trace::Record;

/// A server's state after a step, and what the step did.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    pub(crate) node: NodeId,
    pub(crate) role: RoleKind,
    pub(crate) term: Term,
    /// What the server reported of this step.
    pub(crate) records: &'a [Record],
}

/// A property that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The property and where the paper has it, as in `election safety (§5.2, Figure 3)`.
    pub property: &'static str,
    /// What happened instead, for a beginner.
    pub what_happened: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VIOLATED: {}: {}", self.property, self.what_happened)
    }
}

/// Watches over one property.
pub(crate) trait Property: fmt::Debug {
    /// Looks at a step, and remembers what it needs for the next.
    fn check(&mut self, step: &Step<'_>) -> Option<Violation>;
}

/// All properties.
pub(crate) fn all() -> Vec<Box<dyn Property>> {
    vec![
        Box::<election_safety::ElectionSafety>::default(),
        Box::<one_vote_per_term::OneVotePerTerm>::default(),
        Box::<terms_never_fall::TermsNeverFall>::default(),
    ]
}
