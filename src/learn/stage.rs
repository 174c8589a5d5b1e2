//! Shows the world of a card as text, and what happens in it.

use super::console::Console;
use crate::story::Story;
use course::{Answer, Attempt, Question, expectation};
use simulator::{Scenario, Scene};
use std::io;
use trace::shown;

/// The tables that begin like this have nothing in them.
const EMPTY_TABLE: &str = "index\n";

/// Shows the logs with which a question's world begins. What happens later in it may be the answer.
pub(super) fn show_given_logs(console: &Console, world: &[String]) -> io::Result<()> {
    let mut scenario = Scenario::default();
    for log in world.iter().filter(|command| command.starts_with("log ")) {
        scenario.command(log).expect("the worlds of the course are played in its tests");
    }
    show_logs(console, &mut scenario)
}

/// Shows the servers' logs, if they have entries.
pub(super) fn show_logs(console: &Console, scenario: &mut Scenario) -> io::Result<()> {
    match scenario.command("logs") {
        Ok(Scene { said, .. }) if !said.starts_with(EMPTY_TABLE) => {
            console.print("\n")?;
            let lines: String = said.lines().map(|line| format!("  {line}\n")).collect();
            console.print(&(lines + "\n"))
        }
        _ => Ok(()),
    }
}

/// Plays a question's world on, until an answer has shown itself right or wrong. What led there is told, too, if
/// `with_world`.
pub(super) fn play_on(
    console: &Console,
    question: &Question,
    answer: &Answer,
    with_world: bool,
) -> io::Result<()> {
    let attempt = Attempt { world: &question.world, commands: &answer.commands };
    let (mut scenario, film) =
        Scenario::open(&attempt.script()).expect("the answers of the course are played in its tests");
    let mut story = Story::new(film.without);
    let (before, after) = film.scenes.split_at(question.world.len());
    for scene in before {
        let told = told(&mut story, scene);
        if with_world {
            console.print(&told)?;
        }
    }
    for scene in after {
        console.print(&told(&mut story, scene))?;
    }
    for check in &answer.shows {
        console.print(&format!("  so it is: {}\n", check.in_words()))?;
    }
    show_logs(console, &mut scenario)
}

/// A command and what came of it.
pub(super) fn told(story: &mut Story, scene: &Scene) -> String {
    let command = scene.command.as_deref().unwrap_or_default();
    if let Some(words) = expectation(command) {
        return match found(&scene.said) {
            Some(found) => format!("  not so: {words} (found: {found})\n"),
            None => format!("  so it is: {words}\n"),
        };
    }
    format!("▸ {}\n{}", shown(command), story.tell(scene, true))
}

/// What an expectation that is not met has found instead.
fn found(said: &str) -> Option<String> {
    let said: Vec<&str> = said.split_whitespace().collect();
    said.join(" ").split_once("found: ").map(|(_, found)| found.to_owned())
}
