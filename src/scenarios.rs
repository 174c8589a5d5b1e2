//! The scenarios that are built into this program, in learning order.

use crate::tape::Tape;
use consensus::Rule;
use rust_embed::{EmbeddedFile, RustEmbed};
use std::borrow::Cow;
use std::fmt;

/// The scenarios, and README.md, which lists them in learning order.
#[derive(RustEmbed)]
#[folder = "scenarios/"]
struct Files;

/// Scenarios that teach one thing, from simple to hard.
#[derive(Debug, Clone)]
pub(crate) struct Chapter {
    pub(crate) number: usize,
    pub(crate) name: String,
    /// Its topic.
    pub(crate) about: String,
    pub(crate) scenarios: Vec<Listed>,
}

/// A scenario in the list.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    /// Its file below scenarios/, without the ending, such as `elections/first-election`.
    pub(crate) path: String,
    pub(crate) title: String,
    /// The rules that it is about, the most important one first.
    pub(crate) rules: Vec<Rule>,
    /// What it says to its reader.
    pub(crate) prose: String,
}

impl fmt::Display for Chapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}", self.number, self.name)
    }
}

/// All scenarios, as scenarios/README.md lists them.
pub(crate) fn chapters() -> Vec<Chapter> {
    let readme = text(Files::get("README.md").expect("it is embedded"));
    readme
        .split("\n## ")
        .skip(1)
        .map(|section| chapter(section).expect("it has the form of a chapter"))
        .collect()
}

/// The chapter in this section: a heading such as `2. Terms and the first election`, its topic, and a list.
fn chapter(section: &str) -> Option<Chapter> {
    let (heading, rest) = section.split_once('\n')?;
    let (number, name) = heading.split_once(". ")?;
    let about: Vec<&str> = rest.lines().take_while(|line| !line.starts_with("- ")).collect();
    Some(Chapter {
        number: number.parse().ok()?,
        name: name.to_owned(),
        about: about.join(" ").trim().to_owned(),
        scenarios: links(rest).map(|(_, path)| listed(path)).collect(),
    })
}

/// The links in a list, each on a line of its own: the text, and the scenario.
fn links(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.lines().filter_map(|line| line.strip_prefix("- [")?.strip_suffix(".txt)")?.split_once("]("))
}

fn listed(path: &str) -> Listed {
    let text = find(path).unwrap_or_else(|| panic!("scenarios/README.md lists {path}, which is not there"));
    Listed {
        path: path.to_owned(),
        title: title(&text).unwrap_or(path).to_owned(),
        rules: rules(&text),
        prose: prose(&text),
    }
}

/// The text of the scenario with this path. The path may also be completed by a shell, as in
/// `scenarios/elections/first-election.txt`, or be the name alone, if only one scenario has it.
pub(crate) fn find(path: &str) -> Option<String> {
    let path = short(path);
    let exact = Files::get(&format!("{path}.txt")).map(text);
    exact.or_else(|| {
        let mut same_name =
            paths().filter(|known| known.rsplit_once('/').is_some_and(|(_, name)| name == path));
        let only = same_name.next().filter(|_| same_name.next().is_none())?;
        Files::get(&format!("{only}.txt")).map(text)
    })
}

/// The scenario whose path is most similar to this one, if any is similar.
pub(crate) fn similar(path: &str) -> Option<String> {
    let path = short(path);
    let name = |path: &str| path.rsplit_once('/').map_or(path.to_owned(), |(_, name)| name.to_owned());
    let likeness =
        |known: &str| strsim::jaro_winkler(known, path).max(strsim::jaro_winkler(&name(known), &name(path)));
    most_similar(paths().map(|known| (likeness(&known), known)))
}

/// Minimum similarity of two names: the same as clap's.
const LIKE: f64 = 0.7;

/// Of names, each with its similarity to another one, the most similar, if any is similar.
pub(crate) fn most_similar<T>(names: impl Iterator<Item = (f64, T)>) -> Option<T> {
    let similar = names.filter(|(likeness, _)| *likeness > LIKE);
    similar.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, name)| name)
}

fn paths() -> impl Iterator<Item = String> {
    Files::iter().filter_map(|path| path.strip_suffix(".txt").map(str::to_owned))
}

fn short(path: &str) -> &str {
    let path = path.strip_prefix("scenarios/").unwrap_or(path);
    path.strip_suffix(".txt").unwrap_or(path)
}

/// The path of the scenario with this text, if it is one of them.
pub(crate) fn path_of(text: &str) -> Option<String> {
    let is_same = |path: &Cow<'_, str>| Files::get(path).is_some_and(|file| *file.data == *text.as_bytes());
    Files::iter().find(is_same)?.strip_suffix(".txt").map(str::to_owned)
}

/// The title in a scenario's first line.
pub(crate) fn title(text: &str) -> Option<&str> {
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

/// The scenarios about these words, or words that begin with them: first those with the words next to each
/// other in their titles, paths or rules, then those of a chapter with such a name, then those with each of
/// them there, then those that mention them.
pub(crate) fn about<'a>(chapters: &'a [Chapter], words: &str) -> Vec<&'a Listed> {
    let words = Words::of(words);
    let rank = |chapter: &Chapter, scenario: &Listed| {
        let rules: Vec<&str> = scenario.rules.iter().map(|rule| rule.id()).collect();
        let names = format!("{} {} {}", scenario.title, scenario.path, rules.join(" "));
        if words.are_in_a_row_in(&names) {
            Some(0)
        } else if words.are_in_a_row_in(&chapter.name) {
            Some(if words.are_in(&scenario.prose) { 1 } else { 2 })
        } else if words.are_in(&names) {
            Some(3)
        } else if words.are_in(&scenario.prose) {
            Some(if words.are_in_a_row_in(&scenario.prose) { 4 } else { 5 })
        } else {
            None
        }
    };
    let all = chapters.iter().flat_map(|chapter| chapter.scenarios.iter().map(move |one| (chapter, one)));
    let mut found: Vec<(usize, &Listed)> =
        all.filter_map(|(chapter, scenario)| Some((rank(chapter, scenario)?, scenario))).collect();
    found.sort_by_key(|(rank, _)| *rank);
    let last = match found.first() {
        Some((0..=2, _)) => 2,
        Some((3, _)) => 4,
        _ => 5,
    };
    found.into_iter().filter(|(rank, _)| *rank <= last).map(|(_, scenario)| scenario).collect()
}

/// Words to look for.
pub(crate) struct Words(Vec<String>);

impl Words {
    pub(crate) fn of(text: &str) -> Words {
        Words(text.split_whitespace().map(str::to_lowercase).collect())
    }

    /// Does a word of the text begin with each of them?
    pub(crate) fn are_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.0.iter().all(|word| has(&text, word))
    }

    /// Are they in the text, next to each other?
    pub(crate) fn are_in_a_row_in(&self, text: &str) -> bool {
        has(&text.to_lowercase(), &self.0.join(" "))
    }
}

/// Does a word in the text begin like this?
fn has(text: &str, beginning: &str) -> bool {
    let is_inside_word = |place: usize| text[..place].ends_with(char::is_alphanumeric);
    text.match_indices(beginning).any(|(place, _)| !is_inside_word(place))
}

/// All of them, for the page.
pub(crate) fn for_page() -> web::Scenarios {
    let titles = chapters().into_iter().flat_map(|chapter| {
        chapter.scenarios.into_iter().map(move |scenario| web::ScenarioTitle {
            chapter: web::Chapter { number: chapter.number, name: chapter.name.clone() },
            path: scenario.path,
            title: scenario.title,
            rules: scenario.rules,
            prose: scenario.prose,
        })
    });
    web::Scenarios { titles: titles.collect(), film }
}

fn film(path: &str) -> Option<String> {
    let tape = Tape::play(path, &find(path)?).expect("each of them is played in the tests");
    Some(web::embedded(&tape.setup_of_page(), tape.records()))
}

fn text(file: EmbeddedFile) -> String {
    String::from_utf8(file.data.into_owned()).expect("scenarios are text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    #[test]
    fn each_scenario_can_be_played_by_its_path() {
        let web::Scenarios { titles, film } = for_page();
        assert!(titles.len() > 100, "{titles:?}");
        for web::ScenarioTitle { path, title, .. } in titles {
            let played = film(&path).unwrap_or_else(|| panic!("there is no {path}"));
            assert!(played.contains(&format!(r#""scenario":"{path}""#)), "{path} is another one");
            assert!(!title.is_empty());
        }
        assert_eq!(film("../Cargo"), None);
        assert_eq!(film("elections/nothing"), None);
    }

    /// `UPDATE_GOLDEN=1` writes the titles that the scenarios have now.
    #[test]
    fn the_readme_lists_each_scenario_once_by_its_title() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/README.md");
        let mut readme = fs::read_to_string(&file).unwrap();
        let mut times_listed: BTreeMap<String, usize> = BTreeMap::new();
        for (said, path) in links(&readme.clone()) {
            *times_listed.entry(format!("{path}.txt")).or_default() += 1;
            let title = listed(path).title;
            if said != title && std::env::var_os("UPDATE_GOLDEN").is_some() {
                readme = readme.replace(&format!("[{said}]({path}.txt)"), &format!("[{title}]({path}.txt)"));
                fs::write(&file, &readme).unwrap();
            } else {
                assert_eq!(
                    said, title,
                    "UPDATE_GOLDEN=1 writes the title of {path} into scenarios/README.md"
                );
            }
        }
        for scenario in Files::iter().filter(|path| path.ends_with(".txt")) {
            let times = times_listed.remove(&*scenario);
            assert_eq!(times, Some(1), "list {scenario} once in scenarios/README.md");
        }
        assert!(times_listed.is_empty(), "scenarios/README.md lists what is not there: {times_listed:?}");
    }

    #[test]
    fn chapters_have_a_name_and_a_sentence() {
        let chapters = chapters();
        assert_eq!(chapters.len(), 13);
        for (number, chapter) in (1..).zip(&chapters) {
            assert_eq!(chapter.number, number, "{chapter}");
            assert!(chapter.about.ends_with(['.', '?']), "{chapter}: what is it about?");
            assert!(!chapter.scenarios.is_empty(), "{chapter} has no scenarios");
        }
    }

    #[test]
    fn a_name_alone_finds_a_scenario_and_a_mistyped_one_is_recognised() {
        assert_eq!(find("first-election"), find("elections/first-election"));
        assert!(find("first-election").is_some());
        assert!(find("one-vote-per-term").is_none(), "it is in elections, and in without");
        assert_eq!(similar("elections/frist-election").as_deref(), Some("elections/first-election"));
        assert_eq!(similar("scenarios/figure8.txt").as_deref(), Some("replication/figure-8"));
        assert_eq!(similar("zzz"), None);
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
