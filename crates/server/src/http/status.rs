//! How the server is.

use super::errors::Problem;
use super::{Service, json};
use crate::engine::Happening;
use crate::status::Status;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;
use tokio::sync::oneshot;

pub(super) async fn status(State(service): State<Arc<Service>>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &ask(&service).await?))
}

/// The server runs, and its engine answers.
pub(super) async fn healthz(State(service): State<Arc<Service>>) -> Result<&'static str, Problem> {
    ask(&service).await.map(|_| "ok\n")
}

/// The server knows a leader, so that clients can be served, here or there.
pub(super) async fn readyz(State(service): State<Arc<Service>>) -> Result<&'static str, Problem> {
    let status = ask(&service).await?;
    match status.leader {
        Some(_) => Ok("ready\n"),
        None => Err(Problem::Refused {
            status: StatusCode::SERVICE_UNAVAILABLE,
            error: format!("{} knows no leader", status.node),
            help: "wait for the election to end".to_owned(),
        }),
    }
}

pub(super) async fn ask(service: &Service) -> Result<Status, Problem> {
    let (answer, status) = oneshot::channel();
    service.ask(Happening::StatusAsked(answer))?;
    status.await.map_err(|_| Problem::Stopping)
}
