//! What the records say about a server's store.

use crate::content::{RECORDED, StoreContent};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Maximum number of keys that are remembered of a store: the first ones.
const REMEMBERED: usize = RECORDED;

/// A server's store as an observer knows it: what the committed entries have made of it so far. It is gone with the
/// process, and is made again of the snapshot and the log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct StoreView {
    /// Number of keys that it holds.
    keys: u64,
    /// Keys with their values: all of them, or those that are known.
    held: BTreeMap<Arc<str>, Arc<str>>,
}

impl StoreView {
    /// Number of keys that it holds; of those not among the [known](StoreView::known) ones, the content was not recorded.
    pub fn keys(&self) -> u64 {
        self.keys
    }

    /// The keys that are known, in order, and their values.
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
