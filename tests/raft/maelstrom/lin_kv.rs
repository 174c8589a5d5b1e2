//! The workload lin-kv with a network that delays, loses, duplicates and partitions, and nodes that are
//! killed and restarted: what the clients see must be one store.

use super::workbench::{Fate, Ticket, Workbench, read};
use crate::common::TIMEOUT;
use fastrand::Rng;
use linearizability::{Answer, History, Pending, Request, Verdict, check};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

const NODES: usize = 3;
const CLIENTS_PER_NODE: usize = 3;
const KEYS: u64 = 4;
/// Number of changes in the faults of the nodes and their network.
const TROUBLES: usize = 24;
/// How long Maelstrom's clients wait.
const CLIENTS_TIMEOUT: Duration = Duration::from_secs(1);

/// What the network currently does.
struct Weather {
    rng: Rng,
    loss: f64,
    longest_delay: Duration,
    /// Pairs of a sender and a receiver between which nothing passes.
    cut: BTreeSet<(String, String)>,
}

impl Weather {
    fn fate(&mut self, message: &Value) -> Fate {
        let name = |field: &str| message[field].as_str().unwrap().to_owned();
        if self.cut.contains(&(name("src"), name("dest"))) || self.rng.f64() < self.loss {
            return Fate::Lost;
        }
        let mut delay = || self.longest_delay.mul_f64(self.rng.f64());
        let after = [delay(), delay()];
        if self.rng.u8(..5) == 0 { Fate::Twice { after } } else { Fate::Delivered { after: after[0] } }
    }

    /// Cuts the nodes of one side off from the others, in one direction or in both.
    fn partition(&mut self) {
        let side: BTreeSet<usize> = (0..NODES).filter(|_| self.rng.bool()).collect();
        let both_ways = self.rng.u8(..4) > 0;
        for from in 0..NODES {
            for to in 0..NODES {
                if side.contains(&from) && !side.contains(&to) {
                    self.cut.insert((format!("n{from}"), format!("n{to}")));
                    if both_ways {
                        self.cut.insert((format!("n{to}"), format!("n{from}")));
                    }
                }
            }
        }
    }

    fn calm(&mut self) {
        self.cut.clear();
        self.loss = 0.0;
        self.longest_delay = Duration::from_millis(3);
    }
}

/// A client, which sends one request after another to its node.
struct Client {
    node: usize,
    waits_for: Option<(Ticket, Pending, Instant)>,
}

struct Test {
    bench: Workbench,
    weather: Rc<RefCell<Weather>>,
    rng: Rng,
    began: Instant,
    history: History,
    clients: Vec<Client>,
    /// All values differ, so that a value that is read identifies the write.
    last_value: u64,
    /// Values that were seen recently, for compare-and-swap.
    seen: Vec<Value>,
    done: usize,
    uncertain: usize,
}

impl Test {
    fn start(seed: u64, folder: &std::path::Path) -> Test {
        let mut rng = Rng::with_seed(seed);
        let weather = Weather {
            rng: rng.fork(),
            loss: 0.0,
            longest_delay: Duration::from_millis(3),
            cut: BTreeSet::new(),
        };
        let weather = Rc::new(RefCell::new(weather));
        let mut bench = Workbench::start(NODES, folder, &["--snapshot-after", "4KiB"]);
        bench.network = Box::new({
            let weather = weather.clone();
            move |message| weather.borrow_mut().fate(message)
        });
        let clients = (0..NODES * CLIENTS_PER_NODE).map(|n| Client { node: n % NODES, waits_for: None });
        Test {
            bench,
            weather,
            rng,
            began: Instant::now(),
            history: History::default(),
            clients: clients.collect(),
            last_value: 0,
            seen: vec![json!(0)],
            done: 0,
            uncertain: 0,
        }
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    /// Continues for a while, with all clients busy.
    fn go_on(&mut self, until: Instant) {
        while Instant::now() < until {
            for client in 0..self.clients.len() {
                self.settle(client);
                if self.clients[client].waits_for.is_none() && self.bench.runs(self.clients[client].node) {
                    self.ask(client);
                }
            }
            self.bench.step(until.min(Instant::now() + Duration::from_millis(5)));
        }
    }

    fn ask(&mut self, client: usize) {
        let key = self.rng.u64(..KEYS);
        let (body, request) = match self.rng.u8(..3) {
            0 => (read(key), Request::Read),
            1 => {
                let value = self.new_value();
                let request = Request::write(value.to_string());
                (json!({"type": "write", "key": key, "value": value}), request)
            }
            _ => {
                let (from, to) = (self.seen[self.rng.usize(..self.seen.len())].clone(), self.new_value());
                let request = Request::CompareAndSwap {
                    expected: from.to_string(),
                    new: to.to_string(),
                    if_version: None,
                };
                (json!({"type": "cas", "key": key, "from": from, "to": to}), request)
            }
        };
        let pending = self.history.call(client as u64, key.to_string(), request, self.now());
        let ticket = self.bench.request(self.clients[client].node, body);
        self.clients[client].waits_for = Some((ticket, pending, Instant::now() + CLIENTS_TIMEOUT));
    }

    fn new_value(&mut self) -> Value {
        self.last_value += 1;
        json!(self.last_value)
    }

    /// Records the answer, if it has arrived, or that the client no longer waits.
    fn settle(&mut self, client: usize) {
        let Some((ticket, _, deadline)) = &self.clients[client].waits_for else { return };
        let answer = self.bench.answer(ticket);
        if answer.is_none() && Instant::now() < *deadline {
            return;
        }
        let (_, pending, _) = self.clients[client].waits_for.take().unwrap();
        let told =
            answer.as_ref().and_then(|answer| match (answer["type"].as_str()?, answer["code"].as_u64()) {
                ("read_ok", _) => {
                    self.seen.push(answer["value"].clone());
                    self.seen.drain(..self.seen.len().saturating_sub(KEYS as usize));
                    Some(Answer::Found { value: answer["value"].to_string(), version: None })
                }
                ("write_ok" | "cas_ok", _) => Some(Answer::Done { version: None }),
                ("error", Some(20)) => Some(Answer::NotFound),
                ("error", Some(22)) => Some(Answer::Differs { version: None }),
                _ => None,
            });
        match (told, answer) {
            (Some(told), _) => {
                self.done += 1;
                self.history.returned(pending, told, self.now());
            }
            (None, Some(answer)) if answer["code"] != 0 && answer["code"] != 13 => {
                // A definite error. If the value is read all the same, the checker reports it.
                assert_eq!(answer["code"], 11, "{answer}");
                self.history.did_not_happen(pending);
            }
            _ => {
                self.uncertain += 1;
                self.history.uncertain(pending);
            }
        }
    }

    /// Something changes for the worse, or for the better.
    fn make_trouble(&mut self) {
        let node = self.rng.usize(..NODES);
        match self.rng.u8(..10) {
            0..4 if self.bench.runs(node) => self.bench.kill(node),
            0..5 if !self.bench.runs(node) => self.bench.start_node(node),
            5..7 => self.weather.borrow_mut().partition(),
            7 => self.weather.borrow_mut().loss = self.rng.f64() * 0.3,
            8 => {
                self.weather.borrow_mut().longest_delay = Duration::from_millis(self.rng.u64(1..60));
            }
            _ => self.weather.borrow_mut().calm(),
        }
    }

    /// All faults are repaired: every node must answer, and all must agree.
    fn recover(&mut self) {
        self.weather.borrow_mut().calm();
        for node in 0..NODES {
            if !self.bench.runs(node) {
                self.bench.start_node(node);
            }
        }
        let deadline = Instant::now() + TIMEOUT;
        while self.clients.iter().any(|client| client.waits_for.is_some()) {
            assert!(Instant::now() < deadline);
            (0..self.clients.len()).for_each(|client| self.settle(client));
            self.bench.step(Instant::now() + Duration::from_millis(5));
        }
        for key in 0..KEYS {
            self.bench.ask_until_done(0, &json!({"type": "write", "key": key, "value": "end"}));
            for node in 0..NODES {
                assert_eq!(self.bench.ask_until_done(node, &read(key))["value"], "end");
            }
        }
    }
}

fn lin_kv(seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut test = Test::start(seed, folder.path());
    for _ in 0..TROUBLES {
        let pause = Duration::from_millis(test.rng.u64(100..500));
        test.go_on(Instant::now() + pause);
        test.make_trouble();
    }
    test.recover();
    let operations = test.history.operations().len();
    println!("seed {seed}: {operations} operations, {} done, {} uncertain", test.done, test.uncertain);
    match check(&test.history) {
        Verdict::Ok => {}
        verdict => panic!("seed {seed}: {verdict}"),
    }
    assert!(test.done > 0, "nothing was done");
    for node in 0..NODES {
        assert_eq!(test.bench.end(node).code(), Some(0));
        let errors = test.bench.errors(node);
        for told in ["panicked", "makes no sense", "is no message"] {
            assert!(!errors.contains(told), "seed {seed}, n{node}: {errors}");
        }
    }
}

#[test]
fn clients_see_one_store_whatever_happens_1() {
    lin_kv(1);
}

#[test]
fn clients_see_one_store_whatever_happens_2() {
    lin_kv(2);
}

#[test]
#[ignore = "takes minutes; run it after a change to crates/server/src/maelstrom"]
fn clients_see_one_store_whatever_happens_for_many_seeds() {
    (100..120).for_each(lin_kv);
}
