//! What goes over a TCP connection: frames, each a length (four bytes, big-endian) and so many bytes
//! in postcard's encoding. The first says who calls, from which cluster and data folder, and all others are messages.
//!
//! Nothing that comes in is believed: frames are bounded, and what can't be read ends the connection.

use consensus::{Lease, Message, NodeId, Origin};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio_util::bytes::Bytes;
use tokio_util::codec::LengthDelimitedCodec;
use trace::EventId;

/// No frame is longer than this, in bytes.
pub(crate) const LARGEST_FRAME: usize = 4 << 20;

const MAGIC: [u8; 4] = *b"RAFT";
const VERSION: u16 = 5;

/// The first frame of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    magic: [u8; 4],
    version: u16,
    pub(crate) visitor: Visitor,
}

/// Who calls, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Visitor {
    /// Another server, which will send messages. It listens at this port itself.
    Peer { cluster: String, from: NodeId, to: NodeId, port: u16, promise: Option<Promise>, origin: Origin },
    /// Somebody who wants to know how the server is.
    AsksStatus,
}

/// A message on a connection whose first frame says between whom it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Letter {
    pub(crate) sent_as: EventId,
    pub(crate) message: Message,
}

/// What the receiving end of a connection tells its caller: that it does not hear it, and where it is itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Back {
    pub(crate) origin: Origin,
    pub(crate) letter: Letter,
}

/// Where leaders have leases: what their followers promise. A lease is worth nothing where one of them promises less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Promise {
    pub(crate) lease: Lease,
    /// In real time: a server in slow motion keeps its promise for longer than one that is not, and as a leader would
    /// rely on it for longer.
    pub(crate) election_timeout_min: Duration,
}

impl Hello {
    pub(crate) fn new(visitor: Visitor) -> Hello {
        Hello { magic: MAGIC, version: VERSION, visitor }
    }

    /// Is it said in this protocol, and in this version of it?
    pub(crate) fn is_understood(&self) -> bool {
        self.magic == MAGIC && self.version == VERSION
    }
}

pub(crate) fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(LARGEST_FRAME).new_codec()
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Bytes {
    postcard::to_allocvec(value).expect("what goes over the wire has an encoding").into()
}

/// What a frame holds; none if it is not exactly one `T`.
pub(crate) fn decode<T: DeserializeOwned>(frame: &[u8]) -> Option<T> {
    match postcard::take_from_bytes(frame) {
        Ok((value, [])) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::{Entry, Payload, Term};

    /// Commands are written as one piece, and look as a list of bytes does.
    #[test]
    fn a_command_is_its_length_and_its_bytes() {
        let entry = Entry { term: Term(1), payload: Payload::Command([7; 200].into()) };
        let encoded = encode(&entry);
        assert_eq!(encoded[..], postcard::to_allocvec(&(1u64, 1u32, vec![7u8; 200])).unwrap());
        assert_eq!(decode::<Entry>(&encoded), Some(entry.clone()));
        assert_eq!(decode::<Entry>(&encoded[..100]), None);
        let json = serde_json::to_string(&entry).unwrap();
        assert!(json.contains("[7,7,"), "{json}");
        assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), entry);
    }
}
