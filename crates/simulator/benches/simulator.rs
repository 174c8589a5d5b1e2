//! How fast the simulator is, on one core, and what it costs to ask for a rule.
//!
//! `cargo bench -p raft-for-beginners-simulator --features bench`

#![allow(missing_docs, reason = "criterion's macros write functions without docstrings")]

extern crate raft_for_beginners_simulator as simulator;

use consensus::{
    AppendEntries, Config, Credentials, EveryRule, HardState, Index, Input, Instant, Limits, Log, Membership,
    Message, Node, NodeId, Origin, Output, Profile, Rules, Term, Timing,
};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use simulator::{AllBut, Coverage, Script, SearchOptions, draw};
use std::hint::black_box;
use std::time::Duration;

/// Number of seeds in one sample of the search.
const SEEDS: u64 = 100;

/// The search with all faults: how much time passes in the worlds, and how many elections they hold,
/// each in one second of ours.
fn search(criterion: &mut Criterion) {
    let scripts: Vec<Script> = (0..SEEDS).map(|seed| draw(seed, &SearchOptions::default())).collect();
    let mut coverage = Coverage::default();
    scripts.iter().for_each(|script| coverage.add(&script.play().coverage));
    let per_second = [
        ("simulated seconds", coverage.simulated.as_secs()),
        ("elections", coverage.elections),
        ("steps", coverage.steps),
    ];
    let mut group = criterion.benchmark_group("search");
    group.sample_size(20);
    for (what, count) in per_second {
        group.throughput(Throughput::Elements(count));
        group.bench_function(what, |bencher| {
            bencher.iter(|| scripts.iter().for_each(|script| drop(black_box(script.play()))));
        });
    }
    group.finish();
}

/// A follower that gets heartbeats, with rules that the compiler knows and with rules that are looked up.
fn rules(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a heartbeat");
    group.bench_function("with every rule, as in a server", |bencher| heartbeats(bencher, EveryRule));
    group.bench_function("with rules that are looked up, as in the simulator", |bencher| {
        heartbeats(bencher, AllBut(black_box(None)))
    });
    group.finish();
}

fn heartbeats(bencher: &mut criterion::Bencher, rules: impl Rules + Copy) {
    let heartbeat = Input::Message {
        from: NodeId(2),
        origin: Origin::default(),
        message: Message::AppendEntries(AppendEntries {
            term: Term(1),
            prev_log_index: Index(0),
            prev_log_term: Term(0),
            entries: Vec::new(),
            leader_commit: Index(0),
            round: 0,
        }),
    };
    let config = Config {
        id: NodeId(1),
        membership: Membership::of_voters([1, 2, 3].map(NodeId)).into(),
        credentials: Credentials::default(),
        timing: Timing::default(),
        limits: Limits::default(),
        lease: None,
        profile: Profile::PAPER,
        seed: 1,
    };
    let hard_state = HardState { current_term: Term(1), voted_for: Some(NodeId(2)) };
    let mut output = Output::default();
    let mut node = Node::start(config, hard_state, Log::default(), rules, &mut output);
    let mut now = Instant::START;
    bencher.iter_batched(
        || heartbeat.clone(),
        |heartbeat| {
            now = now + Duration::from_millis(1);
            output.decisions.clear();
            output.messages.clear();
            node.step(now, heartbeat, &mut output);
            black_box(output.messages.len())
        },
        BatchSize::SmallInput,
    );
}

criterion_group!(benches, search, rules);
criterion_main!(benches);
