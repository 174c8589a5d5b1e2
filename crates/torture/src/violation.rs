//! What must not happen.

use linearizability::{BadHistory, History};

/// Something that a cluster must never do.
#[derive(Debug)]
pub(crate) struct Violation {
    /// In a sentence.
    pub(crate) what: String,
    /// What shows it, in lines.
    pub(crate) picture: String,
    /// What the clients did, if that is what shows it.
    pub(crate) history: Option<History>,
}

impl Violation {
    /// A violation described in a sentence.
    pub(crate) fn new(what: impl Into<String>) -> Violation {
        Violation { what: what.into(), picture: String::new(), history: None }
    }

    /// A history that no single store would give.
    pub(crate) fn of_history(bad: &BadHistory, history: History) -> Violation {
        let what = format!("the responses for key {} are not linearizable", bad.key());
        Violation { what, picture: bad.to_string(), history: Some(history) }
    }
}
