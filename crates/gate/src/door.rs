//! The way in and out for all requests of a port.

use crate::access::{Names, Stranger, check, is_visit};
use crate::patient::Patient;
use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// Time limit for a request's head, again for its body, for the pause between two requests, and for a
/// response that the client does not read.
pub const SILENCE: Duration = Duration::from_secs(30);

/// Approximate maximum number of buffered bytes per connection, for requests' heads and short responses. The
/// longest paths that our own clients send have 60,000.
const BUFFER: usize = 96 << 10;

/// The pause before the next connection is accepted after the system had no room for one.
const PAUSE: Duration = Duration::from_millis(50);

/// What every response tells browsers: use it as the type that it states, and give it to no other page.
const HEADERS: [(HeaderName, HeaderValue); 2] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// The next connection to a listener, and who made it.
pub async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // Out of file descriptors, most likely: wait for others to be closed.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Every request of a port comes in through it, and every response leaves through it.
pub struct Door {
    /// The host names under which it serves requests.
    pub names: Names,
    /// The response to a stranger.
    pub refuse: fn(Stranger) -> Response,
    /// Further headers for browsers in every response of this port.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// May a browser follow a link on another site to `/`? The user sees the page; the other site does not.
    pub is_open_to_visits: bool,
}

impl Door {
    /// Serves a client until its connection ends, or it sends nothing for too long, or it does not read.
    pub async fn serve(
        self: Arc<Door>,
        routes: Router,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) {
        let routes = TowerToHyperService::new(routes);
        let service = service_fn(move |request: Request<Incoming>| {
            let door = self.clone();
            let answer = door.check(&request).map(|()| routes.call(request));
            async move {
                let mut response = match answer {
                    Ok(answer) => answer.await?,
                    Err(stranger) => (door.refuse)(stranger),
                };
                for (name, value) in HEADERS.iter().chain(&door.headers) {
                    response.headers_mut().insert(name, value.clone());
                }
                Ok::<_, Infallible>(response)
            }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(SILENCE).max_buf_size(BUFFER);
        // If the connection broke, there is no one to report it to.
        let _ = http.serve_connection(TokioIo::new(Patient::new(stream)), service).await;
    }

    fn check(&self, request: &Request<Incoming>) -> Result<(), Stranger> {
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        match check(&self.names, method, uri, headers) {
            Err(Stranger::Site(_))
                if self.is_open_to_visits && uri.path() == "/" && is_visit(method, headers) =>
            {
                Ok(())
            }
            verdict => verdict,
        }
    }
}
