//! What goes over a TCP connection: frames, each a length (four bytes, big-endian) and that many bytes
//! in postcard's encoding.
//!
//! | | the caller says | the called one says |
//! |---|---|---|
//! | 1 | [`Greeting`]: which versions it speaks | |
//! | 2 | | [`Welcome`]: which version is spoken here, the highest that both know |
//! | 3 | [`Call`]: who calls, from which cluster and data folder | |
//! | 4 | a [`Letter`] for each message, and empty frames | [`Back`] for each refusal, and empty frames |
//!
//! The first two are the same in all versions from 6 on; what may come behind them in later versions is not looked at. An
//! empty frame only says that its sender is there. In version 5 there are neither greetings nor empty frames: the first
//! frame is a [`Hello`].
//!
//! Nothing that comes in is believed: frames are bounded, and what can't be read ends the connection.

use crate::secret::{Nonce, Proof};
use consensus::{Lease, Message, NodeId, Origin};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio_util::bytes::{Buf, BytesMut};
use trace::EventId;

/// Maximum length of a frame, in bytes.
pub(crate) const LARGEST_FRAME: usize = 4 << 20;

/// Maximum length of a frame of the handshake, in bytes. The longest thing in it is the cluster's name.
pub(crate) const LARGEST_INTRODUCTION: usize = 1 << 10;

/// Number of bytes in which a frame's length stands before it.
pub(crate) const LENGTH: usize = 4;

/// A frame that says nothing, but that its sender is there.
pub(crate) const SIGN_OF_LIFE: [u8; LENGTH] = [0; LENGTH];

const MAGIC: [u8; 4] = *b"RAFT";

/// The last version without greetings.
pub(crate) const WITHOUT_GREETING: u16 = 5;

/// The highest version that is spoken here.
pub(crate) const NEWEST: u16 = 6;

/// The first frame of a connection in version 5.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    magic: [u8; 4],
    version: u16,
    pub(crate) visitor: Handshake,
}

/// The first frame of a connection: which versions the caller speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Greeting {
    magic: [u8; 4],
    newest: u16,
    oldest: u16,
    pub(crate) nonce: Nonce,
}

/// The reply to a handshake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Welcome {
    magic: [u8; 4],
    /// The version that is spoken from here on.
    pub(crate) version: u16,
    pub(crate) nonce: Nonce,
    /// That the called one knows the cluster's secret, if there is one.
    pub(crate) proof: Option<Proof>,
}

/// What the caller says of itself when it is welcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) visitor: Handshake,
    /// That it knows the cluster's secret, if there is one.
    pub(crate) proof: Option<Proof>,
}

/// Who calls. In versions 5 and 6 a number comes first, which says what kind of caller this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Handshake {
    /// Another server, which will send messages. It listens on this port itself.
    Peer { cluster: String, from: NodeId, to: NodeId, port: u16, promise: Option<Promise>, origin: Origin },
}

/// A message on a connection whose first frames say between whom it goes.
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

/// How a connection begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// In version 5.
    Hello(Handshake),
    /// In the highest version that both speak.
    Greeting { version: u16, nonce: Nonce },
}

impl Hello {
    pub(crate) fn new(visitor: Handshake) -> Hello {
        Hello { magic: MAGIC, version: WITHOUT_GREETING, visitor }
    }
}

impl Greeting {
    pub(crate) fn new(nonce: Nonce) -> Greeting {
        // What is older is spoken without greetings.
        Greeting { magic: MAGIC, newest: NEWEST, oldest: WITHOUT_GREETING + 1, nonce }
    }
}

impl Welcome {
    pub(crate) fn new(version: u16, nonce: Nonce, proof: Option<Proof>) -> Welcome {
        Welcome { magic: MAGIC, version, nonce, proof }
    }

    /// Reads the reply to a handshake; `None` if it makes no sense.
    pub(crate) fn read(frame: &[u8]) -> Option<Welcome> {
        let (welcome, _): (Welcome, _) = postcard::take_from_bytes(frame).ok()?;
        let is_spoken = (WITHOUT_GREETING + 1..=NEWEST).contains(&welcome.version);
        (welcome.magic == MAGIC && is_spoken).then_some(welcome)
    }
}

impl Beginning {
    /// Reads the first frame of a connection.
    ///
    /// # Errors
    /// Why it can't be understood.
    pub(crate) fn read(frame: &[u8]) -> Result<Beginning, &'static str> {
        const STRANGE: &str = "it does not speak this protocol";
        const OTHER_VERSION: &str = "it speaks another version";
        let ((magic, version), _): (([u8; 4], u16), _) =
            postcard::take_from_bytes(frame).map_err(|_| STRANGE)?;
        if magic != MAGIC {
            return Err(STRANGE);
        }
        if version < WITHOUT_GREETING {
            return Err(OTHER_VERSION);
        }
        if version == WITHOUT_GREETING {
            return Ok(Beginning::Hello(decode::<Hello>(frame).ok_or(STRANGE)?.visitor));
        }
        let (greeting, _): (Greeting, _) = postcard::take_from_bytes(frame).map_err(|_| STRANGE)?;
        if greeting.oldest > NEWEST {
            return Err(OTHER_VERSION);
        }
        Ok(Beginning::Greeting { version: greeting.newest.min(NEWEST), nonce: greeting.nonce })
    }
}

/// A value as a frame's content.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("what goes over the wire has an encoding")
}

/// A value as a whole frame, its length included.
pub(crate) fn frame<T: Serialize>(value: &T) -> Vec<u8> {
    let mut frame =
        postcard::to_extend(value, vec![0; LENGTH]).expect("what goes over the wire has an encoding");
    let length = frame.len() - LENGTH;
    assert!(length <= LARGEST_FRAME, "{length} bytes are more than a frame holds");
    frame[..LENGTH].copy_from_slice(&(length as u32).to_be_bytes());
    frame
}

/// Takes the first frame from what has been received; `None` if it is not complete yet.
///
/// # Errors
/// If the frame is longer than `at_most` bytes.
pub(crate) fn take_frame(from: &mut BytesMut, at_most: usize) -> Result<Option<BytesMut>, &'static str> {
    let Some(&length) = from.first_chunk::<LENGTH>() else { return Ok(None) };
    let length = u32::from_be_bytes(length) as usize;
    if length > at_most {
        return Err("a frame is too long");
    }
    if from.len() < LENGTH + length {
        return Ok(None);
    }
    from.advance(LENGTH);
    Ok(Some(from.split_to(length)))
}

/// The content of a frame; `None` if it is not exactly one `T`.
pub(crate) fn decode<T: DeserializeOwned>(frame: &[u8]) -> Option<T> {
    match postcard::take_from_bytes(frame) {
        Ok((value, [])) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::{
        AppendEntries, ClusterId, Entry, Found, Incarnation, Index, Payload, Start, Term, TimeoutNow,
    };

    /// Commands are written as a whole, and look as a list of bytes does.
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

    fn visitor() -> Handshake {
        let start = Start { incarnation: Incarnation(0x1234), number: 3, run: 0x5678 };
        Handshake::Peer {
            cluster: "raft".to_owned(),
            from: NodeId(2),
            to: NodeId(1),
            port: 4002,
            promise: Some(Promise {
                lease: Lease { clock_drift_percent: 5 },
                election_timeout_min: Duration::from_millis(150),
            }),
            origin: Origin {
                cluster: Some(ClusterId(0xabcd)),
                start: Some(start),
                earlier_runs: [7, 0, 0, 0, 0, 0, 0, 0],
            },
        }
    }

    fn letter(message: Message) -> Letter {
        Letter { sent_as: EventId { node: NodeId(2), life: 3, seq: 300 }, message }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn assert_golden<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T, golden: &str) {
        const RULE: &str = "a version that others speak must not change: make a new one";
        assert_eq!(hex(&encode(value)), golden, "{RULE}");
        assert_eq!(decode::<T>(&encode(value)).as_ref(), Some(value));
    }

    #[test]
    fn version_5_is_what_it_was() {
        assert_golden(
            &Hello::new(visitor()),
            "52414654050004726166740201a21f01050080a3c34701cdd70201b42403f8ac010700000000000000",
        );
        assert_golden_letters();
    }

    #[test]
    fn version_6_is_what_it_was() {
        assert_golden(&Greeting::new([9; 16]), "52414654060609090909090909090909090909090909");
        assert_golden(&Welcome::new(6, [8; 16], None), "52414654060808080808080808080808080808080800");
        const VISITOR: &str = "0004726166740201a21f01050080a3c34701cdd70201b42403f8ac010700000000000000";
        assert_golden(&Call { visitor: visitor(), proof: None }, &format!("{VISITOR}00"));
        let proved = Call { visitor: visitor(), proof: Some([7; 32]) };
        assert_golden(&proved, &format!("{VISITOR}01{}", "07".repeat(32)));
        assert_golden_letters();
    }

    /// They are the same in both versions.
    fn assert_golden_letters() {
        let heartbeat = AppendEntries {
            term: Term(4),
            prev_log_index: Index(1000),
            prev_log_term: Term(3),
            entries: vec![Entry { term: Term(4), payload: Payload::Command(b"put".as_slice().into()) }],
            leader_commit: Index(999),
            round: 12,
        };
        assert_golden(&letter(Message::AppendEntries(heartbeat)), "0203ac020404e8070301040103707574e7070c");
        assert_golden(&letter(Message::TimeoutNow(TimeoutNow { term: Term(4) })), "0203ac020804");
        let founders = vec![(NodeId(1), None), (NodeId(2), Some(Incarnation(5)))];
        let found = Message::Found(Found { founders, is_saved: true, is_reply: false });
        let back = Back { origin: Origin::default(), letter: letter(found) };
        assert_golden(&back, "000000000000000000000203ac02090201000201050100");
    }

    #[test]
    fn the_highest_version_that_both_speak_is_agreed_on() {
        let greeting = |newest, oldest| Greeting { magic: MAGIC, newest, oldest, nonce: [1; 16] };
        let read = |greeting: &Greeting| Beginning::read(&encode(greeting));
        let agreed = |version| Ok(Beginning::Greeting { version, nonce: [1; 16] });
        assert_eq!(read(&greeting(NEWEST, NEWEST)), agreed(NEWEST));
        assert_eq!(read(&greeting(NEWEST + 7, WITHOUT_GREETING + 1)), agreed(NEWEST));
        assert_eq!(read(&greeting(NEWEST + 7, NEWEST + 1)), Err("it speaks another version"));

        let mut of_later_version = encode(&greeting(NEWEST + 1, NEWEST));
        of_later_version.extend(b"and more");
        assert_eq!(Beginning::read(&of_later_version), agreed(NEWEST));

        let hello = encode(&Hello::new(visitor()));
        assert_eq!(Beginning::read(&hello), Ok(Beginning::Hello(visitor())));
        let hello_of_4 = encode(&Hello { version: 4, ..Hello::new(visitor()) });
        assert_eq!(Beginning::read(&hello_of_4), Err("it speaks another version"));
        for nonsense in [&b""[..], b"RAFT", b"RAFT\x05", b"RAFT\x05\x01", b"TFAR\x06\x06", b"RAFT\x06\x06"] {
            assert_eq!(Beginning::read(nonsense), Err("it does not speak this protocol"), "{nonsense:?}");
        }

        let welcome = |version| Welcome::read(&encode(&Welcome::new(version, [2; 16], None)));
        assert_eq!(welcome(NEWEST).map(|welcome| welcome.version), Some(NEWEST));
        assert_eq!(welcome(NEWEST + 1), None);
        assert_eq!(welcome(WITHOUT_GREETING), None);
    }

    #[test]
    fn frames_are_taken_one_by_one_when_they_have_come_whole() {
        let sent = [frame(&b"one".to_vec()), SIGN_OF_LIFE.to_vec(), frame(&7u8)].concat();
        let mut come = BytesMut::new();
        let mut taken = Vec::new();
        for byte in sent {
            come.extend([byte]);
            taken.extend(take_frame(&mut come, LARGEST_FRAME).unwrap());
        }
        assert_eq!(taken, [&encode(&b"one".to_vec())[..], b"", &[7]]);
        assert_eq!(
            take_frame(&mut BytesMut::from(&[0xff; 4][..]), LARGEST_FRAME),
            Err("a frame is too long")
        );
    }
}
