//! Where scripts are played: in worlds of one application.

use crate::action::Action;
use crate::application::Application;
use crate::properties::Promise;
use crate::run_hash::RunHash;
use crate::script::Script;
use crate::world::{Ending, World, WorldOptions};
use driver::TraceLevel;

/// Plays scripts. Every function that makes worlds is a stage.
pub(crate) trait Stage {
    /// Plays a script until the first violation. What can't be done is passed over.
    fn play(&self, script: &Script) -> Ending;

    /// Plays it until the first violation, or for this number of steps of servers.
    fn try_out(&self, script: &Script, most_steps: u64) -> Trial;

    /// See [`Script::journal`].
    fn journal(&self, script: &Script) -> Script;

    /// See [`Script::trace_hash`].
    fn trace_hash(&self, script: &Script) -> u64;
}

/// The result of trying a script out.
pub(crate) struct Trial {
    /// Its actions up to where it ended, without those that can't be done.
    pub(crate) done: Script,
    /// The first promise that was not kept, if there is one.
    pub(crate) broken: Option<Promise>,
    /// The number of steps that servers took.
    pub(crate) steps: u64,
}

impl<A: Application, F: Fn(WorldOptions) -> World<A>> Stage for F {
    fn play(&self, script: &Script) -> Ending {
        let mut world = self(script.options.clone());
        for action in &script.actions {
            // Whether it can be done depends on what happened before, and that on chance.
            let outcome = world.perform(action);
            if let (Action::CheckHistory, Err(refusal)) = (action, outcome) {
                panic!("{refusal}, so it must not pass for one that is right");
            }
            world.drop_records();
            if !world.violations().is_empty() {
                break;
            }
        }
        world.end()
    }

    fn try_out(&self, script: &Script, most_steps: u64) -> Trial {
        let mut world = self(script.options.clone());
        world.end_after(most_steps);
        let mut actions = Vec::new();
        for action in &script.actions {
            let outcome = world.perform(action);
            world.drop_records();
            // A delivery in which a server panics counts no message.
            let is_idle = action.is_about_messages() && outcome == Ok(0) && world.violations().is_empty();
            if outcome.is_ok() && !is_idle {
                actions.push(action.clone());
            }
            if world.is_over() {
                break;
            }
        }
        let broken = world.violations().first().map(|violation| violation.promise);
        let done = Script { options: script.options.clone(), actions };
        Trial { done, broken, steps: world.end().coverage.steps }
    }

    fn journal(&self, script: &Script) -> Script {
        let mut world = self(script.options.clone());
        world.keep_journal();
        for action in &script.actions {
            let _ = world.perform(action);
            if !world.violations().is_empty() {
                break;
            }
        }
        let fair = WorldOptions::default();
        let options =
            WorldOptions { weather: fair.weather, save_time: fair.save_time, ..script.options.clone() };
        Script { options, actions: world.journal() }
    }

    fn trace_hash(&self, script: &Script) -> u64 {
        let mut world = self(WorldOptions { trace_level: TraceLevel::Replayable, ..script.options.clone() });
        let mut hash = RunHash::default();
        for action in &script.actions {
            let _ = world.perform(action);
            world.take_records().iter().for_each(|record| hash.add(record));
        }
        hash.number()
    }
}
