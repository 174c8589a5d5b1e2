//! How long it takes from a proposal to its commit by three servers, without any I/O: the project's core and
//! raft-rs in the same harness, in one run.
//!
//! `cargo bench --manifest-path comparisons/core/Cargo.toml`

#![allow(missing_docs, reason = "criterion's macros write functions without docstrings")]

use comparison::{Cluster, Trio};
use comparison::raft_rs::RaftRs;
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};

/// The size of a command, in bytes.
const COMMAND: usize = 256;

fn committed(criterion: &mut Criterion) {
    for batch in [1, 64] {
        let mut group = criterion.benchmark_group(format!("entries committed, {batch} at a time"));
        group.throughput(Throughput::Elements(batch as u64));
        measure::<Trio>(&mut group, "raft for beginners", batch);
        measure::<RaftRs>(&mut group, "raft-rs", batch);
        group.finish();
    }
}

fn measure<C: Cluster>(group: &mut BenchmarkGroup<WallTime>, name: &str, batch: usize) {
    let mut cluster = C::start();
    let command = C::command(COMMAND);
    group.bench_function(name, |bencher| {
        bencher.iter_batched(
            || vec![command.clone(); batch],
            |commands| cluster.commit(commands),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, committed);
criterion_main!(benches);
