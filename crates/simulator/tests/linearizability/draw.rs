//! Histories by chance.

use fastrand::Rng;
use simulator::linearizability::{Answer, History, Operation, Outcome, Pending, Request};
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
    /// The share of operations that get no answer.
    pub uncertain: f64,
    /// How many different values there are; none: each is written once.
    pub values: Option<usize>,
}

impl Mix {
    /// What clients may well do.
    pub const USUAL: Mix = Mix {
        clients: 16,
        operations: 1_000,
        writes: 30,
        deletes: 5,
        swaps: 15,
        uncertain: 0.01,
        values: None,
    };
}

/// A client in the middle of an operation.
struct Busy {
    pending: Pending,
    request: Request,
    answer: Option<Answer>,
}

/// A history of clients of one register that really takes each operation at one moment. One that is
/// uncertain may be taken much later, or never.
pub fn linearizable(mix: &Mix, random: &mut Rng) -> History {
    let mut history = History::default();
    let mut value: Option<String> = None;
    let mut busy: BTreeMap<u64, Busy> = BTreeMap::new();
    let mut late: Vec<Request> = Vec::new();
    let mut called = 0;
    for now in 0.. {
        if called == mix.operations && busy.is_empty() {
            break;
        }
        if !late.is_empty() && random.u32(0..200) == 0 {
            let request = late.swap_remove(random.usize(0..late.len()));
            answer(&request, &mut value, random);
        }
        let client = random.u64(0..mix.clients);
        match busy.remove(&client) {
            None if called < mix.operations => {
                let request = request(mix, called, &value, random);
                called += 1;
                let pending = history.call(client, "x", request.clone(), now);
                busy.insert(client, Busy { pending, request, answer: None });
            }
            None => {}
            Some(busy_client) if random.f64() < mix.uncertain / 2.0 => {
                history.uncertain(busy_client.pending);
                if busy_client.answer.is_none() {
                    late.push(busy_client.request);
                }
            }
            Some(Busy { pending, request, answer: None }) => {
                let answer = Some(answer(&request, &mut value, random));
                busy.insert(client, Busy { pending, request, answer });
            }
            Some(Busy { pending, answer: Some(answer), .. }) => history.returned(pending, answer, now),
        }
    }
    history
}

fn request(mix: &Mix, called: usize, value: &Option<String>, random: &mut Rng) -> Request {
    let mut draw = || mix.values.map_or(called, |values| random.usize(0..values)).to_string();
    let (new, other) = (draw(), draw());
    let kind = random.u32(0..100);
    if kind < mix.writes {
        Request::Write(new)
    } else if kind < mix.writes + mix.deletes {
        Request::Delete
    } else if kind < mix.writes + mix.deletes + mix.swaps {
        let expected = if random.u8(0..4) == 0 { Some(other) } else { value.clone() };
        Request::CompareAndSwap { expected, new }
    } else {
        Request::Read
    }
}

/// The register takes the request.
fn answer(request: &Request, value: &mut Option<String>, random: &mut Rng) -> Answer {
    match request {
        Request::Read => return Answer::Found(value.clone()),
        Request::Write(new) => *value = Some(new.clone()),
        Request::Delete => *value = None,
        Request::CompareAndSwap { expected, new } if value == expected => *value = Some(new.clone()),
        Request::CompareAndSwap { .. } if random.bool() => return Answer::Differs,
        Request::CompareAndSwap { .. } => return Answer::Found(value.clone()),
    }
    Answer::Done
}

/// The history, in which one read found a value that was written at some other time. None if nothing was
/// read or written.
pub fn with_a_wrong_answer(history: &History, random: &mut Rng) -> Option<History> {
    let mut operations = history.operations().to_vec();
    let values = operations.iter().filter_map(|operation| match &operation.request {
        Request::Write(value) => Some(value.clone()),
        _ => None,
    });
    let wrong = random.choice(values.collect::<Vec<_>>())?;
    let reads = operations.iter_mut().filter(|operation| operation.request == Request::Read);
    let answers = reads.filter_map(|read| match &mut read.outcome {
        Outcome::Returned { answer, .. } => Some(answer),
        _ => None,
    });
    *random.choice(answers.collect::<Vec<_>>())? = Answer::Found(Some(wrong));
    Some(history_of(&operations))
}

fn history_of(operations: &[Operation]) -> History {
    let line = |operation| serde_json::to_string(operation).unwrap() + "\n";
    let lines: String = operations.iter().map(line).collect();
    History::read(lines.as_bytes(), "drawn").unwrap()
}

/// A few operations at any times with any answers.
pub fn anything(most: usize, random: &mut Rng) -> History {
    let mut history = History::default();
    let operations = random.usize(1..=most);
    let some_value = |random: &mut Rng| random.u8(1..=3).to_string();
    let some_or_none = |random: &mut Rng| (random.u8(0..3) > 0).then(|| random.u8(1..=3).to_string());
    for client in 0..operations as u64 {
        let (request, answer) = match random.u8(0..10) {
            0..=3 => (Request::Read, Answer::Found(some_or_none(random))),
            4..=6 => (Request::Write(some_value(random)), Answer::Done),
            7 => (Request::Delete, Answer::Done),
            _ => {
                let expected = some_or_none(random);
                let answer = match random.u8(0..4) {
                    0 => Answer::Differs,
                    1 => Answer::Found(some_or_none(random)),
                    _ => Answer::Done,
                };
                (Request::CompareAndSwap { expected, new: some_value(random) }, answer)
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
