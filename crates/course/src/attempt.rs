//! Commands that are played in the world of a card.

use simulator::{Film, Scenario, Scene};
use std::ops::Range;
use std::time::Duration;
use trace::Record;

// A file of a stranger may claim that a task was done with any commands. To play them must not take long, nor much memory.
/// Maximum number of commands that a learner gives.
const MOST_COMMANDS: usize = 1_000;
/// Maximum length of all of them, in bytes.
const MOST_BYTES: usize = 30_000;
/// Maximum number of records that an attempt brings about: about as many as three servers make in four minutes.
const MOST_RECORDS: usize = 200_000;

/// A world, and commands that a learner gave, or that show an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt<'a> {
    /// The commands of the card.
    pub world: &'a [String],
    /// The commands after that.
    pub commands: &'a [String],
}

/// A command could not be played, or what it expects is not so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

/// What happened in an attempt.
#[derive(Debug)]
pub(crate) struct Played {
    /// Where it has led.
    pub(crate) scenario: Scenario,
    /// Of all commands, in order.
    pub(crate) records: Vec<Record>,
    /// How many of the records the card's world brought about.
    pub(crate) before: usize,
    /// The time in the cluster when the attempt's own commands began, and after them.
    pub(crate) time: Range<Duration>,
}

impl Attempt<'_> {
    /// Plays it.
    ///
    /// # Errors
    /// If a command can't be played, or an expectation of one is not met.
    pub fn play(&self) -> Result<(), Refused> {
        self.open().map(drop)
    }

    /// Plays it, and returns the scenario, which can go on, and what has happened.
    ///
    /// # Errors
    /// Those of [`Attempt::play`].
    pub fn open(&self) -> Result<(Scenario, Film), Refused> {
        self.check_size()?;
        let mut scenario = Scenario::with_most_records(MOST_RECORDS);
        if self.is_empty() {
            return Ok((scenario, Film { scenes: Vec::new(), without: None }));
        }
        let film = scenario.play_script(&self.script()).map_err(|error| Refused(error.to_string()))?;
        Ok((scenario, film))
    }

    pub(crate) fn played(&self) -> Result<Played, Refused> {
        let (scenario, Film { scenes, .. }) = self.open()?;
        let of_world = &scenes[..self.world.len().min(scenes.len())];
        let before = of_world.iter().map(|scene| scene.records.len()).sum();
        let end = |scenes: &[Scene]| scenes.last().map_or(Duration::ZERO, |last| last.now);
        let time = end(of_world)..end(&scenes);
        let records = scenes.into_iter().flat_map(|scene| scene.records).collect();
        Ok(Played { scenario, records, before, time })
    }

    fn check_size(&self) -> Result<(), Refused> {
        if self.commands.len() > MOST_COMMANDS {
            return Err(Refused(format!("{MOST_COMMANDS} commands are the most")));
        }
        if self.commands.iter().map(String::len).sum::<usize>() > MOST_BYTES {
            return Err(Refused(format!("all commands together may have {MOST_BYTES} bytes")));
        }
        match self.commands.iter().find(|command| command.contains(['\n', '\r'])) {
            Some(_) => Err(Refused("write one command at a time".to_owned())),
            None => Ok(()),
        }
    }

    /// Does it have no command at all?
    fn is_empty(&self) -> bool {
        self.world.is_empty() && self.commands.is_empty()
    }

    /// The attempt as a scenario.
    pub fn script(&self) -> String {
        let lines = self.world.iter().chain(self.commands);
        lines.map(|line| format!("{line}\n")).collect::<String>() + "---\n"
    }
}
