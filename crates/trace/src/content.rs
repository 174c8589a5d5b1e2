//! What entries and a store hold, in words for people: only servers know how to read commands.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Of a log or a store that is found on a disk, this many entries or keys are recorded, at most: the last entries, and
/// the first keys.
pub const RECORDED: usize = 200;

/// What the entries and the store hold that an event is about. Long keys and values are cut.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Content {
    /// What each entry holds: of those that were appended or asked for, or of the last ones that were restored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Arc<str>>,
    /// What the store holds from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreContent>,
}

/// What a store holds, or what it holds now under some keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct StoreContent {
    /// Is this the whole store (its first keys at least), rather than the keys that were written?
    pub is_whole: bool,
    /// Number of keys in the store.
    pub keys: u64,
    /// Keys with their values; `None` if there is no such key.
    pub held: Vec<(Arc<str>, Option<Arc<str>>)>,
}
