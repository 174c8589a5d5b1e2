//! `raft replay`

use crate::failure::{Failure, ended_by, exit_code, say, written};
use crate::tape::Tape;
use crate::up::{has_full_terminal, open_site};
use clap::Args;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use simulator::reenact;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use terminal::End;
use trace::{Event, Feed, Io, Record, shown};

/// Play a scenario or a recorded run, forward and back.
///
/// A recorded run is also played in the simulator, with the same inputs: its servers must come to the
/// same states.
#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// A scenario, or a trace that `raft up --record` has written
    file: PathBuf,

    /// Tell the story line by line, also on a terminal
    #[arg(long, conflicts_with = "json")]
    plain: bool,

    /// Print the trace as JSON, one event a line (docs/trace.md)
    #[arg(long)]
    json: bool,

    /// Show it in a browser on this machine, at this address [default: a free port]
    #[arg(long, value_name = "HOST:PORT", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "127.0.0.1:0", conflicts_with_all = ["plain", "json"])]
    web: Option<SocketAddr>,

    /// With --plain: tell the routine too, each heartbeat and each restart of a timer
    #[arg(long, short)]
    verbose: bool,
}

pub(crate) fn run(arguments: ReplayArguments) -> Result<ExitCode, Failure> {
    let tape = Tape::open(&arguments.file)?;
    let remark = check_against_simulator(&tape)?;
    if let Some(address) = arguments.web {
        remark.iter().for_each(say);
        return serve_page(&tape, address);
    }
    if arguments.json {
        return print_json(&tape);
    }
    if arguments.plain || !has_full_terminal() {
        remark.iter().for_each(say);
        return print_story(&tape, arguments.verbose);
    }
    show_in_terminal(tape)
}

fn show_in_terminal(tape: Tape) -> Result<ExitCode, Failure> {
    let mut signals = end_signals()?;
    let ended = terminal::replay(tape.for_terminal(), || signals.pending().next().map(End::Interrupted));
    exit_code(ended)
}

/// Serves the page with what happened until a signal ends it.
fn serve_page(tape: &Tape, address: SocketAddr) -> Result<ExitCode, Failure> {
    let mut signals = end_signals()?;
    let site = open_site(address, tape.setup_of_page())?;
    site.tell(tape.records());
    site.end();
    say(format_args!("See it in a browser: {}", site.url()));
    say("Ctrl+C ends it.");
    Ok(signals.forever().next().map_or(ExitCode::SUCCESS, ended_by))
}

fn end_signals() -> Result<Signals, Failure> {
    Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|error| Failure::of(format_args!("can't listen for signals: {error}"), ""))
}

/// Plays a recorded run in the simulator, if its steps were recorded, and says what came of it.
fn check_against_simulator(tape: &Tape) -> Result<Option<String>, Failure> {
    let records: Vec<Record> = tape.records().cloned().collect();
    let has_steps = records.iter().any(|record| matches!(record.event, Event::Io(Io::Step { .. })));
    if !tape.is_recorded || !has_steps {
        return Ok(None);
    }
    let reenacted = reenact(&records).map_err(|divergence| {
        let help = "the file was changed, lacks events, or is of another version of this program";
        Failure::of(format_args!("the simulator does not come to the recorded states: {divergence}"), help)
    })?;
    Ok(Some(format!(
        "{} steps in {} lives of servers: the simulator comes to the recorded state after each",
        reenacted.steps, reenacted.lives
    )))
}

fn print_json(tape: &Tape) -> Result<ExitCode, Failure> {
    let mut out = io::stdout().lock();
    written(tape.records().try_for_each(|record| writeln!(out, "{}", record.to_json())))
}

fn print_story(tape: &Tape, with_routine: bool) -> Result<ExitCode, Failure> {
    let mut feed = if with_routine { Feed::with_routine() } else { Feed::new() };
    let mut out = io::stdout().lock();
    let mut print = || {
        writeln!(out, "{}", shown(&tape.title))?;
        for scene in &tape.scenes {
            if let Some(command) = &scene.command {
                writeln!(out, "\n▸ {}", shown(command))?;
            }
            for line in scene.records.iter().flat_map(|record| feed.tell(record)) {
                writeln!(out, "{line}")?;
            }
        }
        Ok(())
    };
    written(print())
}
