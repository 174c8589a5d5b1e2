//! The project compared with the systems that people would use instead: the same load on the same machine, in
//! turn, A B A B.
//!
//! `cargo run --release --manifest-path bench/peers/Cargo.toml -- --help`

mod client;
mod core;
mod failover;
mod load;
mod members;
mod memory;
mod output;
mod prober;
mod start;

use anyhow::bail;
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Measure this project beside etcd, raft-rs and openraft.
///
/// Each is measured in turn, several times, and the medians are told. Servers and load share this machine:
/// close other programs.
#[derive(Debug, Parser)]
#[command(name = "peers", max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The consensus alone, beside raft-rs: three servers in one thread commit entries.
    Core(core::CoreArguments),
    /// A cluster in one process that keeps all in memory, beside openraft: many clients, each waiting for its
    /// write.
    Memory(memory::MemoryArguments),
    /// Durable writes, beside etcd.
    Writes(load::LoadArguments),
    /// Linearizable reads, beside etcd.
    Reads(load::LoadArguments),
    /// The leader is killed: how long can nobody write? Beside etcd, with the same heartbeat and election
    /// timeout.
    Failover(failover::FailoverArguments),
    /// A cluster starts, for the first time and again: how long until a write is done? Beside etcd.
    Start(start::StartArguments),
}

fn main() -> ExitCode {
    match measure(CommandLine::parse().what) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(what: What) -> anyhow::Result<()> {
    match what {
        What::Core(arguments) => core::run(&arguments),
        What::Memory(arguments) => memory::run(&arguments),
        What::Writes(arguments) => with_network(load::run(load::Kind::Writes, &arguments)),
        What::Reads(arguments) => with_network(load::run(load::Kind::Reads, &arguments)),
        What::Failover(arguments) => with_network(failover::run(&arguments)),
        What::Start(arguments) => with_network(start::run(&arguments)),
    }
}

/// Runs in one thread: the load generator should leave the machine to the servers. They end with the
/// comparison, even if it is interrupted.
fn with_network(comparison: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let [mut interrupt, mut terminate, mut hang_up] = [
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ];
        tokio::select! {
            output = comparison => output,
            _ = interrupt.recv() => bail!("interrupted"),
            _ = terminate.recv() => bail!("terminated"),
            _ = hang_up.recv() => bail!("the terminal has gone"),
        }
    })
}
