//! What must not happen.

use linearizability::{BadHistory, History};

/// Something that a cluster must never do.
#[derive(Debug)]
pub(super) struct Violation {
    /// In a sentence.
    pub(super) what: String,
    /// What shows it, in lines.
    pub(super) picture: String,
    /// What the clients did, if that is what shows it.
    pub(super) history: Option<History>,
}

impl Violation {
    /// One that a sentence tells.
    pub(super) fn told(what: impl Into<String>) -> Violation {
        Violation { what: what.into(), picture: String::new(), history: None }
    }

    /// A history that no single store would give.
    pub(super) fn of_history(bad: &BadHistory, history: History) -> Violation {
        let what = format!("the responses for key {} are not linearizable", bad.key());
        Violation { what, picture: bad.to_string(), history: Some(history) }
    }
}
