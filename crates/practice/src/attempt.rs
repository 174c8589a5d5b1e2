//! The commands that a learner gives.

use crate::check::OUT_OF;
use simulator::{Scenario, Violation};
use std::fmt;

/// Why these commands can't be marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoAttempt(pub(crate) String);

impl fmt::Display for NoAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoAttempt {}

/// The commands of a scenario, each with the number of its line: not its prose, nor the outcomes that are written in it.
pub(crate) fn commands_of(text: &str) -> Vec<(usize, &str)> {
    let mut is_outcome = false;
    let mut commands = Vec::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        is_outcome = line == "---" || is_outcome && !line.is_empty();
        if !is_outcome && !line.is_empty() && !line.starts_with('#') {
            // In parentheses it is the same command, of which less is shown.
            let inner = line.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
            commands.push((number, inner.unwrap_or(line)));
        }
    }
    commands
}

pub(crate) fn name(command: &str) -> &str {
    command.split(' ').next().unwrap_or_default()
}

/// Does it do something to the cluster?
pub(crate) fn counts(command: &str) -> bool {
    let does_nothing = [
        "log",
        "committed",
        "memory",
        "cluster",
        "expect",
        "logs",
        "status",
        "messages",
        "history",
        "verbose",
    ];
    !does_nothing.contains(&name(command))
}

/// The points for commands that do it. Each command above par costs one.
pub(crate) fn points_for(commands: usize, par: usize) -> u32 {
    OUT_OF.saturating_sub(commands.saturating_sub(par) as u32).max(4)
}

pub(crate) fn first_violation(scenario: &Scenario) -> Option<&Violation> {
    scenario.world()?.violations().first()
}
