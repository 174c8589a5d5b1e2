//! What somebody is told who does not get what they wanted: what, why, and what to do.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use gate::Stranger;
use serde::Serialize;

/// What whoever is refused can do.
const OPEN: &str = "open the address that `raft up` or `raft replay` has printed, as it is; a program sends an action as content-type: application/json";

/// Why somebody does not get what they wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It does not come from the page.
    Stranger(Stranger),
    /// Who asks may not.
    Forbidden(&'static str),
    /// It is too long, or did not come whole.
    Body(StatusCode),
    /// It can be asked for, but not so.
    Method(String),
    /// There is nothing there.
    NotFound(String),
    /// There is no such scenario.
    NoScenario(String),
    /// It is no number of a record.
    NoNumber,
    /// It makes no sense.
    Nonsense(String),
    /// It can't be done now.
    NotNow(String),
    /// What is shown is over.
    IsReplay,
    /// Too many want something at once.
    Busy,
    /// Nobody knows what came of it.
    Uncertain(String),
    /// The cluster has ended meanwhile.
    Ended,
}

#[derive(Serialize)]
struct Told {
    error: String,
    help: &'static str,
}

impl Refusal {
    fn told(self) -> (StatusCode, String, &'static str) {
        match self {
            Refusal::Stranger(stranger) => (stranger.status(), stranger.to_string(), OPEN),
            Refusal::Forbidden(why) => {
                (StatusCode::FORBIDDEN, format!("this is not for everybody: {why}"), OPEN)
            }
            Refusal::Body(status) => (
                status,
                "the action is too long, or did not come whole".to_owned(),
                "send a shorter one, or send it again",
            ),
            Refusal::Method(what) => (
                StatusCode::METHOD_NOT_ALLOWED,
                format!("it can't be asked with {what}"),
                "/api/action is asked with POST, all else with GET",
            ),
            Refusal::NotFound(path) => (
                StatusCode::NOT_FOUND,
                format!("there is nothing at {path}"),
                "there are: / (the page), GET /api/setup, /api/records, /api/events, /api/trace, /api/scenarios, and POST /api/action",
            ),
            Refusal::NoScenario(name) => (
                StatusCode::NOT_FOUND,
                format!("there is no scenario {name}"),
                "GET /api/scenarios names all; `raft replay --web FILE` shows one of your own",
            ),
            Refusal::NoNumber => (
                StatusCode::BAD_REQUEST,
                "that names no record".to_owned(),
                "after= and up_to= take the id of a record, a number; without them all is told, or the latest",
            ),
            Refusal::Nonsense(why) => (
                StatusCode::BAD_REQUEST,
                format!("this is no action: {why}"),
                "docs/page.md has all actions, for example {\"action\":\"kill\",\"node\":2}",
            ),
            Refusal::NotNow(why) => {
                (StatusCode::CONFLICT, why, "see how the servers are, and choose something else")
            }
            Refusal::IsReplay => (
                StatusCode::CONFLICT,
                "this has happened already: nothing can be done about it".to_owned(),
                "`raft up` starts a cluster to which something can be done",
            ),
            Refusal::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "too many actions wait already".to_owned(),
                "try again in a moment",
            ),
            Refusal::Uncertain(why) => (
                StatusCode::GATEWAY_TIMEOUT,
                why,
                "it may have taken effect, or may still: get the key to find out",
            ),
            Refusal::Ended => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the cluster has ended".to_owned(),
                "start another one with `raft up`",
            ),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, help) = self.told();
        (status, Json(Told { error, help })).into_response()
    }
}
