//! Watching all changes of the store as they are made.

use crate::exchange::Connection;
use crate::failure::NotDone;
use api::{ChangeEvent, Missed, Place};
use consensus::Index;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A server that is silent for this long counts as gone. It sends something at least once a second.
const SILENCE: Duration = Duration::from_secs(5);

/// A key's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: Vec<u8>,
    /// The entry that made the change.
    pub version: Index,
    /// The key's value since then; `None` if it was removed.
    pub value: Option<Vec<u8>>,
}

/// What watchers receive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A key was changed.
    Changed(Change),
    /// Changes of entries after one, up to another, may be missing: the server no longer has them.
    Missed {
        /// Up to this entry nothing is missing.
        after: Index,
        /// After this entry nothing is missing.
        until: Index,
    },
}

/// A connection to one server, which reports each change, in the order of the log.
#[derive(Debug)]
pub struct Watch {
    connection: Connection,
    server: String,
    /// Bytes received that are not a whole line yet.
    bytes: Vec<u8>,
    lines: VecDeque<String>,
    seen: Option<Place>,
}

/// An event that is being received.
#[derive(Debug, Default)]
struct Event {
    id: Option<Place>,
    name: String,
    data: String,
}

impl Watch {
    pub(crate) fn new(connection: Connection, server: String, after: Option<Place>) -> Watch {
        Watch { connection, server, bytes: Vec::new(), lines: VecDeque::new(), seen: after }
    }

    /// The name or address of the server that is watched.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// All changes up to this place have been received: another server can continue from there. `None` if
    /// nothing was received yet.
    pub fn seen(&self) -> Option<Place> {
        self.seen
    }

    /// Waits for the next change.
    ///
    /// # Errors
    /// If the server is gone.
    pub fn hear(&mut self) -> Result<News, NotDone> {
        loop {
            let Event { id, name, data } = self.event()?;
            self.seen = id.or(self.seen);
            match name.as_str() {
                // It only said how far it has got.
                _ if data.is_empty() => {}
                "" => return Ok(News::Changed(self.change(&data)?)),
                Missed::EVENT => {
                    let Missed { after, until } = self.parse(&data)?;
                    return Ok(News::Missed { after, until });
                }
                // A newer server may have more to report.
                _ => {}
            }
        }
    }

    fn change(&self, data: &str) -> Result<Change, NotDone> {
        let ChangeEvent { key, value, version, .. } = self.parse(data)?;
        let key = key.into_bytes().ok_or_else(|| self.nonsense())?;
        let value = value.map(|value| value.into_bytes().ok_or_else(|| self.nonsense())).transpose()?;
        Ok(Change { key, version, value })
    }

    /// The next event: lines up to an empty one, each with a field's name and its value.
    fn event(&mut self) -> Result<Event, NotDone> {
        let mut event = Event::default();
        loop {
            let line = self.line()?;
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "id" => event.id = value.parse().ok(),
                "event" => event.name = value.to_owned(),
                "data" => event.data += value,
                _ if line.is_empty() => return Ok(event),
                // A comment, which shows that the server is alive.
                _ => {}
            }
        }
    }

    fn line(&mut self) -> Result<String, NotDone> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Ok(line);
            }
            self.connection.await_until(Instant::now() + SILENCE);
            match self.connection.chunk() {
                Ok(Some(chunk)) => self.take(&chunk),
                Ok(None) => return Err(self.silent("it has ended the watch".to_owned())),
                Err(error) => return Err(self.silent(crate::exchange::error_words(&error))),
            }
        }
    }

    fn take(&mut self, chunk: &[u8]) {
        self.bytes.extend(chunk);
        let Some(end) = self.bytes.iter().rposition(|&byte| byte == b'\n') else { return };
        let rest = self.bytes.split_off(end + 1);
        let whole = std::mem::replace(&mut self.bytes, rest);
        self.lines.extend(String::from_utf8_lossy(&whole).lines().map(str::to_owned));
    }

    fn parse<T: DeserializeOwned>(&self, data: &str) -> Result<T, NotDone> {
        serde_json::from_str(data).map_err(|_| self.nonsense())
    }

    fn nonsense(&self) -> NotDone {
        NotDone::nonsense(&self.server)
    }

    fn silent(&self, why: String) -> NotDone {
        NotDone::Silent { server: self.server.clone(), why }
    }
}
