//! Shows the world of a card as text, and what happens in it.

use super::console::Console;
use crate::paragraph::{columns, wrapped};
use crate::story::Story;
use consensus::Rule;
use course::{Answer, Attempt, Question, expectation};
use simulator::{Scenario, Scene};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use trace::{Episodes, english, shown};

/// A story of more lines is told in headlines.
const MOST_LINES: usize = 14;
/// A table that begins like this has nothing in it.
const EMPTY_TABLE: &str = "index\n";
const ABOUT_LOGS: &str = "Each row is a server's log. The numbers are the terms of its entries.";
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
        let mut lines = String::new();
        let mut changed = BTreeSet::new();
        for scene in scenes {
            if command_of(scene).starts_with("cluster ") {
                (self.episodes, self.told) = (Episodes::default(), BTreeMap::new());
                changed.clear();
            }
            changed.extend(scene.records.iter().filter_map(|record| self.episodes.observe(record)));
            lines += &outcome(scene).unwrap_or_else(|| {
                format!("▸ {}\n{}", shown(command_of(scene)), self.story.tell(scene, true))
            });
        }
        let headlines: String = changed.into_iter().filter_map(|number| self.headline(number)).collect();
        if self.detail == Detail::Full || lines.lines().count() <= MOST_LINES {
            return lines;
        }
        let commands = scenes.iter().filter(|scene| outcome(scene).is_none());
        let commands: Vec<&str> = commands.map(command_of).collect();
        let outcomes: String = scenes.iter().filter_map(outcome).collect();
        format!("{}\n{headlines}{outcomes}", wrapped(columns(), "▸ ", &shown(&commands.join("; "))))
    }

    /// What there is to say about the episode with this number, and was not said before.
    fn headline(&mut self, number: u64) -> Option<String> {
        let episode = self.episodes.get(number)?;
        let text = episode.to_string();
        let before = self.told.insert(number, text.clone()).unwrap_or_default();
        let head = format!("  {} ", english::seconds(episode.t));
        let news = text.strip_prefix(&before).unwrap_or(&text);
        (!news.is_empty()).then(|| wrapped(columns(), &head, news) + "\n")
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
    show_logs(console, &mut scenario)
}

/// Shows the servers' logs, if they have entries.
pub(super) fn show_logs(console: &Console, scenario: &mut Scenario) -> io::Result<()> {
    match scenario.command("logs") {
        Ok(Scene { said, .. }) if !said.starts_with(EMPTY_TABLE) => {
            let lines: String = said.lines().map(|line| format!("  {line}\n")).collect();
            console.print(&(lines + "\n"))?;
            console.explain(ABOUT_LOGS)?;
            if said.contains('|') { console.explain(ABOUT_BARS) } else { Ok(()) }
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
    detail: Detail,
) -> io::Result<()> {
    let attempt = Attempt { world: &question.world, commands: &answer.commands };
    let (mut scenario, film) =
        Scenario::open(&attempt.script()).expect("the answers of the course are played in its tests");
    let mut teller = Teller::new(film.without, detail);
    let (before, after) = film.scenes.split_at(question.world.len());
    let told = teller.tell(before);
    if with_world && !before.is_empty() {
        console.print(&(told + "\n"))?;
    }
    console.print(&teller.tell(after))?;
    for check in &answer.shows {
        console.print(&format!("  true: {}\n", check.in_words()))?;
    }
    console.print("\n")?;
    show_logs(console, &mut scenario)
}

/// Whether what a command expects is so; `None` if it expects nothing.
fn outcome(scene: &Scene) -> Option<String> {
    let command = command_of(scene);
    let words = expectation(command)?;
    let said: Vec<&str> = scene.said.split_whitespace().collect();
    Some(match said.join(" ").split_once("found: ") {
        Some((_, found)) => format!("  false: {words} (true: {})\n", found_in_words(command, found)),
        None => format!("  true: {words}\n"),
    })
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
