//! What happened in a run, as text.

use crate::paragraph::{fitted, paragraph};
use simulator::{Scenario, Scene, Script};
use std::fmt::Write as _;
use trace::{Feed, shown};

/// The story, scene by scene. A riddle does not tell which rule decided.
pub(super) fn story(scenes: &[Scene], is_riddle: bool) -> String {
    let mut feed = Feed::new();
    let mut text = String::new();
    for scene in scenes {
        feed.interrupt();
        for part in &scene.prose {
            let _ = writeln!(text, "{}\n", paragraph(0, &shown(part)));
        }
        if let Some(command) = scene.command.as_ref().filter(|command| !command.starts_with("expect ")) {
            let words = command.split(' ').filter(|word| !word.starts_with("without="));
            let _ = writeln!(text, "▸ {}", shown(&words.collect::<Vec<_>>().join(" ")));
        }
        let lines = scene.records.iter().flat_map(|record| feed.tell(record));
        for line in lines.collect::<Vec<_>>() {
            let _ = match is_riddle {
                true => writeln!(text, "{} {}", line.place(), line.text),
                false => writeln!(text, "{}", fitted(&line, usize::MAX, None)),
            };
        }
        for line in scene.said.lines() {
            let _ = writeln!(text, "  {}", shown(line));
        }
    }
    text
}

/// Plays a script, scene by scene.
pub(super) fn scenes_of(script: &Script) -> Vec<Scene> {
    let mut scenario = Scenario::default();
    let text = script.to_string();
    let commands = text.lines().filter(|line| *line != "---");
    simulator::quietly(|| commands.filter_map(|command| scenario.command(command).ok()).collect())
}
