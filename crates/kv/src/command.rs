//! Clients' commands, and their format in the log.

use consensus::Index;
use postcard::ser_flavors::Size;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU16;

/// Maximum length of a key in bytes.
pub const LONGEST_KEY: usize = 1024;
/// Maximum length of a value in bytes.
pub const LONGEST_VALUE: usize = 1024 * 1024;
/// Default maximum number of sessions.
pub const DEFAULT_SESSIONS: NonZeroU16 = NonZeroU16::new(10_000).unwrap();

/// The version of the format of commands.
const VERSION: u8 = 1;

/// A command to the store. It borrows its keys and values.
///
/// In the log it is a byte with the version of the format, followed by the command in postcard's encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command<'a> {
    /// Open a session, whose requests will be executed once even if sent twice.
    OpenSession {
        /// Maximum number of sessions, this one included; the least recently used ones beyond that are
        /// dropped. This is set by the server that puts the command into the log, not by the client, and
        /// because it is in the log, all servers drop the same sessions.
        at_most: NonZeroU16,
    },
    /// Change a key.
    #[serde(borrow)]
    Write(Write<'a>),
}

/// A change of one key, perhaps with a condition, perhaps as a request of a session.
///
/// ```
/// # use raft_for_beginners_kv::consensus::Index;
/// # use raft_for_beginners_kv::{Request, SessionId, Write};
/// let request = Request { session: SessionId(Index(12)), sequence: 3 };
/// let put = Write { if_version: Some(Index(7)), request: Some(request), ..Write::put(b"x", b"1") };
/// assert_eq!(put.to_string(), "put x = 1 (if version 7) [session 12, request 3]");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write<'a> {
    /// The key: 1 to [`LONGEST_KEY`] bytes.
    #[serde(borrow, with = "serde_bytes")]
    pub key: &'a [u8],
    /// The change.
    pub change: Change<'a>,
    /// Only if this is the key's version. A key that isn't there has version 0.
    pub if_version: Option<Index>,
    /// Only if the session has not made this request yet.
    pub request: Option<Request>,
}

/// A change of a key. Values have 0 to [`LONGEST_VALUE`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change<'a> {
    /// It gets this value.
    Put {
        /// The value.
        #[serde(borrow, with = "serde_bytes")]
        value: &'a [u8],
    },
    /// It is removed.
    Delete,
    /// It gets a new value if it has the expected one.
    CompareAndSwap {
        /// The value that it must have.
        #[serde(borrow, with = "serde_bytes")]
        expected: &'a [u8],
        /// The value that it gets.
        #[serde(borrow, with = "serde_bytes")]
        new: &'a [u8],
    },
}

/// The name of a session: the index of the entry that opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub Index);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A request of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Request {
    /// The session.
    pub session: SessionId,
    /// The request's number in the session: 1, 2, 3, … (0 is the opening.) Numbers may be skipped. The same
    /// number must stand for the same request.
    pub sequence: u64,
}

/// Why bytes, or a client's request, are not a valid command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum InvalidCommand {
    /// The key has no bytes.
    #[error("the key is empty")]
    EmptyKey,
    /// The key is longer than [`LONGEST_KEY`].
    #[error("the key has {length} bytes, but at most {LONGEST_KEY} are allowed")]
    KeyTooLong {
        /// Length of the key in bytes.
        length: usize,
    },
    /// A value is longer than [`LONGEST_VALUE`].
    #[error("the value has {length} bytes, but at most {LONGEST_VALUE} are allowed")]
    ValueTooLong {
        /// Length of the value in bytes.
        length: usize,
    },
    /// It was written by a newer version of this program.
    #[error("the command's format is version {version}, and this program reads version {VERSION}")]
    NewerVersion {
        /// The version of its format.
        version: u8,
    },
    /// The bytes are not a command.
    #[error("these bytes are not a command")]
    Nonsense,
}

impl InvalidCommand {
    /// What to do about it.
    pub fn help(self) -> &'static str {
        match self {
            InvalidCommand::EmptyKey => "choose a key of at least one byte",
            InvalidCommand::KeyTooLong { .. } => "choose a shorter key, such as a hash of the long one",
            InvalidCommand::ValueTooLong { .. } => "split the value over several keys",
            InvalidCommand::NewerVersion { .. } => "update all servers of the cluster to the newer version",
            InvalidCommand::Nonsense => "make commands with Command::encode of this crate",
        }
    }
}

impl<'a> Command<'a> {
    /// The command as bytes for the log.
    ///
    /// # Errors
    /// [`InvalidCommand::EmptyKey`], [`InvalidCommand::KeyTooLong`] and [`InvalidCommand::ValueTooLong`].
    pub fn encode(&self) -> Result<Vec<u8>, InvalidCommand> {
        self.check()?;
        Ok(postcard::to_extend(self, vec![VERSION]).expect("every command has an encoding"))
    }

    /// Decodes a command from bytes of the log. It does not panic, whatever they are.
    ///
    /// # Errors
    /// [`InvalidCommand`], if the bytes are not a command that this version allows.
    pub fn decode(bytes: &'a [u8]) -> Result<Command<'a>, InvalidCommand> {
        let (version, encoded) = bytes.split_first().ok_or(InvalidCommand::Nonsense)?;
        match *version {
            0 => return Err(InvalidCommand::Nonsense),
            VERSION => {}
            version => return Err(InvalidCommand::NewerVersion { version }),
        }
        let command: Command = decode_all(encoded).ok_or(InvalidCommand::Nonsense)?;
        command.check().map(|()| command)
    }

    fn check(&self) -> Result<(), InvalidCommand> {
        match self {
            Command::OpenSession { .. } => Ok(()),
            Command::Write(write) => write.check(),
        }
    }
}

impl<'a> Write<'a> {
    /// Give the key this value, whatever it had.
    pub fn put(key: &'a [u8], value: &'a [u8]) -> Write<'a> {
        Write::new(key, Change::Put { value })
    }

    /// Remove the key.
    pub fn delete(key: &'a [u8]) -> Write<'a> {
        Write::new(key, Change::Delete)
    }

    /// Give the key a new value if it has the expected one.
    pub fn compare_and_swap(key: &'a [u8], expected: &'a [u8], new: &'a [u8]) -> Write<'a> {
        Write::new(key, Change::CompareAndSwap { expected, new })
    }

    fn new(key: &'a [u8], change: Change<'a>) -> Write<'a> {
        Write { key, change, if_version: None, request: None }
    }

    /// Is this a valid command?
    ///
    /// # Errors
    /// [`InvalidCommand::EmptyKey`], [`InvalidCommand::KeyTooLong`] and [`InvalidCommand::ValueTooLong`].
    pub fn check(&self) -> Result<(), InvalidCommand> {
        check_key(self.key)?;
        match self.change {
            Change::Put { value } => check_value(value),
            Change::Delete => Ok(()),
            Change::CompareAndSwap { expected, new } => check_value(expected).and_then(|()| check_value(new)),
        }
    }
}

/// Decodes bytes in postcard's encoding; `None` if encoding the result would not give these very bytes.
///
/// A number can be written in more bytes than it needs (1 as 0x81 0x00), and how far postcard accepts that
/// depends on the machine. All servers must read the same, so no such form is accepted.
pub(crate) fn decode_all<'a, T: Serialize + Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let value = postcard::from_bytes(bytes).ok()?;
    let needed = postcard::serialize_with_flavor(&value, Size::default()).ok()?;
    (needed == bytes.len()).then_some(value)
}

pub(crate) fn check_key(key: &[u8]) -> Result<(), InvalidCommand> {
    match key.len() {
        0 => Err(InvalidCommand::EmptyKey),
        1..=LONGEST_KEY => Ok(()),
        length => Err(InvalidCommand::KeyTooLong { length }),
    }
}

pub(crate) fn check_value(value: &[u8]) -> Result<(), InvalidCommand> {
    match value.len() {
        0..=LONGEST_VALUE => Ok(()),
        length => Err(InvalidCommand::ValueTooLong { length }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log outlives the program that wrote it: old commands must stay what they were.
    #[test]
    fn the_encoding_stays_as_it_is() {
        let request = Some(Request { session: SessionId(Index(12)), sequence: 300 });
        let put = Write { if_version: Some(Index(7)), request, ..Write::put(b"x", b"12") };
        let cases: [(Command, &[u8]); 4] = [
            (Command::OpenSession { at_most: DEFAULT_SESSIONS }, &[1, 0, 0x90, 0x4e]),
            (Command::Write(put), b"\x01\x01\x01x\x00\x0212\x01\x07\x01\x0c\xac\x02"),
            (Command::Write(Write::delete(b"x")), b"\x01\x01\x01x\x01\x00\x00"),
            (Command::Write(Write::compare_and_swap(b"x", b"", b"2")), b"\x01\x01\x01x\x02\x00\x012\x00\x00"),
        ];
        for (command, bytes) in cases {
            assert_eq!(command.encode().unwrap(), bytes, "{command}");
            assert_eq!(Command::decode(bytes), Ok(command));
        }
    }

    #[test]
    fn keys_and_values_have_limits() {
        let long = vec![b'v'; LONGEST_VALUE + 1];
        let (value, key) = (&long[1..], &long[..LONGEST_KEY]);
        for fits in [Write::put(b"x", value), Write::compare_and_swap(key, value, value)] {
            let command = Command::Write(fits);
            assert_eq!(Command::decode(&command.encode().unwrap()), Ok(command));
        }

        let value_too_long = InvalidCommand::ValueTooLong { length: LONGEST_VALUE + 1 };
        let cases = [
            (Write::delete(b""), InvalidCommand::EmptyKey),
            (Write::delete(&long[..=LONGEST_KEY]), InvalidCommand::KeyTooLong { length: LONGEST_KEY + 1 }),
            (Write::put(b"x", &long), value_too_long),
            (Write::compare_and_swap(b"x", &long, b""), value_too_long),
            (Write::compare_and_swap(b"x", b"", &long), value_too_long),
        ];
        for (write, reason) in cases {
            let command = Command::Write(write);
            assert_eq!(command.encode(), Err(reason));
            let unchecked = postcard::to_extend(&command, vec![VERSION]).unwrap();
            assert_eq!(Command::decode(&unchecked), Err(reason));
        }
    }

    #[test]
    fn what_is_no_command_is_refused() {
        let put = Command::Write(Write::put(b"x", b"1")).encode().unwrap();
        for cut in 0..put.len() {
            assert_eq!(Command::decode(&put[..cut]), Err(InvalidCommand::Nonsense));
        }
        let and_more = [&put[..], b"\0"].concat();
        assert_eq!(Command::decode(&and_more), Err(InvalidCommand::Nonsense));
        assert_eq!(Command::decode(&[VERSION, 0, 0]), Err(InvalidCommand::Nonsense), "room for no session");
        for length in [b"\x81\x00".as_slice(), b"\x81\x80\x80\x80\x80\x00"] {
            let longer_than_needed = [b"\x01\x01", length, b"x\x01\x00\x00"].concat();
            assert_eq!(Command::decode(&longer_than_needed), Err(InvalidCommand::Nonsense));
        }
        assert_eq!(Command::decode(&[0]), Err(InvalidCommand::Nonsense));
        assert_eq!(Command::decode(&[2]), Err(InvalidCommand::NewerVersion { version: 2 }));
    }
}
