//! `raft rules`

mod places;

use crate::paragraph::paragraph;
use crate::scenarios::{self, Words, library};
use clap::Args;
use command::{Failure, WordParser, written};
use consensus::Rule;
use page::{Chapter, ScenarioTitle};
use serde_json::json;
use simulator::{NOT_FOUND_BY_CHANCE, UNSHOWN};
use std::io::{self, Write};
use std::process::ExitCode;
use trace::glossary::{Definition, definitions_in};
use trace::shown;

/// Maximum number of scenarios shown for a rule: some rules are involved in many.
const MOST_STORIES: usize = 5;
/// Maximum number of rules, and of scenarios, shown for a search.
const MOST_FOUND: usize = 8;

/// List the rules of Raft; explain one, or a word
///
/// Each rule has a name, which `raft up` and `raft replay` show beside each
/// decision. The list is in learning order, chapter by chapter. With any other
/// words: what they mean, and which rules and scenarios are about them.
///
///   raft rules
///   raft rules one-vote-per-term
///   raft rules heartbeat
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct RulesArguments {
    /// The rule to explain, or words to look for
    #[arg(value_name = "RULE|WORDS", value_parser = WordParser, hide_possible_values = true)]
    words: Vec<String>,

    /// Print one JSON object per line, for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: RulesArguments) -> Result<ExitCode, Failure> {
    let chapters = library().chapters();
    let rules = in_order(&chapters);
    let words = arguments.words.join(" ");
    let rule: Option<Rule> = words.parse().ok();
    let text = match rule {
        _ if arguments.json => {
            let wanted = rule.map_or_else(|| about_rules(&words, &rules), |rule| vec![rule]);
            let asked_for: Vec<&(&Chapter, Rule)> =
                rules.iter().filter(|(_, rule)| wanted.contains(rule)).collect();
            if asked_for.is_empty() {
                return Err(unknown(&words));
            }
            asked_for.iter().map(|(chapter, rule)| as_json(*rule, chapter, &chapters)).collect()
        }
        Some(rule) => explain(rule, &chapters),
        None if words.is_empty() => list(&rules),
        None => about(&words, &rules, &chapters).ok_or_else(|| unknown(&words))?,
    };
    written(io::stdout().write_all(text.as_bytes()))
}

/// The rules, each with its chapter, in the order of their counterexamples.
fn in_order(chapters: &[Chapter]) -> Vec<(&Chapter, Rule)> {
    let mut rules: Vec<(&Chapter, Rule)> = Vec::new();
    for chapter in chapters {
        let without = chapter.scenarios.iter().filter_map(|scenario| scenario.path.strip_prefix("without/"));
        rules.extend(without.filter_map(|id| id.parse().ok()).map(|rule| (chapter, rule)));
    }
    // A rule without a counterexample comes after the one after which it is declared.
    for (before, unshown) in Rule::ALL.iter().zip(&Rule::ALL[1..]) {
        let place_of = |wanted: &Rule| rules.iter().position(|(_, rule)| rule == wanted);
        if let (Some(place), None) = (place_of(before), place_of(unshown)) {
            rules.insert(place + 1, (rules[place].0, *unshown));
        }
    }
    rules
}

fn list(rules: &[(&Chapter, Rule)]) -> String {
    let mut text = format!(
        "{} rules, in learning order. `raft rules RULE` explains one.\n\
         § is a section of the Raft paper (extended version) or of Ongaro's thesis.\n",
        rules.len()
    );
    let mut last_number = 0;
    for (chapter, rule) in rules {
        if chapter.name.number != last_number {
            last_number = chapter.name.number;
            text += &format!("\n{}\n\n", chapter.name);
        }
        text += &format!("  {rule}  ({})\n{}\n", sections(*rule), paragraph(6, rule.statement()));
    }
    text
}

/// What is known about these words: their meaning, and the rules and scenarios about them; `None` if nothing
/// is.
fn about(words: &str, rules: &[(&Chapter, Rule)], chapters: &[Chapter]) -> Option<String> {
    let mut parts = Vec::new();
    let meanings = definitions_in(words).into_iter().map(|Definition { words, meaning }| {
        format!("{}\n", paragraph(0, &format!("{}: {meaning}.", words.join(", "))))
    });
    parts.extend(meanings);
    let found = about_rules(words, rules);
    if !found.is_empty() {
        let mut part = String::from("Rules (`raft rules RULE` explains one):\n");
        for rule in found.iter().take(MOST_FOUND) {
            part += &format!("  {rule}\n{}\n", paragraph(6, rule.statement()));
        }
        if found.len() > MOST_FOUND {
            part += &format!("  {} more: `raft rules` lists all\n", found.len() - MOST_FOUND);
        }
        parts.push(part);
    }
    let stories = scenarios::about(chapters, words);
    if !stories.is_empty() {
        let mut part = String::from("Scenarios:\n");
        for ScenarioTitle { path, title, .. } in stories.iter().take(MOST_FOUND) {
            part += &format!("  raft replay {path}\n{}\n", paragraph(6, title));
        }
        if stories.len() > MOST_FOUND {
            part += &format!(
                "  {} more: enter `raft replay` and type {}\n",
                stories.len() - MOST_FOUND,
                shown(words)
            );
        }
        parts.push(part);
    }
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// The rules whose text contains these words: next to each other or, if there is none, anywhere.
fn about_rules(words: &str, rules: &[(&Chapter, Rule)]) -> Vec<Rule> {
    let words = Words::of(words);
    let text = |rule: Rule| format!("{rule} {} {} {}", rule.statement(), rule.without_it(), sections(rule));
    let having = |is_meant: fn(&Words, &str) -> bool| -> Vec<Rule> {
        rules.iter().map(|(_, rule)| *rule).filter(|rule| is_meant(&words, &text(*rule))).collect()
    };
    let in_a_row = having(Words::are_in_a_row_in);
    if in_a_row.is_empty() { having(Words::are_in) } else { in_a_row }
}

fn unknown(words: &str) -> Failure {
    let rules = Rule::ALL.iter().map(|rule| (strsim::jaro_winkler(rule.id(), words), rule));
    let similar = scenarios::most_similar(rules);
    let meant = similar.map(|rule| format!("did you mean '{rule}'? ")).unwrap_or_default();
    Failure::usage(
        format_args!("no rule, no scenario and no word of the glossary is like \"{}\"", shown(words)),
        format!("{meant}`raft rules` lists all rules"),
    )
}

fn sections(rule: Rule) -> String {
    format!("{}; thesis {}", rule.paper(), rule.thesis())
}

fn explain(rule: Rule, chapters: &[Chapter]) -> String {
    let mut text = format!(
        "{rule}  ({}; protects {})\n\n{}\n\nWithout it:\n{}\n",
        sections(rule),
        rule.guards(),
        paragraph(2, rule.statement()),
        paragraph(2, &format!("{}.", rule.without_it())),
    );
    let stories = stories(rule, chapters);
    if !stories.is_empty() {
        text += "\nSee it at work:\n";
    }
    for story in stories.iter().take(MOST_STORIES) {
        text += &format!("  raft replay {}\n{}\n", story.path, paragraph(6, &story.title));
    }
    if stories.len() > MOST_STORIES {
        let more = stories.len() - MOST_STORIES;
        text += &format!("  {more} more: enter `raft replay` and type {rule}\n");
    }
    text += "\nSwitch it off:\n";
    if let Some(counterexample) = counterexample(rule, chapters) {
        text += &format!("  raft replay without/{rule}\n{}\n", paragraph(6, &counterexample.title));
        text += &format!(
            "  raft sim --without {rule}\n{}\n",
            paragraph(6, "The same run in short, and the promise that breaks.")
        );
        text += &match NOT_FOUND_BY_CHANCE.iter().find(|(hard, _)| *hard == rule) {
            Some((_, reason)) => {
                let words = format!("Random search does not find such a run: {reason}.");
                format!("{}\n", paragraph(2, &words))
            }
            None => format!(
                "  raft sim --without {rule} --search\n{}\n",
                paragraph(6, "Search for another one: this takes a few seconds.")
            ),
        };
    }
    for (_, reason) in UNSHOWN.iter().filter(|(unshown, _)| *unshown == rule) {
        let words =
            format!("No scenario shows what breaks without this rule, and no search finds one: {reason}.");
        text += &format!("{}\n", paragraph(2, &words));
    }
    text += "\nRead the code:\n";
    for place in places::of(rule) {
        text += &format!("  {place}\n");
    }
    text
}

/// The scenarios about this rule, the most relevant ones first, without counterexamples.
fn stories(rule: Rule, chapters: &[Chapter]) -> Vec<&ScenarioTitle> {
    let place = |scenario: &&ScenarioTitle| scenario.rules.iter().position(|one| *one == rule);
    let all = chapters.iter().flat_map(|chapter| &chapter.scenarios);
    let is_story =
        |scenario: &&ScenarioTitle| !scenario.path.starts_with("without/") && place(scenario).is_some();
    let mut stories: Vec<&ScenarioTitle> = all.filter(is_story).collect();
    stories.sort_by_key(place);
    stories
}

/// The scenario that shows what breaks without this rule.
fn counterexample(rule: Rule, chapters: &[Chapter]) -> Option<&ScenarioTitle> {
    let path = format!("without/{rule}");
    chapters.iter().flat_map(|chapter| &chapter.scenarios).find(|scenario| scenario.path == path)
}

fn as_json(rule: Rule, chapter: &Chapter, chapters: &[Chapter]) -> String {
    let paths: Vec<&str> = stories(rule, chapters).iter().map(|story| story.path.as_str()).collect();
    let object = json!({
        "id": rule.id(),
        "chapter": chapter.name.number,
        "paper": rule.paper(),
        "thesis": rule.thesis(),
        "guards": rule.guards().to_string(),
        "statement": rule.statement(),
        "without_it": rule.without_it(),
        "scenarios": paths,
        "counterexample": counterexample(rule, chapters).map(|scenario| &scenario.path),
        "code": places::of(rule),
    });
    format!("{object}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_rule_has_its_place_in_the_order() {
        let chapters = library().chapters();
        let rules: Vec<Rule> = in_order(&chapters).iter().map(|(_, rule)| *rule).collect();
        assert_eq!(rules.len(), Rule::ALL.len());
        assert_eq!(rules.iter().collect::<BTreeSet<_>>(), Rule::ALL.iter().collect());
    }
}
