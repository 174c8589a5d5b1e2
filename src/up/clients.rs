//! Clients of the cluster's store, over HTTP, like any others. Each sends one request to a server, usually
//! the leader.

use client::{Failure, Node, Read};
use consensus::NodeId;
use kv::{Answer, Command, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use trace::ClusterView;
use web::{ClientWish, Outcome};

/// Maximum number of requests in progress: without a majority each waits for its outcome.
const MOST_UNDER_WAY: u64 = 100;
/// Longer than a server keeps a client waiting.
const TIMEOUT: Duration = Duration::from_secs(12);

/// The clients, each in a thread of its own: nobody else waits for them.
pub(crate) struct Clients {
    last: u64,
    under_way: u64,
    sender: Sender<Heard>,
    receiver: Receiver<Heard>,
}

/// A client's request to a server.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The client's number.
    pub(crate) client: u64,
    /// The server.
    pub(crate) node: NodeId,
    /// The server's address, as HOST:PORT.
    address: String,
    /// The request, as in `put x = 3`.
    pub(crate) what: String,
    /// Its command as an entry holds it, in words; `None` for a read.
    pub(crate) command: Option<String>,
}

/// A client has its outcome.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) asked: Asked,
    pub(crate) outcome: Outcome,
}

impl Clients {
    pub(crate) fn new() -> Clients {
        let (sender, receiver) = channel();
        Clients { last: 0, under_way: 0, sender, receiver }
    }

    /// Prepares a client's request to this server, or the leader. It is sent by [`send`](Clients::send).
    ///
    /// # Errors
    /// If no server can be asked: a sentence that says why.
    pub(crate) fn ask(
        &mut self,
        view: &ClusterView,
        wish: &ClientWish,
        at: Option<NodeId>,
    ) -> Result<Asked, String> {
        let what = words(wish);
        let (node, address) =
            address_in(view, at).ok_or_else(|| format!("{what}: there is no leader to ask"))?;
        if self.under_way == MOST_UNDER_WAY {
            return Err(format!(
                "{MOST_UNDER_WAY} clients still wait for an outcome: try again when one has it"
            ));
        }
        self.last += 1;
        Ok(Asked { client: self.last, node, address, what, command: command(wish) })
    }

    /// Sends the request. Its outcome is later among those [heard](Clients::heard).
    pub(crate) fn send(&mut self, asked: Asked, wish: ClientWish) {
        self.under_way += 1;
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            // Nobody listens any longer once the cluster has ended.
            let outcome = outcome(&asked.address, &wish);
            let _ = sender.send(Heard { asked, outcome });
        });
    }

    /// The outcomes since the last call.
    pub(crate) fn heard(&mut self) -> Vec<Heard> {
        let heard: Vec<Heard> = self.receiver.try_iter().collect();
        self.under_way -= heard.len() as u64;
        heard
    }
}

fn words(wish: &ClientWish) -> String {
    match wish {
        ClientWish::Put { key, value } => format!("put {key} = {value}"),
        ClientWish::Get { key } => format!("get {key}"),
        ClientWish::Delete { key } => format!("delete {key}"),
    }
}

fn command(wish: &ClientWish) -> Option<String> {
    let write = match wish {
        ClientWish::Put { key, value } => Write::put(key.as_bytes(), value.as_bytes()),
        ClientWish::Delete { key } => Write::delete(key.as_bytes()),
        ClientWish::Get { .. } => return None,
    };
    Some(Command::Write(write).brief())
}

/// This server, or else the leader.
fn address_in(view: &ClusterView, at: Option<NodeId>) -> Option<(NodeId, String)> {
    let server = at.or(view.leader())?;
    Some((server, view.server(server)?.address.clone()?))
}

/// One try: what is shown is its outcome, even if that is a change of leaders.
fn outcome(address: &str, wish: &ClientWish) -> Outcome {
    let node = Node::new(address);
    match wish {
        ClientWish::Put { key, value } => write(&node, &Write::put(key.as_bytes(), value.as_bytes())),
        ClientWish::Delete { key } => write(&node, &Write::delete(key.as_bytes())),
        ClientWish::Get { key } => match node.get(key.as_bytes(), Read::Linearizable, TIMEOUT) {
            Ok(Some(value)) => Outcome::Done(format!("{key} is {}", String::from_utf8_lossy(&value.bytes))),
            Ok(None) => Outcome::Done(format!("there is no key {key}")),
            Err(why) => Outcome::NotDone(format!("not read: {why}")),
        },
    }
}

fn write(node: &Node, write: &Write) -> Outcome {
    match node.write(write, TIMEOUT) {
        Ok(answer @ (Answer::Written { .. } | Answer::Deleted)) => Outcome::Done(answer.to_string()),
        Ok(refused) => Outcome::NotDone(refused.to_string()),
        Err(Failure::NotDone(why)) => Outcome::NotDone(format!("not done: {why}")),
        Err(uncertain @ Failure::Uncertain(_)) => Outcome::Uncertain(uncertain.to_string()),
    }
}
