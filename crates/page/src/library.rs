//! The scenarios that are built into a program, in learning order.

use crate::run::Run;
use consensus::Rule;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// Scenarios, and the list that has them in learning order.
#[derive(Debug)]
pub struct Library {
    list: Cow<'static, str>,
    /// The text of each, by its path.
    texts: BTreeMap<String, Cow<'static, str>>,
}

/// Scenarios that teach one thing, from simple to hard.
#[derive(Debug, Clone)]
pub struct Chapter {
    /// Its number and name.
    pub name: ChapterName,
    /// Its topic.
    pub about: String,
    /// Its scenarios, in learning order.
    pub scenarios: Vec<ScenarioTitle>,
}

/// The number and name of a chapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "Chapter"))]
pub struct ChapterName {
    /// Its number, from 1.
    pub number: usize,
    /// Its name, such as `Terms and the first election`.
    pub name: String,
}

impl fmt::Display for ChapterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}", self.number, self.name)
    }
}

/// A scenario in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ScenarioTitle {
    /// The chapter in which a learner meets it.
    pub chapter: ChapterName,
    /// Its file below scenarios/, without the ending, such as `elections/first-election`.
    pub path: String,
    /// What it is about, in a few words.
    pub title: String,
    /// The rules that it is about, the most important one first.
    pub rules: Vec<Rule>,
    /// What it says to its reader.
    pub prose: String,
}

impl Library {
    /// The scenarios in these files: each with its path below scenarios/. One of them is README.md, which lists
    /// the others.
    pub fn new(files: impl IntoIterator<Item = (String, Cow<'static, str>)>) -> Library {
        let mut library = Library { list: Cow::Borrowed(""), texts: BTreeMap::new() };
        for (path, text) in files {
            match path.strip_suffix(".txt") {
                Some(path) => drop(library.texts.insert(path.to_owned(), text)),
                None => library.list = text,
            }
        }
        library
    }

    /// All scenarios, as the list has them.
    pub fn chapters(&self) -> Vec<Chapter> {
        let sections = self.list.split("\n## ").skip(1);
        sections.map(|section| self.chapter(section).expect("it has the form of a chapter")).collect()
    }

    /// The chapter in this section: a heading such as `2. Terms and the first election`, its topic, and a list.
    fn chapter(&self, section: &str) -> Option<Chapter> {
        let (heading, rest) = section.split_once('\n')?;
        let (number, name) = heading.split_once(". ")?;
        let name = ChapterName { number: number.parse().ok()?, name: name.to_owned() };
        let about: Vec<&str> = rest.lines().take_while(|line| !line.starts_with("- ")).collect();
        Some(Chapter {
            about: about.join(" ").trim().to_owned(),
            scenarios: links(rest).map(|(_, path)| self.listed(path, &name)).collect(),
            name,
        })
    }

    fn listed(&self, path: &str, chapter: &ChapterName) -> ScenarioTitle {
        let text = self.texts.get(path);
        let text = text.unwrap_or_else(|| panic!("scenarios/README.md lists {path}, which is not there"));
        ScenarioTitle {
            chapter: chapter.clone(),
            path: path.to_owned(),
            title: title(text).unwrap_or(path).to_owned(),
            rules: rules(text),
            prose: prose(text),
        }
    }

    /// All scenarios, in learning order.
    pub fn titles(&self) -> Vec<ScenarioTitle> {
        self.chapters().into_iter().flat_map(|chapter| chapter.scenarios).collect()
    }

    /// The paths of all scenarios.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    /// The text of the scenario with this path. The path may also be completed by a shell, as in
    /// `scenarios/elections/first-election.txt`, or be the name alone, if only one scenario has it.
    pub fn find(&self, path: &str) -> Option<&str> {
        let path = path.strip_prefix("scenarios/").unwrap_or(path);
        let path = path.strip_suffix(".txt").unwrap_or(path);
        let exact = self.texts.get(path);
        let found = exact.or_else(|| {
            let has_name = |known: &&String| known.rsplit_once('/').is_some_and(|(_, name)| name == path);
            let mut same_name = self.texts.keys().filter(has_name);
            let only = same_name.next().filter(|_| same_name.next().is_none())?;
            self.texts.get(only)
        });
        found.map(|text| &**text)
    }

    /// The path of the scenario with this text, if it is one of them.
    pub fn path_of(&self, text: &str) -> Option<&str> {
        self.texts.iter().find(|(_, known)| **known == text).map(|(path, _)| path.as_str())
    }

    /// Plays the scenario with this path; `None` if there is none.
    pub fn play(&self, path: &str) -> Option<Run> {
        let text = self.find(path)?;
        let mut run = Run::of_script(path, text).expect("each of them is played in the tests");
        run.setup.scenario = self.path_of(text).map(str::to_owned);
        Some(run)
    }
}

/// The links in a list, each on a line of its own: the text, and the scenario.
fn links(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.lines().filter_map(|line| line.strip_prefix("- [")?.strip_suffix(".txt)")?.split_once("]("))
}

/// The title in a scenario's first line.
pub fn title(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("# "))
}

/// The rules that a scenario is about. Its head, the comment with which it begins, ends with them.
fn rules(text: &str) -> Vec<Rule> {
    let head: Vec<&str> = text.lines().map_while(|line| line.strip_prefix('#')).collect();
    let head = head.join("");
    let ids = head.split_once(" Rules: ").map_or("", |(_, ids)| ids);
    ids.split(", ").filter_map(|id| id.parse().ok()).collect()
}

/// The comments of a scenario without its title, in one line.
fn prose(text: &str) -> String {
    let comments = text.lines().skip(1).filter_map(|line| line.strip_prefix("# "));
    comments.filter(|comment| !comment.starts_with("Rules: ")).collect::<Vec<&str>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library() -> Library {
        let list = "# Scenarios\n\n## 1. One\n\nWhat is one?\n\n- [First](a/first.txt)\n- [Same](b/same.txt)\n\n## 2. Two\n\nTwo.\n\n- [Same](c/same.txt)\n";
        let files = [
            ("README.md", list),
            ("a/first.txt", "# First\n#\n# It runs.\n#\n# Rules: pre-vote\n\ncluster 3\nrun 1s\n---\n"),
            ("b/same.txt", "# Same\n\ncluster 3\n---\n"),
            ("c/same.txt", "# Same again\n\ncluster 5\n---\n"),
        ];
        Library::new(files.map(|(path, text)| (path.to_owned(), text.into())))
    }

    #[test]
    fn the_list_has_the_scenarios_in_learning_order() {
        let chapters = library().chapters();
        let names: Vec<String> = chapters.iter().map(|chapter| chapter.name.to_string()).collect();
        assert_eq!(names, ["1. One", "2. Two"]);
        assert_eq!(chapters[0].about, "What is one?");
        let titles = library().titles();
        let paths: Vec<&str> = titles.iter().map(|scenario| scenario.path.as_str()).collect();
        assert_eq!(paths, ["a/first", "b/same", "c/same"]);
        assert_eq!((&*titles[0].title, &*titles[0].prose), ("First", "It runs."));
        assert_eq!(titles[0].rules, [Rule::PreVote]);
        assert_eq!(titles[2].chapter.number, 2);
    }

    #[test]
    fn a_scenario_is_found_by_its_path_or_by_a_name_that_only_it_has() {
        let library = library();
        assert_eq!(library.path_of(library.find("scenarios/a/first.txt").unwrap()), Some("a/first"));
        assert_eq!(library.find("first"), library.find("a/first"));
        assert_eq!(library.find("same"), None);
        assert_eq!(library.find("../first"), None);
    }

    #[test]
    fn a_scenario_that_is_played_has_its_scenes_and_records() {
        let run = library().play("first").unwrap();
        assert_eq!(run.setup.scenario.as_deref(), Some("a/first"));
        assert_eq!(run.setup.title, "First");
        assert_eq!(run.setup.servers.len(), 3);
        assert_eq!(run.setup.scenes[0].prose, ["It runs."]);
        assert!(run.setup.scenes[1].before > 1 && run.records.len() > 20, "{:?}", run.setup.scenes);
        assert!(library().play("nothing").is_none());
    }

    #[test]
    fn the_rules_of_a_scenario_end_its_head() {
        let rules = |text| rules(text).iter().map(|rule| rule.id()).collect::<Vec<&str>>();
        assert_eq!(rules("# T\n#\n# Text.\n#\n# Rules: pre-vote\n\ncluster 3"), ["pre-vote"]);
        assert_eq!(
            rules("# T\n#\n# Rules: pre-vote,\n# check-quorum\n\n# Rules: no-op"),
            ["pre-vote", "check-quorum"]
        );
        assert!(rules("# T\n#\n# Text.\n\ncluster 3").is_empty());
    }
}
