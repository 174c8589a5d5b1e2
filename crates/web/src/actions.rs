//! Actions on their way from the page to the cluster.

use crate::refusal::Refusal;
use crate::wish::Wish;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use serde::Serialize;
use std::fmt;
use tokio::sync::{mpsc, oneshot};
use trace::OutcomeKind;

/// Maximum number of actions that wait to be performed.
pub(crate) const QUEUE: usize = 64;

/// The outcome of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done. The sentence says what was done.
    Done(String),
    /// It was not done. The sentence says why.
    NotDone(String),
    /// It is unknown whether it was done. The sentence says why.
    Uncertain(String),
}

impl Outcome {
    /// The kind of outcome.
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Outcome::Done(_) => OutcomeKind::Done,
            Outcome::NotDone(_) => OutcomeKind::NotDone,
            Outcome::Uncertain(_) => OutcomeKind::Unknown,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Outcome::Done(told) | Outcome::NotDone(told) | Outcome::Uncertain(told)) = self;
        f.write_str(told)
    }
}

impl From<Result<String, String>> for Outcome {
    fn from(result: Result<String, String>) -> Outcome {
        result.map_or_else(Outcome::NotDone, Outcome::Done)
    }
}

/// An action requested on the page, and the way to reply.
#[derive(Debug)]
pub struct Request {
    /// The action.
    pub wish: Wish,
    answer: oneshot::Sender<Outcome>,
}

impl Request {
    /// Replies with the outcome. The page may be closed by now.
    pub fn answer(self, outcome: Outcome) {
        let _ = self.answer.send(outcome);
    }
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Done {
    ok: String,
}

/// Where actions go; `None` for a replay.
#[derive(Debug, Clone)]
pub(crate) struct Hands(pub(crate) Option<mpsc::Sender<Request>>);

pub(crate) async fn act(
    State(Hands(hands)): State<Hands>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Done>, Refusal> {
    let hands = hands.ok_or(Refusal::IsReplay)?;
    let body = body.map_err(|rejection| Refusal::Body(rejection.status()))?;
    let wish = Wish::from_json(&body).map_err(|error| Refusal::Nonsense(error.to_string()))?;
    let (answer, outcome) = oneshot::channel();
    hands.try_send(Request { wish, answer }).map_err(|error| match error {
        mpsc::error::TrySendError::Full(_) => Refusal::Busy,
        mpsc::error::TrySendError::Closed(_) => Refusal::Ended,
    })?;
    match outcome.await {
        Ok(Outcome::Done(ok)) => Ok(Json(Done { ok })),
        Ok(Outcome::NotDone(why)) => Err(Refusal::NotNow(why)),
        Ok(Outcome::Uncertain(why)) => Err(Refusal::Uncertain(why)),
        Err(_) => Err(Refusal::Ended),
    }
}
