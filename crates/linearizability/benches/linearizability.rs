//! How fast histories are checked, on one core: all clients work on one key, which is the hardest case.
//!
//! `cargo bench -p raft-for-beginners-linearizability --features bench`

#![allow(missing_docs, reason = "criterion's macros write functions without docstrings")]

extern crate raft_for_beginners_linearizability as linearizability;

#[allow(dead_code, reason = "the tests draw more kinds of histories")]
#[path = "../tests/linearizability/draw.rs"]
mod draw;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use draw::Mix;
use fastrand::Rng;
use linearizability::{Verdict, check};
use std::hint::black_box;

const OPERATIONS: usize = 10_000;

/// Operations per second, of 16 clients, with 1 % uncertain.
fn one_key(criterion: &mut Criterion) {
    let usual = Mix { operations: OPERATIONS, ..Mix::USUAL };
    let mixes = [
        ("reads and writes", Mix { writes: 50, deletes: 0, swaps: 0, ..usual.clone() }),
        ("reads, writes, deletes and compare-and-swaps", usual.clone()),
        ("the same with versions", Mix { versions: true, ..usual.clone() }),
        ("the same without versions, with 5 % uncertain", Mix { uncertain: 0.05, ..usual.clone() }),
        ("the same with 64 clients, 1 % uncertain", Mix { clients: 64, ..usual.clone() }),
        (
            "reads and writes of five values",
            Mix { writes: 50, deletes: 0, swaps: 0, values: Some(5), ..usual.clone() },
        ),
    ];
    let mut group = criterion.benchmark_group("10,000 operations on one key");
    group.sample_size(20).throughput(Throughput::Elements(OPERATIONS as u64));
    for (name, mix) in mixes {
        let history = draw::linearizable(&mix, &mut Rng::with_seed(1));
        assert_eq!(check(&history), Verdict::Ok, "{name}");
        group.bench_function(name, |bencher| bencher.iter(|| check(black_box(&history))));
    }
    let mut random = Rng::with_seed(1);
    let history = draw::linearizable(&usual, &mut random);
    let bad = draw::with_a_wrong_answer(&history, &mut random).expect("somebody reads");
    assert!(matches!(check(&bad), Verdict::Violation(_)));
    group.bench_function("one of them wrong, made short", |bencher| bencher.iter(|| check(black_box(&bad))));
    group.finish();
}

/// A long run of a real cluster: 16 clients, fifty keys, versions.
fn many_keys(criterion: &mut Criterion) {
    let mix = Mix { operations: 20_000, keys: 50, versions: true, ..Mix::USUAL };
    let history = draw::linearizable(&mix, &mut Rng::with_seed(1));
    let mut group = criterion.benchmark_group("a long run");
    group.sample_size(20).throughput(Throughput::Elements(mix.operations as u64));
    group.bench_function("20,000 operations on 50 keys", |bencher| {
        bencher.iter(|| check(black_box(&history)))
    });
    group.finish();
}

/// A short run of a simulated cluster: a hundred operations of five clients on three keys.
fn short(criterion: &mut Criterion) {
    let mix = Mix { clients: 5, operations: 100, ..Mix::USUAL };
    let history = draw::linearizable(&mix, &mut Rng::with_seed(1));
    let mut group = criterion.benchmark_group("a short run");
    group.throughput(Throughput::Elements(mix.operations as u64));
    group.bench_function("100 operations", |bencher| bencher.iter(|| check(black_box(&history))));
    group.finish();
}

criterion_group!(benches, one_key, many_keys, short);
criterion_main!(benches);
