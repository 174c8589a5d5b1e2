//! One try at one server.

use crate::exchange::{Broken, Reply, agent, exchange};
use crate::failure::{Failure, NotDone};
use consensus::{Index, NodeId};
use kv::{Answer, Change, SessionId, Write};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde::de::DeserializeOwned;
use server::{Listed, Listing, Status, Told};
use std::fmt;
use std::time::Duration;
use ureq::http::request::Builder;
use ureq::http::{Request, StatusCode};
use ureq::{Agent, AsSendBody};

/// Letters that need no escape in a URL.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// No URL is longer than this, in bytes.
const LONGEST_URL: usize = 60_000;

/// One server. Connections to it are kept and used again.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its name, once somebody has told it.
    pub(crate) id: Option<NodeId>,
    pub(crate) address: String,
    agent: Agent,
}

/// How new what is read must be.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// All that was committed when it was asked for: a majority confirms who leads.
    #[default]
    Linearizable,
    /// Whatever the asked server has applied, however old.
    Stale,
}

/// What a key holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its version.
    pub version: Index,
}

/// Which keys are to be listed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct List {
    /// They begin with this.
    pub prefix: Vec<u8>,
    /// They come after this one; empty for the first of them.
    pub after: Vec<u8>,
    /// How new it must be.
    pub read: Read,
}

/// Some keys, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The keys with what they hold.
    pub entries: Vec<Entry>,
    /// If there are more: the `after` of the next page.
    pub more_after: Option<Vec<u8>>,
}

/// A key with what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Vec<u8>,
    /// What it holds.
    pub value: Value,
}

impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Read::Linearizable => "linearizable",
            Read::Stale => "stale",
        })
    }
}

/// Its name, or if nobody has told it yet, its address.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            Some(id) => id.fmt(f),
            None => f.write_str(&self.address),
        }
    }
}

impl Node {
    /// The server that listens at this address (HOST:PORT).
    pub fn new(address: impl Into<String>) -> Node {
        Node { id: None, address: address.into(), agent: agent() }
    }

    /// The same, which has this name.
    pub fn named(id: NodeId, address: impl Into<String>) -> Node {
        Node { id: Some(id), ..Node::new(address) }
    }

    /// Where it listens, as HOST:PORT.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Has a key changed, and waits no longer than `patience` to hear what came of it. The answer may be that
    /// a condition did not hold.
    ///
    /// # Errors
    /// If no answer came.
    pub fn write(&self, write: &Write<'_>, patience: Duration) -> Result<Answer, Failure> {
        if let Err(reason) = write.check() {
            return Ok(Answer::Invalid(reason));
        }
        let mut conditions = Vec::new();
        conditions.extend(write.if_version.map(|version| format!("if-version={version}")));
        if let Change::CompareAndSwap { expected, .. } = write.change {
            conditions.push(format!("if-value={}", escape(expected)));
        }
        let url = self.url(&key_path(write.key), &conditions);
        if url.len() > LONGEST_URL {
            return Err(NotDone::Refused {
                error: "the expected value is too long to be sent along".to_owned(),
                help: "compare the version instead".to_owned(),
            }
            .into());
        }
        let builder = match write.change {
            Change::Put { .. } | Change::CompareAndSwap { .. } => Request::put(url),
            Change::Delete => Request::delete(url),
        };
        let builder = match write.request {
            Some(kv::Request { session, sequence }) => {
                builder.header("raft-session", session.0.0).header("raft-sequence", sequence)
            }
            None => builder,
        };
        let reply = match write.change {
            Change::Put { value } | Change::CompareAndSwap { new: value, .. } => {
                self.ask(builder, value, patience)
            }
            Change::Delete => self.ask(builder, (), patience),
        };
        self.answer(reply)
    }

    /// Opens a session. If it is uncertain whether that was done, another one can be opened: a session that
    /// nobody uses does no harm, and is forgotten at last.
    ///
    /// # Errors
    /// If no answer came.
    pub fn open_session(&self, patience: Duration) -> Result<SessionId, Failure> {
        let reply = self.ask(Request::post(self.url("/sessions", &[])), &[][..], patience);
        match self.answer(reply)? {
            Answer::SessionOpened { session } => Ok(session),
            other => Err(Failure::Uncertain(format!("the answer makes no sense: {other}"))),
        }
    }

    /// What a key holds; none if there is no such key.
    ///
    /// # Errors
    /// [`NotDone`], if no answer came.
    pub fn get(&self, key: &[u8], read: Read, patience: Duration) -> Result<Option<Value>, NotDone> {
        let url = self.url(&key_path(key), &[format!("read={read}")]);
        let reply = self.read(url, patience)?;
        match (reply.status, reply.version()) {
            (StatusCode::OK, Some(version)) => Ok(Some(Value { bytes: reply.body, version })),
            (StatusCode::NOT_FOUND, _) if told(&reply).is_some() => Ok(None),
            _ => Err(self.why_not(&reply)),
        }
    }

    /// Some keys with what they hold.
    ///
    /// # Errors
    /// [`NotDone`], if no answer came.
    pub fn list(&self, list: &List, patience: Duration) -> Result<Page, NotDone> {
        let List { prefix, after, read } = list;
        let parameters = [
            format!("prefix={}", escape(prefix)),
            format!("after={}", escape(after)),
            format!("read={read}"),
        ];
        let reply = self.read(self.url("/kv", &parameters), patience)?;
        let listing: Listing = self.parse(&reply)?;
        page(listing).ok_or_else(|| self.makes_no_sense())
    }

    /// How the server is.
    ///
    /// # Errors
    /// [`NotDone`], if no answer came.
    pub fn status(&self, patience: Duration) -> Result<Status, NotDone> {
        self.parse(&self.read(self.url("/status", &[]), patience)?)
    }

    /// The server's figures, in the format of Prometheus.
    ///
    /// # Errors
    /// [`NotDone`], if no answer came.
    pub fn metrics(&self, patience: Duration) -> Result<String, NotDone> {
        let reply = self.read(self.url("/metrics", &[]), patience)?;
        match reply.status {
            StatusCode::OK => String::from_utf8(reply.body).map_err(|_| self.makes_no_sense()),
            _ => Err(self.why_not(&reply)),
        }
    }

    fn url(&self, path: &str, parameters: &[String]) -> String {
        let separator = if parameters.is_empty() { "" } else { "?" };
        format!("http://{}{path}{separator}{}", self.address, parameters.join("&"))
    }

    fn ask(&self, builder: Builder, body: impl AsSendBody, patience: Duration) -> Result<Reply, Broken> {
        let request = builder.body(body).map_err(|error| Broken::BeforeItWasSent(error.to_string()))?;
        exchange(&self.agent, request, patience)
    }

    /// A read that broke has done nothing, wherever it broke.
    fn read(&self, url: String, patience: Duration) -> Result<Reply, NotDone> {
        self.ask(Request::get(url), (), patience).map_err(|broken| self.silent(broken.into_why()))
    }

    fn parse<T: DeserializeOwned>(&self, reply: &Reply) -> Result<T, NotDone> {
        match reply.status {
            StatusCode::OK => serde_json::from_slice(&reply.body).map_err(|_| self.makes_no_sense()),
            _ => Err(self.why_not(reply)),
        }
    }

    /// What a command that should go into the log has come to.
    fn answer(&self, reply: Result<Reply, Broken>) -> Result<Answer, Failure> {
        let reply = match reply {
            Ok(reply) => reply,
            Err(Broken::BeforeItWasSent(why)) => return Err(self.silent(why).into()),
            Err(Broken::Later(why)) => return Err(Failure::Uncertain(format!("{self}: {why}"))),
        };
        if reply.status.is_success() {
            let answer = serde_json::from_slice(&reply.body);
            return answer.map_err(|_| Failure::Uncertain(self.makes_no_sense().to_string()));
        }
        match told(&reply) {
            Some(Told { answer: Some(answer), .. }) => Ok(answer),
            Some(told) if told.is_certain() => Err(self.why_not(&reply).into()),
            Some(told) => Err(Failure::Uncertain(told.error)),
            // Whoever that is, who knows what it has done?
            None => Err(Failure::Uncertain(self.makes_no_sense().to_string())),
        }
    }

    fn why_not(&self, reply: &Reply) -> NotDone {
        match told(reply) {
            Some(Told { node: Some(node), leader: Some(leader), .. }) if reply.elsewhere().is_some() => {
                NotDone::Elsewhere { node, leader, address: reply.elsewhere().unwrap_or_default() }
            }
            Some(Told { error, help, .. }) if reply.status.is_server_error() => {
                NotDone::NotNow { error, help }
            }
            Some(Told { error, help, .. }) => NotDone::Refused { error, help },
            None => self.makes_no_sense(),
        }
    }

    fn silent(&self, why: String) -> NotDone {
        NotDone::Silent { address: self.address.clone(), why }
    }

    fn makes_no_sense(&self) -> NotDone {
        self.silent("its answer makes no sense: it is no Raft server of this version".to_owned())
    }
}

fn escape(bytes: &[u8]) -> String {
    percent_encode(bytes, ESCAPED).to_string()
}

fn key_path(key: &[u8]) -> String {
    format!("/kv/{}", escape(key))
}

/// What a server told that did not do what it was asked for.
fn told(reply: &Reply) -> Option<Told> {
    serde_json::from_slice(&reply.body).ok()
}

fn page(listing: Listing) -> Option<Page> {
    let entry = |Listed { key, value, version }: Listed| {
        Some(Entry { key: key.into_bytes()?, value: Value { bytes: value.into_bytes()?, version } })
    };
    let entries = listing.keys.into_iter().map(entry).collect::<Option<_>>()?;
    let more_after = match listing.more_after {
        Some(after) => Some(after.into_bytes()?),
        None => None,
    };
    Some(Page { entries, more_after })
}
