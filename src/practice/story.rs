//! What happened in a run, as text.

use crate::paragraph::paragraph;
use crate::story::Story;
use simulator::{Scenario, Scene, Script, with_all_rules};
use std::fmt::Write as _;
use trace::shown;

/// The story, scene by scene. A mystery does not tell which rule decided.
pub(super) fn story(scenes: &[Scene], is_mystery: bool) -> String {
    let mut story = if is_mystery { Story::mystery() } else { Story::new(None) };
    let mut text = String::new();
    for scene in scenes {
        for part in &scene.prose {
            let _ = writeln!(text, "{}\n", paragraph(0, &shown(part)));
        }
        if let Some(command) = scene.command.as_ref().filter(|command| !command.starts_with("expect ")) {
            let _ = writeln!(text, "▸ {}", shown(&with_all_rules(command)));
        }
        text += &story.tell(scene, true);
    }
    text
}

/// Plays a script, scene by scene.
pub(super) fn scenes_of(script: &Script) -> Vec<Scene> {
    let mut scenario = Scenario::default();
    simulator::quietly(|| script.commands().filter_map(|command| scenario.command(&command).ok()).collect())
}
