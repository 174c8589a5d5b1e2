//! Random histories.

use fastrand::Rng;
use linearizability::{Answer, History, Operation, Outcome, Pending, Request};
use std::collections::BTreeMap;

/// What is drawn.
#[derive(Debug, Clone)]
pub struct Mix {
    pub clients: u64,
    pub operations: usize,
    /// In percent, like the next two; the rest are reads.
    pub writes: u32,
    pub deletes: u32,
    pub swaps: u32,
    /// The share of operations without an answer.
    pub uncertain: f64,
    /// Number of different values; `None`: each is written once.
    pub values: Option<usize>,
    /// Are versions given?
    pub versions: bool,
    pub keys: usize,
}

impl Mix {
    /// What clients usually do.
    pub const USUAL: Mix = Mix {
        clients: 16,
        operations: 1_000,
        writes: 30,
        deletes: 5,
        swaps: 15,
        uncertain: 0.01,
        values: None,
        versions: false,
        keys: 1,
    };
}

/// A client in the middle of an operation.
struct Busy<'a> {
    key: &'a str,
    pending: Pending,
    request: Request,
    answer: Option<Answer>,
}

/// A history of clients of registers in which each operation really takes effect at one point in time. An
/// uncertain one may do so much later, or never.
pub fn linearizable(mix: &Mix, random: &mut Rng) -> History {
    let mut history = History::default();
    let keys: Vec<String> = (0..mix.keys).map(|key| format!("x{key}")).collect();
    let mut registers: BTreeMap<&str, Register> =
        keys.iter().map(|key| (key.as_str(), Register::default())).collect();
    let mut busy: BTreeMap<u64, Busy> = BTreeMap::new();
    let mut late: Vec<(&str, Request)> = Vec::new();
    let mut called = 0;
    for now in 0.. {
        if called == mix.operations && busy.is_empty() {
            break;
        }
        if !late.is_empty() && random.u32(0..200) == 0 {
            let (key, request) = late.swap_remove(random.usize(0..late.len()));
            registers.entry(key).or_default().answer(&request, mix, random);
        }
        let client = random.u64(0..mix.clients);
        match busy.remove(&client) {
            None if called < mix.operations => {
                let key = keys[random.usize(0..keys.len())].as_str();
                let request = request(mix, called, &registers[key], random);
                called += 1;
                let pending = history.call(client, key, request.clone(), now);
                busy.insert(client, Busy { key, pending, request, answer: None });
            }
            None => {}
            Some(busy_client) if random.f64() < mix.uncertain / 2.0 => {
                history.uncertain(busy_client.pending);
                if busy_client.answer.is_none() {
                    late.push((busy_client.key, busy_client.request));
                }
            }
            Some(Busy { key, pending, request, answer: None }) => {
                let answer = Some(registers.entry(key).or_default().answer(&request, mix, random));
                busy.insert(client, Busy { key, pending, request, answer });
            }
            Some(Busy { pending, answer: Some(answer), .. }) => history.returned(pending, answer, now),
        }
    }
    history
}

fn request(mix: &Mix, called: usize, register: &Register, random: &mut Rng) -> Request {
    let mut draw = || mix.values.map_or(called, |values| random.usize(0..values)).to_string();
    let (new, other) = (draw(), draw());
    let kind = random.u32(0..100);
    let held = register.content.as_ref();
    let if_version = (mix.versions && random.u8(0..4) == 0)
        .then(|| held.map_or(0, |(_, version)| *version).saturating_sub(random.u64(0..4) / 3));
    if kind < mix.writes {
        Request::Write { value: new, if_version }
    } else if kind < mix.writes + mix.deletes {
        Request::Delete { if_version }
    } else if kind < mix.writes + mix.deletes + mix.swaps {
        let expected = held.filter(|_| random.u8(0..4) > 0).map_or(other, |(value, _)| value.clone());
        Request::CompareAndSwap { expected, new, if_version }
    } else {
        Request::Read
    }
}

/// What the clients talk to.
#[derive(Default)]
struct Register {
    /// A value with its version.
    content: Option<(String, u64)>,
    latest: u64,
}

impl Register {
    fn answer(&mut self, request: &Request, mix: &Mix, random: &mut Rng) -> Answer {
        match request {
            Request::Read => self.found(mix),
            Request::Write { if_version, .. }
            | Request::Delete { if_version }
            | Request::CompareAndSwap { if_version, .. }
                if if_version.is_some_and(|wanted| wanted != self.version()) =>
            {
                self.refusal(mix, random)
            }
            Request::Write { value, .. } => self.write(value, mix, random),
            Request::Delete { .. } => {
                self.content.take().map_or(Answer::NotFound, |_| Answer::Done { version: None })
            }
            Request::CompareAndSwap { expected, new, .. } => match &self.content {
                Some((value, _)) if value == expected => self.write(new, mix, random),
                _ => self.refusal(mix, random),
            },
        }
    }

    fn version(&self) -> u64 {
        self.content.as_ref().map_or(0, |(_, version)| *version)
    }

    fn write(&mut self, value: &str, mix: &Mix, random: &mut Rng) -> Answer {
        self.latest += random.u64(1..4);
        self.content = Some((value.to_owned(), self.latest));
        Answer::Done { version: mix.versions.then_some(self.latest) }
    }

    fn found(&self, mix: &Mix) -> Answer {
        match &self.content {
            None => Answer::NotFound,
            Some((value, version)) => {
                Answer::Found { value: value.clone(), version: mix.versions.then_some(*version) }
            }
        }
    }

    fn refusal(&self, mix: &Mix, random: &mut Rng) -> Answer {
        let version = Some(self.version()).filter(|_| mix.versions);
        match random.u8(0..3) {
            0 => self.found(mix),
            1 => Answer::Differs { version: None },
            _ => Answer::Differs { version },
        }
    }
}

/// The history, in which one read found a value that was written at some other time. `None` if nothing was
/// read or written.
pub fn with_a_wrong_answer(history: &History, random: &mut Rng) -> Option<History> {
    let mut operations = history.operations().to_vec();
    let values = operations.iter().filter_map(|operation| match &operation.request {
        Request::Write { value, .. } => Some(value.clone()),
        _ => None,
    });
    let wrong = random.choice(values.collect::<Vec<_>>())?;
    let reads = operations.iter_mut().filter(|operation| operation.request == Request::Read);
    let answers = reads.filter_map(|read| match &mut read.outcome {
        Outcome::Returned { answer, .. } => Some(answer),
        _ => None,
    });
    *random.choice(answers.collect::<Vec<_>>())? = Answer::Found { value: wrong, version: None };
    Some(history_of(&operations))
}

fn history_of(operations: &[Operation]) -> History {
    let line = |operation| serde_json::to_string(operation).unwrap() + "\n";
    let lines: String = operations.iter().map(line).collect();
    History::read(lines.as_bytes(), "drawn").unwrap()
}

/// The history with a few changes that may make it wrong.
pub fn mutated(history: &History, random: &mut Rng) -> History {
    let mut operations = history.operations().to_vec();
    for _ in 0..random.usize(1..4) {
        let other = operations[random.usize(0..operations.len())].outcome.clone();
        let operation = &mut operations[random.usize(0..history.operations().len())];
        let Outcome::Returned { at, answer } = &mut operation.outcome else { continue };
        match (random.u8(0..6), answer, other) {
            (0, _, _) => operation.outcome = Outcome::Uncertain,
            (1, _, _) => *at += random.u64(0..10),
            (2, _, _) => operation.called = operation.called.saturating_sub(random.u64(0..10)),
            (3, answer, Outcome::Returned { answer: other, .. }) => *answer = other,
            (
                _,
                Answer::Done { version } | Answer::Found { version, .. } | Answer::Differs { version },
                _,
            ) => {
                *version = version.map(|version| (version + random.u64(0..5)).saturating_sub(2));
            }
            _ => {}
        }
    }
    history_of(&operations)
}

/// A few operations at any times with any answers.
pub fn anything(most: usize, random: &mut Rng) -> History {
    let mut history = History::default();
    let operations = random.usize(1..=most);
    let some_value = |random: &mut Rng| random.u8(1..=3).to_string();
    let found = |random: &mut Rng| match random.u8(0..3) {
        0 => Answer::NotFound,
        _ => Answer::Found { value: some_value(random), version: None },
    };
    let done = Answer::Done { version: None };
    for client in 0..operations as u64 {
        let (request, answer) = match random.u8(0..10) {
            0..=3 => (Request::Read, found(random)),
            4..=6 => (Request::write(some_value(random)), done.clone()),
            7 => {
                let answer = if random.u8(0..3) == 0 { Answer::NotFound } else { done.clone() };
                (Request::Delete { if_version: None }, answer)
            }
            _ => {
                let (expected, new) = (some_value(random), some_value(random));
                let answer = match random.u8(0..4) {
                    0 => Answer::Differs { version: None },
                    1 => found(random),
                    _ => done.clone(),
                };
                (Request::CompareAndSwap { expected, new, if_version: None }, answer)
            }
        };
        let called = random.u64(0..12);
        let pending = history.call(client, "x", request, called);
        match random.u8(0..8) {
            0 => history.uncertain(pending),
            1 if random.bool() => history.did_not_happen(pending),
            _ => history.returned(pending, answer, called + random.u64(0..8)),
        }
    }
    history
}
