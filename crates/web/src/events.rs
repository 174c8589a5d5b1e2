//! The records as they happen: Server-Sent Events, each with its number, so that a reader can continue after
//! a break.

use crate::history::{History, Next, Snapshot};
use crate::refusal::Refusal;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use cluster::SlowMotionState;
use futures_util::Stream;
use page::Headline;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::convert::Infallible;
use tokio::sync::watch;

/// Maximum number of records that are taken from the history at once.
const BATCH: usize = 256;

#[derive(Deserialize)]
pub(crate) struct Parameters {
    /// The number of the last record that the reader has seen.
    after: Option<u64>,
}

/// Records that are no longer kept, so that a reader can't get them.
#[derive(Serialize)]
struct Missed {
    first: u64,
    last: u64,
}

/// The reader has seen all records up to this one.
#[derive(Serialize)]
struct UpTo {
    last: u64,
}

pub(crate) async fn events(
    State(history): State<History>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let Query(parameters) = parameters.map_err(|_| Refusal::NoNumber)?;
    let last_event_id = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let reader = Reader::new(history, last_event_id.or(parameters.after));
    let events = futures_util::stream::unfold(reader, |mut reader| async {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// A reader of the history.
struct Reader {
    history: History,
    changes: watch::Receiver<u64>,
    /// The number of the last record that it has seen, or that is on its way to it.
    seen: u64,
    /// Has it seen anything at all?
    has_begun: bool,
    /// Does it know that it has seen everything so far?
    is_live: bool,
    /// Does it know that nothing more will come?
    is_over: bool,
    /// The state of slow motion, as far as it knows.
    slow_motion: Option<SlowMotionState>,
    on_the_way: VecDeque<Event>,
}

impl Reader {
    fn new(history: History, seen: Option<u64>) -> Reader {
        let changes = history.subscribe();
        Reader {
            history,
            changes,
            seen: seen.unwrap_or(0),
            has_begun: seen.is_some(),
            is_live: false,
            is_over: false,
            slow_motion: None,
            on_the_way: VecDeque::new(),
        }
    }

    async fn next(&mut self) -> Option<Event> {
        while self.on_the_way.is_empty() && !self.is_over {
            // What happens from here on is not missed: it wakes at once.
            self.changes.mark_unchanged();
            self.report_slow_motion();
            match self.history.next(self.seen, BATCH) {
                Next::Records { first, json, headlines } => {
                    self.seen = first + json.len() as u64 - 1;
                    let mut headlines = headlines.into_iter().peekable();
                    for (id, json) in (first..).zip(&json) {
                        // A reader that has seen a record has seen the headlines after it.
                        while let Some(headline) = headlines.next_if(|headline| headline.after == id) {
                            self.on_the_way.push_back(event("headline", &headline));
                        }
                        self.on_the_way.push_back(Event::default().id(id.to_string()).data(json));
                    }
                }
                Next::Forgotten(snapshot, headlines) => self.skip_to(&snapshot, &headlines),
                Next::NothingYet if !self.is_live => {
                    self.is_live = true;
                    self.on_the_way.push_back(event("live", &UpTo { last: self.seen }));
                }
                Next::NothingYet => self.changes.changed().await.ok()?,
                Next::End => {
                    self.is_over = true;
                    self.on_the_way.push_back(event("end", &UpTo { last: self.seen }));
                }
            }
            self.has_begun = true;
        }
        self.on_the_way.pop_front()
    }

    fn report_slow_motion(&mut self) {
        let state = self.history.slow_motion();
        if let Some(state) = state.filter(|_| state != self.slow_motion) {
            self.on_the_way.push_back(event("slow_motion", &state));
        }
        self.slow_motion = state;
    }

    fn skip_to(&mut self, snapshot: &Snapshot, headlines: &[Headline]) {
        if self.has_begun {
            let missed = Missed { first: self.seen + 1, last: snapshot.after };
            self.on_the_way.push_back(event("missed", &missed));
        }
        self.on_the_way.extend(headlines.iter().map(|headline| event("headline", headline)));
        self.on_the_way.push_back(event("snapshot", snapshot));
        self.seen = snapshot.after;
    }
}

fn event(name: &str, data: &impl Serialize) -> Event {
    Event::default().event(name).json_data(data).expect("what is told has a JSON")
}
