//! Requests that arrive several times, late and out of order, are executed once.

use consensus::Index;
use kv::{Answer, Command, DEFAULT_SESSIONS, Request, SessionId, Store, Write};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const CLIENTS: u64 = 3;

/// Each request puts a key of its own, so that the key's version shows when it was executed last.
fn key(request: Request) -> String {
    format!("{request:?}")
}

proptest! {
    #[test]
    fn however_often_a_request_comes_it_is_executed_once(arrivals in vec((1..=CLIENTS, 1..=5_u64), 1..100)) {
        let mut store = Store::default();
        for client in 1..=CLIENTS {
            store.apply(Index(client), &Command::OpenSession { at_most: DEFAULT_SESSIONS }.encode().unwrap());
        }

        let mut written: BTreeMap<Request, BTreeSet<Index>> = BTreeMap::new();
        for (index, (client, sequence)) in (CLIENTS + 1..).zip(arrivals) {
            let request = Request { session: SessionId(Index(client)), sequence };
            let key = key(request);
            let put = Write { request: Some(request), ..Write::put(key.as_bytes(), b"done") };
            match store.apply(Index(index), &Command::Write(put).encode().unwrap()) {
                Answer::Written { version } => written.entry(request).or_default().extend([version]),
                Answer::SequenceForgotten { latest } => prop_assert!(latest > sequence),
                other => prop_assert!(false, "{}", other),
            };
        }

        prop_assert_eq!(store.counts().keys, written.len(), "no request but those that were told so");
        for (request, versions) in written {
            let version = store.get(key(request).as_bytes()).unwrap().version;
            prop_assert_eq!(versions, BTreeSet::from([version]));
        }
    }
}
