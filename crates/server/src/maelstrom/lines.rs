//! Messages as lines: read from one side, written to the other.

use super::message::{Forward, Forwarded, Message, Reply};
use super::raft::RaftBody;
use crate::command::Command;
use crate::remote::Remote;
use driver::Envelope;
use runtime::Transport;
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, BufRead, BufWriter, Write};
use tokio::sync::mpsc;

/// No line is longer than this, in bytes: more than any message that a node sends.
const LONGEST_LINE: u64 = 16 << 20;
/// Maximum number of characters of a line that are shown to people.
const SHOWN: usize = 200;
/// Maximum number of messages that wait to be written.
const QUEUE: usize = 4096;

/// The messages that come in.
pub(super) struct Lines<R> {
    input: R,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Lines<R> {
        Lines { input, line: Vec::new() }
    }

    /// The next line's bytes, without more of it than allowed; none at the end.
    fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        let mut at_most = io::Read::take(&mut self.input, LONGEST_LINE);
        if at_most.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        if self.line.len() as u64 == LONGEST_LINE && !self.line.ends_with(b"\n") {
            self.input.skip_until(b'\n')?;
        }
        Ok(Some(self.line.trim_ascii()))
    }
}

/// Lines that are no messages are told on standard error, and passed over.
impl<R: BufRead> Iterator for Lines<R> {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        loop {
            match self.next_line() {
                Ok(None) => return None,
                Ok(Some([])) => {}
                Ok(Some(line)) => match serde_json::from_slice(line) {
                    Ok(message) => return Some(message),
                    Err(error) => {
                        let line = String::from_utf8_lossy(line);
                        warn(format_args!("a line is not a message ({error}): {}", shown(&line)));
                    }
                },
                Err(error) => {
                    warn(format_args!("can't read standard input: {error}"));
                    return None;
                }
            }
        }
    }
}

/// Tells people what is wrong with what came in. If nobody reads that, the node goes on.
pub(super) fn warn(problem: impl Display) {
    let _ = writeln!(io::stderr(), "warning: {problem}");
}

fn shown(line: &str) -> String {
    let mut characters = line.chars();
    let mut shown: String = characters.by_ref().take(SHOWN).collect();
    if characters.next().is_some() {
        shown += "…";
    }
    shown
}

/// What is to be written.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// This, to whom.
    Said(String, Said),
    /// What Raft says to another node.
    Raft(Envelope),
    /// Nothing more.
    End,
}

/// What is said, besides what Raft says.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Said {
    Reply(Reply),
    Forward(Forward),
    Forwarded(Forwarded),
}

/// The way to the writer.
#[derive(Debug, Clone)]
pub(super) struct Outbox(mpsc::Sender<Outgoing>);

/// The writer has ended, and has not written this.
pub(super) struct NotSaid;

impl Outbox {
    pub(super) fn new() -> (Outbox, mpsc::Receiver<Outgoing>) {
        let (sender, queue) = mpsc::channel(QUEUE);
        (Outbox(sender), queue)
    }

    /// Has this written; waits while too much is to be written before.
    pub(super) async fn say(&self, to: &str, said: Said) -> Result<(), NotSaid> {
        self.0.send(Outgoing::Said(to.to_owned(), said)).await.map_err(|_| NotSaid)
    }

    /// Likewise, in a thread that may be held up.
    pub(super) fn say_blocking(&self, to: &str, said: Said) {
        // Without a writer there is nobody to hear it.
        let _ = self.0.blocking_send(Outgoing::Said(to.to_owned(), said));
    }

    /// Has the writer end when it has written what is to be written so far.
    pub(super) fn end(&self) {
        let _ = self.0.blocking_send(Outgoing::End);
    }
}

/// Nodes have names here and no addresses, and each message says where it comes from.
impl Transport for Outbox {
    fn send(&self, envelope: Envelope) {
        // A full queue is a slow network.
        let _ = self.0.try_send(Outgoing::Raft(envelope));
    }
}

/// Writes messages from the node `own` until there are no more. If nobody reads them, the server is stopped.
pub(super) fn write_all(
    own: &str,
    queue: &mut mpsc::Receiver<Outgoing>,
    output: impl Write,
    remote: &Remote,
) {
    if write_until_end(own, queue, output).is_err() {
        remote.command(Command::Stop);
    }
}

fn write_until_end(own: &str, queue: &mut mpsc::Receiver<Outgoing>, output: impl Write) -> io::Result<()> {
    let mut output = BufWriter::new(output);
    while let Some(outgoing) = queue.blocking_recv() {
        match outgoing {
            Outgoing::Said(to, said) => write_line(&mut output, own, to, said)?,
            Outgoing::Raft(envelope) => {
                write_line(&mut output, own, envelope.to.to_string(), RaftBody::of(envelope))?;
            }
            Outgoing::End => break,
        }
        if queue.is_empty() {
            output.flush()?;
        }
    }
    output.flush()
}

/// Writes one message.
pub(super) fn write_line(
    output: &mut impl Write,
    src: &str,
    dest: String,
    body: impl Serialize,
) -> io::Result<()> {
    let message = Message { src: src.to_owned(), dest, body };
    serde_json::to_writer(&mut *output, &message)?;
    output.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maelstrom::message::{Answer, Body, Request};
    use consensus::{AppendEntries, Entry, Index, Membership, NodeId, Origin, Payload, Term};
    use trace::EventId;

    fn kinds(input: &[u8]) -> Vec<String> {
        Lines::new(input).map(|Message { body: Body { kind, .. }, .. }| kind).collect()
    }

    #[test]
    fn what_is_no_message_is_passed_over() {
        let input = b"\n{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"a\",\"msg_id\":1}}\n\xff\xfe\nnull\n[]\n{\n\
            {\"src\":\"c1\",\"dest\":\"n1\",\"body\":{}}\n{\"src\":\"c1\",\"dest\":\"n1\",\"body\":7}\n\
            {\"src\":1,\"dest\":\"n1\",\"body\":{\"type\":\"x\"}}\n\
            {\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"x\",\"msg_id\":\"one\"}}\n\
            {\"id\":3,\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"b\",\"x\":[1.5]}}";
        assert_eq!(kinds(input), ["a", "b"]);
    }

    #[test]
    fn the_largest_messages_fit_into_a_line() {
        let long = serde_json::Value::from("\u{1}".repeat((kv::LONGEST_VALUE - 2) / 6));
        assert!(long.to_string().len() > kv::LONGEST_VALUE - 10);
        let swap = Request::Cas { key: "k".into(), from: long.clone(), to: long.clone() };
        let said = [
            Said::Forward(Forward { msg_id: i64::MAX, life: u64::MAX, request: swap, once: None }),
            Said::Forwarded(Forwarded {
                in_reply_to: i64::MAX,
                life: u64::MAX,
                answer: Answer::ReadOk { value: long },
            }),
        ];
        let mut input = Vec::new();
        for said in said {
            write_line(&mut input, "n1", "n2".to_owned(), said).unwrap();
        }
        let command = vec![1; runtime::LONGEST_COMMAND].into();
        let count = runtime::BYTES_PER_MESSAGE / 40;
        let short = vec![Payload::Command([1; 20].into()); count];
        for payloads in [vec![Payload::Command(command)], short, vec![largest_membership()]] {
            let entries =
                payloads.into_iter().map(|payload| Entry { term: Term(u64::MAX), payload }).collect();
            let append = AppendEntries {
                term: Term(u64::MAX),
                prev_log_index: Index(u64::MAX),
                prev_log_term: Term(u64::MAX),
                entries,
                leader_commit: Index(u64::MAX),
                round: u64::MAX,
            };
            let last = NodeId(u64::MAX);
            let envelope = Envelope {
                from: last,
                to: last,
                sent_as: EventId { node: last, life: u64::MAX, seq: u64::MAX },
                origin: Origin::default(),
                message: consensus::Message::AppendEntries(append),
            };
            write_line(&mut input, "n1", "n2".to_owned(), RaftBody::of(envelope)).unwrap();
        }
        let kinds_sent = ["forward", "forwarded", "append_entries", "append_entries", "append_entries"];
        assert_eq!(kinds(&input), kinds_sent);
    }

    /// A control character needs the most bytes in JSON.
    fn largest_membership() -> Payload {
        let empty = Membership { addresses: [(NodeId(1), String::new())].into(), ..Membership::default() };
        let addresses = [(NodeId(1), "\u{1}".repeat(Membership::LARGEST - empty.size()))].into();
        Payload::Membership(Membership { addresses, ..empty }.into())
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_to_its_end() {
        let mut input = vec![b'['; 2 * LONGEST_LINE as usize + 10];
        input.extend(b"\n{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"b\"}}\n");
        assert_eq!(kinds(&input), ["b"]);
    }
}
