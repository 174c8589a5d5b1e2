//! What Maelstrom's messages look like, and what is said to its clients.

use consensus::NodeId;
use kv::SessionId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A message: one line of JSON. (Maelstrom adds an `id`, for its own books.)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Message<B = Body> {
    /// The name of the node or client that says it.
    pub(super) src: String,
    /// To whom.
    pub(super) dest: String,
    /// What.
    pub(super) body: B,
}

/// What a message says, before it is known to make sense.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Body {
    /// What kind of message it is.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// The sender's number for it, if an answer is wanted.
    pub(super) msg_id: Option<i64>,
    /// The number of the message that it answers.
    pub(super) in_reply_to: Option<i64>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Body {
    /// What it says, if it is a whole `T`.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, String> {
        let mut fields = self.rest;
        fields.insert("type".to_owned(), self.kind.into());
        T::deserialize(Value::Object(fields)).map_err(|error| error.to_string())
    }
}

/// Maelstrom's first message: who the node is, and who all of them are.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Init {
    pub(super) node_id: String,
    pub(super) node_ids: Vec<String>,
}

/// What a client wants, or a node of the node that leads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Request {
    /// To know the value of a key.
    Read { key: Value },
    /// To give a key a value.
    Write { key: Value, value: Value },
    /// To give a key a value if it has another one.
    Cas { key: Value, from: Value, to: Value },
    /// Only nodes want this: to have a session for the writes that they pass on.
    OpenSession,
}

impl Request {
    /// Does it change what a client may see? Then it must not be executed twice.
    pub(super) fn is_write(&self) -> bool {
        matches!(self, Request::Write { .. } | Request::Cas { .. })
    }
}

/// What a client is told, or a node by the node that leads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Answer {
    InitOk,
    ReadOk { value: Value },
    WriteOk,
    CasOk,
    SessionOpened { session: SessionId },
    Error { code: Code, text: String },
}

impl Answer {
    pub(super) fn error(code: Code, text: impl Into<String>) -> Answer {
        Answer::Error { code, text: text.into() }
    }

    /// Is it one that can be given to this request?
    pub(super) fn fits(&self, request: &Request) -> bool {
        matches!(
            (request, self),
            (_, Answer::Error { .. })
                | (Request::Read { .. }, Answer::ReadOk { .. })
                | (Request::Write { .. }, Answer::WriteOk)
                | (Request::Cas { .. }, Answer::CasOk)
                | (Request::OpenSession, Answer::SessionOpened { .. })
        )
    }

    /// Does it leave no doubt about what was done?
    pub(super) fn is_certain(&self) -> bool {
        !matches!(self, Answer::Error { code: Code::Timeout | Code::Crash, .. })
    }
}

/// Maelstrom's numbers for what can go wrong. All but [`Code::Timeout`] and [`Code::Crash`] are *definite*:
/// nothing has been done, and nothing ever will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u16", try_from = "u16")]
#[repr(u16)]
pub(super) enum Code {
    /// No outcome in time: it may have been done, or may yet be.
    Timeout = 0,
    /// There is no such request.
    NotSupported = 10,
    /// Nothing was done: not now, not here.
    TemporarilyUnavailable = 11,
    /// The request makes no sense.
    MalformedRequest = 12,
    /// It may have been done, or may yet be.
    Crash = 13,
    /// Nothing was done.
    Abort = 14,
    /// Nothing was done: there is no such key.
    KeyDoesNotExist = 20,
    /// Nothing was done: the key has another value.
    PreconditionFailed = 22,
}

impl Code {
    const ALL: [Code; 8] = [
        Code::Timeout,
        Code::NotSupported,
        Code::TemporarilyUnavailable,
        Code::MalformedRequest,
        Code::Crash,
        Code::Abort,
        Code::KeyDoesNotExist,
        Code::PreconditionFailed,
    ];
}

impl From<Code> for u16 {
    fn from(code: Code) -> u16 {
        code as u16
    }
}

impl TryFrom<u16> for Code {
    type Error = String;

    fn try_from(number: u16) -> Result<Code, String> {
        let code = Code::ALL.into_iter().find(|&code| u16::from(code) == number);
        code.ok_or_else(|| format!("no node of ours says code {number}"))
    }
}

/// A node passes a client's request on to the leader. The number of a life is in it because a node that was
/// restarted numbers its messages from one again: a late answer must not be mistaken for that to another message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "forward")]
pub(super) struct Forward {
    #[serde(skip_deserializing)]
    pub(super) msg_id: i64,
    pub(super) life: u64,
    pub(super) request: Request,
    /// For a write: which request of which session it is, so that it is executed once however often it arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) once: Option<kv::Request>,
}

impl Forward {
    /// Is it a write that could be executed twice?
    pub(super) fn lacks_session(&self) -> bool {
        self.request.is_write() && self.once.is_none()
    }
}

/// The outcome of a [`Forward`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "forwarded")]
pub(super) struct Forwarded {
    #[serde(skip_deserializing)]
    pub(super) in_reply_to: i64,
    pub(super) life: u64,
    pub(super) answer: Answer,
}

/// The answer to a client.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Reply {
    pub(super) in_reply_to: i64,
    #[serde(flatten)]
    pub(super) answer: Answer,
}

/// The number of the node that has this name: n0, n1, n2, and so on.
pub(super) fn node_id(name: &str) -> Option<NodeId> {
    let id = NodeId(name.strip_prefix('n')?.parse().ok()?);
    (id.to_string() == name).then_some(id)
}
