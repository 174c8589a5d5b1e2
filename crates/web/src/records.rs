//! What has happened, in stretches from the latest to the oldest: a page that is opened late starts with the
//! latest records and the story of all before them. It asks for the routine too when its reader goes back.

use crate::history::{History, Part};
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use page::Headline;
use serde::{Deserialize, Serialize};

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
    let json =
        format!(r#"{{"snapshot":{},"records":[{}]}}"#, json(&stretch.snapshot), stretch.json.join(","));
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

/// The records without the routine. Their numbers have gaps.
pub(crate) async fn story(
    State(history): State<History>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(Parameters { up_to }) = parameters.map_err(|_| Refusal::NoNumber)?;
    let part = |Part { snapshot, numbers, json: records }: &Part| {
        let (snapshot, numbers) = (json(snapshot), json(numbers));
        format!(r#"{{"snapshot":{snapshot},"numbers":{numbers},"records":[{}]}}"#, records.join(","))
    };
    let parts: Vec<String> = history.story(up_to.unwrap_or(u64::MAX)).iter().map(part).collect();
    Ok(([(header::CONTENT_TYPE, "application/json")], format!("[{}]", parts.join(","))).into_response())
}

/// The headlines, including those that were replaced later.
pub(crate) async fn headlines(
    State(history): State<History>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Vec<Headline>>, Refusal> {
    let Query(Parameters { up_to }) = parameters.map_err(|_| Refusal::NoNumber)?;
    Ok(Json(history.headlines(up_to.unwrap_or(u64::MAX))))
}

fn json(told: &impl Serialize) -> String {
    serde_json::to_string(told).expect("what is told has a JSON")
}
