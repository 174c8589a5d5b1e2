//! What comes in, and who is to hear it.

use super::lin_kv::LinKv;
use super::lines::{Outbox, Said, warn};
use super::message::{Answer, Body, Code, Forward, Forwarded, Init, Message, Reply, Request, node_id};
use super::raft::RaftBody;
use super::{Introduction, MOST_REQUESTS, understand};
use consensus::NodeId;
use runtime::Inlet;
use std::future::Future;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// One node's end of the conversation with Maelstrom's clients and the other nodes.
pub(super) struct Conversation {
    pub(super) introduction: Introduction,
    pub(super) inlet: Inlet,
    pub(super) outbox: Outbox,
    pub(super) kv: Arc<LinKv>,
    /// How many more requests can be served at once.
    pub(super) places: Arc<Semaphore>,
    pub(super) runtime: Handle,
}

impl Conversation {
    /// Says that the introduction was understood.
    pub(super) fn welcome(&self) {
        let (client, msg_id) = self.introduction.from.clone();
        self.reply(&client, msg_id, Answer::InitOk);
    }

    /// A message has come.
    pub(super) fn take(&self, message: Message) {
        let Message { src, dest, body } = message;
        if dest != self.introduction.id.to_string() {
            return warn(format_args!("a message for {dest} came to {}", self.introduction.id));
        }
        let kind = body.kind.clone();
        let taken = match node_id(&src).filter(|id| self.introduction.peers.contains(id)) {
            Some(peer) => self.hear(peer, body),
            None => self.serve(&src, body),
        };
        if let Err(problem) = taken {
            warn(format_args!("the message {kind:?} from {src} can't be understood: {problem}"));
        }
    }

    /// Waits until all requests that have come are answered.
    pub(super) fn finish(&self) {
        let _ = self.runtime.block_on(self.places.acquire_many(MOST_REQUESTS));
    }

    /// Another node has said something. It is never told that it made no sense: that would be one more message
    /// that makes none.
    fn hear(&self, peer: NodeId, body: Body) -> Result<(), String> {
        let (msg_id, in_reply_to) = (body.msg_id, body.in_reply_to);
        match &*body.kind {
            "forward" => {
                let forward = Forward { msg_id: msg_id.ok_or("it has no msg_id")?, ..body.read()? };
                if forward.lacks_session() {
                    return Err("it is a write without a session".to_owned());
                }
                let kv = self.kv.clone();
                // The node that asked learns by its own timeout that there was no room.
                self.spawn(async move { kv.serve_forwarded(peer, &forward).await });
            }
            "forwarded" => {
                let forwarded: Forwarded = body.read()?;
                let in_reply_to = in_reply_to.ok_or("it has no in_reply_to")?;
                self.kv.note_forwarded(peer, in_reply_to, forwarded);
            }
            _ => {
                let body: RaftBody = body.read()?;
                let envelope = body.envelope(peer, self.introduction.id).ok_or("sent_as is not an event")?;
                // A node that is stopping hears nothing any longer.
                let _ = self.inlet.deliver(envelope);
            }
        }
        Ok(())
    }

    /// A client wants something.
    fn serve(&self, client: &str, body: Body) -> Result<(), String> {
        if body.in_reply_to.is_some() {
            return Err("this node has asked nothing".to_owned());
        }
        let msg_id = body.msg_id.ok_or("it has no msg_id, so no reply is possible")?;
        let answer = match &*body.kind {
            "read" | "write" | "cas" => match body.read() {
                Ok(request) => return self.serve_request(client, msg_id, request),
                Err(problem) => Answer::error(Code::MalformedRequest, problem),
            },
            "init" => match body.read::<Init>().and_then(|init| self.introduced_again(init)) {
                Ok(()) => Answer::InitOk,
                Err(problem) => Answer::error(Code::MalformedRequest, problem),
            },
            kind => {
                let text =
                    format!("there is no request {kind:?}: this node serves lin-kv's read, write and cas");
                Answer::error(Code::NotSupported, text)
            }
        };
        self.reply(client, msg_id, answer);
        Ok(())
    }

    fn serve_request(&self, client: &str, msg_id: i64, request: Request) -> Result<(), String> {
        let (kv, name) = (self.kv.clone(), client.to_owned());
        if !self.spawn(async move { kv.serve(&name, msg_id, &request).await }) {
            let text = "too many requests wait for this node";
            self.reply(client, msg_id, Answer::error(Code::TemporarilyUnavailable, text));
        }
        Ok(())
    }

    /// Serves a request beside others, if there is room for it.
    fn spawn(&self, service: impl Future<Output = ()> + Send + 'static) -> bool {
        let Ok(place) = self.places.clone().try_acquire_owned() else { return false };
        self.runtime.spawn(async move {
            service.await;
            drop(place);
        });
        true
    }

    fn introduced_again(&self, init: Init) -> Result<(), String> {
        let Introduction { id, peers, from } = &self.introduction;
        let again = understand(init, from.clone())?;
        if (again.id, &again.peers) == (*id, peers) {
            return Ok(());
        }
        Err(format!("this node is already {id}, and its cluster can't change"))
    }

    fn reply(&self, client: &str, msg_id: i64, answer: Answer) {
        self.outbox.say_blocking(client, Said::Reply(Reply { in_reply_to: msg_id, answer }));
    }
}
