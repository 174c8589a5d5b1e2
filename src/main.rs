//! The `raft` command: one file for each of its subcommands.

mod arguments;
mod bench;
mod completions;
mod failure;
mod log;
mod node;
mod recording;
mod replay;
mod rules;
mod sim;
mod status;
mod tape;
mod torture;
mod up;
mod why;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Learn Raft by running it, watching it and breaking it.
///
/// Without a subcommand: starts a cluster of three servers on this machine, each a process of its own,
/// and shows how they elect a leader. Kill it with Ctrl+\ and watch the others elect the next one.
/// Ctrl+C stops all.
#[derive(Debug, Parser)]
#[command(name = "raft", version, args_conflicts_with_subcommands = true, max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    up: up::UpArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a cluster on this machine and watch it (what happens without a subcommand).
    Up(up::UpArguments),
    /// Run one server by itself: for several terminals, or several hosts.
    Node(node::NodeArguments),
    /// Ask the servers of a running cluster how they are.
    Status(status::StatusArguments),
    /// Measure how fast a cluster on this machine is.
    Bench(bench::BenchArguments),
    /// Kill and pause real servers at random, and check that no client was lied to.
    Torture(torture::TortureArguments),
    /// Search for what breaks Raft: thousands of simulated clusters, each with trouble of its own.
    Sim(sim::SimArguments),
    /// Play a scenario or a recorded run, forward and back.
    Replay(replay::ReplayArguments),
    /// Tell why something happened: the chain of causes, across servers.
    Why(why::WhyArguments),
    /// Show what a server has on disk: its term and vote, its snapshot, its log.
    Log(log::LogArguments),
    /// List the rules of Raft that the servers obey, or explain one.
    Rules(rules::RulesArguments),
    /// Print a script that completes this command's arguments in your shell.
    Completions(completions::CompletionsArguments),
}

fn main() -> ExitCode {
    let arguments = CommandLine::parse();
    let ended = match arguments.command.unwrap_or(Command::Up(arguments.up)) {
        Command::Up(arguments) => up::run(arguments),
        Command::Node(arguments) => node::run(arguments),
        Command::Status(arguments) => status::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Torture(arguments) => torture::run(arguments),
        Command::Sim(arguments) => sim::run(arguments),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Why(arguments) => why::run(arguments),
        Command::Log(arguments) => log::run(arguments),
        Command::Rules(arguments) => rules::run(arguments),
        Command::Completions(arguments) => completions::run(arguments),
    };
    ended.unwrap_or_else(|failure| failure.report())
}
