//! The web server. It has threads of its own, so that readers of the page can't slow the cluster down.

use crate::access::{Token, only_with_token};
use crate::actions::{self, Hands, Request};
use crate::events;
use crate::history::{History, KEPT};
use crate::built::PAGE;
use crate::records;
use crate::refusal::Refusal;
use crate::scenarios::{self, Scenarios};
use crate::why_not;
use axum::extract::{DefaultBodyLimit, FromRef, OriginalUri, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use cluster::SlowMotionState;
use gate::{Door, Names};
use page::{Library, Mode, Setup};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, mpsc};
use trace::{ClusterView, Record};

/// Maximum size of an action, in bytes. The store allows longer values, but no one types them on a page.
const LONGEST_ACTION: usize = 64 << 10;

/// Maximum number of connections at a time; any others are closed at once. A browser opens up to six.
const MOST_CONNECTIONS: usize = 64;

/// What the page may do: ask this server and nothing else, and load nothing from elsewhere. It sends no
/// referrer, because its address holds the token.
const HEADERS: [(HeaderName, &str); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; \
         font-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Why the page can't be served.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// Other machines could reach it.
    #[error(
        "can't serve the page at {0}: anyone who can reach it controls the cluster, so it is for this machine only"
    )]
    Wide(SocketAddr),
    /// The system refused the port.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system did not provide what it needs.
    #[error("the system refused what the page needs: {0}")]
    System(#[from] std::io::Error),
    /// The system can't provide random bytes.
    #[error("the system can't provide random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

impl SiteError {
    /// What can be done about it.
    pub fn help(&self) -> &'static str {
        match self {
            SiteError::Wide(_) => {
                "use --web 127.0.0.1:0; to see the page on another machine, forward the port: ssh -L PORT:127.0.0.1:PORT HOST"
            }
            SiteError::Listen { .. } => "choose another port with --web 127.0.0.1:PORT, or 0 for any",
            SiteError::System(_) | SiteError::Random(_) => "close other programs, or use --no-web",
        }
    }
}

/// A page that is served.
#[derive(Debug)]
pub struct Site {
    address: SocketAddr,
    token: Token,
    history: History,
    requests: mpsc::Receiver<Request>,
    /// Dropped last: its end is the end of all connections.
    _runtime: Runtime,
}

/// What the handlers of requests share.
#[derive(Clone)]
struct Service {
    setup: Arc<Setup>,
    history: History,
    hands: Hands,
    scenarios: Scenarios,
}

impl FromRef<Service> for History {
    fn from_ref(service: &Service) -> History {
        service.history.clone()
    }
}

impl FromRef<Service> for Arc<Setup> {
    fn from_ref(service: &Service) -> Arc<Setup> {
        service.setup.clone()
    }
}

impl FromRef<Service> for Hands {
    fn from_ref(service: &Service) -> Hands {
        service.hands.clone()
    }
}

impl FromRef<Service> for Scenarios {
    fn from_ref(service: &Service) -> Scenarios {
        service.scenarios
    }
}

impl Site {
    /// Serves the page at this address (port 0 lets the system choose). The scenarios of this
    /// library can be opened on it too.
    ///
    /// # Errors
    /// If the address is not a loopback address, or not available.
    pub fn open(address: SocketAddr, setup: Setup, library: &'static Library) -> Result<Site, SiteError> {
        if !address.ip().is_loopback() {
            return Err(SiteError::Wide(address));
        }
        let listener = TcpListener::bind(address).map_err(|source| SiteError::Listen { address, source })?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let token = Token::draw()?;
        let setup = Setup { history: (setup.mode == Mode::Live).then_some(KEPT), ..setup };
        let history = History::new(ClusterView::new(setup.servers.iter().copied()), setup.history);
        let (hands, requests) = mpsc::channel(actions::QUEUE);
        let hands = Hands((setup.mode == Mode::Live).then_some(hands));
        let service = Service { setup: Arc::new(setup), history: history.clone(), hands, scenarios: Scenarios(library) };
        let routes = routes(service, token.clone());
        let door = Arc::new(door(address));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.spawn(async move {
            // It ends only with the runtime.
            let listener = tokio::net::TcpListener::from_std(listener)?;
            accept(listener, door, routes).await;
            std::io::Result::Ok(())
        });
        Ok(Site { address, token, history, requests, _runtime: runtime })
    }

    /// The page's address, with its token.
    pub fn url(&self) -> String {
        format!("http://{}/?token={}", self.address, self.token)
    }

    /// Passes records on to all readers.
    pub fn publish<'a>(&self, news: impl IntoIterator<Item = &'a Record>) {
        self.history.add(news);
    }

    /// Tells all readers the state of slow motion.
    pub fn show_slow_motion(&self, state: SlowMotionState) {
        self.history.record_slow_motion(state);
    }

    /// Tells all readers that nothing more will happen.
    pub fn end(&self) {
        self.history.end();
    }

    /// The next action requested on the page, if there is one.
    pub fn next_request(&mut self) -> Option<Request> {
        self.requests.try_recv().ok()
    }
}

fn routes(service: Service, token: Token) -> Router {
    let api = Router::new()
        .route("/setup", get(setup))
        .route("/records", get(records::records))
        .route("/story", get(records::story))
        .route("/headlines", get(records::headlines))
        .route("/events", get(events::events))
        .route("/trace", get(trace))
        .route("/why-not", get(why_not::answer))
        .route("/scenarios", get(scenarios::titles))
        .route("/scenarios/{*name}", get(scenarios::film))
        .route("/action", post(actions::act))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(LONGEST_ACTION))
        .layer(middleware::from_fn_with_state(token, only_with_token))
        .with_state(service);
    Router::new()
        .route("/", get(async || Html(PAGE)))
        .nest("/api", api)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
}

/// Lets in requests to this machine's own address. It is open to visits: the printed address may be a link on
/// another page, and anyone who follows it has the token.
fn door(address: SocketAddr) -> Door {
    Door {
        names: Names::of_loopback(address.port()),
        refuse: |stranger| Refusal::Stranger(stranger).into_response(),
        headers: HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))).into(),
        is_open_to_visits: true,
    }
}

async fn accept(listener: tokio::net::TcpListener, door: Arc<Door>, routes: Router) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let (stream, _) = gate::accept(&listener).await;
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let served = door.clone().serve(routes.clone(), stream);
        tokio::spawn(async move {
            served.await;
            drop(place);
        });
    }
}

async fn setup(State(service): State<Service>) -> Json<Setup> {
    Json((*service.setup).clone())
}

/// The whole history as JSON lines, for a file.
async fn trace(State(history): State<History>) -> Response {
    let lines = history.lines();
    let headers = [
        (header::CONTENT_TYPE, "application/jsonl"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"raft-trace.jsonl\""),
    ];
    (StatusCode::OK, headers, lines).into_response()
}

async fn method_not_allowed(method: Method) -> Refusal {
    Refusal::Method(method.to_string())
}

async fn not_found(OriginalUri(uri): OriginalUri) -> Refusal {
    Refusal::NotFound(uri.path().to_owned())
}
