//! What the records say about a server's store.

use crate::content::{RECORDED, StoreContent};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Maximum number of keys of a store that are kept: the first ones.
const REMEMBERED: usize = RECORDED;

/// A server's store, as known to an observer: the result of the committed entries so far. It is gone with the
/// process, and is rebuilt from the snapshot and the log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct StoreView {
    /// Number of keys in it.
    keys: u64,
    /// Keys with their values: all of them, or those that are known.
    held: BTreeMap<Arc<str>, Arc<str>>,
}

impl StoreView {
    /// Number of keys in it; for those that are not [known](StoreView::known), the values were not recorded.
    pub fn keys(&self) -> u64 {
        self.keys
    }

    /// The known keys, in order, and their values.
    pub fn known(&self) -> impl Iterator<Item = (&str, &str)> {
        self.held.iter().map(|(key, value)| (&**key, &**value))
    }

    pub(super) fn note(&mut self, content: &StoreContent) {
        if content.is_whole {
            self.held.clear();
        }
        self.keys = content.keys;
        for (key, value) in &content.held {
            match value {
                Some(value) => drop(self.held.insert(key.clone(), value.clone())),
                None => drop(self.held.remove(key)),
            }
        }
        while self.held.len() > REMEMBERED {
            self.held.pop_last();
        }
    }
}
