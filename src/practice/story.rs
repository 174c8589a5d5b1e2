//! What happened in a run, as text.

use crate::paragraph::paragraph;
use crate::story::Story;
use simulator::{Scenario, Scene, Script, with_all_rules};
use std::fmt::Write as _;
use trace::{Record, shown};

/// The story, scene by scene, up to where the last promise breaks if one does. A mystery does not tell which rule decided.
pub(super) fn story(scenes: &[Scene], is_mystery: bool) -> String {
    let scenes = up_to_violation(scenes);
    let mut story = if is_mystery { Story::mystery() } else { Story::new(None) };
    let mut text = String::new();
    for scene in &scenes {
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

/// What comes after a broken promise only distracts from it.
fn up_to_violation(scenes: &[Scene]) -> Vec<Scene> {
    let end = scenes
        .iter()
        .enumerate()
        .rev()
        .find_map(|(place, scene)| Some((place, scene.records.iter().rposition(Record::is_violation)?)));
    let Some((place, violation)) = end else { return scenes.to_vec() };
    let mut told = scenes[..=place].to_vec();
    told[place].records.truncate(violation + 1);
    told
}

/// Plays a script, scene by scene.
pub(super) fn scenes_of(script: &Script) -> Vec<Scene> {
    let mut scenario = Scenario::default();
    simulator::quietly(|| script.commands().filter_map(|command| scenario.command(&command).ok()).collect())
}
