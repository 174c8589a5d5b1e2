//! The scenarios that are built into this program, in learning order, and the search among them.

use page::{Chapter, Library, ScenarioTitle};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::borrow::Cow;
use std::sync::LazyLock;

/// The scenarios, and README.md, which lists them in learning order.
#[derive(RustEmbed)]
#[folder = "scenarios/"]
struct Files;

/// All of them.
pub(crate) fn library() -> &'static Library {
    static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
        Library::new(
            Files::iter().map(|path| (path.to_string(), text(Files::get(&path).expect("it is listed")))),
        )
    });
    &LIBRARY
}

fn text(file: EmbeddedFile) -> Cow<'static, str> {
    let utf8 = "scenarios are text";
    match file.data {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).expect(utf8).into(),
        Cow::Owned(bytes) => String::from_utf8(bytes).expect(utf8).into(),
    }
}

/// The scenario whose path is most similar to this one, if any is similar.
pub(crate) fn similar(path: &str) -> Option<&'static str> {
    let path = path.strip_prefix("scenarios/").unwrap_or(path);
    let path = path.strip_suffix(".txt").unwrap_or(path);
    let name = |path: &str| path.rsplit_once('/').map_or(path.to_owned(), |(_, name)| name.to_owned());
    let likeness =
        |known: &str| strsim::jaro_winkler(known, path).max(strsim::jaro_winkler(&name(known), &name(path)));
    most_similar(library().paths().map(|known| (likeness(known), known)))
}

/// Minimum similarity of two names: the same as clap's.
const LIKE: f64 = 0.7;

/// Of names, each with its similarity to another one, the most similar, if any is similar.
pub(crate) fn most_similar<T>(names: impl Iterator<Item = (f64, T)>) -> Option<T> {
    let similar = names.filter(|(likeness, _)| *likeness > LIKE);
    similar.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, name)| name)
}

/// The scenarios about these words, or words that begin with them: first those with the words next to each
/// other in their titles, paths or rules, then those of a chapter with such a name, then those with each of
/// them there, then those that mention them.
pub(crate) fn about<'a>(chapters: &'a [Chapter], words: &str) -> Vec<&'a ScenarioTitle> {
    let words = Words::of(words);
    let rank = |chapter: &Chapter, scenario: &ScenarioTitle| {
        let rules: Vec<&str> = scenario.rules.iter().map(|rule| rule.id()).collect();
        let names = format!("{} {} {}", scenario.title, scenario.path, rules.join(" "));
        if words.are_in_a_row_in(&names) {
            Some(0)
        } else if words.are_in_a_row_in(&chapter.name.name) {
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
    let mut found: Vec<(usize, &ScenarioTitle)> =
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    #[test]
    fn each_scenario_can_be_played_by_its_path() {
        let titles = library().titles();
        assert!(titles.len() > 100, "{titles:?}");
        for ScenarioTitle { path, title, .. } in titles {
            let played = library().play(&path).unwrap_or_else(|| panic!("there is no {path}"));
            assert_eq!(played.setup.scenario.as_ref(), Some(&path));
            assert!(!title.is_empty());
        }
        assert!(library().play("../Cargo").is_none());
        assert!(library().play("elections/nothing").is_none());
    }

    /// `UPDATE_GOLDEN=1` writes the titles that the scenarios have now.
    #[test]
    fn the_readme_lists_each_scenario_once_by_its_title() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/README.md");
        let mut readme = fs::read_to_string(&file).unwrap();
        let mut times_listed: BTreeMap<String, usize> = BTreeMap::new();
        let links = readme
            .lines()
            .filter_map(|line| line.strip_prefix("- [")?.strip_suffix(".txt)")?.split_once("]("));
        for (said, path) in links.map(|(said, path)| (said.to_owned(), path.to_owned())).collect::<Vec<_>>() {
            *times_listed.entry(format!("{path}.txt")).or_default() += 1;
            let title = page::title(library().find(&path).unwrap()).unwrap().to_owned();
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
        let chapters = library().chapters();
        assert_eq!(chapters.len(), 13);
        for (number, chapter) in (1..).zip(&chapters) {
            let name = &chapter.name;
            assert_eq!(name.number, number, "{name}");
            assert!(chapter.about.ends_with(['.', '?']), "{name}: what is it about?");
            assert!(!chapter.scenarios.is_empty(), "{name} has no scenarios");
        }
    }

    #[test]
    fn a_name_alone_finds_a_scenario_and_a_mistyped_one_is_recognised() {
        let find = |name| library().find(name);
        assert_eq!(find("first-election"), find("elections/first-election"));
        assert!(find("first-election").is_some());
        assert!(find("one-vote-per-term").is_none(), "it is in elections, and in without");
        assert_eq!(similar("elections/frist-election"), Some("elections/first-election"));
        assert_eq!(similar("scenarios/figure8.txt"), Some("replication/figure-8"));
        assert_eq!(similar("zzz"), None);
    }
}
