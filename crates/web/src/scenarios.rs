//! What else can be opened on a page: scenarios.

use crate::refusal::Refusal;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use consensus::Rule;
use serde::Serialize;

/// The scenarios that can be opened, whatever the page has come to show.
#[derive(Debug, Clone)]
pub struct Scenarios {
    /// The scenarios, in learning order.
    pub titles: Vec<ScenarioTitle>,
    /// Plays the one with this path, in the form of [`embedded`](crate::embedded); `None` if there is none.
    pub film: fn(&str) -> Option<String>,
}

/// A scenario that can be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ScenarioTitle {
    /// The chapter in which a learner meets it.
    pub chapter: Chapter,
    /// Its file below scenarios/, without the ending, such as `elections/first-election`.
    pub path: String,
    /// What it is about, in a few words.
    pub title: String,
    /// The rules that it is about, the most important one first.
    pub rules: Vec<Rule>,
    /// What it says to its reader.
    pub prose: String,
}

/// A chapter: scenarios that teach one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Chapter {
    /// Its number, from 1.
    pub number: usize,
    /// Its name, such as `Terms and the first election`.
    pub name: String,
}

pub(crate) async fn titles(State(scenarios): State<Scenarios>) -> Json<Vec<ScenarioTitle>> {
    Json(scenarios.titles)
}

pub(crate) async fn film(
    State(scenarios): State<Scenarios>,
    Path(path): Path<String>,
) -> Result<Response, Refusal> {
    let film = (scenarios.film)(&path).ok_or(Refusal::NoScenario(path))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], film).into_response())
}
