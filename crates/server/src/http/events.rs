//! The trace, as it happens: Server-Sent Events, each with a record's JSON (docs/trace.md).

use super::Service;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use trace::Record;

/// So many records wait for a reader, at most. A slower one misses some, and is told how many.
const QUEUE: usize = 4096;

/// Brings records to all who listen.
#[derive(Debug, Clone)]
pub(crate) struct Broadcast(broadcast::Sender<Arc<str>>);

impl Broadcast {
    pub(crate) fn new() -> Broadcast {
        Broadcast(broadcast::Sender::new(QUEUE))
    }

    /// Does anybody listen?
    pub(crate) fn is_heard(&self) -> bool {
        self.0.receiver_count() > 0
    }

    pub(crate) fn tell(&self, record: &Record) {
        if self.is_heard() {
            // The last listener may have left just now.
            let _ = self.0.send(record.to_json().into());
        }
    }
}

pub(super) async fn events(
    State(service): State<Service>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let records = service.events.0.subscribe();
    let events = futures_util::stream::unfold(records, |mut records| async {
        let event = match records.recv().await {
            Ok(record) => Event::default().data(&record),
            Err(RecvError::Lagged(missed)) => Event::default().event("missed").data(missed.to_string()),
            Err(RecvError::Closed) => return None,
        };
        Some((Ok(event), records))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}
