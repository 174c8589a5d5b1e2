//! Refusals: what went wrong, why, and what to do.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use gate::Stranger;
use page::Unanswerable;
use serde::Serialize;

/// The help for requests that do not come from the page.
const OPEN: &str = "open the address that `raft up`, `raft replay` or `raft lab` printed, exactly as it is; a program must send actions as content-type: application/json";

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It does not come from the page.
    Stranger(Stranger),
    /// The token is missing or wrong.
    Forbidden(&'static str),
    /// Its body is too long, or did not arrive whole.
    Body(StatusCode),
    /// This method is not supported there.
    Method(String),
    /// There is nothing there.
    NotFound(String),
    /// There is no such scenario.
    NoScenario(String),
    /// That is not the number of a record.
    NoNumber,
    /// The question about something that did not happen has no answer.
    Unanswerable(Unanswerable),
    /// Its body is not a valid action.
    Nonsense(String),
    /// It can't be done now.
    NotNow(String),
    /// The page shows a replay, in which nothing can be done.
    IsReplay,
    /// Too many actions are waiting.
    Busy,
    /// It is unknown whether it was done.
    Uncertain(String),
    /// The cluster has stopped meanwhile.
    Ended,
}

#[derive(Serialize)]
struct Told {
    error: String,
    help: &'static str,
}

impl Refusal {
    fn into_parts(self) -> (StatusCode, String, &'static str) {
        match self {
            Refusal::Stranger(stranger) => (stranger.status(), stranger.to_string(), OPEN),
            Refusal::Forbidden(why) => (StatusCode::FORBIDDEN, format!("access denied: {why}"), OPEN),
            Refusal::Body(status) => (
                status,
                "the action is too long, or did not arrive whole".to_owned(),
                "send a shorter action, or send it again",
            ),
            Refusal::Method(what) => (
                StatusCode::METHOD_NOT_ALLOWED,
                format!("{what} is not supported here"),
                "use POST for /api/action, and GET for everything else",
            ),
            Refusal::NotFound(path) => (
                StatusCode::NOT_FOUND,
                format!("there is nothing at {path}"),
                "try / (the page) or /engine.wasm.gz; a page that shows a cluster has GET /api/setup, /api/records, /api/story, /api/events, /api/trace, /api/why-not or /api/scenarios, or POST /api/action",
            ),
            Refusal::NoScenario(name) => (
                StatusCode::NOT_FOUND,
                format!("there is no scenario {name}"),
                "GET /api/scenarios lists them all; `raft replay --web FILE` shows one of your own",
            ),
            Refusal::NoNumber => (
                StatusCode::BAD_REQUEST,
                "that is not the number of a record".to_owned(),
                "after= and up_to= take the number of a record, such as 17",
            ),
            Refusal::Unanswerable(why @ Unanswerable::NoQuestion) => (
                StatusCode::BAD_REQUEST,
                why.to_string(),
                "server= takes its number, what= is leader, vote, commit or reply: /api/why-not?server=2&what=leader",
            ),
            Refusal::Unanswerable(why @ Unanswerable::NoServer(_)) => {
                (StatusCode::NOT_FOUND, why.to_string(), "ask about one of the servers on the page")
            }
            Refusal::Nonsense(why) => (
                StatusCode::BAD_REQUEST,
                format!("this is not a valid action: {why}"),
                "docs/page.md lists all actions, for example {\"action\":\"kill\",\"node\":2}",
            ),
            Refusal::NotNow(why) => {
                (StatusCode::CONFLICT, why, "look at the servers, and choose another action")
            }
            Refusal::IsReplay => (
                StatusCode::CONFLICT,
                "this is a replay: nothing can be done to its servers".to_owned(),
                "start a cluster of your own with `raft up`",
            ),
            Refusal::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "too many actions are waiting already".to_owned(),
                "try again in a moment",
            ),
            Refusal::Uncertain(why) => (StatusCode::GATEWAY_TIMEOUT, why, "get the key to find out"),
            Refusal::Ended => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the cluster has stopped".to_owned(),
                "start another one with `raft up`",
            ),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, help) = self.into_parts();
        (status, Json(Told { error, help })).into_response()
    }
}
