//! What else can be opened on a page: scenarios.

use crate::refusal::Refusal;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use page::{Library, ScenarioTitle};

/// The scenarios that can be opened, whatever the page has come to show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenarios(pub(crate) &'static Library);

pub(crate) async fn titles(State(Scenarios(library)): State<Scenarios>) -> Json<Vec<ScenarioTitle>> {
    Json(library.titles())
}

pub(crate) async fn film(
    State(Scenarios(library)): State<Scenarios>,
    Path(path): Path<String>,
) -> Result<Response, Refusal> {
    let run = library.play(&path).ok_or(Refusal::NoScenario(path))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], run.embedded()).into_response())
}
