//! What a client is told when it does not get what it wanted: what, why, and what to do.

use super::{Service, json};
use api::{OutcomeBody, Told};
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use consensus::NodeId;
use gate::Stranger;
use kv::LONGEST_VALUE;
use runtime::{ProposeError, ReadError, Transport, Unavailable};
use std::sync::Arc;

/// Why a client does not get what it wanted.
#[derive(Debug)]
pub(super) enum Problem {
    /// Another server leads: there.
    Elsewhere { id: NodeId, leader: NodeId, address: String, path: String },
    /// Nobody is known to lead.
    NoLeader { id: NodeId },
    /// A later leader's log was committed in its place.
    Replaced,
    /// The server has too much to do.
    Busy,
    /// There is no room on the leader's disk, as the system says it.
    DiskFull { id: NodeId, why: String },
    /// The server is about to end.
    Stopping,
    /// No outcome of a write came in time: it may have taken effect, or may still.
    Uncertain,
    /// No majority confirmed in time that a read may take place.
    NobodyConfirms,
    /// What the store says to a command, where that is no success.
    Answer(kv::Answer),
    /// The request makes no sense, and why.
    Nonsense { error: String, help: &'static str },
    /// The request is not allowed.
    Stranger(Stranger),
    /// It can't be had, and why.
    Refused { status: StatusCode, error: String, help: String },
}

impl Problem {
    /// Why a write was not carried out, for the client that asked for this path.
    pub(super) fn of_write(error: ProposeError, service: &Service, uri: &Uri) -> Problem {
        match error {
            ProposeError::NotLeader { leader } => Problem::not_leader(leader, service, uri),
            ProposeError::Replaced => Problem::Replaced,
            ProposeError::Busy => Problem::Busy,
            ProposeError::DiskFull { why } => Problem::DiskFull { id: service.id, why },
            ProposeError::TooLong { .. } => Problem::too_long(),
            ProposeError::Stopped => Problem::Stopping,
            ProposeError::Uncertain => Problem::Uncertain,
        }
    }

    /// Why a read was not carried out, for the client that asked for this path.
    pub(super) fn of_read(error: ReadError, service: &Service, uri: &Uri) -> Problem {
        match error {
            ReadError::NotLeader { leader } => Problem::not_leader(leader, service, uri),
            ReadError::Busy => Problem::Busy,
            ReadError::Stopped => Problem::Stopping,
        }
    }

    /// This server does not lead. The client that asked for this path can ask there, if it is known where.
    pub(super) fn not_leader(leader: Option<NodeId>, service: &Service, uri: &Uri) -> Problem {
        let id = service.id;
        match leader.and_then(|leader| Some((leader, service.tcp.address_of(leader)?))) {
            Some((leader, address)) => {
                let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
                Problem::Elsewhere { id, leader, address, path }
            }
            None => Problem::NoLeader { id },
        }
    }

    pub(super) fn no_such_key(key: &[u8]) -> Problem {
        Problem::Refused {
            status: StatusCode::NOT_FOUND,
            error: format!("there is no key {}", String::from_utf8_lossy(key)),
            help: "GET /kv lists all keys".to_owned(),
        }
    }

    pub(super) fn too_long() -> Problem {
        Problem::Refused {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            error: format!("the request's body is longer than {LONGEST_VALUE} bytes"),
            help: "split a longer value over several keys".to_owned(),
        }
    }

    /// There is no room for the answer.
    pub(super) fn unread() -> Problem {
        Problem::Refused {
            status: StatusCode::SERVICE_UNAVAILABLE,
            error: "too many responses wait for clients that do not read them".to_owned(),
            help: "try again in a moment, and read the response".to_owned(),
        }
    }

    /// There is no room for the rest of the request.
    pub(super) fn half_sent() -> Problem {
        Problem::Refused {
            status: StatusCode::SERVICE_UNAVAILABLE,
            error: "too many requests are incomplete, and their clients do not send the rest".to_owned(),
            help: "try again in a moment".to_owned(),
        }
    }

    pub(super) fn not_whole() -> Problem {
        Problem::Nonsense { error: "the body of the request is incomplete".to_owned(), help: "send it again" }
    }

    /// The outcome of the request: is it certain that it was not done?
    fn outcome(&self) -> OutcomeBody {
        match self {
            // This try has done nothing, but an earlier one of the same request may have.
            Problem::Uncertain
            | Problem::Answer(kv::Answer::SessionUnknown { .. } | kv::Answer::SequenceForgotten { .. }) => {
                OutcomeBody::Uncertain
            }
            _ => OutcomeBody::NotDone,
        }
    }

    fn told(&self) -> (StatusCode, String, String) {
        match self {
            Problem::Elsewhere { id, leader, address, path } => (
                StatusCode::TEMPORARY_REDIRECT,
                format!("{id} does not lead, {leader} does"),
                format!("ask http://{address}{path} (curl -L does that by itself)"),
            ),
            Problem::NoLeader { id } => (
                StatusCode::SERVICE_UNAVAILABLE,
                format!("{id} does not lead, and knows no leader"),
                "try again in a moment; if this does not change, too few servers are running for a majority".to_owned(),
            ),
            Problem::Replaced => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the leader changed, and this command was removed from the log before it was committed".to_owned(),
                "try again".to_owned(),
            ),
            Problem::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "too many requests wait for this server".to_owned(),
                "try again, with fewer requests at a time".to_owned(),
            ),
            Problem::DiskFull { id, why } => (
                StatusCode::INSUFFICIENT_STORAGE,
                format!("the disk of {id} is full: {why}"),
                "make room there, and writes continue by themselves; reads still work".to_owned(),
            ),
            Problem::Stopping => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the server is stopping".to_owned(),
                "ask another server".to_owned(),
            ),
            Problem::Uncertain => (
                StatusCode::GATEWAY_TIMEOUT,
                "no outcome in time".to_owned(),
                "it may have taken effect, or may still do so: read the key to find out, or send it in a session, where a retry \
                 is executed only once".to_owned(),
            ),
            Problem::NobodyConfirms => (
                StatusCode::GATEWAY_TIMEOUT,
                "no majority of the servers confirmed in time that this server leads".to_owned(),
                "try again; if this does not change, too few servers are running (read=stale needs no others)"
                    .to_owned(),
            ),
            Problem::Answer(answer) => {
                (status_of(answer), answer.to_string(), answer.help().unwrap_or_default().to_owned())
            }
            Problem::Nonsense { error, help } => (StatusCode::BAD_REQUEST, error.clone(), (*help).to_owned()),
            Problem::Stranger(stranger) => (stranger.status(), stranger.to_string(), stranger.help()),
            Problem::Refused { status, error, help } => (*status, error.clone(), help.clone()),
        }
    }
}

impl From<Unavailable> for Problem {
    fn from(why: Unavailable) -> Problem {
        match why {
            Unavailable::Busy => Problem::Busy,
            Unavailable::Stopped => Problem::Stopping,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, error, help) = self.told();
        let (node, leader) = match &self {
            Problem::Elsewhere { id, leader, .. } => (Some(*id), Some(*leader)),
            Problem::NoLeader { id } => (Some(*id), None),
            _ => (None, None),
        };
        let outcome = self.outcome();
        let answer = if let Problem::Answer(answer) = self { Some(answer) } else { None };
        let told = Told { error, help, outcome, answer, node, leader };
        let mut response = json(status, &told);
        if let Problem::Elsewhere { address, path, .. } = &self
            && let Ok(location) = HeaderValue::from_str(&format!("http://{address}{path}"))
        {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

fn status_of(answer: &kv::Answer) -> StatusCode {
    match answer {
        kv::Answer::Written { .. } | kv::Answer::Deleted | kv::Answer::SessionOpened { .. } => StatusCode::OK,
        kv::Answer::NotFound => StatusCode::NOT_FOUND,
        kv::Answer::VersionDiffers { .. } | kv::Answer::ValueDiffers { .. } => {
            StatusCode::PRECONDITION_FAILED
        }
        kv::Answer::SessionUnknown { .. } => StatusCode::GONE,
        kv::Answer::SequenceForgotten { .. } => StatusCode::CONFLICT,
        kv::Answer::Invalid(_) => StatusCode::BAD_REQUEST,
    }
}

pub(super) async fn not_found(State(_): State<Arc<Service>>, uri: Uri) -> Response {
    let error = format!("there is nothing at {}", uri.path());
    let help = "these exist: /kv/KEY, /kv?prefix=, /watch?prefix=, /sessions, /members, /leader, /status, /healthz, /readyz, /metrics, /events";
    Problem::Refused { status: StatusCode::NOT_FOUND, error, help: help.to_owned() }.into_response()
}

pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> Response {
    let error = format!("{} does not allow {method}", uri.path());
    let help = "use GET, PUT and DELETE for /kv/KEY, POST for /sessions, /members and /leader, and GET for all but /sessions and /leader";
    Problem::Refused { status: StatusCode::METHOD_NOT_ALLOWED, error, help: help.to_owned() }.into_response()
}
