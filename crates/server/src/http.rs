//! HTTP for clients, on the same port that the servers use among themselves: `curl` is enough to use the
//! store, and to look at the server.

mod body;
mod errors;
mod events;
mod kv;
mod members;
mod metrics;
mod parameters;
mod patience;
mod status;
mod watch;

pub(crate) use events::Broadcast;
pub(crate) use metrics::sync_histogram;

use crate::engine::Happening;
use crate::network::Network;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use consensus::NodeId;
use errors::Problem;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use patience::Patient;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// So long a client waits for its outcome, at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// So long a client may take to send a request's head, and again its body. So long a connection may also do nothing
/// between two requests.
const SILENCE: Duration = Duration::from_secs(30);

/// So many clients may have a stream, of changes or of events. Streams have no end, and others want to be served too.
const MOST_STREAMS: usize = 256;

/// What all handlers need.
pub(crate) struct Service {
    pub(crate) id: NodeId,
    pub(crate) engine: mpsc::Sender<Happening>,
    pub(crate) network: Network,
    pub(crate) events: Broadcast,
    /// Have leaders leases, so that read=lease makes sense?
    pub(crate) gives_leases: bool,
    /// How long syncs of the log took.
    pub(crate) syncs: Histogram,
    /// How many connections there was no place for.
    pub(crate) turned_away: Counter,
    /// A place for each stream.
    streams: Arc<Semaphore>,
}

impl Service {
    pub(crate) fn new(
        id: NodeId,
        engine: mpsc::Sender<Happening>,
        network: Network,
        events: Broadcast,
        gives_leases: bool,
        syncs: Histogram,
    ) -> Service {
        let (turned_away, streams) = (Counter::default(), Arc::new(Semaphore::new(MOST_STREAMS)));
        Service { id, engine, network, events, gives_leases, syncs, turned_away, streams }
    }

    /// A place for a stream, to be kept as long as it lasts.
    fn place_for_stream(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.streams.clone().try_acquire_owned().map_err(|_| Problem::Refused {
            status: StatusCode::SERVICE_UNAVAILABLE,
            error: format!("{MOST_STREAMS} clients have a stream of {} already", self.id),
            help: "ask another server, or close streams that nobody reads".to_owned(),
        })
    }

    /// Gives a request to the engine, unless that has too much to do.
    fn ask(&self, happening: Happening) -> Result<(), Problem> {
        self.engine.try_send(happening).map_err(|error| match error {
            TrySendError::Full(_) => Problem::Busy,
            TrySendError::Closed(_) => Problem::Stopping,
        })
    }
}

/// An answer in JSON, with an end of line for those who read it in a terminal.
fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let text = json_text(body) + "\n";
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn json_text(told: &impl Serialize) -> String {
    serde_json::to_string(told).expect("what is told can be written in JSON")
}

/// What clients can ask for.
pub(crate) fn routes(service: Arc<Service>) -> Router {
    Router::new()
        .route("/kv", get(kv::list))
        .route("/kv/", get(kv::list))
        .route("/kv/{*key}", get(kv::get).put(kv::put).delete(kv::delete))
        .route("/sessions", post(kv::open_session))
        .route("/members", get(members::members).post(members::change))
        .route("/leader", post(members::transfer))
        .route("/status", get(status::status))
        .route("/healthz", get(status::healthz))
        .route("/readyz", get(status::readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/events", get(events::events))
        .route("/watch", get(watch::watch))
        .fallback(errors::not_found)
        .method_not_allowed_fallback(errors::method_not_allowed)
        .with_state(service)
}

/// Serves a client until its connection ends, or nothing comes for too long, or it takes nothing of its response.
pub(crate) async fn serve(routes: Router, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(SILENCE);
    // If the connection broke, nobody is left who could be told.
    let stream = TokioIo::new(Patient::new(stream, SILENCE));
    let _ = http.serve_connection(stream, TowerToHyperService::new(routes)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::Instant;

    /// A client's connection to a server whose engine does nothing, and the engine's inbox.
    fn connect(service: &Arc<Service>) -> DuplexStream {
        let (client, server) = duplex(1 << 16);
        tokio::spawn(serve(routes(service.clone()), server));
        client
    }

    fn service() -> (Arc<Service>, mpsc::Receiver<Happening>) {
        let (engine, inbox) = mpsc::channel(1);
        let (network, events) = (Network::of_a_test(), Broadcast::new());
        (Arc::new(Service::new(NodeId(1), engine, network, events, false, sync_histogram())), inbox)
    }

    /// What the server says until it hangs up.
    async fn said(client: &mut DuplexStream) -> String {
        let mut said = String::new();
        client.read_to_string(&mut said).await.unwrap();
        said
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_more_is_not_waited_for_for_ever() {
        let (service, _inbox) = service();
        let half_a_head = "GET /healthz HTTP/1.1\r\nhost: x";
        let half_a_body = "PUT /kv/x HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf";
        let half_a_change = "POST /members HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf";
        let then_idle = "GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n";
        for (sent, answer) in [
            ("", ""),
            (half_a_head, ""),
            (half_a_body, "HTTP/1.1 400"),
            (half_a_change, "HTTP/1.1 400"),
            (then_idle, "HTTP/1.1 404"),
        ] {
            let mut client = connect(&service);
            let begin = Instant::now();
            client.write_all(sent.as_bytes()).await.unwrap();
            let said = said(&mut client).await;
            assert!(said.starts_with(answer) && said.is_empty() == answer.is_empty(), "{sent}: {said}");
            assert!(begin.elapsed() < SILENCE * 2, "{sent}: {:?}", begin.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_of_a_response_is_not_waited_for_for_ever() {
        let (service, _inbox) = service();
        let (mut client, server) = duplex(64);
        let served = tokio::spawn(serve(routes(service.clone()), server));
        client.write_all(b"GET /x HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        tokio::time::timeout(SILENCE * 3, served).await.expect("the connection is given up").unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn streams_stay_open_and_are_bounded() {
        let (service, _inbox) = service();
        let mut streams = Vec::new();
        for _ in 0..MOST_STREAMS {
            let mut stream = connect(&service);
            stream.write_all(b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            let mut begin = [0; 12];
            stream.read_exact(&mut begin).await.unwrap();
            assert_eq!(&begin, b"HTTP/1.1 200");
            streams.push(stream);
        }
        for path in ["/events", "/watch"] {
            let mut one_more = connect(&service);
            let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            one_more.write_all(request.as_bytes()).await.unwrap();
            let said = said(&mut one_more).await;
            assert!(said.starts_with("HTTP/1.1 503") && said.contains("\"outcome\":\"not done\""), "{said}");
        }
        tokio::time::sleep(SILENCE * 3).await;
        drop(streams.pop());
        assert!(service.events.is_heard(), "the others are still there");
        let mut next = connect(&service);
        tokio::time::sleep(SILENCE / 2).await;
        next.write_all(b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut begin = [0; 12];
        next.read_exact(&mut begin).await.unwrap();
        assert_eq!(&begin, b"HTTP/1.1 200", "there is a place again");
    }
}
