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

/// HTTP status codes.
const OK: u16 = 200;
const CREATED: u16 = 201;
const NOT_FOUND: u16 = 404;
const INTERNAL_ERROR: u16 = 500;

/// Maximum length of a path in bytes.
const LONGEST_PATH: usize = 60_000;

/// One server. A connection to it is kept and reused.
#[derive(Debug)]
pub struct Node {
    /// Its name, if known.
    pub(crate) id: Option<NodeId>,
    pub(crate) address: String,
    kept: Mutex<Option<Connection>>,
}

/// How up to date a read must be.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// Includes everything that was committed when it was requested: a majority confirms the leader.
    #[default]
    Linearizable,
    /// The same, where leaders have leases: the leader asks no other server, and relies on all clocks.
    Lease,
    /// What the asked server has applied, however old.
    Stale,
}

/// The value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its version.
    pub version: Index,
}

/// The keys to list.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct List {
    /// The keys begin with this.
    pub prefix: Vec<u8>,
    /// The keys come after this one; empty for the first of them.
    pub after: Vec<u8>,
    /// How up to date the list must be.
    pub read: Read,
}

/// Some keys, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The keys with their values.
    pub entries: Vec<Entry>,
    /// If there are more: the `after` of the next page.
    pub more_after: Option<Vec<u8>>,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Vec<u8>,
    /// Its value.
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

/// Its name or, if that is unknown, its address.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            Some(id) => id.fmt(f),
            None => f.write_str(&self.address),
        }
    }
}

impl Node {
    /// The server at this address (HOST:PORT).
    pub fn new(address: impl Into<String>) -> Node {
        Node { id: None, address: address.into(), kept: Mutex::default() }
    }

    /// The same, with this name.
    pub fn named(id: NodeId, address: impl Into<String>) -> Node {
        Node { id: Some(id), ..Node::new(address) }
    }

    /// Do both have the same name?
    pub(crate) fn is(&self, other: &Node) -> bool {
        self.id.is_some() && self.id == other.id
    }

    /// Its address, as HOST:PORT.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Changes a key, and waits up to `timeout` for the answer, which may be that a condition did not hold.
    ///
    /// # Errors
    /// If no answer arrived.
    pub fn write(&self, write: &Write<'_>, timeout: Duration) -> Result<Answer, Failure> {
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
        self.command(&Request { method, path, headers, body }, timeout)
    }

    /// Opens a session. If it is uncertain whether that was done, open another one: an unused session does no
    /// harm, and is dropped in the end.
    ///
    /// # Errors
    /// If no answer arrived.
    pub fn open_session(&self, timeout: Duration) -> Result<SessionId, Failure> {
        let path = "/sessions".to_owned();
        match self.command(&Request { method: "POST", path, headers: Vec::new(), body: b"" }, timeout)? {
            Answer::SessionOpened { session } => Ok(session),
            other => Err(Failure::Uncertain(format!("the response can't be understood: {other}"))),
        }
    }

    /// The value of a key; `None` if there is no such key.
    ///
    /// # Errors
    /// [`NotDone`], if no answer arrived.
    pub fn get(&self, key: &[u8], read: Read, timeout: Duration) -> Result<Option<Value>, NotDone> {
        let reply = self.read(with_parameters(key_path(key), &[format!("read={read}")]), timeout)?;
        match (reply.head.status, version(&reply)) {
            (OK, Some(version)) => Ok(Some(Value { bytes: reply.body, version })),
            (NOT_FOUND, _) if error_body(&reply).is_some() => Ok(None),
            _ => Err(self.why_not(&reply)),
        }
    }

    /// Some keys with their values.
    ///
    /// # Errors
    /// [`NotDone`], if no answer arrived.
    pub fn list(&self, list: &List, timeout: Duration) -> Result<Page, NotDone> {
        let List { prefix, after, read } = list;
        let parameters = [
            format!("prefix={}", escape(prefix)),
            format!("after={}", escape(after)),
            format!("read={read}"),
        ];
        let reply = self.read(with_parameters("/kv".to_owned(), &parameters), timeout)?;
        let listing: Listing = self.parse(&reply)?;
        page(listing).ok_or_else(|| self.makes_no_sense())
    }

    /// The state of the server.
    ///
    /// # Errors
    /// [`NotDone`], if no answer arrived.
    pub fn status(&self, timeout: Duration) -> Result<Status, NotDone> {
        self.parse(&self.read("/status".to_owned(), timeout)?)
    }

    /// The members of the cluster, according to this server.
    ///
    /// # Errors
    /// [`NotDone`], if no answer arrived.
    pub fn members(&self, timeout: Duration) -> Result<MembersBody, NotDone> {
        self.parse(&self.read("/members".to_owned(), timeout)?)
    }

    /// Changes the members. It is done once the configuration with which the change begins is committed.
    ///
    /// # Errors
    /// If no answer arrived, or a refusal.
    pub fn change_members(
        &self,
        change: &consensus::Change,
        timeout: Duration,
    ) -> Result<MembersBody, Failure> {
        self.post("/members", change, timeout)
    }

    /// Makes the leader begin to hand leadership over.
    ///
    /// # Errors
    /// If no answer arrived, or a refusal.
    pub fn transfer(&self, to: NodeId, timeout: Duration) -> Result<MembersBody, Failure> {
        self.post("/leader", &Successor { to }, timeout)
    }

    fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        timeout: Duration,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(body).expect("what is asked for has a JSON");
        let request = Request { method: "POST", path: path.to_owned(), headers: Vec::new(), body: &body };
        let reply = self.ask_certainly(&request, timeout)?;
        if reply.head.status == OK {
            let answer = serde_json::from_slice(&reply.body);
            return answer.map_err(|_| Failure::Uncertain(self.makes_no_sense().to_string()));
        }
        Err(self.why_not_done(&reply))
    }

    /// The server's metrics, in the format of Prometheus.
    ///
    /// # Errors
    /// [`NotDone`], if no answer arrived.
    pub fn metrics(&self, timeout: Duration) -> Result<String, NotDone> {
        let reply = self.read("/metrics".to_owned(), timeout)?;
        match reply.head.status {
            OK => String::from_utf8(reply.body).map_err(|_| self.makes_no_sense()),
            _ => Err(self.why_not(&reply)),
        }
    }

    /// Begins to watch all changes of keys that begin with `prefix`, after this place, or from now on. The
    /// server's response must begin within `timeout`.
    ///
    /// # Errors
    /// [`NotDone`], if it does not.
    pub fn watch(&self, prefix: &[u8], after: Option<Place>, timeout: Duration) -> Result<Watch, NotDone> {
        let mut parameters = vec![format!("prefix={}", escape(prefix))];
        parameters.extend(after.map(|after| format!("after={after}")));
        let request = Request::get(with_parameters("/watch".to_owned(), &parameters));
        let begun = begin(None, &self.address, &request, timeout);
        let (mut connection, head) = begun.map_err(|broken| self.silent(broken.into_why()))?;
        if head.status != OK {
            let body = connection.whole_body(&head).map_err(|_| self.makes_no_sense())?;
            return Err(self.why_not(&Reply { head, body }));
        }
        Ok(Watch::new(connection, self.to_string(), after))
    }

    fn ask(&self, request: &Request<'_>, timeout: Duration) -> Result<Reply, Broken> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = kept().take();
        let (reply, connection) = exchange(connection, &self.address, request, timeout)?;
        *kept() = connection;
        Ok(reply)
    }

    /// A read that failed has changed nothing, wherever it failed.
    fn read(&self, path: String, timeout: Duration) -> Result<Reply, NotDone> {
        self.ask(&Request::get(path), timeout).map_err(|broken| self.silent(broken.into_why()))
    }

    fn parse<T: DeserializeOwned>(&self, reply: &Reply) -> Result<T, NotDone> {
        match reply.head.status {
            OK => serde_json::from_slice(&reply.body).map_err(|_| self.makes_no_sense()),
            _ => Err(self.why_not(reply)),
        }
    }

    /// Puts a command into the log.
    fn command(&self, request: &Request<'_>, timeout: Duration) -> Result<Answer, Failure> {
        let reply = self.ask_certainly(request, timeout)?;
        if matches!(reply.head.status, OK | CREATED) {
            let answer = serde_json::from_slice(&reply.body);
            return answer.map_err(|_| Failure::Uncertain(self.makes_no_sense().to_string()));
        }
        match error_body(&reply) {
            Some(Told { answer: Some(answer), .. }) => Ok(answer),
            _ => Err(self.why_not_done(&reply)),
        }
    }

    /// Sends a request that changes something. If it fails, the outcome is uncertain, unless nothing of it
    /// was sent.
    fn ask_certainly(&self, request: &Request<'_>, timeout: Duration) -> Result<Reply, Failure> {
        self.ask(request, timeout).map_err(|broken| match broken {
            Broken::BeforeItWasSent(_) => self.silent(broken.into_why()).into(),
            Broken::Later(_) => Failure::Uncertain(format!("{self}: {}", broken.into_why())),
        })
    }

    fn why_not_done(&self, reply: &Reply) -> Failure {
        match error_body(reply) {
            Some(told) if told.is_certain() => self.why_not(reply).into(),
            Some(told) => Failure::Uncertain(told.error),
            // Whatever program that is, it is unknown what it did.
            None => Failure::Uncertain(self.makes_no_sense().to_string()),
        }
    }

    fn why_not(&self, reply: &Reply) -> NotDone {
        let Some(told) = error_body(reply) else { return self.makes_no_sense() };
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

/// The version in a reply.
fn version(reply: &Reply) -> Option<Index> {
    reply.head.header(headers::VERSION)?.parse().ok().map(Index)
}

/// The address to go to instead, as HOST:PORT.
fn elsewhere(reply: &Reply) -> Option<String> {
    let place = reply.head.header("location")?.strip_prefix("http://")?;
    Some(place.split('/').next()?.to_owned())
}

fn key_path(key: &[u8]) -> String {
    format!("/kv/{}", escape(key))
}

/// The body of a reply to a request that was not done.
fn error_body(reply: &Reply) -> Option<Told<Answer>> {
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
