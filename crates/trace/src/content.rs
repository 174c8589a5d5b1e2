//! The contents of entries and of a store, in words for people: only servers know how to read commands.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Maximum number of entries or keys recorded of a log or a store that was found on a disk: the last entries,
/// and the first keys.
pub const RECORDED: usize = 200;

/// The contents of the entries and the store that an event is about. Long keys and values are cut.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Content {
    /// The contents of each entry: those that were appended or proposed, or the last ones that were restored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Arc<str>>,
    /// The contents of the store from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreContent>,
}

/// The contents of a store, or its current values under some keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct StoreContent {
    /// Is this the whole store (its first keys at least), as opposed to the keys that were written?
    pub is_whole: bool,
    /// Number of keys in the store.
    pub keys: u64,
    /// Keys with their values; `None` if there is no such key.
    pub held: Vec<(Arc<str>, Option<Arc<str>>)>,
}
