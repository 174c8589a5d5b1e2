//! The key-value store: `/kv/KEY`, `/kv?prefix=`, and `/sessions`.

use super::body::Sent;
use super::errors::Problem;
use super::parameters::Parameters;
use super::{PATIENCE, Service, json, json_response, json_text, write_aside};
#[cfg(doc)]
use api::Listing;
use api::{Listed, Text, headers};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use consensus::{Index, ReadBy};
use gate::Share;
use kv::{Change, Command, DEFAULT_SESSIONS, LONGEST_KEY, Record, SessionId, Store, Write};
use percent_encoding::percent_decode_str;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::time::timeout;

/// The version of a key, in answers.
static VERSION: HeaderName = HeaderName::from_static(headers::VERSION);
/// What a value is, whatever it looks like.
const ANY_BYTES: &str = "application/octet-stream";
/// In requests: the session, and the request's number in it.
static SESSION: HeaderName = HeaderName::from_static(headers::SESSION);
static SEQUENCE: HeaderName = HeaderName::from_static(headers::SEQUENCE);

/// Number of keys that are listed at once by default, and its maximum.
const PAGE: (usize, usize) = (100, 1000);
/// Maximum size of a list's JSON, in bytes; beyond it the list ends early.
const PAGE_BYTES: usize = 4 << 20;
/// After its last key a list has no more bytes: in JSON, a byte of a key has six at most.
const LONGEST_END: usize = 6 * LONGEST_KEY + 64;

pub(super) async fn get(State(service): State<Arc<Service>>, uri: Uri) -> Result<Response, Problem> {
    let key = key_of(&uri);
    let parameters = Parameters::of(&uri, &["read"])?;
    let store = read(&service, &uri, &parameters).await?;
    let Some(record) = store.get(&key) else { return Err(Problem::no_such_key(&key)) };
    let headers =
        [(CONTENT_TYPE, HeaderValue::from_static(ANY_BYTES)), (VERSION.clone(), record.version.0.into())];
    Ok((headers, Body::from(service.hold(record.value.clone())?)).into_response())
}

pub(super) async fn put(
    State(service): State<Arc<Service>>,
    uri: Uri,
    headers: HeaderMap,
    Sent(value): Sent,
) -> Result<Response, Problem> {
    let parameters = Parameters::of(&uri, &["if-version", "if-value"])?;
    let change = match parameters.bytes("if-value") {
        Some(expected) => Change::CompareAndSwap { expected, new: &value },
        None => Change::Put { value: &value },
    };
    write(&service, &uri, &headers, &parameters, change).await
}

pub(super) async fn delete(
    State(service): State<Arc<Service>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let parameters = Parameters::of(&uri, &["if-version"])?;
    write(&service, &uri, &headers, &parameters, Change::Delete).await
}

pub(super) async fn open_session(State(service): State<Arc<Service>>, uri: Uri) -> Result<Response, Problem> {
    Parameters::of(&uri, &[])?;
    execute(&service, &uri, &Command::OpenSession { at_most: DEFAULT_SESSIONS }).await
}

pub(super) async fn list(State(service): State<Arc<Service>>, uri: Uri) -> Result<Response, Problem> {
    let parameters = Parameters::of(&uri, &["prefix", "after", "limit", "read"])?;
    let bytes = |name| parameters.bytes(name).unwrap_or_default().to_vec();
    let (prefix, after) = (bytes("prefix"), bytes("after"));
    let limit = parameters.number("limit")?.map_or(PAGE.0, |limit| (limit as usize).clamp(1, PAGE.1));
    let limit = NonZeroUsize::new(limit).expect("clamped above zero");
    let store = read(&service, &uri, &parameters).await?;
    let share = service.room.share();
    let write = move || listing(&store, &prefix, &after, limit, share);
    let text = write_aside(&service.lists, write).await?.ok_or_else(Problem::unread)?;
    Ok(json_response(StatusCode::OK, text))
}

/// The JSON of a [`Listing`]. It ends early where it is long enough, or there is no more room; none, if there is none for even
/// one key.
fn listing(
    store: &Store,
    prefix: &[u8],
    after: &[u8],
    limit: NonZeroUsize,
    mut share: Share,
) -> Option<Bytes> {
    let page = store.list(prefix, after, limit);
    let (mut text, mut last, mut more_after) = ("{\"keys\":[".to_owned(), None, page.more_after);
    for (key, record) in page.records {
        let Record { value, version } = record;
        let listed = Listed { key: Text::of(key), value: Text::of(value), version: *version };
        let listed = json_text(&listed);
        if !share.grow_to(text.len() + listed.len() + LONGEST_END) {
            more_after = Some(last?);
            break;
        }
        if last.is_some() {
            text.push(',');
        }
        text += &listed;
        last = Some(key);
        if text.len() >= PAGE_BYTES {
            more_after = Some(key);
            break;
        }
    }
    text.push(']');
    if let Some(key) = more_after {
        text += &format!(",\"more_after\":{}", json_text(&Text::of(key)));
    }
    text += "}\n";
    text.shrink_to_fit();
    share.hold(text)
}

/// The key that the path names: whatever comes after `/kv/`.
fn key_of(uri: &Uri) -> Vec<u8> {
    let key = uri.path().strip_prefix("/kv/").expect("the route begins so");
    percent_decode_str(key).collect()
}

/// The store as the client may see it.
async fn read(service: &Service, uri: &Uri, parameters: &Parameters) -> Result<Store, Problem> {
    let by = match parameters.text("read")?.unwrap_or("linearizable") {
        "linearizable" => ReadBy::Round,
        "lease" if service.gives_leases => ReadBy::Lease,
        "lease" => {
            let error = "the leaders of this cluster have no leases".to_owned();
            let help = "choose read=linearizable, or start all servers with --lease-reads DRIFT";
            return Err(Problem::Nonsense { error, help });
        }
        "stale" => return Ok(service.handle.look(|view| view.driver.machine().store.clone()).await?),
        other => {
            let error = format!("read={other} is not a kind of read");
            return Err(Problem::Nonsense {
                error,
                help: "choose read=linearizable, read=lease or read=stale",
            });
        }
    };
    match timeout(PATIENCE, service.handle.read(by, |machine| machine.store.clone())).await {
        Ok(Ok(store)) => Ok(store),
        Ok(Err(error)) => Err(Problem::of_read(error, service, uri)),
        Err(_) => Err(Problem::NobodyConfirms),
    }
}

async fn write(
    service: &Service,
    uri: &Uri,
    headers: &HeaderMap,
    parameters: &Parameters,
    change: Change<'_>,
) -> Result<Response, Problem> {
    let key = key_of(uri);
    let if_version = parameters.number("if-version")?.map(Index);
    let write = Write { key: &key, change, if_version, request: request_of(headers)? };
    execute(service, uri, &Command::Write(write)).await
}

/// Which request of which session the client says that this is.
fn request_of(headers: &HeaderMap) -> Result<Option<kv::Request>, Problem> {
    match (number_in(headers, &SESSION)?, number_in(headers, &SEQUENCE)?) {
        (None, None) => Ok(None),
        (Some(session), Some(sequence)) => {
            Ok(Some(kv::Request { session: SessionId(Index(session)), sequence }))
        }
        _ => Err(Problem::Nonsense {
            error: format!("{SESSION} and {SEQUENCE} belong together, but one is missing"),
            help: "open a session with POST /sessions, and number its requests 1, 2, 3, ...",
        }),
    }
}

fn number_in(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|value| value.parse().ok());
    number.map(Some).ok_or_else(|| Problem::Nonsense {
        error: format!("{name} is {value:?}, which is not a number"),
        help: "write a whole number, such as 12",
    })
}

/// Has a command replicated and applied.
async fn execute(service: &Service, uri: &Uri, command: &Command<'_>) -> Result<Response, Problem> {
    let command = command.encode().map_err(|reason| Problem::Answer(kv::Answer::Invalid(reason)))?;
    match timeout(PATIENCE, service.handle.propose(command)).await {
        Ok(Ok(answer)) => tell(answer),
        Ok(Err(error)) => Err(Problem::of_write(error, service, uri)),
        // Nobody confirms: the command may be in some logs.
        Err(_) => Err(Problem::Uncertain),
    }
}

fn tell(answer: kv::Answer) -> Result<Response, Problem> {
    let status = match answer {
        kv::Answer::Written { .. } | kv::Answer::Deleted => StatusCode::OK,
        kv::Answer::SessionOpened { .. } => StatusCode::CREATED,
        refused => return Err(Problem::Answer(refused)),
    };
    let mut response = json(status, &answer);
    if let kv::Answer::Written { version } = answer {
        response.headers_mut().insert(&VERSION, HeaderValue::from(version.0));
    }
    Ok(response)
}
