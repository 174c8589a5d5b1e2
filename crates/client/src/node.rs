//! One try at one server.

use crate::exchange::{Broken, Connection, Reply, Request, begin, exchange};
use crate::failure::{Failure, NotDone};
use crate::watch::Watch;
use api::{Listed, Listing, MembersBody, Place, Status, Successor, Told, headers};
use consensus::{Index, NodeId};
use kv::{Answer, Change, SessionId, Write};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Letters that need no escape in a URL.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Statuses of HTTP.
const OK: u16 = 200;
const CREATED: u16 = 201;
const NOT_FOUND: u16 = 404;
const INTERNAL_ERROR: u16 = 500;

/// No path is longer than this, in bytes.
const LONGEST_PATH: usize = 60_000;

/// One server. A connection to it is kept and used again.
#[derive(Debug)]
pub struct Node {
    /// Its name, once somebody has told it.
    pub(crate) id: Option<NodeId>,
    pub(crate) address: String,
    kept: Mutex<Option<Connection>>,
}

/// How new what is read must be.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// All that was committed when it was asked for: a majority confirms who leads.
    #[default]
    Linearizable,
    /// The same, where leaders have leases: the leader asks nobody, and relies on all clocks.
    Lease,
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
            Read::Lease => "lease",
            Read::Stale => "stale",
        })
    }
}

/// The same server, with a connection of its own.
impl Clone for Node {
    fn clone(&self) -> Node {
        Node { id: self.id, address: self.address.clone(), kept: Mutex::default() }
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
    /// The server that listens on this address (HOST:PORT).
    pub fn new(address: impl Into<String>) -> Node {
        Node { id: None, address: address.into(), kept: Mutex::default() }
    }

    /// The same, which has this name.
    pub fn named(id: NodeId, address: impl Into<String>) -> Node {
        Node { id: Some(id), ..Node::new(address) }
    }

    /// Do both have the same name?
    pub(crate) fn is(&self, other: &Node) -> bool {
        self.id.is_some() && self.id == other.id
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
        let path = with_parameters(key_path(write.key), &conditions);
        if path.len() > LONGEST_PATH {
            return Err(NotDone::Refused {
                error: "the expected value is too long to be sent with the request".to_owned(),
                help: "compare the version instead".to_owned(),
            }
            .into());
        }
        let (method, body) = match write.change {
            Change::Put { value } | Change::CompareAndSwap { new: value, .. } => ("PUT", value),
            Change::Delete => ("DELETE", &b""[..]),
        };
        let headers = match write.request {
            Some(kv::Request { session, sequence }) => {
                vec![(headers::SESSION, session.0.0), (headers::SEQUENCE, sequence)]
            }
            None => Vec::new(),
        };
        self.command(&Request { method, path, headers, body }, patience)
    }

    /// Opens a session. If it is uncertain whether that was done, another one can be opened: a session that
    /// nobody uses does no harm, and is forgotten at last.
    ///
    /// # Errors
    /// If no answer came.
    pub fn open_session(&self, patience: Duration) -> Result<SessionId, Failure> {
        let path = "/sessions".to_owned();
        match self.command(&Request { method: "POST", path, headers: Vec::new(), body: b"" }, patience)? {
            Answer::SessionOpened { session } => Ok(session),
            other => Err(Failure::Uncertain(format!("the response can't be understood: {other}"))),
        }
    }

    /// What a key holds; none if there is no such key.
    ///
    /// # Errors
    /// [`NotDone`], if no answer came.
    pub fn get(&self, key: &[u8], read: Read, patience: Duration) -> Result<Option<Value>, NotDone> {
        let reply = self.read(with_parameters(key_path(key), &[format!("read={read}")]), patience)?;
        match (reply.head.status, version(&reply)) {
            (OK, Some(version)) => Ok(Some(Value { bytes: reply.body, version })),
            (NOT_FOUND, _) if told(&reply).is_some() => Ok(None),
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
        let reply = self.read(with_parameters("/kv".to_owned(), &parameters), patience)?;
        let listing: Listing = self.parse(&reply)?;
        page(listing).ok_or_else(|| self.makes_no_sense())
    }

    /// How the server is.
    ///
    /// # Errors
    /// [`NotDone`], if no answer came.
    pub fn status(&self, patience: Duration) -> Result<Status, NotDone> {
        self.parse(&self.read("/status".to_owned(), patience)?)
    }

    /// Who belongs to the cluster, in this server's eyes.
    ///
    /// # Errors
    /// [`NotDone`], if no answer came.
    pub fn members(&self, patience: Duration) -> Result<MembersBody, NotDone> {
        self.parse(&self.read("/members".to_owned(), patience)?)
    }

    /// Has the members changed. It is done when the configuration is committed with which the change begins.
    ///
    /// # Errors
    /// If no answer came, or a refusal.
    pub fn change_members(
        &self,
        change: &consensus::Change,
        patience: Duration,
    ) -> Result<MembersBody, Failure> {
        self.post("/members", change, patience)
    }

    /// Has the leader begin to hand over.
    ///
    /// # Errors
    /// If no answer came, or a refusal.
    pub fn transfer(&self, to: NodeId, patience: Duration) -> Result<MembersBody, Failure> {
        self.post("/leader", &Successor { to }, patience)
    }

    fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        patience: Duration,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(body).expect("what is asked for has a JSON");
        let request = Request { method: "POST", path: path.to_owned(), headers: Vec::new(), body: &body };
        let reply = self.ask_certainly(&request, patience)?;
        if reply.head.status == OK {
            let answer = serde_json::from_slice(&reply.body);
            return answer.map_err(|_| Failure::Uncertain(self.makes_no_sense().to_string()));
        }
        Err(self.why_not_done(&reply))
    }

    /// The server's figures, in the format of Prometheus.
    ///
    /// # Errors
    /// [`NotDone`], if no answer came.
    pub fn metrics(&self, patience: Duration) -> Result<String, NotDone> {
        let reply = self.read("/metrics".to_owned(), patience)?;
        match reply.head.status {
            OK => String::from_utf8(reply.body).map_err(|_| self.makes_no_sense()),
            _ => Err(self.why_not(&reply)),
        }
    }

    /// Begins to hear of each change of keys that begin with `prefix`, after this place, or from now on. The
    /// server must begin to tell within `patience`.
    ///
    /// # Errors
    /// [`NotDone`], if it does not.
    pub fn watch(&self, prefix: &[u8], after: Option<Place>, patience: Duration) -> Result<Watch, NotDone> {
        let mut parameters = vec![format!("prefix={}", escape(prefix))];
        parameters.extend(after.map(|after| format!("after={after}")));
        let request = Request::get(with_parameters("/watch".to_owned(), &parameters));
        let begun = begin(None, &self.address, &request, patience);
        let (mut connection, head) = begun.map_err(|broken| self.silent(broken.into_why()))?;
        if head.status != OK {
            let body = connection.whole_body(&head).map_err(|_| self.makes_no_sense())?;
            return Err(self.why_not(&Reply { head, body }));
        }
        Ok(Watch::new(connection, self.to_string(), after))
    }

    fn ask(&self, request: &Request<'_>, patience: Duration) -> Result<Reply, Broken> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = kept().take();
        let (reply, connection) = exchange(connection, &self.address, request, patience)?;
        *kept() = connection;
        Ok(reply)
    }

    /// A read that broke has done nothing, wherever it broke.
    fn read(&self, path: String, patience: Duration) -> Result<Reply, NotDone> {
        self.ask(&Request::get(path), patience).map_err(|broken| self.silent(broken.into_why()))
    }

    fn parse<T: DeserializeOwned>(&self, reply: &Reply) -> Result<T, NotDone> {
        match reply.head.status {
            OK => serde_json::from_slice(&reply.body).map_err(|_| self.makes_no_sense()),
            _ => Err(self.why_not(reply)),
        }
    }

    /// Has a command put into the log.
    fn command(&self, request: &Request<'_>, patience: Duration) -> Result<Answer, Failure> {
        let reply = self.ask_certainly(request, patience)?;
        if matches!(reply.head.status, OK | CREATED) {
            let answer = serde_json::from_slice(&reply.body);
            return answer.map_err(|_| Failure::Uncertain(self.makes_no_sense().to_string()));
        }
        match told(&reply) {
            Some(Told { answer: Some(answer), .. }) => Ok(answer),
            _ => Err(self.why_not_done(&reply)),
        }
    }

    /// Sends what changes something. If it breaks, it is in doubt, unless nothing of it had left.
    fn ask_certainly(&self, request: &Request<'_>, patience: Duration) -> Result<Reply, Failure> {
        self.ask(request, patience).map_err(|broken| match broken {
            Broken::BeforeItWasSent(_) => self.silent(broken.into_why()).into(),
            Broken::Later(_) => Failure::Uncertain(format!("{self}: {}", broken.into_why())),
        })
    }

    fn why_not_done(&self, reply: &Reply) -> Failure {
        match told(reply) {
            Some(told) if told.is_certain() => self.why_not(reply).into(),
            Some(told) => Failure::Uncertain(told.error),
            // Whoever that is, who knows what it has done?
            None => Failure::Uncertain(self.makes_no_sense().to_string()),
        }
    }

    fn why_not(&self, reply: &Reply) -> NotDone {
        let Some(told) = told(reply) else { return self.makes_no_sense() };
        let Told { error, help, .. } = told;
        match (told.node, told.leader, elsewhere(reply)) {
            (Some(node), Some(leader), Some(address)) => NotDone::Elsewhere { node, leader, address },
            _ if reply.head.status >= INTERNAL_ERROR => NotDone::NotNow { error, help },
            _ => NotDone::Refused { error, help },
        }
    }

    fn silent(&self, why: String) -> NotDone {
        NotDone::Silent { server: self.to_string(), why }
    }

    fn makes_no_sense(&self) -> NotDone {
        NotDone::nonsense(&self.to_string())
    }
}

fn escape(bytes: &[u8]) -> String {
    percent_encode(bytes, ESCAPED).to_string()
}

fn with_parameters(path: String, parameters: &[String]) -> String {
    if parameters.is_empty() { path } else { format!("{path}?{}", parameters.join("&")) }
}

/// The version that a reply names.
fn version(reply: &Reply) -> Option<Index> {
    reply.head.header(headers::VERSION)?.parse().ok().map(Index)
}

/// Where to go instead, as HOST:PORT.
fn elsewhere(reply: &Reply) -> Option<String> {
    let place = reply.head.header("location")?.strip_prefix("http://")?;
    Some(place.split('/').next()?.to_owned())
}

fn key_path(key: &[u8]) -> String {
    format!("/kv/{}", escape(key))
}

/// What a server told that did not do what it was asked for.
fn told(reply: &Reply) -> Option<Told<Answer>> {
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
