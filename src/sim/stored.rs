//! The stories of scenarios/without: they show what each rule is for, without a search.

use crate::paragraph::paragraph;
use crate::scenarios::library;
use consensus::Rule;
use simulator::{Film, Scenario, Scene, why_in_vain};
use std::fmt::Write as _;
use trace::{Event, Laboratory};

/// A run that breaks a promise without a rule, as scenarios/without has it.
#[derive(Debug)]
pub(crate) struct Story {
    path: String,
    title: String,
    /// The prose and the commands of the scenario.
    scenes: Vec<Scene>,
    /// The promise that breaks.
    pub(crate) promise: String,
    what_happens: String,
}

impl Story {
    /// The story of what happens without this rule; `None` for those of [`simulator::UNSHOWN`].
    pub(crate) fn without(rule: Rule) -> Option<Story> {
        let path = format!("without/{rule}");
        let text = library().find(&path)?;
        let title = page::title(text).unwrap_or(&path).to_owned();
        let Film { scenes, .. } = Scenario::film(text).expect("each of them is played in the tests");
        let violation =
            scenes.iter().flat_map(|scene| &scene.records).find_map(|record| match &record.event {
                Event::Laboratory(Laboratory::Violated { property, what_happened, .. }) => {
                    Some((property.clone(), what_happened.clone()))
                }
                _ => None,
            });
        let (promise, what_happens) = violation.expect("it breaks a promise");
        Some(Story { path, title, scenes, promise, what_happens })
    }

    fn commands(&self) -> impl Iterator<Item = &str> {
        self.scenes.iter().filter_map(command)
    }

    /// Number of servers with which the cluster begins.
    pub(crate) fn servers(&self) -> &str {
        let mut words = self.commands().filter_map(|command| command.strip_prefix("cluster "));
        words.next().and_then(|words| words.split(' ').next()).expect("each of them has a cluster")
    }

    /// Number of steps that lead to the violation.
    pub(crate) fn steps(&self) -> usize {
        let is_setup = |command: &&str| {
            ["log ", "committed ", "cluster "].iter().any(|setup| command.starts_with(setup))
        };
        self.commands().filter(|command| !is_setup(command)).count()
    }

    fn words(&self) -> String {
        let mut text = format!("{}\n", paragraph(0, &self.title));
        for scene in &self.scenes {
            for part in &scene.prose {
                let _ = writeln!(text, "\n{}", paragraph(0, part));
            }
            if !scene.prose.is_empty() {
                text.push('\n');
            }
            if let Some(command) = command(scene) {
                let _ = writeln!(text, "    {command}");
            }
        }
        let breaks = format!("The promise that breaks: {}: {}", self.promise, self.what_happens);
        let _ = write!(text, "\n{}\n\n  look at it       raft replay {}\n", paragraph(0, &breaks), self.path);
        text
    }
}

/// The command of a scene, unless it only compares.
fn command(scene: &Scene) -> Option<&str> {
    scene.command.as_deref().filter(|command| !command.starts_with("expect "))
}

/// What is known without a search about a run without this rule, and the commands for more.
pub(crate) fn known_without(rule: Rule) -> String {
    let Some(story) = Story::without(rule) else {
        let reason = why_in_vain(rule).unwrap_or_default();
        return format!("No story shows what breaks without {rule}:\n{}.\n", paragraph(0, reason));
    };
    match why_in_vain(rule) {
        Some(reason) => format!(
            "{}\n{}\n",
            story.words(),
            paragraph(
                0,
                &format!("This run was written by hand. Random search does not find one: {reason}.")
            )
        ),
        None => format!("{}  search afresh    raft sim --without {rule} --search\n", story.words()),
    }
}
