//! Shows the world of a card as text, and what happens in it.

use super::console::Console;
use crate::paragraph::{columns, wrapped};
use crate::picture::picture;
use crate::story::Story;
use consensus::Rule;
use course::{Answer, Attempt, Question, expectation};
use simulator::{Scenario, Scene};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use trace::{Episodes, english, shown};

/// A story of more lines is told in headlines.
const MOST_LINES: usize = 14;
const ABOUT_LOGS: &str = "Each row is a server's log. The numbers are the terms of its entries.";
const ABOUT_COMMANDS: &str = "A line with ▸ has commands, such as `settle`, and below it is what happened. `? settle` explains the command.";
const ABOUT_BARS: &str = "A bar (|) stands after the last entry that the server has marked as committed.";

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Each line, or headlines if there are too many.
    Brief,
    /// Each line.
    Full,
}

/// Tells what happens, one part after the other.
pub(super) struct Teller {
    story: Story,
    episodes: Episodes,
    /// The headlines that were told, by the numbers of their episodes.
    told: BTreeMap<u64, String>,
    detail: Detail,
}

impl Teller {
    /// `off` is the rule that is switched off.
    pub(super) fn new(off: Option<Rule>, detail: Detail) -> Teller {
        Teller { story: Story::new(off), episodes: Episodes::default(), told: BTreeMap::new(), detail }
    }

    /// The next part: some commands, and what comes of them.
    pub(super) fn tell(&mut self, scenes: &[Scene]) -> String {
        let (mut lines, mut brief) = (String::new(), String::new());
        let (mut commands, mut changed) = (Vec::new(), BTreeSet::new());
        for (place, scene) in scenes.iter().enumerate() {
            if command_of(scene).starts_with("cluster ") {
                (self.episodes, self.told) = (Episodes::default(), BTreeMap::new());
                changed.clear();
            }
            changed.extend(scene.records.iter().filter_map(|record| self.episodes.observe(record)));
            match outcome(scene, &scenes[place + 1..]) {
                Some(outcome) => {
                    lines += &outcome;
                    // What was so at this moment may be otherwise after the next command.
                    brief += &(self.headlines(&mut commands, &mut changed) + &outcome);
                }
                None => {
                    commands.push(command_of(scene));
                    lines += &format!("▸ {}\n{}", shown(command_of(scene)), self.story.tell(scene, true));
                }
            }
        }
        brief += &self.headlines(&mut commands, &mut changed);
        if self.detail == Detail::Full || lines.lines().count() <= MOST_LINES { lines } else { brief }
    }

    /// Some commands, and what has happened in the episodes with these numbers, in headlines.
    fn headlines(&mut self, commands: &mut Vec<&str>, changed: &mut BTreeSet<u64>) -> String {
        let commands = std::mem::take(commands);
        if commands.is_empty() {
            return String::new();
        }
        let mut lines = wrapped(columns(), "▸ ", &shown(&commands.join("; "))) + "\n";
        let mut time = None;
        for number in std::mem::take(changed) {
            lines += &self.headline(number, &mut time).unwrap_or_default();
        }
        lines
    }

    /// What there is to say about the episode with this number, and was not said before. `time` is that of the line above,
    /// which is not repeated.
    fn headline(&mut self, number: u64, time: &mut Option<u64>) -> Option<String> {
        let episode = self.episodes.get(number)?;
        let text = episode.to_string();
        let before = self.told.insert(number, text.clone()).unwrap_or_default();
        let news = text.strip_prefix(&before).unwrap_or(&text);
        if news.is_empty() {
            return None;
        }
        let head = format!("  {} ", english::seconds(episode.t));
        let is_same = time.replace(episode.t) == Some(episode.t);
        let head = if is_same { " ".repeat(head.len()) } else { head };
        Some(wrapped(columns(), &head, news) + "\n")
    }
}

fn command_of(scene: &Scene) -> &str {
    scene.command.as_deref().unwrap_or_default()
}

/// Shows the logs with which a question's world begins. What happens later in it may be the answer.
pub(super) fn show_given_logs(console: &Console, world: &[String]) -> io::Result<()> {
    let mut scenario = Scenario::default();
    for log in world.iter().filter(|command| command.starts_with("log ")) {
        scenario.command(log).expect("the worlds of the course are played in its tests");
    }
    show_servers(console, &mut scenario)
}

/// Shows the servers at the end of a question's world.
pub(super) fn show_end_of_world(console: &Console, world: &[String]) -> io::Result<()> {
    let attempt = Attempt { world, commands: &[] };
    let (mut scenario, _) = attempt.open().expect("the worlds of the course are played in its tests");
    show_servers(console, &mut scenario)
}

/// Shows the servers, if anything has happened to them.
pub(super) fn show_servers(console: &Console, scenario: &mut Scenario) -> io::Result<()> {
    let picture = picture(scenario);
    if picture.is_empty() {
        return Ok(());
    }
    console.print(&format!("{picture}\n"))?;
    if picture.contains("index") {
        console.explain(ABOUT_LOGS)?;
    }
    if picture.contains('|') { console.explain(ABOUT_BARS) } else { Ok(()) }
}

/// Plays a question's world on, until an answer has shown itself right or wrong. What led there is told, too, if
/// `with_world`.
pub(super) fn play_on(
    console: &Console,
    question: &Question,
    answer: &Answer,
    with_world: bool,
    detail: Detail,
) -> io::Result<()> {
    let attempt = Attempt { world: &question.world, commands: &answer.commands };
    let (mut scenario, film) =
        Scenario::open(&attempt.script()).expect("the answers of the course are played in its tests");
    let mut teller = Teller::new(film.without, detail);
    let (before, after) = film.scenes.split_at(question.world.len());
    let told = teller.tell(before);
    console.explain(ABOUT_COMMANDS)?;
    if with_world && !before.is_empty() {
        console.print(&(told + "\n"))?;
    }
    console.print(&teller.tell(after))?;
    for check in &answer.shows {
        console.item("  true: ", &check.in_words())?;
    }
    console.print("\n")?;
    show_servers(console, &mut scenario)
}

/// Whether what a command expects is so, or will be in one of the later scenes; `None` if it expects nothing.
fn outcome(scene: &Scene, later: &[Scene]) -> Option<String> {
    let command = command_of(scene);
    let words = expectation(command)?;
    let is_so = |scene: &Scene| command_of(scene) == command && found(scene).is_none();
    let (head, text) = match found(scene).map(|found| found_in_words(command, &found)) {
        None => ("true", words),
        Some(found) if later.iter().any(is_so) => ("not yet", format!("{words} (now: {found})")),
        Some(found) => ("false", format!("{words} (in fact: {found})")),
    };
    Some(wrapped(columns(), &format!("  {head}: "), &text) + "\n")
}

/// What a command that expects something else has found.
fn found(scene: &Scene) -> Option<String> {
    let said: Vec<&str> = scene.said.split_whitespace().collect();
    said.join(" ").split_once("found: ").map(|(_, found)| found.to_owned())
}

/// What was found in the place of what a command expects.
fn found_in_words(command: &str, found: &str) -> String {
    let words: Vec<&str> = command.split_whitespace().collect();
    let statement = match (words.as_slice(), found) {
        ([_, "leader", _] | [_, "some-leader"], "nobody") => "expect no-leader".to_owned(),
        ([_, "leader", _] | [_, "no-leader"], _) => format!("expect leader {found}"),
        ([_, "log", server, ..], "an empty log") => format!("expect log {server}"),
        ([_, what @ ("role" | "term" | "log" | "commit"), server, ..], _) => {
            format!("expect {what} {server} {found}")
        }
        ([_, "violation"], _) => "expect no-violation".to_owned(),
        _ => String::new(),
    };
    expectation(&statement).unwrap_or_else(|| found.to_owned())
}
