//! What has happened so far: the latest records, and what all before them add up to.

use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;
use trace::{ClusterView, Event, Io, Record};

/// So many records are kept, the latest.
pub(crate) const KEPT: usize = 50_000;

/// The history that all readers share. Nobody who reads it has a queue: each asks for what comes after the
/// last that it has seen. So a slow reader can't make it grow, and nobody waits for one.
#[derive(Debug, Clone)]
pub(crate) struct History {
    records: Arc<Mutex<Records>>,
    /// The number of the latest record: changes wake those who wait.
    latest: watch::Sender<u64>,
}

#[derive(Debug)]
struct Records {
    /// So many are kept, or all.
    kept: Option<usize>,
    /// What the forgotten ones add up to.
    forgotten: Snapshot,
    /// The others, as JSON and for when they are to be forgotten.
    latest: VecDeque<(Record, Arc<str>)>,
    /// Will there be no more?
    is_whole: bool,
}

/// What the records up to one add up to.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Snapshot {
    /// The number of that record.
    pub after: u64,
    /// The cluster after it.
    pub view: ClusterView,
}

/// What comes next for a reader.
#[derive(Debug)]
pub(crate) enum Next {
    /// This, the first with this number.
    Records { first: u64, json: Vec<Arc<str>> },
    /// What it has not seen is forgotten, up to here.
    Forgotten(Box<Snapshot>),
    /// Nothing yet. It has seen all, up to this one.
    NothingYet,
    /// Nothing, ever.
    End,
}

impl History {
    /// The history of a cluster to which nothing has happened yet, of which so many records are kept, or all.
    pub(crate) fn new(beginning: ClusterView, kept: Option<usize>) -> History {
        let forgotten = Snapshot { after: 0, view: beginning };
        let records = Records { kept, forgotten, latest: VecDeque::new(), is_whole: false };
        History { records: Arc::new(Mutex::new(records)), latest: watch::Sender::new(0) }
    }

    /// Adds what has happened. Steps are left out: the records before each have told what it did.
    pub(crate) fn add<'a>(&self, news: impl IntoIterator<Item = &'a Record>) {
        let mut records = self.lock();
        for record in news {
            if !matches!(record.event, Event::Io(Io::Step { .. })) {
                records.add(record);
            }
        }
        let last = records.last();
        drop(records);
        self.latest.send_if_modified(|latest| std::mem::replace(latest, last) != last);
    }

    /// There will be no more.
    pub(crate) fn end(&self) {
        self.lock().is_whole = true;
        self.latest.send_modify(|_| {});
    }

    /// What comes after the record of this number, but not more than `at_most`.
    pub(crate) fn next(&self, after: u64, at_most: usize) -> Next {
        self.lock().next(after, at_most)
    }

    /// All that is kept, as JSON lines.
    pub(crate) fn lines(&self) -> String {
        let json: Vec<Arc<str>> = self.lock().latest.iter().map(|(_, json)| json.clone()).collect();
        json.iter().flat_map(|json| [&**json, "\n"]).collect()
    }

    /// Something to wait with until there is more.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().expect("nobody panics with the history in hand")
    }
}

impl Records {
    fn add(&mut self, record: &Record) {
        self.latest.push_back((record.clone(), record.to_json().into()));
        if self.kept.is_some_and(|kept| self.latest.len() > kept)
            && let Some((oldest, _)) = self.latest.pop_front()
        {
            self.forgotten.view.apply(&oldest);
            self.forgotten.after += 1;
        }
    }

    fn last(&self) -> u64 {
        self.forgotten.after + self.latest.len() as u64
    }

    fn next(&self, after: u64, at_most: usize) -> Next {
        let Some(seen) = after.checked_sub(self.forgotten.after) else {
            return Next::Forgotten(Box::new(self.forgotten.clone()));
        };
        let unseen = self.latest.iter().skip(usize::try_from(seen).unwrap_or(usize::MAX)).take(at_most);
        let json: Vec<Arc<str>> = unseen.map(|(_, json)| json.clone()).collect();
        match (json.is_empty(), self.is_whole) {
            (false, _) => Next::Records { first: after + 1, json },
            (true, false) => Next::NothingYet,
            (true, true) => Next::End,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::{NodeId, Term};
    use trace::{Laboratory, Process};

    fn record(t: u64) -> Record {
        let event = Event::Process(Process::Stopped);
        Record { t, node: NodeId(1), life: 1, seq: None, cause: None, term: Term(0), event }
    }

    fn history(kept: usize) -> History {
        History::new(ClusterView::new([NodeId(1)]), Some(kept))
    }

    fn numbers(next: Next) -> (u64, usize) {
        match next {
            Next::Records { first, json } => (first, json.len()),
            other => panic!("no records but {other:?}"),
        }
    }

    #[test]
    fn a_reader_is_given_what_it_has_not_seen() {
        let history = history(100);
        assert!(matches!(history.next(0, 10), Next::NothingYet));
        history.add(&[record(1), record(2), record(3)]);
        assert_eq!(numbers(history.next(0, 10)), (1, 3));
        assert_eq!(numbers(history.next(0, 2)), (1, 2));
        assert_eq!(numbers(history.next(2, 10)), (3, 1));
        assert!(matches!(history.next(3, 10), Next::NothingYet));
        assert!(matches!(history.next(1000, 10), Next::NothingYet));
        history.end();
        assert!(matches!(history.next(3, 10), Next::End));
    }

    #[test]
    fn what_is_forgotten_is_summed_up() {
        let history = history(2);
        let paused = Record { event: Event::Laboratory(Laboratory::Paused), ..record(1) };
        history.add(&[paused, record(2)]);
        assert_eq!(numbers(history.next(0, 10)), (1, 2));
        history.add(&[record(3)]);
        let Next::Forgotten(snapshot) = history.next(0, 10) else {
            panic!("the first record is still there")
        };
        assert_eq!(snapshot.after, 1);
        let server = snapshot.view.server(NodeId(1)).unwrap();
        assert_eq!(server.condition, trace::Condition::Paused);
        assert_eq!(numbers(history.next(1, 10)), (2, 2));
    }
}
