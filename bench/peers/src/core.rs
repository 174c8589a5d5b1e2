//! Three servers in one thread, without disk and network, that commit what is proposed: once with the
//! project's `consensus`, once with the crate `raft` (raft-rs, the core of TiKV).
//!
//! Both are driven in the same way. Saves count as done at once, messages arrive at once and in order,
//! committed entries are read and not applied. Every [`FORGET_AFTER`] entries both remove the beginnings of
//! their logs, like a server with snapshots.

mod raft_rs;
#[path = "../../../crates/bench/src/core/trio.rs"]
mod trio;

use crate::output::{OutputArguments, run_duration};
use clap::Args;
use measure::machine;
use measure::progress::progress;
use measure::report::{Column, Report, Row, number};
use measure::spread::Spread;
use raft_rs::{Proposing, RaftRs};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use trio::{FORGET_AFTER, Trio};

/// The consensus alone, beside raft-rs.
#[derive(Debug, Args)]
pub struct CoreArguments {
    /// How many bytes an entry has
    #[arg(long, value_name = "BYTES", default_value_t = 256, value_parser = clap::value_parser!(u32).range(..=1_048_576))]
    value_size: u32,

    /// How long each run takes
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = run_duration)]
    duration: Duration,

    /// How often each is measured, in turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,

    #[command(flatten)]
    output: OutputArguments,
}

/// A cluster that is measured.
trait Cluster {
    /// Proposes as many commands, and runs the servers until there is nothing left to send. Returns the
    /// number of entries that the leader has committed by then.
    fn commit(&mut self, batch: usize) -> u64;
}

struct Ours {
    trio: Trio,
    command: Arc<[u8]>,
}

impl Cluster for Ours {
    fn commit(&mut self, batch: usize) -> u64 {
        self.trio.commit(vec![self.command.clone(); batch])
    }
}

/// A row of the measurement: its name, the number of commands at a time, and the cluster.
struct Subject {
    system: &'static str,
    how: &'static str,
    batch: usize,
    cluster: Box<dyn Cluster>,
    nanoseconds: Vec<f64>,
}

const COLUMNS: [Column; 6] = [
    Column::text("system", ""),
    Column::text("how", "proposed"),
    Column::number("batch", "at a time", 0),
    Column::number("ns_per_entry", "ns an entry", 0),
    Column::number("ns_per_entry_least", "least", 0),
    Column::number("ns_per_entry_most", "most", 0),
];

/// Measures and reports.
pub fn run(arguments: &CoreArguments) -> anyhow::Result<()> {
    let mut subjects = subjects(arguments.value_size as usize);
    let progress = progress(u64::from(arguments.runs) * subjects.len() as u64, "runs");
    for _ in 0..arguments.runs {
        for subject in &mut subjects {
            subject.measure(arguments.duration);
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    let CoreArguments { value_size, duration, runs, .. } = arguments;
    let spreads: Vec<Spread> = subjects.iter().map(|it| Spread::of(it.nanoseconds.iter().copied())).collect();
    let row = |(subject, spread): (&Subject, &Spread)| -> Row {
        let words = [json!(subject.system), json!(subject.how), json!(subject.batch)];
        words.into_iter().chain([spread.median(), spread.least(), spread.most()].map(number)).collect()
    };
    let ratio = |(own, other): (usize, usize)| -> Row {
        let (how, batch) = (json!(subjects[other].how), json!(subjects[own].batch));
        let ratio = spreads[own].median() / spreads[other].median();
        vec![json!("raft / raft-rs"), how, batch, number(ratio), json!(null), json!(null)]
    };
    let rows = subjects.iter().zip(&spreads).map(row).chain([(0, 1), (2, 3), (2, 4)].map(ratio)).collect();
    arguments.output.print(&Report {
        program: "peers",
        bench: "core",
        about: format!(
            "three servers in one thread commit entries of {value_size} bytes, without disk and network: this project's consensus \
             and raft 0.7 (raft-rs); {runs} runs of {duration:?} each, in turn; medians\n{}\n\
             raft-rs: max_inflight_msgs 64, max_size_per_msg 256 KiB, skip_bcast_commit; MemStorage\n",
            machine::named()
        ),
        columns: COLUMNS.to_vec(),
        rows,
        plots: Vec::new(),
        remarks: String::new(),
    })
}

fn subjects(size: usize) -> Vec<Subject> {
    let ours = || Box::new(Ours { trio: Trio::default(), command: vec![7; size].into() });
    let subject = |system, how, batch, cluster: Box<dyn Cluster>| Subject {
        system,
        how,
        batch,
        cluster,
        nanoseconds: Vec::new(),
    };
    vec![
        subject("raft", "one by one", 1, ours()),
        subject("raft-rs", "one by one", 1, Box::new(RaftRs::start(Proposing::Together, size))),
        subject("raft", "together", 64, ours()),
        subject("raft-rs", "singly, with batch_append", 64, Box::new(RaftRs::start(Proposing::Singly, size))),
        subject("raft-rs", "ready-made batch", 64, Box::new(RaftRs::start(Proposing::Together, size))),
    ]
}

impl Subject {
    fn measure(&mut self, duration: Duration) {
        // The buffers grow to their sizes.
        for _ in 0..FORGET_AFTER {
            self.cluster.commit(self.batch);
        }
        let (begin, mut entries) = (Instant::now(), 0);
        while begin.elapsed() < duration {
            self.cluster.commit(self.batch);
            entries += self.batch;
        }
        self.nanoseconds.push(begin.elapsed().as_secs_f64() * 1e9 / entries as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_commit_what_is_proposed() {
        for mut subject in subjects(256) {
            let before = subject.cluster.commit(0);
            assert!(before > 0, "{}: a leader has an entry of its own", subject.system);
            let mut already = before;
            for batch in [1, 64, 1, 5000, 64] {
                let after = subject.cluster.commit(batch);
                assert_eq!(after, already + batch as u64, "{}, {}", subject.system, subject.how);
                already = after;
            }
        }
    }
}
