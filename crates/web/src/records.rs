//! What has happened, in stretches from the latest to the oldest: a page that is opened late starts with the latest
//! records, and asks for earlier ones when its reader goes back.

use crate::history::History;
use crate::refusal::Refusal;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Parameters {
    /// The number of the last record that is wanted.
    up_to: Option<u64>,
}

pub(crate) async fn records(
    State(history): State<History>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(Parameters { up_to }) = parameters.map_err(|_| Refusal::NoNumber)?;
    let stretch = history.stretch(up_to);
    let snapshot = serde_json::to_string(&stretch.snapshot).expect("what is told has a JSON");
    let json = format!(r#"{{"snapshot":{snapshot},"records":[{}]}}"#, stretch.json.join(","));
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}
