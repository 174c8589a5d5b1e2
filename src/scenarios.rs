//! The scenarios that this program has within, so that the page can open each of them.

use crate::tape::Tape;
use rust_embed::{EmbeddedFile, RustEmbed};
use std::borrow::Cow;

#[derive(RustEmbed)]
#[folder = "scenarios/"]
struct Files;

/// All of them, for the page.
pub(crate) fn for_page() -> web::Scenarios {
    let titles = Files::iter().filter_map(|path| {
        let name = path.strip_suffix(".txt")?.to_owned();
        let title = title(&text(Files::get(&path)?)).unwrap_or(&name).to_owned();
        Some(web::ScenarioTitle { name, title })
    });
    web::Scenarios { titles: titles.collect(), film }
}

/// The name of the scenario with this text, if it is one of them.
pub(crate) fn name_of(text: &str) -> Option<String> {
    let is_same = |path: &Cow<'_, str>| Files::get(path).is_some_and(|file| *file.data == *text.as_bytes());
    Files::iter().find(is_same)?.strip_suffix(".txt").map(str::to_owned)
}

/// What a scenario's heading says.
pub(crate) fn title(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("# "))
}

fn film(name: &str) -> Option<String> {
    let file = Files::get(&format!("{name}.txt"))?;
    let tape = Tape::play(name, &text(file)).expect("each of them is played in the tests");
    Some(web::embedded(&tape.setup_of_page(), tape.records()))
}

fn text(file: EmbeddedFile) -> String {
    String::from_utf8(file.data.into_owned()).expect("scenarios are text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scenario_can_be_played_by_its_name() {
        let web::Scenarios { titles, film } = for_page();
        assert!(titles.len() > 100, "{titles:?}");
        for web::ScenarioTitle { name, title } in titles {
            let played = film(&name).unwrap_or_else(|| panic!("there is no {name}"));
            assert!(played.contains(&format!(r#""scenario":"{name}""#)), "{name} is another one");
            assert!(!title.is_empty());
        }
        assert_eq!(film("../Cargo"), None);
        assert_eq!(film("elections/nothing"), None);
    }
}
