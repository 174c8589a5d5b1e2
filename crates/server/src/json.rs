//! What clients are told in JSON. The servers write it, and our own clients read it.

use crate::status::Status;
use crate::trouble::PeerTrouble;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use consensus::{ClusterId, Index, Membership, NodeId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The body of an answer that is no success.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    /// What, and why.
    pub error: String,
    /// What to do.
    pub help: String,
    /// What became of the request.
    pub outcome: OutcomeTold,
    /// What the store answered, if it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<kv::Answer>,
    /// Which server tells it, if it does not lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// Who leads instead, as far as it knows. The header `location` tells where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<NodeId>,
}

/// What became of a request that was no success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutcomeTold {
    /// It was not done, and never will be.
    #[serde(rename = "not done")]
    NotDone,
    /// It may have been done, or may still be.
    #[serde(rename = "uncertain")]
    Uncertain,
}

impl Told {
    /// Is it certain that nothing was done, and never will be?
    pub fn is_certain(&self) -> bool {
        self.outcome == OutcomeTold::NotDone
    }
}

/// Some keys with what they hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listing {
    /// In order.
    pub keys: Vec<Listed>,
    /// If there are more keys: the one to name as `after=` to get them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more_after: Option<Text>,
}

/// A key with what it holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listed {
    /// The key.
    pub key: Text,
    /// Its value.
    pub value: Text,
    /// The value's version.
    pub version: Index,
}

/// A key's change, as those who watch are told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeTold {
    /// The key.
    pub key: Text,
    /// What it holds since; none if it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Text>,
    /// The entry that made the change: the value's version.
    pub version: Index,
    /// Is the key gone?
    pub deleted: bool,
}

/// Told to those who watch when changes of entries after one, up to another, may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// Up to this entry nothing is missing.
    pub after: Index,
    /// After this entry nothing is missing.
    pub until: Index,
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

    /// The bytes, if this stands for any.
    pub fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Text::Utf8(text) => Some(text.into_bytes()),
            Text::Other { base64 } => BASE64_STANDARD.decode(base64).ok(),
        }
    }
}

/// How far somebody who watches has come: after which entry, and in which cluster. Written `23`, or
/// `23@` with the cluster's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// All changes up to this entry were told.
    pub index: Index,
    /// The cluster that told them, if that is known.
    pub cluster: Option<ClusterId>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.index)?;
        self.cluster.map_or(Ok(()), |cluster| write!(f, "@{cluster}"))
    }
}

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Place, InvalidPlace> {
        let (index, cluster) = match text.split_once('@') {
            Some((index, cluster)) => (index, Some(cluster)),
            None => (text, None),
        };
        let index = index.parse().map(Index).map_err(|_| InvalidPlace)?;
        let cluster = cluster.map(str::parse).transpose().map_err(|_| InvalidPlace)?;
        Ok(Place { index, cluster })
    }
}

/// That is no place in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a place is the index of an entry, such as 23, or 23@ and the cluster's id")]
pub struct InvalidPlace;

/// Who belongs to the cluster, in the eyes of the server that tells it: the answer of `/members`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembersTold {
    /// The server that tells it.
    pub node: NodeId,
    /// Who leads, as far as it knows.
    pub leader: Option<NodeId>,
    /// The configuration that counts.
    #[serde(flatten)]
    pub membership: Membership,
    /// Is it committed, as far as this server knows?
    pub is_committed: bool,
    /// What is wrong with other members, as this server sees them. A leader knows most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<PeerTrouble>,
}

impl MembersTold {
    pub(crate) fn of(status: Status) -> MembersTold {
        let Status { node, leader, membership, is_membership_committed: is_committed, peers, .. } = status;
        MembersTold { node, leader, membership, is_committed, troubles: peers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_as_they_were() {
        for cluster in [None, Some(ClusterId(7))] {
            let place = Place { index: Index(23), cluster };
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for text in ["", "x", "@", "1@", "1@7", "-1"] {
            assert_eq!(text.parse::<Place>(), Err(InvalidPlace), "{text}");
        }
    }

    #[test]
    fn bytes_come_back_as_they_were() {
        for bytes in [&b""[..], b"text", "tëxt\n\0".as_bytes(), b"\xff\x00", &[0x80; 100]] {
            let json = serde_json::to_string(&Text::of(bytes)).unwrap();
            let back: Text = serde_json::from_str(&json).unwrap();
            assert_eq!(back.into_bytes().as_deref(), Some(bytes), "{json}");
        }
    }
}
