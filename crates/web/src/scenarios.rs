//! What else can be opened on a page: scenarios.

use crate::refusal::Refusal;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The scenarios that can be opened, whatever the page has come to show.
#[derive(Debug, Clone)]
pub struct Scenarios {
    /// What there is.
    pub titles: Vec<ScenarioTitle>,
    /// Plays the one of this name and tells all of it, as [`embedded`](crate::embedded) does; none if there is no such one.
    pub film: fn(&str) -> Option<String>,
}

/// A scenario that can be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ScenarioTitle {
    /// Its name, such as `elections/first-election`.
    pub name: String,
    /// What it is about, in a few words.
    pub title: String,
}

pub(crate) async fn titles(State(scenarios): State<Scenarios>) -> Json<Vec<ScenarioTitle>> {
    Json(scenarios.titles)
}

pub(crate) async fn film(
    State(scenarios): State<Scenarios>,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let film = (scenarios.film)(&name).ok_or(Refusal::NoScenario(name))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], film).into_response())
}
