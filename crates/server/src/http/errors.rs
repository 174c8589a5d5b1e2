//! What a client is told when it does not get what it wanted: what, why, and what to do.

use super::Service;
use crate::clients::Refusal;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use consensus::NodeId;
use serde::Serialize;

/// Why a client does not get what it wanted.
#[derive(Debug)]
pub(super) enum Problem {
    /// Another server leads: there.
    Elsewhere { id: NodeId, leader: NodeId, address: String, path: String },
    /// Nobody is known to lead.
    NoLeader { id: NodeId },
    /// Another command was committed in its place.
    Replaced,
    /// The server has too much to do.
    Busy,
    /// The server is about to end.
    Stopping,
    /// No outcome came in time: it may have taken effect, or may still.
    Uncertain,
    /// The request makes no sense, and why.
    Nonsense { error: String, help: &'static str },
    /// The state machine refuses, and why.
    Refused { status: StatusCode, error: String, help: String },
}

/// The body of an answer that is no success.
#[derive(Debug, Serialize)]
struct Told {
    /// What, and why.
    error: String,
    /// What to do.
    help: String,
    /// What became of the request: "not done", or "uncertain".
    outcome: &'static str,
}

impl Problem {
    /// Why a request was not carried out, for the client that asked for this path.
    pub(super) fn of(refusal: Refusal, service: &Service, uri: &Uri) -> Problem {
        match refusal {
            Refusal::Replaced => Problem::Replaced,
            Refusal::Busy => Problem::Busy,
            Refusal::NotLeader { leader } => {
                let id = service.id;
                let address = leader.and_then(|leader| Some((leader, service.addresses.of(leader)?)));
                match address {
                    Some((leader, address)) => {
                        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
                        Problem::Elsewhere { id, leader, address, path }
                    }
                    None => Problem::NoLeader { id },
                }
            }
        }
    }

    fn told(&self) -> (StatusCode, String, String) {
        match self {
            Problem::Elsewhere { id, leader, address, path } => (
                StatusCode::TEMPORARY_REDIRECT,
                format!("{id} does not lead, {leader} does"),
                format!("ask there: http://{address}{path} (curl -L goes there by itself)"),
            ),
            Problem::NoLeader { id } => (
                StatusCode::SERVICE_UNAVAILABLE,
                format!("{id} does not lead, and knows nobody who does"),
                "try again in a moment; if it stays so, a majority of the servers is not there".to_owned(),
            ),
            Problem::Replaced => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the leader changed, and another command took this one's place in the log".to_owned(),
                "try again".to_owned(),
            ),
            Problem::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "too many requests wait for this server".to_owned(),
                "try again more slowly".to_owned(),
            ),
            Problem::Stopping => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the server is about to end".to_owned(),
                "ask another one".to_owned(),
            ),
            Problem::Uncertain => (
                StatusCode::GATEWAY_TIMEOUT,
                "no outcome came in time: the command may have taken effect, or may still".to_owned(),
                "read to find out, or send it again in a session, which executes it once".to_owned(),
            ),
            Problem::Nonsense { error, help } => (StatusCode::BAD_REQUEST, error.clone(), (*help).to_owned()),
            Problem::Refused { status, error, help } => (*status, error.clone(), help.clone()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, error, help) = self.told();
        let outcome = if matches!(self, Problem::Uncertain) { "uncertain" } else { "not done" };
        let mut response = (status, Json(Told { error, help, outcome })).into_response();
        if let Problem::Elsewhere { address, path, .. } = &self
            && let Ok(location) = HeaderValue::from_str(&format!("http://{address}{path}"))
        {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

pub(super) async fn not_found(State(_): State<Service>, uri: Uri) -> Response {
    let error = format!("there is nothing at {}", uri.path());
    let help = "there are: /kv/KEY, /kv?prefix=, /sessions, /status, /healthz, /readyz, /metrics, /events";
    Problem::Refused { status: StatusCode::NOT_FOUND, error, help: help.to_owned() }.into_response()
}

pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> Response {
    let error = format!("{} can't be asked with {method}", uri.path());
    let help = "GET, PUT and DELETE are for /kv/KEY, POST for /sessions, and GET for all others";
    Problem::Refused { status: StatusCode::METHOD_NOT_ALLOWED, error, help: help.to_owned() }.into_response()
}
