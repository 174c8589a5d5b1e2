//! What a client is told that does not get what it wanted.

use consensus::NodeId;
use serde::{Deserialize, Serialize};

/// The body of a response that is no success; `Answer` is what the store answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told<Answer> {
    /// What, and why.
    pub error: String,
    /// What to do.
    pub help: String,
    /// What became of the request.
    pub outcome: OutcomeBody,
    /// What the store answered, if it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Which server tells it, if it does not lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// Who leads instead, as far as it knows. The header `location` tells where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<NodeId>,
}

/// What became of a request that was no success.
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
