//! Why a test of a user's application fails.

use crate::action::Action;
use crate::application::Application;
use crate::properties::Violation;
use crate::quiet::quietly;
use crate::script::Script;
use crate::shrink::shrink_on;
use crate::stage::Stage as _;
use crate::world::{Refusal, World, WorldOptions};
use driver::StateMachine as _;
use std::fmt;
use trace::Feed;

/// The maximum number of steps that servers take until the shortest run is found.
const STEPS_TO_SHRINK: u64 = 1_000_000;

/// Why a test fails. Its `Debug` form is the same text as its `Display` form, so a test can end with `?` or `unwrap`.
#[derive(Clone)]
pub enum Failure {
    /// Something that must hold did not: a promise of Raft, the agreement of the servers, or an invariant of the application.
    Violated {
        /// The seed of the run.
        seed: u64,
        /// What did not hold.
        violation: Box<Violation>,
        /// The shortest run that was found in which it does not hold.
        script: Box<Script>,
        /// What happens in that run, in English.
        story: String,
    },
    /// The same seed gave another run the second time.
    NotRepeatable {
        /// The seed of the run.
        seed: u64,
    },
    /// What the test wanted to do can't be done now.
    Refused(Refusal),
    /// What the test waited for did not happen.
    InVain {
        /// What it waited for.
        what: String,
        /// What happened until then, in English.
        story: String,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Violated { seed, violation, script, story } => {
                writeln!(f, "{violation}\n{}", violation.promise.meaning)?;
                let steps = script.actions.len();
                let plural = if steps == 1 { "" } else { "s" };
                writeln!(
                    f,
                    "\nSeed {seed} led to this. The shortest run that was found has {steps} step{plural}:\n"
                )?;
                f.write_str(story)
            }
            Failure::NotRepeatable { seed } => write!(
                f,
                "seed {seed} gave another run the second time: the state machine, an invariant or the drawing of commands \
                 goes by something that changes, such as the time, random numbers of its own, or the order of a HashMap"
            ),
            Failure::Refused(refusal) => refusal.fmt(f),
            Failure::InVain { what, story } => write!(f, "{what}. This happened until then:\n\n{story}"),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Refused(refusal)
    }
}

/// A run in which something does not hold.
pub(crate) struct Found<F> {
    /// Where it is played.
    pub(crate) stage: F,
    pub(crate) script: Script,
    pub(crate) violation: Violation,
}

impl<A: Application, F: Fn(WorldOptions) -> World<A>> Found<F> {
    /// Makes it as short as possible, and tells it.
    pub(crate) fn failure(self) -> Failure {
        let Found { stage, script, violation } = self;
        let seed = script.options.seed;
        let promise = violation.promise;
        let shrunk = quietly(|| shrink_on(&stage, &script, promise, STEPS_TO_SHRINK, &mut |_, _| ()));
        let script = Box::new(shrunk.script);
        match quietly(|| stage.play(&script)).violation.filter(|found| found.promise == promise) {
            Some(violation) => {
                let story = story(stage(script.options.clone()), &script.actions);
                Failure::Violated { seed, violation: Box::new(violation), script, story }
            }
            None => Failure::NotRepeatable { seed },
        }
    }
}

/// What happens in this new world when all this is done to it, in English.
pub(crate) fn story<A: Application>(mut world: World<A>, actions: &[Action]) -> String {
    let mut feed = Feed::new();
    let mut story = String::new();
    let mut tell = |world: &mut World<A>, feed: &mut Feed, heading: Option<String>| {
        story.extend(heading.map(|heading| format!("▸ {heading}\n")));
        for record in world.take_records() {
            story.extend(feed.tell(&record).iter().map(|line| format!("{line}\n")));
        }
    };
    tell(&mut world, &mut feed, None);
    for action in actions {
        feed.interrupt();
        let _ = world.perform(action);
        let heading = heading(action, world.application());
        tell(&mut world, &mut feed, heading);
    }
    story
}

/// An action in words; `None` for time, which stands on each line, and for clients, who say themselves what they want.
fn heading<A: Application>(action: &Action, application: &A) -> Option<String> {
    match action {
        Action::Run(_) | Action::Client(..) => None,
        Action::Propose(server, value) => {
            let command = A::Machine::words(&application.command(*value)?);
            let server = server.map(|id| format!(" to {id}")).unwrap_or_default();
            Some(format!("propose{server}: {command}"))
        }
        _ => Some(action.to_string()),
    }
}
