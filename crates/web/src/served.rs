//! The web server. It has threads of its own, so that readers of the page can't slow the cluster down.

use crate::built::{ENGINE, ENGINE_NAME};
use crate::refusal::Refusal;
use axum::Router;
use axum::body::Bytes;
use axum::extract::OriginalUri;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use gate::{Door, Names};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

/// Maximum number of connections at a time; any others are closed at once. A browser opens up to six.
const MOST_CONNECTIONS: usize = 64;

/// What the page may do: ask this server and nothing else, and load nothing from elsewhere. The engine runs in a worker,
/// whose script is part of the page. It sends no referrer, because its address may hold a token.
const HEADERS: [(HeaderName, &str); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval'; worker-src blob:; style-src 'unsafe-inline'; img-src data: blob:; \
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
            SiteError::System(_) | SiteError::Random(_) => {
                "close other programs, or do without the page (raft up --no-web)"
            }
        }
    }
}

/// Something that is served to the browsers of this machine, until this is dropped.
#[derive(Debug)]
pub(crate) struct Served {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Served {
    /// Serves at this address (port 0 lets the system choose).
    ///
    /// # Errors
    /// If the address is not a loopback address, or not available.
    pub(crate) fn open(address: SocketAddr, routes: Router) -> Result<Served, SiteError> {
        if !address.ip().is_loopback() {
            return Err(SiteError::Wide(address));
        }
        let listener = TcpListener::bind(address).map_err(|source| SiteError::Listen { address, source })?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let door = Arc::new(door(address));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.spawn(async move {
            // It ends only with the runtime.
            let listener = tokio::net::TcpListener::from_std(listener)?;
            accept(listener, door, routes).await;
            std::io::Result::Ok(())
        });
        Ok(Served { address, _runtime: runtime })
    }

    /// Its address in a browser.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

/// A page, and the engine beside it.
pub(crate) fn page(page: impl Into<Bytes>) -> Router {
    let page = page.into();
    Router::new()
        .route("/", get(async || Html(page)))
        .route(
            &format!("/{ENGINE_NAME}"),
            get(async || ([(header::CONTENT_TYPE, "application/gzip")], ENGINE)),
        )
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

pub(crate) async fn method_not_allowed(method: Method) -> Refusal {
    Refusal::Method(method.to_string())
}

pub(crate) async fn not_found(OriginalUri(uri): OriginalUri) -> Refusal {
    Refusal::NotFound(uri.path().to_owned())
}
