//! What can be replayed and explained: a scenario, or a recorded trace.

use crate::link::{Link, Linked, fragment_in, fragment_of};
use crate::moment::Moment;
use crate::scenarios::{self, library};
use command::{Failure, say};
use consensus::{NodeId, Rule, Timing};
use page::{Mode, Setup};
use simulator::{Film, Scenario, Scene, UNSHOWN};
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use storage::careful::read_regular;
use trace::{Beginning, Event, Io, Process, Record, StepInput, english, shown};

/// Maximum size of a file that is read, in bytes: as events, it takes several times as much memory.
const LARGEST: u64 = 256 << 20;
/// Maximum number of scenarios that are suggested for a path with nothing at it.
const MOST_MEANT: usize = 3;

/// A run, from a file or a link.
#[derive(Debug)]
pub(crate) struct Tape {
    /// How messages call its source.
    pub(crate) name: String,
    /// Its title.
    pub(crate) title: String,
    /// A recorded run is one scene without a command.
    pub(crate) film: Film,
    /// If it was recorded, as opposed to played now from a script: the number of each record's line in the file.
    pub(crate) lines: Option<Vec<usize>>,
    /// Its path, if it is a scenario built into this program.
    scenario: Option<String>,
    /// The text of its script; `None` if it was recorded.
    script: Option<String>,
    /// The moment to which a link to it leads.
    pub(crate) at: Option<Moment>,
}

impl Tape {
    /// Reads a trace, or plays a scenario: from a file or a link, or one that is built into this program, by its
    /// path.
    ///
    /// # Errors
    /// If there is no such file or scenario, or nothing happens in it; if the link is damaged.
    pub(crate) fn open(path: &Path) -> Result<Tape, Failure> {
        Tape::open_one_of(path, "a file that `raft up --record FILE` has written")
    }

    /// The same where a recorded trace is of no use.
    pub(crate) fn open_script(path: &Path) -> Result<Tape, Failure> {
        Tape::open_one_of(path, "a file with a script, as docs/scenarios.md describes it")
    }

    /// The files are what can be named instead, if there is nothing at the path.
    fn open_one_of(path: &Path, files: &str) -> Result<Tape, Failure> {
        let tape = match path.to_str().and_then(fragment_in) {
            Some(fragment) => Tape::follow(Link::read(fragment)?, files)?,
            None => Tape::read(path, files)?,
        };
        if tape.records().next().is_none() {
            let help = "a scenario starts a cluster with `cluster 3`; a trace has one event per line";
            return Err(Failure::of(format_args!("nothing happens in {}", tape.name), help));
        }
        Ok(tape)
    }

    /// Plays the run to which a link leads.
    fn follow(Link { run, at }: Link, files: &str) -> Result<Tape, Failure> {
        let mut tape = match run {
            Linked::Scenario(path) => {
                let text = library().find(&path).ok_or_else(|| {
                    let message =
                        format!("the link leads to {}, which is no scenario of this program", shown(&path));
                    Failure::of(message, help_for_missing(Path::new(&path), files))
                })?;
                Tape::play("the link", &path, text).expect("each of them is played in the tests")
            }
            Linked::Script(script) => {
                let mut tape = Tape::play("the link", "A run in the lab", &script).map_err(|error| {
                    let help = "the link was changed, or it is from another version of this program";
                    Failure::of(format_args!("can't play the script in the link: {error}"), help)
                })?;
                // The lab has one cluster.
                tape.film.scenes = tape.film.last_cluster().to_vec();
                tape
            }
        };
        tape.at = at;
        Ok(tape)
    }

    fn read(path: &Path, files: &str) -> Result<Tape, Failure> {
        let file = path.display();
        if !path.exists()
            && let Some(text) = path.to_str().and_then(|path| library().find(path))
        {
            let name = file.to_string();
            return Ok(Tape::play(&name, &name, text).expect("each of them is played in the tests"));
        }
        let text = read_text(path).map_err(|error| {
            let help = match error.kind() {
                io::ErrorKind::FileTooLarge => {
                    "record for a shorter time, or keep only the beginning: head -n 100000 FILE > SHORTER"
                        .to_owned()
                }
                _ => help_for_missing(path, files),
            };
            Failure::of(format_args!("can't read {file}: {error}"), help)
        })?;
        let title =
            path.file_stem().map_or_else(|| file.to_string(), |stem| stem.to_string_lossy().into_owned());
        if text.trim_start().starts_with('{') {
            let (lines, records): (Vec<usize>, Vec<Record>) = read_trace(path, &text)?.into_iter().unzip();
            for doubt in doubts(&text, &lines, &records) {
                say(format_args!("note: {doubt}"));
            }
            let scenes = vec![Scene { records, ..Scene::default() }];
            let film = Film { scenes, without: None, servers: None };
            let name = file.to_string();
            return Ok(Tape {
                name,
                title,
                film,
                lines: Some(lines),
                scenario: None,
                script: None,
                at: None,
            });
        }
        Tape::play(&file.to_string(), &title, &text).map_err(|error| {
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

    /// Plays the scenario with this text. It may have a title of its own.
    fn play(name: &str, title: &str, text: &str) -> io::Result<Tape> {
        let film = Scenario::film(text)?;
        Ok(Tape {
            name: name.to_owned(),
            title: page::title(text).unwrap_or(title).to_owned(),
            film,
            lines: None,
            scenario: library().path_of(text).map(str::to_owned),
            script: Some(text.to_owned()),
            at: None,
        })
    }

    /// The number of records that have happened at the moment to which the link leads, if it leads to one.
    ///
    /// # Errors
    /// If there is no such moment in the run.
    pub(crate) fn begin(&self) -> Result<Option<usize>, Failure> {
        let Some(at) = self.at else { return Ok(None) };
        let records: Vec<&Record> = self.records().collect();
        let position = at.position_in(&records).ok_or_else(|| {
            let help = "leave out &at=…, to begin at the beginning";
            Failure::of(format_args!("the link leads to {at}, and the run has no such moment"), help)
        });
        position.map(Some)
    }

    /// The fragment of an address that leads to the same moment on a page that shows this run; empty if that is the
    /// beginning.
    ///
    /// # Errors
    /// If there is no such moment in the run.
    pub(crate) fn fragment_of_moment(&self) -> Result<String, Failure> {
        let last = self.begin()?.and_then(|position| self.records().take(position).last());
        Ok(last.map_or(String::new(), |record| match record.id() {
            Some(id) => format!("#at={id}"),
            None => format!("#at={:.6}", record.t as f64 / 1e6),
        }))
    }

    /// The fragment of the lab's address that leads to this run.
    ///
    /// # Errors
    /// If it was recorded: there is no script that makes it again.
    pub(crate) fn fragment(&self) -> Result<String, Failure> {
        match (&self.scenario, &self.script) {
            (Some(path), _) => Ok(format!("#scenario={path}")),
            (None, Some(script)) => Ok(fragment_of(script)),
            (None, None) => Err(Failure::of(
                format_args!("{} is a recorded run, and the lab plays scripts", self.name),
                format!("`raft replay --web {}` shows it in a browser", self.name),
            )),
        }
    }

    /// The same for the view in the terminal.
    ///
    /// # Errors
    /// If a link leads to a moment that it does not have.
    pub(crate) fn for_terminal(self) -> Result<terminal::Tape, Failure> {
        let begin = self.begin()?.unwrap_or(0);
        let safe = |text: String| shown(&text).into_owned();
        let moment = |scene: Scene| terminal::Moment {
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
        let servers = self.film.servers.map_or(tape.servers, |count| (1..=count).map(NodeId).collect());
        Ok(terminal::Tape { servers, without: self.film.without, begin, ..tape })
    }

    /// The page's setup, before the records.
    pub(crate) fn setup_of_page(&self) -> Setup {
        let setup = Setup::of_film(Mode::Replay, self.title.clone(), &self.film);
        let scenes = if self.lines.is_none() { setup.scenes } else { Vec::new() };
        Setup { timing: self.records().find_map(timing), scenes, scenario: self.scenario.clone(), ..setup }
    }

    /// Everything that happened in the last cluster, in order.
    pub(crate) fn last_cluster(&self) -> impl Iterator<Item = &Record> {
        self.film.last_cluster().iter().flat_map(|scene| &scene.records)
    }

    /// Everything that happened, in order.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.film.scenes.iter().flat_map(|scene| &scene.records)
    }
}

/// What to suggest if there is nothing at a path.
fn help_for_missing(path: &Path, files: &str) -> String {
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
        "{}name a scenario, such as elections/first-election (`raft replay --plain` lists all), or {files}",
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

/// What shows that a trace is not as it was written, though it can be read.
fn doubts(text: &str, lines: &[usize], records: &[Record]) -> Vec<String> {
    let all: Vec<&str> = text.lines().collect();
    let last = all.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |place| place + 1);
    let torn = (lines.last() < Some(&last))
        .then(|| format!("line {last}, the last one, is incomplete and left out: its writer was killed"));
    let reworded = lines.iter().zip(records).find(|(line, record)| has_other_words(all[**line - 1], record));
    let reworded = reworded.map(|(line, _)| {
        format!(
            "the words in line {line} are not those of this program: they were changed, or are from another version. \
             What is shown comes from the rest of the line"
        )
    });
    // Only in a recording are all records, from the beginning on.
    let is_recording = records.iter().any(|record| matches!(record.event, Event::Io(Io::Step { .. })));
    let mut started = BTreeSet::new();
    let unstarted = records.iter().filter(|_| is_recording).find(|record| {
        let start = (record.node, record.life);
        if matches!(record.event, Event::Process(Process::Started { .. })) {
            started.insert(start);
        }
        record.seq.is_some() && !started.contains(&start)
    });
    let unstarted = unstarted.map(|Record { node, life, .. }| {
        format!("a line is missing, the one that says that {node} has started (start {life}): the file was changed")
    });
    [torn, reworded, unstarted].into_iter().flatten().collect()
}

/// Does this line tell the record in other words than this program?
fn has_other_words(line: &str, record: &Record) -> bool {
    let told = english::sentence(record);
    let is_verbatim = || serde_json::to_string(&told).is_ok_and(|told| line.contains(&told));
    let is_same = || {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        line["why"].as_str().is_none_or(|why| why == told)
    };
    !is_verbatim() && !is_same()
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
