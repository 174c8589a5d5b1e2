//! What the records say about clients' requests.

use crate::content::Content;
use crate::record::{Answer, Event, Io, Laboratory, OutcomeKind, Process, Record, Wish};
use consensus::NodeId;
use serde::Serialize;
use std::sync::Arc;

/// Maximum number of requests that are kept: the latest ones.
const REMEMBERED: usize = 20;

/// A client's request, as known to an observer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RequestView {
    /// The client; `None` if only the server has recorded the request.
    pub client: Option<u64>,
    /// The server that was asked, last if there were several.
    pub node: NodeId,
    /// The server's number for it; `None` until the request has reached the server.
    pub number: Option<u64>,
    /// What the client wants, in words such as `x = 3`.
    pub what: Arc<str>,
    /// The outcome; `None` while it waits.
    pub outcome: Option<OutcomeView>,
}

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct OutcomeView {
    /// What the client knows because of it.
    pub kind: OutcomeKind,
    /// More about it, in words.
    pub words: Arc<str>,
}

impl OutcomeView {
    fn new(kind: OutcomeKind, words: impl Into<Arc<str>>) -> Option<OutcomeView> {
        Some(OutcomeView { kind, words: words.into() })
    }
}

/// Processes a record about clients' requests.
pub(super) fn note(requests: &mut Vec<RequestView>, record: &Record) {
    let node = record.node;
    match &record.event {
        Event::Laboratory(Laboratory::ClientAsks { client, what, command, again }) => {
            let (client, what) = (Some(*client), command.as_ref().unwrap_or(what).as_str().into());
            record_client(requests, RequestView { client, node, number: None, what, outcome: None }, *again);
        }
        Event::Io(Io::Asked { wish, requests: numbers }) => {
            for (place, &number) in numbers.iter().enumerate() {
                record_arrival(requests, node, number, wish_words(*wish, record.content.as_deref(), place));
            }
        }
        Event::Io(Io::Answered { request, answer }) => {
            let is_this = |it: &&mut RequestView| it.node == node && it.number == Some(*request);
            if let Some(asked) = requests.iter_mut().rev().find(is_this) {
                asked.outcome = outcome_of(answer);
            }
        }
        Event::Laboratory(Laboratory::ClientHears { client, answer, outcome: Some(kind) }) => {
            if let Some(asked) = requests.iter_mut().rev().find(|it| it.client == Some(*client)) {
                asked.outcome = OutcomeView::new(*kind, without_kind(answer));
            }
        }
        Event::Laboratory(Laboratory::Died { .. }) => record_end(requests, node, "died"),
        Event::Process(Process::Stopped) => record_end(requests, node, "stopped"),
        _ => {}
    }
}

/// A server is gone, and clients that wait for its reply can't know the outcome.
fn record_end(requests: &mut [RequestView], node: NodeId, how: &str) {
    for asked in requests.iter_mut().filter(|it| it.node == node) {
        // After its next start, the server counts requests from 1 again.
        asked.number = None;
        if asked.outcome.is_none() {
            let words = format!("{node} {how} before it replied");
            asked.outcome = OutcomeView::new(OutcomeKind::Unknown, words);
        }
    }
}

/// A client sends a request. It waits for one thing at a time.
fn record_client(requests: &mut Vec<RequestView>, asked: RequestView, again: bool) {
    let before = requests.iter_mut().rev().find(|it| it.client == asked.client);
    match before {
        Some(before) if again => *before = RequestView { what: before.what.clone(), ..asked },
        before => {
            if let Some(before) = before.filter(|before| before.outcome.is_none()) {
                before.outcome = OutcomeView::new(OutcomeKind::Unknown, "the client stopped waiting");
            }
            push(requests, asked);
        }
    }
}

/// A request has reached a server: that of a client which has recorded it, or another one.
fn record_arrival(requests: &mut Vec<RequestView>, node: NodeId, number: u64, what: Arc<str>) {
    let is_read = |it: &RequestView| it.what.starts_with("get ") && *what == *wish_words(Wish::Read, None, 0);
    let is_expected = |it: &&mut RequestView| {
        it.client.is_some()
            && it.number.is_none()
            && it.outcome.is_none()
            && it.node == node
            && (it.what == what || is_read(it))
    };
    match requests.iter_mut().find(is_expected) {
        Some(expected) => expected.number = Some(number),
        None => push(requests, RequestView { client: None, node, number: Some(number), what, outcome: None }),
    }
}

/// Adds the request; the oldest one with an outcome is dropped, or else the oldest one.
fn push(requests: &mut Vec<RequestView>, asked: RequestView) {
    if requests.len() == REMEMBERED {
        let place = requests.iter().position(|it| it.outcome.is_some()).unwrap_or_default();
        requests.remove(place);
    }
    requests.push(asked);
}

/// A response to a client, without the words that its kind already says.
fn without_kind(answer: &str) -> &str {
    let prefixes = ["not done: ", "not done", "uncertain: "];
    prefixes.iter().find_map(|prefix| answer.strip_prefix(prefix)).unwrap_or(answer)
}

fn wish_words(wish: Wish, content: Option<&Content>, place: usize) -> Arc<str> {
    let command = content.and_then(|content| content.entries.get(place)).filter(|_| wish == Wish::Write);
    let words = || match wish {
        Wish::Write => "write",
        Wish::Read => "read",
        Wish::Change => "change the members",
        Wish::Transfer => "change the leader",
    };
    command.cloned().unwrap_or_else(|| words().into())
}

fn outcome_of(answer: &Answer) -> Option<OutcomeView> {
    use OutcomeKind::{Done, NotDone, Unknown};
    match answer {
        Answer::Done { index } => OutcomeView::new(Done, format!("entry {index}")),
        Answer::MayRead { applied } => {
            OutcomeView::new(Done, format!("read the state after entry {applied}"))
        }
        Answer::Changed { index } => OutcomeView::new(Done, format!("begun with entry {index}")),
        Answer::HandsOver => OutcomeView::new(Done, "begun"),
        Answer::Replaced => OutcomeView::new(NotDone, "a newer leader replaced the entry"),
        Answer::Uncertain => OutcomeView::new(Unknown, "the server can't learn the outcome"),
        Answer::Refused { reason } => OutcomeView::new(NotDone, reason.as_str()),
        Answer::NotLeader { leader: Some(leader) } => {
            OutcomeView::new(NotDone, format!("ask {leader}, the leader"))
        }
        Answer::NotLeader { leader: None } => OutcomeView::new(NotDone, "the server knows no leader"),
    }
}
