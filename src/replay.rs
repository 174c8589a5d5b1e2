//! `raft replay`

use crate::moment::Moment;
use crate::paragraph::paragraph;
use crate::scenarios::library;
use crate::story::Story;
use crate::tape::Tape;
use crate::up::{exit_code, has_full_terminal, open_site};
use clap::Args;
use command::{Failure, ended_by, page_address, say, written};
use page::{Chapter, ScenarioTitle};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use simulator::{Divergence, RunHash, reenact};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use terminal::{Choice, Chooser, Chosen, End};
use trace::{Event, Io, Record, shown};

/// Play a scenario or a recorded run, forward and back
///
/// Without a name, choose a scenario from a list in learning order: type
/// to search it, Enter plays the chosen one.
///
///   raft replay
///   raft replay elections/first-election
///   raft up --record run.jsonl; raft replay run.jsonl
///   raft replay 'https://…#lab=…&at=12'
///
/// A recorded run is also checked: the simulator gets the same inputs, and must
/// come to the same states.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ReplayArguments {
    /// A scenario, by its name or its file, a file that `raft up --record` has written, or a link of the page, in
    /// quotes: then its view begins at the moment to which the link leads
    #[arg(value_name = "SCENARIO|FILE|LINK")]
    what: Option<PathBuf>,

    /// Print what happens line by line, even on a terminal
    #[arg(long, conflicts_with = "json")]
    plain: bool,

    /// Print the trace as JSON, one event per line (docs/trace.md)
    #[arg(long, requires = "what")]
    json: bool,

    /// Show it in a browser on this machine, at this address [default: a free port]
    #[arg(long, value_name = "HOST:PORT", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "127.0.0.1:0", value_parser = page_address, conflicts_with_all = ["plain", "json", "hash"])]
    web: Option<SocketAddr>,

    /// Begin at this moment: a time as each event shows it, such as 1.250s, or just after an event, such as n2:117
    #[arg(long, value_name = "TIME|EVENT", requires = "what", conflicts_with_all = ["plain", "json", "hash"])]
    at: Option<Moment>,

    /// Print only the hash of the trace: two runs have the same one if the same things happened in them
    #[arg(long, requires = "what", conflicts_with_all = ["plain", "json"])]
    hash: bool,

    /// With --plain: print the routine too, each heartbeat and each reset of a timer
    #[arg(long, short, requires = "what")]
    verbose: bool,

    /// With --plain: print the scenario's commands too, and what comes of its silent ones
    #[arg(long, requires = "what")]
    script: bool,
}

pub(crate) fn run(arguments: ReplayArguments) -> Result<ExitCode, Failure> {
    let Some(what) = &arguments.what else { return without_name(&arguments) };
    let mut tape = Tape::open(what)?;
    tape.at = arguments.at.or(tape.at);
    // A link to a moment that is not there is wrong, even where the whole run is printed.
    tape.begin()?;
    let remark = check_against_simulator(&tape)?;
    if let Some(address) = arguments.web {
        remark.iter().for_each(say);
        return serve_page(&tape, address);
    }
    if arguments.json {
        return print_json(&tape);
    }
    if arguments.hash {
        return written(writeln!(io::stdout(), "{}", RunHash::of(tape.records())));
    }
    if arguments.plain || !has_full_terminal() {
        remark.iter().for_each(say);
        if let Some(at) = tape.at {
            say(format_args!("this is the whole run; the link leads to {at} of it"));
        }
        return print_story(&tape, &arguments);
    }
    show_in_terminal(tape)
}

/// Lets the user choose a scenario, or lists them.
fn without_name(arguments: &ReplayArguments) -> Result<ExitCode, Failure> {
    let chapters = library().chapters();
    if let Some(address) = arguments.web {
        let first = &chapters[0].scenarios[0].path;
        say("This is the first scenario: choose any other from the list on the page.");
        return serve_page(&Tape::open(Path::new(first))?, address);
    }
    if arguments.plain || !has_full_terminal() {
        return written(io::stdout().write_all(list(&chapters).as_bytes()));
    }
    choose_and_play(&chapters)
}

/// The scenarios, chapter by chapter.
fn list(chapters: &[Chapter]) -> String {
    let mut text = String::from("Play a scenario by its name: raft replay elections/first-election\n");
    for chapter in chapters {
        text += &format!("\n{}\n{}\n\n", chapter.name, paragraph(0, &chapter.about));
        for ScenarioTitle { path, title, .. } in &chapter.scenarios {
            text += &format!("  {path:<45} {title}\n");
        }
    }
    text
}

/// Plays one scenario after the other, as chosen by the user.
fn choose_and_play(chapters: &[Chapter]) -> Result<ExitCode, Failure> {
    let mut signals = end_signals()?;
    let mut end_requested = || signals.pending().next().map(End::Interrupted);
    let choices = chapters.iter().flat_map(|chapter| {
        chapter.scenarios.iter().map(move |scenario| Choice {
            chapter: chapter.name.to_string(),
            path: scenario.path.clone(),
            title: scenario.title.clone(),
            rules: scenario.rules.clone(),
            prose: scenario.prose.clone(),
        })
    });
    let mut chooser = Chooser::new(choices.collect());
    loop {
        match terminal::choose(&mut chooser, &mut end_requested) {
            Ok(Chosen::Scenario(path)) => {
                let tape = Tape::open(Path::new(&path))?;
                match terminal::replay(tape.for_terminal()?, &mut end_requested) {
                    Ok(End::Quit) => {}
                    end => return exit_code(end),
                }
            }
            Ok(Chosen::Nothing(end)) => return exit_code(Ok(end)),
            Err(error) => return exit_code(Err(error)),
        }
    }
}

fn show_in_terminal(tape: Tape) -> Result<ExitCode, Failure> {
    let mut signals = end_signals()?;
    let ended = terminal::replay(tape.for_terminal()?, || signals.pending().next().map(End::Interrupted));
    exit_code(ended)
}

/// Serves the page with what happened until a signal ends it.
fn serve_page(tape: &Tape, address: SocketAddr) -> Result<ExitCode, Failure> {
    let mut signals = end_signals()?;
    let moment = tape.fragment_of_moment()?;
    let site = open_site(address, tape.setup_of_page())?;
    site.publish(tape.records());
    site.end();
    say(format_args!("See it in a browser: {}{moment}", site.url()));
    say("Ctrl+C ends it.");
    Ok(signals.forever().next().map_or(ExitCode::SUCCESS, ended_by))
}

pub(crate) fn end_signals() -> Result<Signals, Failure> {
    Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|error| Failure::of(format_args!("can't listen for signals: {error}"), ""))
}

/// Replays a recorded run in the simulator, if its steps were recorded, and reports the result.
fn check_against_simulator(tape: &Tape) -> Result<Option<String>, Failure> {
    let Some(lines) = &tape.lines else { return Ok(None) };
    let records: Vec<Record> = tape.records().cloned().collect();
    if !records.iter().any(|record| matches!(record.event, Event::Io(Io::Step { .. }))) {
        return Ok(None);
    }
    let reenacted = reenact(&records).map_err(|Divergence { place, misfit }| {
        let line = lines[place];
        let before = match line {
            1 => String::new(),
            _ => format!(". What is before that line can be played: head -n {} FILE > BEGINNING", line - 1),
        };
        Failure::of(
            format_args!("the simulator does not reach the recorded states. Line {line}: {misfit}"),
            format!(
                "the file was changed, is incomplete, or was written by another version of this program{before}"
            ),
        )
    })?;
    Ok(Some(format!(
        "checked: in each of {} steps, after {} starts of servers, the simulator reaches the recorded state",
        reenacted.steps, reenacted.lives
    )))
}

fn print_json(tape: &Tape) -> Result<ExitCode, Failure> {
    let mut out = io::stdout().lock();
    written(tape.records().try_for_each(|record| writeln!(out, "{}", record.to_json())))
}

fn print_story(tape: &Tape, arguments: &ReplayArguments) -> Result<ExitCode, Failure> {
    let mut story = Story::new(tape.film.without);
    let mut out = io::stdout().lock();
    let mut print = || {
        writeln!(out, "{}", shown(&tape.title))?;
        if let Some(rule) = tape.film.without {
            writeln!(out, "{rule} is OFF")?;
        }
        let mut is_verbose = false;
        for scene in &tape.film.scenes {
            // The script may include the routine, but not all effects of its silent commands.
            is_verbose |= scene.command.as_deref() == Some("verbose");
            story.tell_routine(arguments.verbose || is_verbose && !scene.is_silent);
            for text in &scene.prose {
                writeln!(out, "\n{}", paragraph(0, &shown(text)))?;
            }
            if !scene.prose.is_empty() {
                writeln!(out)?;
            }
            if let Some(command) = scene.command.as_ref().filter(|_| arguments.script) {
                writeln!(out, "▸ {}", shown(command))?;
            }
            write!(out, "{}", story.tell(scene, !scene.is_silent || arguments.script))?;
        }
        Ok(())
    };
    written(print())
}
