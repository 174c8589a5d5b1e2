//! Random logs, with collisions: few keys, few sessions, little room for sessions.

use consensus::Index;
use kv::{Answer, Change, Command, Request, SessionId, Store, Write};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::num::NonZeroU16;

/// The entries from index 1 on, each with its command; `None` is a no-op entry.
pub type Log = Vec<Option<Vec<u8>>>;

/// An entry, in relation to those before it.
#[derive(Debug, Clone)]
enum Drawn {
    Nothing,
    Noise(Vec<u8>),
    OpenSession { at_most: NonZeroU16 },
    Write { key: String, change: DrawnChange, if_version: Option<Version>, request: Option<DrawnRequest> },
}

#[derive(Debug, Clone)]
enum DrawnChange {
    Put(String),
    Delete,
    CompareAndSwap(String, String),
}

#[derive(Debug, Clone)]
enum Version {
    NoSuchKey,
    EntriesAgo(u64),
}

#[derive(Debug, Clone)]
struct DrawnRequest {
    /// 0 for the session that was opened last, 1 for the one before.
    session: usize,
    sequence: u64,
}

pub fn logs() -> impl Strategy<Value = Log> {
    vec(entries(), 0..80).prop_map(|drawn| {
        let mut opened = Vec::new();
        (1..).zip(&drawn).map(|(index, drawn)| entry(index, drawn, &mut opened)).collect()
    })
}

fn entries() -> impl Strategy<Value = Drawn> {
    let sessions = (1..4_u16).prop_map(|at_most| NonZeroU16::new(at_most).unwrap());
    let versions = prop_oneof![Just(Version::NoSuchKey), (1..9_u64).prop_map(Version::EntriesAgo)];
    let requests = (0..4_usize, 0..6_u64).prop_map(|(session, sequence)| DrawnRequest { session, sequence });
    let writes = ("[abc]{1,2}", changes(), option::weighted(0.2, versions), option::weighted(0.7, requests));
    prop_oneof![
        1 => Just(Drawn::Nothing),
        1 => vec(any::<u8>(), 0..20).prop_map(Drawn::Noise),
        3 => sessions.prop_map(|at_most| Drawn::OpenSession { at_most }),
        20 => writes.prop_map(|(key, change, if_version, request)| {
            Drawn::Write { key, change, if_version, request }
        }),
    ]
}

fn changes() -> impl Strategy<Value = DrawnChange> {
    let values = "[xy]{0,2}";
    prop_oneof![
        values.prop_map(DrawnChange::Put),
        Just(DrawnChange::Delete),
        (values, values).prop_map(|(expected, new)| DrawnChange::CompareAndSwap(expected, new)),
    ]
}

fn entry(index: u64, drawn: &Drawn, opened: &mut Vec<SessionId>) -> Option<Vec<u8>> {
    let command = match drawn {
        Drawn::Nothing => return None,
        Drawn::Noise(bytes) => return Some(bytes.clone()),
        Drawn::OpenSession { at_most } => {
            opened.push(SessionId(Index(index)));
            Command::OpenSession { at_most: *at_most }
        }
        Drawn::Write { key, change, if_version, request } => Command::Write(Write {
            key: key.as_bytes(),
            change: match change {
                DrawnChange::Put(value) => Change::Put { value: value.as_bytes() },
                DrawnChange::Delete => Change::Delete,
                DrawnChange::CompareAndSwap(expected, new) => {
                    Change::CompareAndSwap { expected: expected.as_bytes(), new: new.as_bytes() }
                }
            },
            if_version: if_version.as_ref().map(|version| match version {
                Version::NoSuchKey => Index(0),
                Version::EntriesAgo(ago) => Index(index.saturating_sub(*ago)),
            }),
            request: request.as_ref().map(|request| Request {
                session: opened.iter().rev().nth(request.session).copied().unwrap_or(SessionId(Index(999))),
                sequence: request.sequence,
            }),
        }),
    };
    Some(command.encode().expect("short keys and values"))
}

/// Applies these entries, the first of which comes directly after the last one that the store has applied.
pub fn apply_all(store: &mut Store, entries: &[Option<Vec<u8>>]) -> Vec<Option<Answer>> {
    entries.iter().map(|entry| apply(store, entry.as_deref())).collect()
}

pub fn apply(store: &mut Store, entry: Option<&[u8]>) -> Option<Answer> {
    let index = Index(store.last_applied().0 + 1);
    match entry {
        Some(command) => Some(store.apply(index, command)),
        None => {
            store.skip(index);
            None
        }
    }
}
