//! HTTP for clients, on the same port that the servers use among themselves: `curl` is enough to use the
//! store, and to look at the server.

mod body;
mod errors;
mod events;
mod kv;
mod members;
mod metrics;
mod parameters;
mod status;
mod watch;

pub(crate) use metrics::sync_histogram;

use crate::broadcast::Broadcast;
use crate::machine::Machine;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use consensus::NodeId;
use errors::Problem;
use gate::{Door, Names, Room};
use prometheus_client::metrics::histogram::Histogram;
use runtime::{Clients, Handle, Settings, Tcp};
use serde::Serialize;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a client waits for its outcome.
const PATIENCE: Duration = Duration::from_secs(10);

/// Maximum number of clients with a stream, of changes or of events. Streams have no end, and others want to be served
/// too.
const MOST_STREAMS: usize = 256;

/// Maximum total of bytes in unread responses. Small responses are not counted.
const MOST_UNREAD: usize = 64 << 20;

/// Maximum total of bytes in requests' bodies that are still arriving. Small bodies are not counted.
const MOST_HALF_SENT: usize = 64 << 20;

/// Maximum number of lists, and of reports on the server, that are serialized at a time.
const LISTS_AT_ONCE: usize = 1;
const ACCOUNTS_AT_ONCE: usize = 4;

/// What all handlers need.
pub(crate) struct Service {
    pub(crate) id: NodeId,
    /// The name of the cluster.
    pub(crate) cluster: String,
    pub(crate) handle: Handle<Machine>,
    pub(crate) tcp: Tcp,
    pub(crate) events: Broadcast,
    /// Have leaders leases, so that read=lease makes sense?
    pub(crate) gives_leases: bool,
    /// How long syncs of the log took.
    pub(crate) syncs: Histogram,
    /// A place for each stream.
    streams: Arc<Semaphore>,
    /// Room for unread responses.
    room: Room,
    /// Room for requests' bodies that are still arriving.
    incoming: Room,
    lists: Arc<Semaphore>,
    accounts: Arc<Semaphore>,
}

impl Service {
    pub(crate) fn new(
        settings: &Settings,
        handle: Handle<Machine>,
        tcp: Tcp,
        events: Broadcast,
        syncs: Histogram,
    ) -> Service {
        let [room, incoming] = [MOST_UNREAD, MOST_HALF_SENT].map(Room::of);
        let [streams, lists, accounts] =
            [MOST_STREAMS, LISTS_AT_ONCE, ACCOUNTS_AT_ONCE].map(|places| Arc::new(Semaphore::new(places)));
        Service {
            id: settings.id,
            cluster: settings.cluster.clone(),
            handle,
            tcp,
            events,
            gives_leases: settings.lease.is_some(),
            syncs,
            streams,
            room,
            incoming,
            lists,
            accounts,
        }
    }

    /// Has these bytes wait until they are read, if there is room for them.
    fn hold(&self, bytes: impl AsRef<[u8]> + Send + 'static) -> Result<Bytes, Problem> {
        self.room.hold(bytes).ok_or_else(Problem::unread)
    }

    /// An account of the server, in JSON.
    async fn account(&self, told: impl Serialize + Send + 'static) -> Result<Response, Problem> {
        let text = write_aside(&self.accounts, move || json_text(&told) + "\n").await?;
        Ok(json_response(StatusCode::OK, self.hold(text)?))
    }

    /// A place for a stream, to be kept as long as it lasts.
    fn place_for_stream(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.streams.clone().try_acquire_owned().map_err(|_| Problem::Refused {
            status: StatusCode::SERVICE_UNAVAILABLE,
            error: format!("{MOST_STREAMS} clients already have a stream from {}", self.id),
            help: "ask another server, or close unused streams".to_owned(),
        })
    }
}

/// Writes something when there is a place for it, in another thread: the engine in this one must not wait for it.
async fn write_aside<T: Send + 'static>(
    places: &Arc<Semaphore>,
    write: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let place = places.clone().acquire_owned().await.map_err(|_| Problem::Stopping)?;
    let written = tokio::task::spawn_blocking(move || {
        let written = write();
        drop(place);
        written
    });
    written.await.map_err(|_| Problem::Stopping)
}

/// An answer in JSON, with an end of line for those who read it in a terminal.
fn json(status: StatusCode, body: &impl Serialize) -> Response {
    json_response(status, (json_text(body) + "\n").into())
}

fn json_response(status: StatusCode, text: Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn json_text(told: &impl Serialize) -> String {
    serde_json::to_string(told).expect("what is told can be written in JSON")
}

/// What responses say to browsers: where one is shown, run nothing in it. A value can be a page with a script.
fn headers() -> Vec<(HeaderName, HeaderValue)> {
    vec![(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"))]
}

/// What clients can ask for, and who may.
#[derive(Clone)]
pub(crate) struct Routes {
    router: Router,
    door: Arc<Door>,
}

fn door(names: Names) -> Arc<Door> {
    let refuse = |stranger| Problem::Stranger(stranger).into_response();
    Arc::new(Door { names, refuse, headers: headers(), is_open_to_visits: false })
}

/// What clients can ask for under these names.
pub(crate) fn routes(service: Arc<Service>, names: Names) -> Routes {
    let door = door(names);
    let router = Router::new()
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
        .with_state(service);
    Routes { router, door }
}

impl Clients for Routes {
    /// Serves a client until its connection ends, or nothing comes for too long.
    fn serve(&self, stream: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let Routes { router, door } = self.clone();
        Box::pin(async move { door.serve(router, stream).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::Changes;
    use gate::SILENCE;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::Instant;

    /// A client's connection to a server.
    fn connect(service: &Arc<Service>) -> DuplexStream {
        let (client, server) = duplex(1 << 16);
        tokio::spawn(serve(service.clone(), server));
        client
    }

    async fn serve(service: Arc<Service>, stream: DuplexStream) {
        let Routes { router, door } = routes(service, Names::default());
        door.serve(router, stream).await;
    }

    /// The service of a server with this state, which waits to be added to a cluster.
    fn service_with(machine: Machine) -> Arc<Service> {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::new("raft", 1).join();
        let server = runtime::Server::open(folder.path(), settings, machine).unwrap();
        let tcp = Tcp::new(server.settings(), 1, server.origin(), server.inlet());
        let (handle, events) = (server.handle(), Broadcast::new());
        let service = Service::new(server.settings(), handle, tcp.clone(), events, sync_histogram());
        tokio::spawn(async move {
            server.run("nowhere".to_owned(), tcp, ()).await.unwrap();
            drop(folder);
        });
        Arc::new(service)
    }

    fn service() -> Arc<Service> {
        service_with(Machine::new(::kv::Store::default()))
    }

    /// What the server says until it hangs up.
    async fn said(client: &mut DuplexStream) -> String {
        let mut said = String::new();
        client.read_to_string(&mut said).await.unwrap();
        said
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_more_is_not_waited_for_for_ever() {
        let service = service();
        let half_a_head = "GET /healthz HTTP/1.1\r\nhost: localhost";
        let half_a_body = "PUT /kv/x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf";
        let half_a_change = "POST /members HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\nhalf";
        let then_idle = "GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n";
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
        let service = service();
        let (mut client, server) = duplex(64);
        let served = tokio::spawn(serve(service.clone(), server));
        client.write_all(b"GET /x HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        tokio::time::timeout(SILENCE * 3, served).await.expect("the connection is given up").unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn streams_stay_open_and_are_bounded() {
        let service = service();
        let mut streams = Vec::new();
        for _ in 0..MOST_STREAMS {
            let mut stream = connect(&service);
            stream.write_all(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
            let mut begin = [0; 12];
            stream.read_exact(&mut begin).await.unwrap();
            assert_eq!(&begin, b"HTTP/1.1 200");
            streams.push(stream);
        }
        for path in ["/events", "/watch"] {
            let mut one_more = connect(&service);
            let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
            one_more.write_all(request.as_bytes()).await.unwrap();
            let said = said(&mut one_more).await;
            assert!(said.starts_with("HTTP/1.1 503") && said.contains("\"outcome\":\"not done\""), "{said}");
        }
        tokio::time::sleep(SILENCE * 3).await;
        drop(streams.pop());
        assert!(service.events.is_heard(), "the others are still there");
        let mut next = connect(&service);
        tokio::time::sleep(SILENCE / 2).await;
        next.write_all(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut begin = [0; 12];
        next.read_exact(&mut begin).await.unwrap();
        assert_eq!(&begin, b"HTTP/1.1 200", "there is a place again");
    }

    fn machine_with(value: &[u8]) -> Machine {
        let mut store = ::kv::Store::default();
        let command = ::kv::Command::Write(::kv::Write::put(b"x", value)).encode().unwrap();
        store.apply(consensus::Index(1), &command);
        Machine::new(store)
    }

    const VALUE: &[u8] = b"GET /kv/x?read=stale HTTP/1.1\r\nhost: localhost\r\n\r\n";
    const LIST: &[u8] = b"GET /kv?read=stale HTTP/1.1\r\nhost: localhost\r\n\r\n";

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_not_waited_for_for_ever() {
        let service = service_with(machine_with(&[1; ::kv::LONGEST_VALUE]));
        for request in [VALUE, LIST] {
            let (mut client, server) = duplex(1 << 16);
            let served = tokio::spawn(serve(service.clone(), server));
            client.write_all(request).await.unwrap();
            tokio::time::timeout(SILENCE * 3, served).await.expect("its connection is closed").unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn values_that_nobody_reads_are_bounded_together() {
        let service = service_with(machine_with(&[1; ::kv::LONGEST_VALUE]));
        let mut unread = Vec::new();
        let mut statuses = Vec::new();
        for _ in 0..=MOST_UNREAD / ::kv::LONGEST_VALUE {
            let mut client = connect(&service);
            client.write_all(VALUE).await.unwrap();
            let mut begin = [0; 12];
            client.read_exact(&mut begin).await.unwrap();
            statuses.push(String::from_utf8_lossy(&begin[9..]).into_owned());
            unread.push(client);
        }
        let last = statuses.pop().unwrap();
        assert!(last == "503" && statuses.iter().all(|status| status == "200"), "{last}: {statuses:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn values_that_come_by_half_are_bounded_together() {
        let service = service();
        let half_a_value = ::kv::LONGEST_VALUE / 2;
        let head =
            format!("PUT /kv/x HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", half_a_value + 1);
        let mut half_sent = Vec::new();
        let mut refused = 0;
        for _ in 0..=MOST_HALF_SENT / half_a_value {
            let mut client = connect(&service);
            client.write_all(head.as_bytes()).await.unwrap();
            // The server may close the connection before it has read all of it.
            let _ = client.write_all(&vec![1; half_a_value]).await;
            let mut begin = [0; 12];
            // The rest is waited for, and nothing said meanwhile.
            if let Ok(read) = tokio::time::timeout(SILENCE / 1000, client.read_exact(&mut begin)).await {
                read.unwrap();
                assert_eq!(&begin, b"HTTP/1.1 503");
                refused += 1;
            }
            half_sent.push(client);
        }
        assert_eq!(refused, 1);
        drop(half_sent);
        tokio::task::yield_now().await;
        let mut next = connect(&service);
        next.write_all(head.as_bytes()).await.unwrap();
        next.write_all(&vec![1; half_a_value]).await.unwrap();
        let mut begin = [0; 12];
        let waits = tokio::time::timeout(SILENCE / 1000, next.read_exact(&mut begin)).await;
        assert!(waits.is_err(), "there is room again");
    }

    /// Whatever is to be written of a list, the thread in which the engine runs goes on with others meanwhile.
    #[test]
    fn lists_are_written_outside_the_engines_thread() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let service = service_with(machine_with(&[1; 1000]));
            let (release, released) = std::sync::mpsc::channel::<()>();
            let _busy = tokio::task::spawn_blocking(move || released.recv());
            let mut waiting = connect(&service);
            waiting.write_all(LIST).await.unwrap();
            for _ in 0..10 {
                let mut other = connect(&service);
                other
                    .write_all(b"GET /no HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
                    .await
                    .unwrap();
                assert!(said(&mut other).await.starts_with("HTTP/1.1 404"));
            }
            let mut begin = [0; 12];
            let unanswered = futures_util::FutureExt::now_or_never(waiting.read(&mut begin));
            assert!(unanswered.is_none(), "the list was written in this thread");
            release.send(()).unwrap();
            waiting.read_exact(&mut begin).await.unwrap();
            assert_eq!(&begin, b"HTTP/1.1 200");
        });
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_nobody_reads_takes_its_room() {
        let mut changes = Changes::after(consensus::Index(0));
        let value = Some(vec![1; ::kv::LONGEST_VALUE].into());
        changes.note(&::kv::Changed { key: b"x", version: consensus::Index(1), value });
        let service = service_with(Machine { store: ::kv::Store::default(), changes });
        let mut client = connect(&service);
        client.write_all(b"GET /watch?after=0 HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut begin = Vec::new();
        while !begin.windows(5).any(|read| read == b"data:") {
            assert_ne!(client.read_buf(&mut begin).await.unwrap(), 0);
        }
        let has_all = || service.room.share().grow_to(MOST_UNREAD);
        assert!(!has_all(), "it takes room");
        drop(client);
        let all_is_there = async {
            while !has_all() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::time::timeout(SILENCE * 3, all_is_there).await.expect("it gives its room back");
    }
}
