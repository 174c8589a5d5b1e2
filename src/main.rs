//! The `raft` command: one file for each of its subcommands.

mod completions;
mod export;
mod lab;
mod learn;
mod link;
mod log;
mod maelstrom;
mod member;
mod moment;
mod node;
mod paragraph;
mod picture;
mod practice;
mod recording;
mod recover;
mod replay;
mod rules;
mod scenarios;
mod servers;
mod sim;
mod status;
mod store;
mod story;
mod tape;
mod up;
mod watch;
mod why;

use clap::{Parser, Subcommand};
use rustix::fs::Mode;
use std::process::ExitCode;

/// The output of `raft --help`. It fits a terminal of 80 columns and 24 rows, including the next prompt.
const HELP: &str = "\
Learn Raft by running it, watching it and breaking it.

Usage: raft [COMMAND]        without a command: raft up
       raft COMMAND --help   explains a command and lists its options

Learn
  up         Start a cluster on this machine, watch it, and kill its leader
  learn      Take the course: predict what happens, do it, and see why
  lab        Simulate a cluster in your browser: stop time, go back, break rules
  replay     Choose a scenario from a list, and play it forward and back
  rules      List the rules of Raft; explain one, or a word
  sim        Switch a rule off and see what breaks, or try to break all of Raft
  practice   Fill in a condition of Raft, or break a promise, for points
  why, log   Explain why something happened; show what a server has on disk
  export     Save a scenario, a recorded run or the lab as a web page
Use
  put, get, del, cas, list, watch    Write, read and watch keys
  status, completions                Show a cluster's servers; complete commands
  node                               Run one server, on this machine or another
  member, transfer, recover          Change the members; survive their loss
Prove
  torture    Make real servers fail at random, and check every response
  bench, maelstrom   Measure a cluster; run a node under Jepsen's workbench
";

/// Learn Raft by running it, watching it and breaking it.
#[derive(Debug, Parser)]
#[command(name = "raft", version, args_conflicts_with_subcommands = true, max_term_width = 100)]
#[command(override_help = HELP)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    up: up::UpArguments,
}

/// Each variant is documented on its arguments.
#[derive(Debug, Subcommand)]
enum Command {
    Up(up::UpArguments),
    Node(node::NodeArguments),
    Maelstrom(maelstrom::MaelstromArguments),
    Status(status::StatusArguments),
    Put(store::PutArguments),
    Get(store::GetArguments),
    Del(store::DelArguments),
    Cas(store::CasArguments),
    List(store::ListArguments),
    Watch(watch::WatchArguments),
    Member(member::MemberArguments),
    Transfer(member::TransferArguments),
    Recover(recover::RecoverArguments),
    Bench(bench::BenchArguments),
    Torture(torture::TortureArguments),
    Sim(sim::SimArguments),
    Replay(replay::ReplayArguments),
    Lab(lab::LabArguments),
    Learn(learn::LearnArguments),
    Export(export::ExportArguments),
    Why(why::WhyArguments),
    Log(log::LogArguments),
    Rules(rules::RulesArguments),
    Practice(practice::PracticeArguments),
    Completions(completions::CompletionsArguments),
}

fn main() -> ExitCode {
    // Everything created from here on, recordings and data of servers included, is for this user alone.
    let of_user = rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let arguments = CommandLine::try_parse().unwrap_or_else(|error| not_understood(&error));
    let ended = match arguments.command.unwrap_or(Command::Up(arguments.up)) {
        Command::Up(arguments) => up::run(arguments),
        Command::Node(arguments) => node::run(arguments),
        Command::Maelstrom(arguments) => maelstrom::run(arguments),
        Command::Status(arguments) => status::run(arguments),
        Command::Put(arguments) => store::put(arguments),
        Command::Get(arguments) => store::get(arguments),
        Command::Del(arguments) => store::del(arguments),
        Command::Cas(arguments) => store::cas(arguments),
        Command::List(arguments) => store::list(arguments),
        Command::Watch(arguments) => watch::run(arguments),
        Command::Member(arguments) => member::run(arguments),
        Command::Transfer(arguments) => member::transfer(arguments),
        Command::Recover(arguments) => recover::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Torture(arguments) => torture::run(arguments),
        Command::Sim(arguments) => sim::run(arguments),
        Command::Lab(arguments) => lab::run(arguments),
        Command::Learn(arguments) => learn::run(arguments),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Export(arguments) => export::run(arguments, of_user),
        Command::Why(arguments) => why::run(arguments),
        Command::Log(arguments) => log::run(arguments),
        Command::Rules(arguments) => rules::run(arguments),
        Command::Practice(arguments) => practice::run(arguments),
        Command::Completions(arguments) => completions::run(arguments),
    };
    ended.unwrap_or_else(|failure| failure.report())
}

/// Prints what is wrong with the arguments, repeated in the message, or what was asked for, such as the
/// version.
fn not_understood(error: &clap::Error) -> ! {
    let was_said = std::env::args_os().any(|argument| argument.to_string_lossy().contains(trace::is_obeyed));
    if !was_said {
        error.exit();
    }
    eprint!("{}", trace::shown_lines(&error.render().to_string()));
    std::process::exit(error.exit_code())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::collections::BTreeSet;

    /// Where lines are broken by hand, an 80-column terminal must not break them again.
    #[test]
    fn help_that_is_broken_by_hand_fits_a_terminal() {
        let mut commands = vec![CommandLine::command()];
        while let Some(command) = commands.pop() {
            let help = command.get_long_about().map(ToString::to_string).unwrap_or_default();
            let is_broken = |paragraph: &&str| paragraph.contains('\n') || paragraph.starts_with(' ');
            for paragraph in help.split("\n\n").filter(is_broken) {
                let long = paragraph.lines().find(|line| line.len() > 80);
                assert_eq!(long, None, "raft {}", command.get_name());
            }
            commands.extend(command.get_subcommands().cloned());
        }
    }

    #[test]
    fn the_list_of_commands_is_complete_and_fits_a_terminal() {
        assert!(HELP.lines().count() < 24, "{} rows, and the prompt", HELP.lines().count());
        assert_eq!(HELP.lines().find(|line| line.len() > 80), None);
        let names = |line: &'static str| line.strip_prefix("  ")?.split_once("  ").map(|(names, _)| names);
        let listed = HELP.lines().filter_map(names).flat_map(|names| names.split(", "));
        let listed: BTreeSet<&str> = listed.filter(|name| !name.is_empty()).collect();
        let command_line = CommandLine::command();
        assert_eq!(listed, command_line.get_subcommands().map(|command| command.get_name()).collect());
    }
}
