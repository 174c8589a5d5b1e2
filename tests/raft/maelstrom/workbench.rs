//! A small Maelstrom: it starts the nodes, is the network between them, plays the clients, and is as strict
//! as the real one about what a node may send.

use crate::common::{TIMEOUT, await_some, raft};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// What happens to a message between nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Delivered {
        after: Duration,
    },
    Lost,
    /// Delivered twice.
    Twice {
        after: [Duration; 2],
    },
    /// Delivered at once, and a copy is kept until the test uses it.
    DeliveredAndHeld,
    /// Kept until the test uses it.
    Held,
}

pub const AT_ONCE: Fate = Fate::Delivered { after: Duration::ZERO };

/// The nodes, their network and their clients.
pub struct Workbench {
    arguments: Vec<String>,
    folder: PathBuf,
    nodes: Vec<Option<Node>>,
    /// The number of starts of each node.
    lives: Vec<u32>,
    said: Receiver<Line>,
    sayers: Sender<Line>,
    /// Decides about each message from one node to another.
    pub network: Box<dyn FnMut(&Value) -> Fate>,
    /// Messages in flight, by the time of their arrival and a number.
    on_the_way: BTreeMap<(Instant, u64), Value>,
    pub held: Vec<Value>,
    /// The sender of AppendEntries of the latest term.
    leader: Option<(u64, usize)>,
    requests: u64,
    waiting: BTreeSet<(String, u64)>,
    answers: BTreeMap<(String, u64), Value>,
}

struct Node {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line that a node has written in one of its runs.
struct Line {
    node: usize,
    life: u32,
    text: String,
}

/// A request that a client waits for.
pub type Ticket = (String, u64);

impl Workbench {
    /// Starts this number of nodes, n0, n1, ..., and introduces them.
    pub fn start(nodes: usize, folder: &Path, arguments: &[&str]) -> Workbench {
        let (sayers, said) = channel();
        let mut bench = Workbench {
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            folder: folder.to_owned(),
            nodes: (0..nodes).map(|_| None).collect(),
            lives: vec![0; nodes],
            said,
            sayers,
            network: Box::new(|_| AT_ONCE),
            on_the_way: BTreeMap::new(),
            held: Vec::new(),
            leader: None,
            requests: 0,
            waiting: BTreeSet::new(),
            answers: BTreeMap::new(),
        };
        (0..nodes).for_each(|node| bench.start_node(node));
        bench
    }

    /// Starts a node, on the folder that it had if it ran before, and waits until it is introduced.
    pub fn start_node(&mut self, node: usize) {
        self.start_process(node);
        let init = self.introduce(node);
        assert_eq!(self.await_answer(&init)["type"], "init_ok");
    }

    /// Starts a node's process.
    pub fn start_process(&mut self, node: usize) {
        assert!(self.nodes[node].is_none(), "n{node} runs already");
        self.lives[node] += 1;
        let errors = File::options().create(true).append(true).open(self.errors_of(node)).unwrap();
        let mut command = raft();
        command.arg("maelstrom").arg("--data").arg(self.folder.join("data")).args(&self.arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().unwrap();
        let (stdout, sayers, life) = (child.stdout.take().unwrap(), self.sayers.clone(), self.lives[node]);
        std::thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map(|line| line.expect("what a node writes is UTF-8"));
            lines.map(|text| Line { node, life, text }).try_for_each(|line| sayers.send(line))
        });
        let stdin = child.stdin.take();
        self.nodes[node] = Some(Node { child, stdin });
    }

    /// Tells a node who it is.
    pub fn introduce(&mut self, node: usize) -> Ticket {
        let names: Vec<String> = (0..self.nodes.len()).map(|node| format!("n{node}")).collect();
        self.request(node, json!({"type": "init", "node_id": names[node], "node_ids": names}))
    }

    /// SIGKILL.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node] = None;
    }

    /// Ends the node's input, and waits for its end.
    pub fn end(&mut self, node: usize) -> ExitStatus {
        self.node(node).stdin = None;
        self.await_exit(node)
    }

    /// Waits for the end of a process.
    pub fn await_exit(&mut self, node: usize) -> ExitStatus {
        let status = await_some("the end of a node", || self.node(node).child.try_wait().unwrap());
        self.nodes[node] = None;
        status
    }

    pub fn runs(&self, node: usize) -> bool {
        self.nodes[node].is_some()
    }

    fn node(&mut self, node: usize) -> &mut Node {
        self.nodes[node].as_mut().unwrap_or_else(|| panic!("n{node} does not run"))
    }

    /// What the node has written to standard error, in all its runs.
    pub fn errors(&self, node: usize) -> String {
        std::fs::read_to_string(self.errors_of(node)).unwrap()
    }

    fn errors_of(&self, node: usize) -> PathBuf {
        self.folder.join(format!("n{node}.log"))
    }

    /// Writes a line to a node. A node that is being killed may not read it.
    pub fn write_line(&mut self, node: usize, line: &str) {
        if let Some(Node { stdin: Some(stdin), .. }) = &mut self.nodes[node] {
            let _ = stdin.write_all(format!("{line}\n").as_bytes());
        }
    }

    /// A new client sends a request to a node.
    pub fn request(&mut self, node: usize, body: Value) -> Ticket {
        self.requests += 1;
        let ticket = (format!("c{}", self.requests), self.requests);
        let (client, msg_id) = &ticket;
        let mut message =
            json!({"id": self.requests, "src": client, "dest": format!("n{node}"), "body": body});
        message["body"]["msg_id"] = (*msg_id).into();
        self.waiting.insert(ticket.clone());
        self.write_line(node, &message.to_string());
        ticket
    }

    /// The answer, if it has arrived.
    pub fn answer(&mut self, ticket: &Ticket) -> Option<Value> {
        self.answers.remove(ticket)
    }

    /// Waits for the answer.
    pub fn await_answer(&mut self, ticket: &Ticket) -> Value {
        self.await_some("an answer", |bench| bench.answer(ticket))
    }

    /// Sends a request to a node, and waits for the answer.
    pub fn ask(&mut self, node: usize, body: Value) -> Value {
        let ticket = self.request(node, body);
        self.await_answer(&ticket)
    }

    /// Sends a request to a node again and again, until it is done.
    pub fn ask_until_done(&mut self, node: usize, body: &Value) -> Value {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let answer = self.ask(node, body.clone());
            if answer["type"] != "error" {
                return answer;
            }
            assert!(Instant::now() < deadline, "asked n{node} in vain for {body}: {answer}");
        }
    }

    /// Continues until the result is found.
    pub fn await_some<T>(&mut self, what: &str, mut find: impl FnMut(&mut Workbench) -> Option<T>) -> T {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some(found) = find(self) {
                return found;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            self.step(deadline);
        }
    }

    /// The leader, according to the messages.
    pub fn leader(&self) -> Option<usize> {
        self.leader.map(|(_, node)| node)
    }

    /// Waits until a node leads and has committed something.
    pub fn await_leader(&mut self) -> usize {
        self.ask_until_done(0, &json!({"type": "write", "key": "is there a leader", "value": true}));
        self.leader().unwrap_or(0)
    }

    /// Delivers a message that was held.
    pub fn deliver(&mut self, message: &Value) {
        let node = self.node_named(&message["dest"]).expect("it is for a node");
        self.write_line(node, &message.to_string());
    }

    /// Continues until something happens, or until this time.
    pub fn step(&mut self, until: Instant) {
        let now = Instant::now();
        while let Some(first) = self.on_the_way.first_entry().filter(|first| first.key().0 <= now) {
            let message = first.remove();
            self.deliver(&message);
        }
        let next = self.on_the_way.keys().next().map_or(until, |(at, _)| (*at).min(until));
        if let Ok(line) = self.said.recv_timeout(next.saturating_duration_since(now)) {
            self.take(line);
        }
    }

    /// A node has written a line.
    fn take(&mut self, Line { node, life, text }: Line) {
        let message: Value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("n{node} says no JSON ({error}): {text}"));
        let keys: Vec<&String> = message.as_object().expect("a message is an object").keys().collect();
        assert_eq!(keys, ["body", "dest", "src"], "{text}");
        assert_eq!(message["src"], format!("n{node}"), "a node speaks for itself: {text}");
        assert!(message["body"]["type"].is_string(), "{text}");
        match self.node_named(&message["dest"]) {
            Some(other) => {
                assert_ne!(other, node, "a node does not talk to itself: {text}");
                self.carry(message);
            }
            None => self.take_answer(&message, life == self.lives[node]),
        }
    }

    fn node_named(&self, name: &Value) -> Option<usize> {
        let number = name.as_str().expect("names are strings").strip_prefix('n')?.parse().ok()?;
        assert!(number < self.nodes.len(), "there is no {name}");
        Some(number)
    }

    /// A message from one node to another.
    fn carry(&mut self, message: Value) {
        if message["body"]["type"] == "append_entries" {
            let term = message["body"]["term"].as_u64().unwrap();
            if self.leader.is_none_or(|(latest, _)| term >= latest) {
                self.leader = Some((term, self.node_named(&message["src"]).unwrap()));
            }
        }
        match (self.network)(&message) {
            Fate::Delivered { after } => self.deliver_after(after, message),
            Fate::Twice { after } => {
                after.iter().for_each(|&after| self.deliver_after(after, message.clone()))
            }
            Fate::DeliveredAndHeld => {
                self.held.push(message.clone());
                self.deliver_after(Duration::ZERO, message);
            }
            Fate::Lost => {}
            Fate::Held => self.held.push(message),
        }
    }

    fn deliver_after(&mut self, after: Duration, message: Value) {
        self.requests += 1;
        self.on_the_way.insert((Instant::now() + after, self.requests), message);
    }

    /// A message to a client: it must be the only answer to a request of this client.
    fn take_answer(&mut self, message: &Value, is_this_life: bool) {
        let (client, body) = (message["dest"].as_str().unwrap(), &message["body"]);
        let fields: Vec<&String> = body.as_object().unwrap().keys().collect();
        let expected: &[&str] = match body["type"].as_str().unwrap() {
            "init_ok" | "write_ok" | "cas_ok" => &["in_reply_to", "type"],
            "read_ok" => &["in_reply_to", "type", "value"],
            "error" => &["code", "in_reply_to", "text", "type"],
            other => panic!("no client is told {other}: {message}"),
        };
        assert_eq!(fields, expected, "{message}");
        if body["type"] == "error" {
            let code = body["code"].as_u64().expect("a code is a number");
            assert!([0, 10, 11, 12, 13, 14, 20, 22].contains(&code), "{message}");
            assert!(!body["text"].as_str().expect("a text").is_empty(), "{message}");
        }
        let ticket = (client.to_owned(), body["in_reply_to"].as_u64().expect("the number of a request"));
        assert!(self.waiting.remove(&ticket), "nobody waits for this: {message}");
        if is_this_life {
            self.answers.insert(ticket, body.clone());
        }
    }
}

/// Is this an answer that a client may get about a write that may have happened?
pub fn is_uncertain(answer: &Value) -> bool {
    answer["type"] == "error" && (answer["code"] == 0 || answer["code"] == 13)
}

pub fn read(key: impl Into<Value>) -> Value {
    json!({"type": "read", "key": key.into()})
}

pub fn write(key: impl Into<Value>, value: impl Into<Value>) -> Value {
    json!({"type": "write", "key": key.into(), "value": value.into()})
}
