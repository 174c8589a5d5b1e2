//! One node of Maelstrom, the workbench of Jepsen's authors for learning distributed systems: it starts the
//! nodes, is the network between them, plays the clients, and checks what these saw.
//!
//! The engine, the driver and the disk are those of every server. Only messages take another way: each is a
//! line of JSON, read from standard input or written to standard output.
//!
//! * `message.rs`: what the lines say, and Maelstrom's codes for errors;
//! * `lines.rs`: reading and writing them;
//! * `conversation.rs`: who is to hear what has come;
//! * `raft.rs`: Raft's messages as JSON that people can read;
//! * `lin_kv.rs`: the clients' requests, at a node that leads and at one that does not.
//!
//! docs/maelstrom.md tells how to run it.

mod conversation;
mod lin_kv;
mod lines;
mod message;
mod raft;

use crate::broadcast::Broadcast;
use crate::command::Command;
use crate::error::ServerError;
use crate::machine::{self, Machine};
use crate::remote::Remote;
use crate::server::Told;
use consensus::NodeId;
use conversation::Conversation;
use lin_kv::LinKv;
use lines::{Lines, Outbox, warn, write_all, write_line};
use message::{Answer, Code, Init, Message, Reply, node_id};
use runtime::Settings;
use std::collections::BTreeSet;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use trace::Record;

/// Maximum number of clients' requests that are served at a time; more are refused.
const MOST_REQUESTS: u32 = 4096;

/// Who a node is, as Maelstrom has told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduction {
    id: NodeId,
    peers: BTreeSet<NodeId>,
    /// Who wants to know that it was understood, and the number of the message.
    from: (String, i64),
}

impl Introduction {
    /// Waits for it. Requests that come before it are answered: nothing can be done yet. `None` if the
    /// input ends before.
    ///
    /// # Errors
    /// If an answer can't be written.
    pub fn await_in(input: &mut impl BufRead, output: &mut impl Write) -> io::Result<Option<Introduction>> {
        for Message { src, dest, body } in Lines::new(input) {
            // Other nodes may have been introduced already. What they say is lost.
            let Some(msg_id) = body.msg_id.filter(|_| node_id(&src).is_none()) else { continue };
            let answer = match &*body.kind {
                "init" => match body.read().and_then(|init| understand(init, (src.clone(), msg_id))) {
                    Ok(introduction) => return Ok(Some(introduction)),
                    Err(problem) => {
                        warn(format_args!("an init message can't be understood: {problem}"));
                        Answer::error(Code::MalformedRequest, problem)
                    }
                },
                _ => Answer::error(Code::TemporarilyUnavailable, "no init message has come yet"),
            };
            write_line(output, &dest, src, Reply { in_reply_to: msg_id, answer })?;
            output.flush()?;
        }
        Ok(None)
    }

    /// Which node it is.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// The other nodes.
    pub fn peers(&self) -> &BTreeSet<NodeId> {
        &self.peers
    }

    /// Tells Maelstrom that the node can't start.
    ///
    /// # Errors
    /// If that can't be written.
    pub fn refuse(&self, why: &ServerError, output: &mut impl Write) -> io::Result<()> {
        let (client, msg_id) = self.from.clone();
        let answer = Answer::error(Code::Abort, format!("{why}; {}", why.help()));
        write_line(output, &self.id.to_string(), client, Reply { in_reply_to: msg_id, answer })?;
        output.flush()
    }
}

/// A node that is ready to run: it holds its data folder.
pub struct MaelstromNode {
    server: runtime::Server<Machine>,
    introduction: Introduction,
    patience: Duration,
    runtime: Runtime,
}

impl MaelstromNode {
    /// Takes the data folder. The settings' id and founders must be those of the introduction. A client waits
    /// for its outcome as long as `patience`; then it is told that none came.
    ///
    /// # Errors
    /// If it can't be had. Nothing has been changed in a folder that belongs to another server.
    pub fn open(
        introduction: Introduction,
        data: &Path,
        settings: Settings,
        patience: Duration,
    ) -> Result<MaelstromNode, ServerError> {
        let (server, _) = machine::open(data, settings)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(MaelstromNode { server, introduction, patience, runtime })
    }

    /// A way to command the node while it runs.
    pub fn remote(&self) -> Remote {
        Remote::new(self.server.handle(), self.runtime.handle().clone())
    }

    /// Runs until the input ends and all requests in it are answered, or until [`Command::Stop`]. The
    /// observer is given every record, and should not keep the node waiting.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn run(
        self,
        input: impl BufRead + Send + 'static,
        output: impl Write + Send + 'static,
        observer: impl FnMut(Record),
    ) -> Result<(), ServerError> {
        let remote = self.remote();
        let MaelstromNode { server, introduction, patience, runtime } = self;
        let (outbox, mut queue) = Outbox::new();
        let (own, writers) = (introduction.id.to_string(), remote.clone());
        let writer = std::thread::spawn(move || write_all(&own, &mut queue, output, &writers));

        let places = Arc::new(Semaphore::new(MOST_REQUESTS as usize));
        let conversation = Conversation {
            introduction,
            inlet: server.inlet(),
            outbox: outbox.clone(),
            kv: Arc::new(LinKv::new(server.handle(), outbox.clone(), server.life(), patience)),
            places: places.clone(),
            runtime: runtime.handle().clone(),
        };
        conversation.welcome();
        std::thread::spawn(move || {
            Lines::new(input).for_each(|message| conversation.take(message));
            conversation.finish();
            remote.command(Command::Stop);
        });

        let told = Told { observer, events: Broadcast::new() };
        let ended = runtime.block_on(server.run("standard input".to_owned(), outbox.clone(), told));
        // Clients that still wait are told that the outcome is uncertain.
        let _ = runtime.block_on(places.acquire_many(MOST_REQUESTS));
        outbox.end();
        // A thread that panicked has told so itself.
        let _ = writer.join();
        runtime.shutdown_background();
        Ok(ended?)
    }
}

fn understand(init: Init, from: (String, i64)) -> Result<Introduction, String> {
    let node = |name: &String| {
        node_id(name).ok_or_else(|| format!("{name:?} is not the name of a node, such as n0, n1, n2"))
    };
    let id = node(&init.node_id)?;
    let mut peers = init.node_ids.iter().map(node).collect::<Result<BTreeSet<_>, _>>()?;
    if !peers.remove(&id) {
        return Err(format!("{id} is not among the nodes {}", init.node_ids.join(", ")));
    }
    Ok(Introduction { id, peers, from })
}
