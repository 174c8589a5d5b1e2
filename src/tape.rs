//! What can be replayed and explained: a scenario, or a recorded trace.

use crate::scenarios::{self, library};
use command::Failure;
use consensus::{Rule, Timing};
use page::{Mode, Setup};
use simulator::{Film, Scenario, Scene, UNSHOWN};
use std::io;
use std::path::Path;
use storage::careful::read_regular;
use terminal::Moment;
use trace::{Beginning, Event, Io, Record, StepInput, shown};

/// Maximum size of a file that is read, in bytes: as events, it takes several times as much memory.
const LARGEST: u64 = 256 << 20;
/// Maximum number of scenarios that are suggested for a path with nothing at it.
const MOST_MEANT: usize = 3;

/// A run, from a file.
#[derive(Debug)]
pub(crate) struct Tape {
    /// Its title.
    pub(crate) title: String,
    /// A recorded run is one scene without a command.
    pub(crate) film: Film,
    /// If it was recorded, as opposed to played now from a script: the number of each record's line in the file.
    pub(crate) lines: Option<Vec<usize>>,
    /// Its name, if it is a scenario built into this program.
    scenario: Option<String>,
}

impl Tape {
    /// Reads a trace, or plays a scenario: from a file, or one that is built into this program, by its path.
    ///
    /// # Errors
    /// If there is no such file or scenario, or nothing happens in it.
    pub(crate) fn open(path: &Path) -> Result<Tape, Failure> {
        let tape = Tape::read(path)?;
        if tape.records().next().is_none() {
            let help = "a scenario starts a cluster with `cluster 3`; a trace has one event per line";
            return Err(Failure::of(format_args!("nothing happens in {}", path.display()), help));
        }
        Ok(tape)
    }

    fn read(path: &Path) -> Result<Tape, Failure> {
        let file = path.display();
        if !path.exists()
            && let Some(text) = path.to_str().and_then(|path| library().find(path))
        {
            return Ok(Tape::play(&file.to_string(), text).expect("each of them is played in the tests"));
        }
        let text = read_text(path).map_err(|error| {
            let help = match error.kind() {
                io::ErrorKind::FileTooLarge => {
                    "record for a shorter time, or keep only the beginning: head -n 100000 FILE > SHORTER"
                        .to_owned()
                }
                _ => help_for_missing(path),
            };
            Failure::of(format_args!("can't read {file}: {error}"), help)
        })?;
        let name =
            path.file_stem().map_or_else(|| file.to_string(), |stem| stem.to_string_lossy().into_owned());
        if text.trim_start().starts_with('{') {
            let (lines, records) = read_trace(path, &text)?.into_iter().unzip();
            let scenes = vec![Scene { records, ..Scene::default() }];
            let film = Film { scenes, without: None };
            return Ok(Tape { title: name, film, lines: Some(lines), scenario: None });
        }
        Tape::play(&name, &text).map_err(|error| {
            // Only if a command was refused is it called a script: otherwise it may not be one at all.
            if error.kind() == io::ErrorKind::Other {
                return Failure::of(
                    format_args!("can't play {file}: {error}"),
                    "docs/scenarios.md describes the commands",
                );
            }
            let help = "docs/scenarios.md describes scenarios, and docs/trace.md traces";
            Failure::of(
                format_args!("{file} is neither a trace nor a scenario that can be played: {error}"),
                help,
            )
        })
    }

    /// Plays the scenario with this text.
    ///
    /// # Errors
    /// If it is not valid.
    pub(crate) fn play(name: &str, text: &str) -> std::io::Result<Tape> {
        let film = Scenario::film(text)?;
        Ok(Tape {
            title: page::title(text).unwrap_or(name).to_owned(),
            film,
            lines: None,
            scenario: library().path_of(text).map(str::to_owned),
        })
    }

    /// The same for the view in the terminal.
    pub(crate) fn for_terminal(self) -> terminal::Tape {
        let safe = |text: String| shown(&text).into_owned();
        let moment = |scene: Scene| Moment {
            prose: scene.prose.into_iter().map(safe).collect(),
            command: scene.command.map(safe),
            is_silent: scene.is_silent,
            records: scene.records,
            said: scene.said.lines().map(|line| shown(line).into_owned()).collect(),
        };
        let tape = terminal::Tape::played(
            shown(&self.title).into_owned(),
            self.film.scenes.into_iter().map(moment).collect(),
        );
        terminal::Tape { without: self.film.without, ..tape }
    }

    /// The page's setup, before the records.
    pub(crate) fn setup_of_page(&self) -> Setup {
        let setup = Setup::of_film(Mode::Replay, self.title.clone(), &self.film);
        let scenes = if self.lines.is_none() { setup.scenes } else { Vec::new() };
        Setup { timing: self.records().find_map(timing), scenes, scenario: self.scenario.clone(), ..setup }
    }

    /// Everything that happened in the last cluster, in order: a scenario may compare several, which use the
    /// same names for their events.
    pub(crate) fn last_cluster(&self) -> impl Iterator<Item = &Record> {
        let begins = |scene: &Scene| {
            scene.command.as_deref().is_some_and(|command| command.split(' ').next() == Some("cluster"))
        };
        let first = self.film.scenes.iter().rposition(begins).unwrap_or(0);
        self.film.scenes[first..].iter().flat_map(|scene| &scene.records)
    }

    /// Everything that happened, in order.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.film.scenes.iter().flat_map(|scene| &scene.records)
    }
}

/// What to suggest if there is nothing at a path.
fn help_for_missing(path: &Path) -> String {
    let name = path.to_str().unwrap_or_default();
    let hidden = |(rule, _): &&(Rule, &str)| name.strip_prefix("without/") == Some(rule.id());
    if let Some((rule, reason)) = UNSHOWN.iter().find(hidden) {
        return format!("no scenario shows what breaks without {rule}: {reason}");
    }
    let chapters = library().chapters();
    let found = if name.trim().is_empty() { Vec::new() } else { scenarios::about(&chapters, name) };
    let paths: Vec<&str> = found.iter().map(|scenario| scenario.path.as_str()).collect();
    let meant = match paths.len() {
        0 => scenarios::similar(name).map(|similar| format!("did you mean {similar}? Or else ")),
        1..=MOST_MEANT => Some(format!("did you mean {}? Or else ", paths.join(" or "))),
        count => {
            Some(format!("{count} scenarios have this: enter `raft replay` and type {}. Or ", shown(name)))
        }
    };
    format!(
        "{}name a scenario, such as elections/first-election (`raft replay --plain` lists all), or a file that `raft up \
         --record FILE` has written",
        meant.unwrap_or_default()
    )
}

fn read_text(path: &Path) -> io::Result<String> {
    let bytes = read_regular(path, LARGEST)?;
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        io::Error::new(io::ErrorKind::InvalidData, format!("it is not text (at byte {place})"))
    })
}

/// The timing of a server, if it starts here and was recorded with its steps.
fn timing(record: &Record) -> Option<page::Timing> {
    let Event::Io(Io::Step { input, .. }) = &record.event else { return None };
    let StepInput::Start { start } = &**input else { return None };
    let &Beginning { heartbeat_interval, election_timeout_min, election_timeout_max, .. } = start;
    let timing = Timing::new(heartbeat_interval, election_timeout_min, election_timeout_max).ok()?;
    Some(timing.into())
}

/// The records, each with the number of its line.
fn read_trace(path: &Path, text: &str) -> Result<Vec<(usize, Record)>, Failure> {
    let mut records = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match Record::from_json(line) {
            Ok(record) => records.push((number + 1, record)),
            // The program that wrote it was killed while writing.
            Err(error) if error.is_eof() && number + 1 == lines.len() => break,
            Err(error) => {
                return Err(Failure::of(
                    format_args!(
                        "line {} of {} is not an event of a trace: {error}",
                        number + 1,
                        path.display()
                    ),
                    "docs/trace.md describes the lines of a trace",
                ));
            }
        }
    }
    Ok(records)
}
