//! Commands that are played in the world of a card.

use simulator::{Scenario, Scene};
use std::ops::Range;
use std::time::Duration;
use trace::Record;

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
        self.records().map(drop)
    }

    pub(crate) fn records(&self) -> Result<Played, Refused> {
        if self.is_empty() {
            return Ok(Played { records: Vec::new(), before: 0, time: Duration::ZERO..Duration::ZERO });
        }
        let scenes = Scenario::film(&self.script()).map_err(|error| Refused(error.to_string()))?.scenes;
        let of_world = &scenes[..self.world.len().min(scenes.len())];
        let before = of_world.iter().map(|scene| scene.records.len()).sum();
        let end = |scenes: &[Scene]| scenes.last().map_or(Duration::ZERO, |last| last.now);
        let time = end(of_world)..end(&scenes);
        Ok(Played { records: scenes.into_iter().flat_map(|scene| scene.records).collect(), before, time })
    }

    /// Does it have no command at all?
    pub fn is_empty(&self) -> bool {
        self.world.is_empty() && self.commands.is_empty()
    }

    /// The attempt as a scenario.
    pub fn script(&self) -> String {
        let lines = self.world.iter().chain(self.commands);
        lines.map(|line| format!("{line}\n")).collect::<String>() + "---\n"
    }
}
