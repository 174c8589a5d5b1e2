//! The stories of scenarios/without: they show what each rule is for, without a search.

use super::report::paragraph;
use crate::scenarios;
use consensus::Rule;
use simulator::{NOT_FOUND_BY_CHANCE, Scenario, UNSHOWN};
use std::fmt::Write as _;
use trace::{Event, Laboratory};

/// A run that breaks a promise without a rule, as scenarios/without has it.
#[derive(Debug)]
pub(crate) struct Story {
    path: String,
    /// What is said about it, in paragraphs.
    prose: Vec<String>,
    /// The commands that set up the world, and those that lead to the violation.
    commands: Vec<String>,
    /// The promise that breaks.
    pub(crate) promise: String,
    what_happens: String,
}

impl Story {
    /// The story of what happens without this rule; `None` for those of [`UNSHOWN`].
    pub(crate) fn without(rule: Rule) -> Option<Story> {
        let path = format!("without/{rule}");
        let text = scenarios::find(&path)?;
        let scenes = Scenario::film(&text).expect("each of them is played in the tests");
        let violation =
            scenes.iter().flat_map(|scene| &scene.records).find_map(|record| match &record.event {
                Event::Laboratory(Laboratory::Violated { property, what_happened }) => {
                    Some((property.clone(), what_happened.clone()))
                }
                _ => None,
            });
        let (promise, what_happens) = violation.expect("it breaks a promise");
        let is_done = |command: &String| !command.trim_start_matches('(').starts_with("expect ");
        let commands = scenes.into_iter().map(|scene| scene.command).filter(is_done).collect();
        Some(Story { path, prose: prose(&text), commands, promise, what_happens })
    }

    /// How many servers the cluster begins with.
    pub(crate) fn servers(&self) -> &str {
        let mut words = self.commands.iter().filter_map(|command| command.strip_prefix("cluster "));
        words.next().and_then(|words| words.split(' ').next()).expect("each of them has a cluster")
    }

    /// How many steps lead to the violation.
    pub(crate) fn steps(&self) -> usize {
        let is_setup = |command: &&String| {
            ["log ", "committed ", "cluster "].iter().any(|setup| command.starts_with(setup))
        };
        self.commands.iter().filter(|command| !is_setup(command)).count()
    }

    fn words(&self) -> String {
        let mut text = String::new();
        for part in &self.prose {
            let _ = writeln!(text, "{}\n", paragraph(part));
        }
        for command in &self.commands {
            let _ = writeln!(text, "    {command}");
        }
        let _ = write!(
            text,
            "\nThe promise that breaks: {}: {}\n\n  look at it       raft replay {}\n",
            self.promise, self.what_happens, self.path
        );
        text
    }
}

/// The paragraphs at the beginning of a scenario, but for the last, which lists rules.
fn prose(text: &str) -> Vec<String> {
    let head: Vec<&str> = text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim).collect();
    let parts = head.split(|line| line.is_empty()).map(|lines| lines.join(" "));
    parts.filter(|part| !part.starts_with("Rules: ")).collect()
}

/// What is known without a search about what happens without this rule, and the commands for more.
pub(crate) fn known_without(rule: Rule) -> String {
    let Some(story) = Story::without(rule) else {
        let reason = why_in_vain(rule).unwrap_or_default();
        return format!("No story shows what breaks without {rule}:\n{}.\n", paragraph(reason));
    };
    match why_in_vain(rule) {
        Some(reason) => format!(
            "{}\n{}\n",
            story.words(),
            paragraph(&format!("This story was written by hand. Random search does not find one: {reason}."))
        ),
        None => format!("{}  search afresh    raft sim --without {rule} --search\n", story.words()),
    }
}

/// Why a search for what breaks without this rule would be in vain; `None` if it would not.
pub(crate) fn why_in_vain(rule: Rule) -> Option<&'static str> {
    let all = UNSHOWN.iter().chain(NOT_FOUND_BY_CHANCE);
    all.filter(|(known, _)| *known == rule).map(|(_, reason)| *reason).next()
}
