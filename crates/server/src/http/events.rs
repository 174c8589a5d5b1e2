//! The trace, as it happens: Server-Sent Events, each with a record's JSON (docs/trace.md).

use super::Service;
use super::errors::Problem;
use crate::broadcast::Told;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use std::convert::Infallible;
use std::sync::Arc;

pub(super) async fn events(
    State(service): State<Arc<Service>>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let place = service.place_for_stream()?;
    let listener = service.events.listen();
    let events = futures_util::stream::unfold((listener, place), |(mut listener, place)| async {
        let event = match listener.next().await? {
            Told::Record(json) => Event::default().data(&json),
            Told::Missed(missed) => Event::default().event("missed").data(missed.to_string()),
        };
        Some((Ok(event), (listener, place)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}
