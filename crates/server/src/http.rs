//! HTTP for clients, on the same port that the servers use among themselves: `curl` is enough to use the
//! store, and to look at the server.

mod connection;
mod errors;
mod events;
mod kv;
mod members;
mod metrics;
mod parameters;
mod status;
mod watch;

pub(crate) use connection::HttpConnection;
pub(crate) use events::Broadcast;
pub(crate) use metrics::sync_histogram;

use crate::engine::Happening;
use crate::network::Network;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use connection::HttpConnections;
use consensus::NodeId;
use errors::Problem;
use prometheus_client::metrics::histogram::Histogram;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;
use tokio::sync::mpsc;

/// So long a client waits for its outcome, at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// What all handlers need.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) id: NodeId,
    pub(crate) engine: SyncSender<Happening>,
    pub(crate) network: Network,
    pub(crate) events: Broadcast,
    /// Have leaders leases, so that read=lease makes sense?
    pub(crate) gives_leases: bool,
    /// How long syncs of the log took.
    pub(crate) syncs: Histogram,
}

impl Service {
    /// Gives a request to the engine, unless that has too much to do.
    fn ask(&self, happening: Happening) -> Result<(), Problem> {
        self.engine.try_send(happening).map_err(|error| match error {
            TrySendError::Full(_) => Problem::Busy,
            TrySendError::Disconnected(_) => Problem::Stopping,
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

/// Serves clients, whose connections come from `connections`, until the runtime ends.
pub(crate) async fn serve(
    service: Service,
    address: SocketAddr,
    connections: mpsc::Receiver<HttpConnection>,
) -> std::io::Result<()> {
    let routes = Router::new()
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
        .layer(axum::extract::DefaultBodyLimit::max(kv::LARGEST_BODY))
        .with_state(service);
    axum::serve(HttpConnections::new(address, connections), routes).await
}
