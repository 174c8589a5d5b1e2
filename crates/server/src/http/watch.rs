//! `GET /watch`: each change of the store, in the order of the log, as Server-Sent Events.

use super::errors::Problem;
use super::parameters::Parameters;
use super::{Service, json_text, write_aside};
use crate::changes::{Batch, Change};
use crate::machine::Machine;
use api::{ChangeEvent, Missed, Place, Text};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::sse::{Event, KeepAlive, Sse};
use consensus::{ClusterId, Index};
use futures_util::Stream;
use gate::{SMALL, Share};
use runtime::View;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// So often a reader hears that the server is still there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// How long to wait before a busy engine is asked again.
const BUSY: Duration = Duration::from_millis(20);

pub(super) async fn watch(
    State(service): State<Arc<Service>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let parameters = Parameters::of(&uri, &["prefix", "after"])?;
    let prefix = parameters.bytes("prefix").unwrap_or_default().to_vec();
    // A browser that reconnects says what it has seen, and leaves the URL as it was.
    let after: Option<Place> =
        match headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok()) {
            Some(seen) => Some(seen),
            None => parameters.parsed("after")?,
        };
    let place = service.place_for_stream()?;
    let first = ask(&service, after.map(|place| place.index)).await?;
    let share = service.room.share();
    let mut watcher =
        Watcher { service, prefix, seen: first.until, ready: VecDeque::new(), share, news: None };
    watcher.begin(after, &first);
    let events = futures_util::stream::unfold((watcher, place), |(mut watcher, place)| async {
        Some((Ok(watcher.next().await?), (watcher, place)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)))
}

/// One client that watches.
struct Watcher {
    service: Arc<Service>,
    prefix: Vec<u8>,
    /// All changes up to this entry have been told, or are ready to be.
    seen: Index,
    ready: VecDeque<Ready>,
    /// The room for what is ready, and for what is on its way to it.
    share: Share,
    /// Tells when there is more, if there was no more.
    news: Option<watch::Receiver<()>>,
}

/// What comes next for a reader.
enum Ready {
    Told(Event),
    Change(Change, Option<ClusterId>),
}

impl Watcher {
    /// The next event; `None` if the server is about to end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            match self.ready.pop_front() {
                Some(Ready::Told(event)) => return Some(event),
                Some(Ready::Change(change, cluster)) => return self.tell(change, cluster).await.ok(),
                None => {}
            }
            // The reader wants more, so it has taken everything before.
            self.share = self.service.room.share();
            if let Some(mut news) = self.news.take() {
                // If that is closed, another store has taken the place: then it is asked.
                let _ = news.changed().await;
            }
            match ask(&self.service, Some(self.seen)).await {
                Ok(batch) if self.share.grow_to(most_bytes(&batch)) => self.take(batch),
                Ok(_) | Err(Problem::Busy) => tokio::time::sleep(BUSY).await,
                Err(_) => return None,
            }
        }
    }

    /// Goes on after a place, if this log has it. One in another cluster, or beyond what this server has applied, may be
    /// one in a log that is gone: then everything so far may be missed. (Only in the same cluster it is one that this
    /// server will come to.)
    fn begin(&mut self, after: Option<Place>, first: &Batch) {
        let Some(Place { index, cluster }) = after else { return };
        let is_same = cluster.is_some() && cluster == first.cluster;
        let is_another = cluster.is_some() && first.cluster.is_some() && !is_same;
        if is_another || (index > first.applied && !is_same) {
            self.seen = first.applied;
            self.tell_missed(Missed { after: Index(0), until: first.applied }, first.cluster);
        } else {
            self.seen = index;
        }
    }

    fn tell_missed(&mut self, missed: Missed, cluster: Option<ClusterId>) {
        let id = Place { index: missed.until, cluster }.to_string();
        let event = Event::default().event(Missed::EVENT).id(id).data(json_text(&missed));
        self.ready.push_back(Ready::Told(event));
    }

    fn take(&mut self, batch: Batch) {
        let Batch { changes, complete_after, until, is_full, news, cluster, .. } = batch;
        if complete_after > self.seen {
            self.tell_missed(Missed { after: self.seen, until: complete_after }, cluster);
        }
        let wanted = changes.into_iter().filter(|change| change.key.starts_with(&self.prefix));
        self.ready.extend(wanted.map(|change| Ready::Change(change, cluster)));
        // The client learns how far this has come even if no change concerns it: it goes on from there when it reconnects.
        let until_here = Event::default().id(Place { index: until, cluster }.to_string());
        self.ready.push_back(Ready::Told(until_here));
        self.seen = until.max(complete_after);
        self.news = (!is_full).then_some(news);
    }

    /// A long change is written in another thread: the engine in this one must not wait for it.
    async fn tell(&self, change: Change, cluster: Option<ClusterId>) -> Result<Event, Problem> {
        if change.size() <= SMALL {
            return Ok(tell(&change, cluster));
        }
        write_aside(&self.service.lists, move || tell(&change, cluster)).await
    }
}

/// No more bytes than these are held for a batch at a time: its changes, and one of them in JSON, where each byte takes six at
/// most.
fn most_bytes(batch: &Batch) -> usize {
    let sizes = || batch.changes.iter().map(Change::size);
    sizes().sum::<usize>() + 6 * sizes().max().unwrap_or(0)
}

fn tell(change: &Change, cluster: Option<ClusterId>) -> Event {
    let Change { key, version, value } = change;
    let told = ChangeEvent {
        key: Text::of(key),
        value: value.as_deref().map(Text::of),
        version: *version,
        deleted: value.is_none(),
    };
    Event::default().id(Place { index: *version, cluster }.to_string()).data(json_text(&told))
}

async fn ask(service: &Service, after: Option<Index>) -> Result<Batch, Problem> {
    let next = move |view: &View<'_, Machine>| {
        let (cluster, machine) = (view.driver.node().memory().cluster, view.driver.machine());
        Batch { cluster, ..machine.changes.next(after, view.driver.last_applied()) }
    };
    Ok(service.handle.look(next).await?)
}
