//! `GET /watch`: each change of the store, in the order of the log, as Server-Sent Events.

use super::errors::Problem;
use super::parameters::Parameters;
use super::{Service, json_text};
use crate::changes::{Batch, Change};
use crate::clients::Request;
use crate::engine::Happening;
use crate::json::{ChangeTold, Missed, Text};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::sse::{Event, KeepAlive, Sse};
use consensus::Index;
use futures_util::Stream;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// So often a reader hears that the server is still there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// After so long a busy engine is asked again.
const BUSY: Duration = Duration::from_millis(20);

pub(super) async fn watch(
    State(service): State<Arc<Service>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let parameters = Parameters::of(&uri, &["prefix", "after"])?;
    let prefix = parameters.bytes("prefix").unwrap_or_default().to_vec();
    // A browser that reconnects says what it has seen, and leaves the URL as it was.
    let after = match headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok()) {
        Some(seen) => Some(seen),
        None => parameters.number("after")?,
    };
    let place = service.place_for_stream()?;
    let first = ask(&service, after.map(Index)).await?;
    let seen = after.map_or(first.until, Index);
    let mut watcher = Watcher { service, prefix, seen, ready: VecDeque::new(), news: None };
    watcher.take(first);
    let events = futures_util::stream::unfold((watcher, place), |(mut watcher, place)| async {
        Some((Ok(watcher.next().await?), (watcher, place)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)))
}

/// Somebody who watches.
struct Watcher {
    service: Arc<Service>,
    prefix: Vec<u8>,
    /// All changes up to this entry have been told, or are ready to be.
    seen: Index,
    ready: VecDeque<Event>,
    /// Tells when there is more, if there was no more.
    news: Option<watch::Receiver<()>>,
}

impl Watcher {
    /// The next event; none if the server is about to end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if let Some(news) = &mut self.news {
                // If that is closed, another store has taken the place: then it is asked.
                let _ = news.changed().await;
            }
            match ask(&self.service, Some(self.seen)).await {
                Ok(batch) => self.take(batch),
                Err(Problem::Busy) => tokio::time::sleep(BUSY).await,
                Err(_) => return None,
            }
        }
    }

    fn take(&mut self, batch: Batch) {
        let Batch { changes, complete_after, until, is_full, news } = batch;
        if complete_after > self.seen {
            let missed = Missed { after: self.seen, until: complete_after };
            let event = Event::default().event("missed").id(complete_after.to_string());
            self.ready.push_back(event.data(json_text(&missed)));
        }
        for change in changes.iter().filter(|change| change.key.starts_with(&self.prefix)) {
            self.ready.push_back(tell(change));
        }
        // How far this has come is told even if nothing is: whoever reconnects goes on from there.
        self.ready.push_back(Event::default().id(until.to_string()));
        self.seen = until.max(complete_after);
        self.news = (!is_full).then_some(news);
    }
}

fn tell(change: &Change) -> Event {
    let Change { key, version, value } = change;
    let told = ChangeTold {
        key: Text::of(key),
        value: value.as_deref().map(Text::of),
        version: *version,
        deleted: value.is_none(),
    };
    Event::default().id(version.to_string()).data(json_text(&told))
}

async fn ask(service: &Service, after: Option<Index>) -> Result<Batch, Problem> {
    let (answer, batch) = oneshot::channel();
    service.ask(Happening::Client(Request::Watch { after, answer }))?;
    batch.await.map_err(|_| Problem::Stopping)
}
