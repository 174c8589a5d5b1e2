//! How the server is.

use super::Service;
use super::errors::Problem;
use crate::status::status_of;
use api::Status;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;

pub(super) async fn status(State(service): State<Arc<Service>>) -> Result<Response, Problem> {
    let status = ask(&service).await?;
    service.account(status).await
}

/// The server runs, and its engine answers.
pub(super) async fn healthz(State(service): State<Arc<Service>>) -> Result<&'static str, Problem> {
    Ok(service.handle.look(|_| "ok\n").await?)
}

/// The server follows a leader, or leads, and has caught up: it has applied an entry of the current term.
pub(super) async fn readyz(State(service): State<Arc<Service>>) -> Result<&'static str, Problem> {
    let status = ask(&service).await?;
    match (status.not_ready, status.trouble) {
        (None, _) => Ok("ready\n"),
        (Some(why), trouble) => Err(Problem::Refused {
            status: StatusCode::SERVICE_UNAVAILABLE,
            error: why,
            help: trouble.map_or("wait a moment, or ask another server".to_owned(), |trouble| trouble.help),
        }),
    }
}

pub(super) async fn ask(service: &Service) -> Result<Status, Problem> {
    let cluster = service.cluster.clone();
    Ok(service.handle.look(move |view| status_of(cluster, view)).await?)
}
