//! The page of a cluster, live or replayed: what it is served with.

use crate::access::{Token, only_with_token};
use crate::actions::{self, Hands, Request};
use crate::built::PAGE;
use crate::events;
use crate::history::{History, KEPT};
use crate::records;
use crate::scenarios::{self, Scenarios};
use crate::served::{self, Served, SiteError};
use crate::why_not;
use axum::extract::{DefaultBodyLimit, FromRef, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use cluster::SlowMotionState;
use page::{Library, Mode, Setup};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::mpsc;
use trace::{ClusterView, Record};

/// Maximum size of an action, in bytes. The store allows longer values, but no one types them on a page.
const LONGEST_ACTION: usize = 64 << 10;

/// A page that is served.
#[derive(Debug)]
pub struct Site {
    token: Token,
    history: History,
    requests: mpsc::Receiver<Request>,
    /// Dropped last: its end is the end of all connections.
    served: Served,
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
        let token = Token::draw()?;
        let setup = Setup { history: (setup.mode == Mode::Live).then_some(KEPT), ..setup };
        let history = History::new(ClusterView::new(setup.servers.iter().copied()), setup.history);
        let (hands, requests) = mpsc::channel(actions::QUEUE);
        let hands = Hands((setup.mode == Mode::Live).then_some(hands));
        let service = Service {
            setup: Arc::new(setup),
            history: history.clone(),
            hands,
            scenarios: Scenarios(library),
        };
        let served = Served::open(address, routes(service, token.clone()))?;
        Ok(Site { token, history, requests, served })
    }

    /// The page's address, with its token.
    pub fn url(&self) -> String {
        format!("{}?token={}", self.served.url(), self.token)
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
        .fallback(served::not_found)
        .method_not_allowed_fallback(served::method_not_allowed)
        .layer(DefaultBodyLimit::max(LONGEST_ACTION))
        .layer(middleware::from_fn_with_state(token, only_with_token))
        .with_state(service);
    served::page(PAGE).nest("/api", api)
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
