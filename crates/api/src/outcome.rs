//! The body of a response that is not a success.

use consensus::NodeId;
use serde::{Deserialize, Serialize};

/// The body of a response that is not a success; `Answer` is the type of the store's answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told<Answer> {
    /// What went wrong, and why.
    pub error: String,
    /// What to do.
    pub help: String,
    /// The outcome of the request.
    pub outcome: OutcomeBody,
    /// The store's answer, if it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// The replying server, if it does not lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// The leader, if known. Its address is in the header `location`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<NodeId>,
}

/// The outcome of a request that was not a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutcomeBody {
    /// It was not done, and never will be.
    #[serde(rename = "not done")]
    NotDone,
    /// It may have been done, or may still be.
    #[serde(rename = "uncertain")]
    Uncertain,
}

impl<Answer> Told<Answer> {
    /// Is it certain that nothing was done, and never will be?
    pub fn is_certain(&self) -> bool {
        self.outcome == OutcomeBody::NotDone
    }
}
