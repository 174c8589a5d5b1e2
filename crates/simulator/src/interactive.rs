//! A scenario command by command: it goes on from where its script ends, and can go back and another way.

use crate::action::Action;
use crate::scenario::{Film, Scenario, Scene};
use crate::script::Script;
use crate::world::World;
use std::io;
use std::time::Duration;
use trace::Record;

/// What has been done to a world, as few actions as possible.
#[derive(Debug, Default)]
pub(crate) struct Done(Vec<Deed>);

#[derive(Debug)]
struct Deed {
    action: Action,
    /// The number of records of the world after it.
    position: usize,
    /// A later run is no part of it.
    is_over: bool,
}

impl Done {
    /// The world has just done this, and a promise was broken in it or not.
    pub(crate) fn note(&mut self, action: &Action, world: &World, breaks_a_promise: bool) {
        let position = world.recorded();
        // A run ends where a server panics, and in a calm what is owed by then is checked at its end.
        let is_over = breaks_a_promise || world.is_calm();
        if let (
            Action::Run(more),
            Some(Deed { action: Action::Run(duration), position: last, is_over: false }),
        ) = (action, self.0.last_mut())
        {
            (*duration, *last) = (*duration + *more, position);
        } else {
            self.0.push(Deed { action: action.clone(), position, is_over: false });
        }
        self.0.last_mut().expect("it has just been noted").is_over = is_over;
    }
}

impl Scenario {
    /// Plays a whole script, which then goes on by [`Scenario::command`].
    ///
    /// # Errors
    /// If the script can't be understood, or one of its commands fails.
    pub fn open(script: &str) -> io::Result<(Scenario, Film)> {
        let mut scenario = Scenario::default();
        let film = scenario.play_script(script)?;
        Ok((scenario, film))
    }

    /// Plays one command more.
    ///
    /// # Errors
    /// If it can't be understood or done. Of a command for several servers, what came before the refusal is done.
    pub fn command(&mut self, line: &str) -> Result<Scene, String> {
        if line.contains(['\n', '\r']) {
            return Err("write one command at a time".to_owned());
        }
        if line.trim_start().starts_with('!') {
            return Err("write the command without `!`".to_owned());
        }
        self.play_line(line)
    }

    /// Lets time pass, up to the first promise that is broken in it, and returns what has happened.
    ///
    /// # Errors
    /// If there is no cluster yet, or its servers have run for long enough.
    pub fn run(&mut self, at_most: Duration) -> Result<Vec<Record>, String> {
        self.check_time(at_most)?;
        let world = self.living_world()?;
        let before = world.violations().len();
        let passed = world.run_until_violation(at_most);
        let breaks_a_promise = world.violations().len() > before;
        let records = world.take_records();
        self.ran += passed;
        self.note_done(&Action::Run(passed), breaks_a_promise);
        Ok(records)
    }

    /// The run of the latest cluster so far as a script: it plays the same, however it has come about.
    pub fn script(&self) -> Option<Script> {
        let options = self.world()?.options().clone();
        Some(Script { options, actions: self.done.0.iter().map(|deed| deed.action.clone()).collect() })
    }

    /// The same run again, which ends where its first `position` records have happened. What happens in the same step as
    /// the last of them has happened, too: its records beyond `position` are returned.
    ///
    /// In a calm, what is overdue may be noticed a little earlier or later than in the first run.
    ///
    /// # Errors
    /// If not so much has happened yet.
    pub fn fork(&self, position: usize) -> Result<(Scenario, Vec<Record>), String> {
        let happened = self.world().map_or(0, World::recorded);
        let script = self.script().filter(|_| position <= happened);
        let script =
            script.ok_or_else(|| format!("{position} records have not happened yet, but {happened}"))?;
        let mut world = World::new(script.options);
        let mut done = Done::default();
        for deed in &self.done.0 {
            if world.recorded() >= position && position < happened {
                break;
            }
            let before = world.violations().len();
            let actions = if deed.position < position || position == happened {
                world.perform(&deed.action).map(|_| vec![deed.action.clone()])
            } else {
                world.perform_until(&deed.action, position)
            };
            let breaks_a_promise = world.violations().len() > before;
            for action in actions.expect("what was done can be done again") {
                done.note(&action, &world, breaks_a_promise);
            }
        }
        let mut records = world.take_records();
        let more = records.split_off(position.min(records.len()));
        let mut fork = Scenario::with_substitute(self.substitute.clone());
        (fork.ran, fork.world, fork.done) = (world.now(), Some(world), done);
        Ok((fork, more))
    }
}
