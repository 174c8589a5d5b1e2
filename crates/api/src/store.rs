//! Keys and values, and their changes.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use consensus::Index;
use serde::{Deserialize, Serialize};

/// Some keys with their values.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listing {
    /// In order.
    pub keys: Vec<Listed>,
    /// If there are more keys: the one to name as `after=` to get them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more_after: Option<Text>,
}

/// A key with its value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listed {
    /// The key.
    pub key: Text,
    /// Its value.
    pub value: Text,
    /// The value's version.
    pub version: Index,
}

/// A key's change, as watchers receive it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeEvent {
    /// The key.
    pub key: Text,
    /// Its value since then; `None` if it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Text>,
    /// The entry that made the change: the value's version.
    pub version: Index,
    /// Was the key removed?
    pub deleted: bool,
}

/// Sent to watchers when changes of entries after one, up to another, may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// Up to this entry nothing is missing.
    pub after: Index,
    /// After this entry nothing is missing.
    pub until: Index,
}

impl Missed {
    /// The name of the event. A change is an event without a name.
    pub const EVENT: &str = "missed";
}

/// Bytes in JSON: as text where they are text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// They are UTF-8.
    Utf8(String),
    /// They are not.
    Other {
        /// The bytes.
        base64: String,
    },
}

impl Text {
    /// These bytes.
    pub fn of(bytes: &[u8]) -> Text {
        match str::from_utf8(bytes) {
            Ok(text) => Text::Utf8(text.to_owned()),
            Err(_) => Text::Other { base64: BASE64_STANDARD.encode(bytes) },
        }
    }

    /// The bytes, if this is a valid encoding of any.
    pub fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Text::Utf8(text) => Some(text.into_bytes()),
            Text::Other { base64 } => BASE64_STANDARD.decode(base64).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_were() {
        for bytes in [&b""[..], b"text", "tëxt\n\0".as_bytes(), b"\xff\x00", &[0x80; 100]] {
            let json = serde_json::to_string(&Text::of(bytes)).unwrap();
            let back: Text = serde_json::from_str(&json).unwrap();
            assert_eq!(back.into_bytes().as_deref(), Some(bytes), "{json}");
        }
    }
}
