//! One request and its reply, and what is certain when it breaks.

use consensus::Index;
use std::io;
use std::time::Duration;
use ureq::http::{HeaderMap, Request, StatusCode};
use ureq::{Agent, AsSendBody, Body, Error, Timeout};

/// No reply has a longer body, in bytes: a page of keys with 4 MiB of values, of which JSON may escape each
/// byte.
const LONGEST_REPLY: u64 = 64 << 20;

/// What a server replied.
pub(crate) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Why there is no reply.
pub(crate) enum Broken {
    /// The request did not leave this machine.
    BeforeItWasSent(String),
    /// It may have arrived.
    Later(String),
}

impl Broken {
    pub(crate) fn into_why(self) -> String {
        match self {
            Broken::BeforeItWasSent(why) | Broken::Later(why) => why,
        }
    }

    /// What broke before the server was connected to did not reach it. All else may have.
    fn by(error: Error) -> Broken {
        match &error {
            Error::Io(source) if source.kind() == io::ErrorKind::ConnectionRefused => {
                Broken::BeforeItWasSent("connection refused".to_owned())
            }
            Error::HostNotFound => Broken::BeforeItWasSent("there is no such host".to_owned()),
            Error::BadUri(_) | Error::Http(_) => Broken::BeforeItWasSent(error.to_string()),
            Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                Broken::BeforeItWasSent("no connection in time".to_owned())
            }
            Error::Timeout(_) => Broken::Later("no answer in time".to_owned()),
            Error::Io(source) => Broken::Later(source.to_string()),
            _ => Broken::Later(error.to_string()),
        }
    }
}

impl Reply {
    /// The key's version that the reply names.
    pub(crate) fn version(&self) -> Option<Index> {
        self.headers.get("raft-version")?.to_str().ok()?.parse().ok().map(Index)
    }

    /// Where to go instead, as HOST:PORT.
    pub(crate) fn elsewhere(&self) -> Option<String> {
        let location = self.headers.get("location")?.to_str().ok()?;
        let place = location.strip_prefix("http://")?;
        Some(place.split('/').next()?.to_owned())
    }
}

/// An agent that follows nobody and repeats nothing: where a request goes, and how often, is decided above.
pub(crate) fn agent() -> Agent {
    Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .build()
        .into()
}

/// Sends a request, and waits for the whole reply. Half of the patience is for being connected.
pub(crate) fn exchange(
    agent: &Agent,
    request: Request<impl AsSendBody>,
    patience: Duration,
) -> Result<Reply, Broken> {
    let connecting = Some(patience / 2);
    let request = agent.configure_request(request).timeout_resolve(connecting).timeout_connect(connecting);
    let request = request.timeout_global(Some(patience)).build();
    let (parts, mut body) = agent.run(request).map_err(Broken::by)?.into_parts();
    let body = whole(&mut body).map_err(|error| Broken::Later(format!("half an answer: {error}")))?;
    Ok(Reply { status: parts.status, headers: parts.headers, body })
}

fn whole(body: &mut Body) -> Result<Vec<u8>, Error> {
    body.with_config().limit(LONGEST_REPLY).read_to_vec()
}
