//! Brings the trace to all who listen, as it happens.
//!
//! Nobody has a queue: the latest records are kept once, and each reader asks for the next one after the last that it
//! was given. One that is too slow finds some gone, and is told how many.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;
use trace::Record;

/// Maximum number of records that are kept for listeners, and of the bytes of their JSON.
const MOST_RECORDS: usize = 4096;
const MOST_BYTES: usize = 16 << 20;

/// Brings records to all who listen.
#[derive(Debug, Clone)]
pub(crate) struct Broadcast {
    recent: Arc<Mutex<Recent>>,
    /// The number of the latest record: changes wake those who wait.
    latest: watch::Sender<u64>,
}

/// The latest records, as JSON.
#[derive(Debug, Default)]
struct Recent {
    json: VecDeque<Arc<str>>,
    bytes: usize,
    /// How many were forgotten, or told to nobody.
    forgotten: u64,
}

/// One listener.
#[derive(Debug)]
pub(crate) struct Listener {
    recent: Arc<Mutex<Recent>>,
    latest: watch::Receiver<u64>,
    /// The number of the last record that it was given, or has missed.
    seen: u64,
}

/// What a listener is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Record(Arc<str>),
    /// This number of records is gone.
    Missed(u64),
}

impl Broadcast {
    pub(crate) fn new() -> Broadcast {
        Broadcast { recent: Arc::default(), latest: watch::Sender::new(0) }
    }

    /// Is there a listener?
    pub(crate) fn is_heard(&self) -> bool {
        self.latest.receiver_count() > 0
    }

    pub(crate) fn tell(&self, record: &Record) {
        if self.is_heard() {
            self.tell_json(record.to_json().into());
        }
    }

    fn tell_json(&self, json: Arc<str>) {
        let mut recent = lock(&self.recent);
        recent.add(json);
        self.latest.send_replace(recent.last());
    }

    /// A new listener, which gets what happens from now on.
    pub(crate) fn listen(&self) -> Listener {
        let recent = lock(&self.recent);
        Listener { recent: self.recent.clone(), latest: self.latest.subscribe(), seen: recent.last() }
    }
}

impl Recent {
    fn add(&mut self, json: Arc<str>) {
        self.bytes += json.len();
        self.json.push_back(json);
        while (self.json.len() > MOST_RECORDS || self.bytes > MOST_BYTES)
            && let Some(oldest) = self.json.pop_front()
        {
            self.bytes -= oldest.len();
            self.forgotten += 1;
        }
    }

    /// The number of the latest record.
    fn last(&self) -> u64 {
        self.forgotten + self.json.len() as u64
    }

    /// What comes after the record of this number; `None` if that was the latest.
    fn after(&self, seen: u64) -> Option<Told> {
        match seen.checked_sub(self.forgotten) {
            None => Some(Told::Missed(self.forgotten - seen)),
            Some(place) => self.json.get(place as usize).cloned().map(Told::Record),
        }
    }
}

impl Listener {
    /// What comes next; `None` if there will be no more.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        loop {
            // What comes from here on is not missed: it wakes at once.
            self.latest.mark_unchanged();
            if let Some(told) = self.told() {
                return Some(told);
            }
            self.latest.changed().await.ok()?;
        }
    }

    fn told(&mut self) -> Option<Told> {
        let told = lock(&self.recent).after(self.seen)?;
        self.seen += if let Told::Missed(missed) = told { missed } else { 1 };
        Some(told)
    }
}

fn lock(recent: &Mutex<Recent>) -> MutexGuard<'_, Recent> {
    recent.lock().expect("nobody panics with the records in hand")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(length: usize) -> Arc<str> {
        "x".repeat(length).into()
    }

    #[test]
    fn who_listens_is_told_what_comes() {
        let broadcast = Broadcast::new();
        broadcast.tell_json(record(1));
        assert!(!broadcast.is_heard());
        let mut listener = broadcast.listen();
        assert!(broadcast.is_heard());
        assert_eq!(listener.told(), None, "what came before is not for it");
        [2, 3].into_iter().for_each(|length| broadcast.tell_json(record(length)));
        let told = [listener.told(), listener.told(), listener.told()];
        assert_eq!(told, [Some(Told::Record(record(2))), Some(Told::Record(record(3))), None]);
        drop(listener);
        assert!(!broadcast.is_heard());
    }

    #[test]
    fn a_listener_that_does_not_read_keeps_few_bytes_and_is_told_what_it_missed() {
        let broadcast = Broadcast::new();
        let mut listener = broadcast.listen();
        for _ in 0..40 {
            broadcast.tell_json(record(1 << 20));
            assert!(lock(&broadcast.recent).bytes <= MOST_BYTES);
        }
        assert_eq!(listener.told(), Some(Told::Missed(24)));
        assert!((0..16).all(|_| matches!(listener.told(), Some(Told::Record(_)))));
        assert_eq!(listener.told(), None);

        (0..MOST_RECORDS + 5).for_each(|_| broadcast.tell_json(record(1)));
        assert_eq!(listener.told(), Some(Told::Missed(5)));
    }
}
