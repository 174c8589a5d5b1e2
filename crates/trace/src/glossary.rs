//! The words of Raft, explained. docs/glossary.md is their only source; the page has them from here
//! (crates/web/page/src/types/glossary.json), and finds them in a text in the same way.

use std::sync::LazyLock;

/// Some words that are explained together.
#[derive(Debug, PartialEq, Eq)]
pub struct Definition {
    /// The words, the most important one first.
    pub words: Vec<&'static str>,
    /// What they mean, in a sentence or two without a full stop at the end.
    pub meaning: &'static str,
}

/// All definitions, in the order of the document.
pub static GLOSSARY: LazyLock<Vec<Definition>> =
    LazyLock::new(|| include_str!("../glossary.md").lines().filter_map(definition).collect());

/// A line of the document's table: `| **word, other word** | what they mean |`.
fn definition(line: &'static str) -> Option<Definition> {
    let (words, meaning) = line.strip_prefix("| **")?.split_once("** | ")?;
    Some(Definition { words: words.split(", ").collect(), meaning: meaning.strip_suffix(" |")? })
}

/// The definitions of the words in a text, in the order in which they first stand there.
pub fn definitions_in(text: &str) -> Vec<&'static Definition> {
    let mut found: Vec<&'static Definition> = Vec::new();
    let mut before = None;
    let mut end = 0;
    for (place, letter) in text.char_indices() {
        let begins = place >= end && !before.is_some_and(belongs_to_word);
        if let Some((length, definition)) = begins.then(|| longest_at(&text[place..])).flatten() {
            end = place + length;
            if !found.contains(&definition) {
                found.push(definition);
            }
        }
        before = Some(letter);
    }
    found
}

/// The longest word with which a text begins: its length there, and its definition.
fn longest_at(text: &str) -> Option<(usize, &'static Definition)> {
    let all =
        GLOSSARY.iter().flat_map(|definition| definition.words.iter().map(move |word| (*word, definition)));
    all.filter_map(|(word, definition)| Some((length_at(text, word)?, definition)))
        .max_by_key(|(length, _)| *length)
}

/// The length of this word, singular or plural, if a text begins with it.
fn length_at(text: &str, word: &str) -> Option<usize> {
    let plural = word.strip_suffix('y').map_or(format!("{word}s"), |stem| format!("{stem}ies"));
    [word, &plural].into_iter().find_map(|form| {
        let is_it = text.get(..form.len())?.eq_ignore_ascii_case(form);
        let goes_on = text[form.len()..].chars().next().is_some_and(belongs_to_word);
        (is_it && !goes_on).then_some(form.len())
    })
}

/// The ids of rules, such as `one-vote-per-term`, are one word each.
fn belongs_to_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '-' || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_document_is_a_definition_in_plain_text() {
        let rows = include_str!("../glossary.md").lines().filter(|line| line.starts_with("| **"));
        assert_eq!(rows.count(), GLOSSARY.len());
        for Definition { words, meaning } in &*GLOSSARY {
            assert!(!words.is_empty() && !meaning.is_empty());
            assert!(!meaning.contains(['*', '`', '[', '|', '<']), "{meaning}");
            assert!(!meaning.ends_with('.'), "{meaning}");
        }
        for word in
            ["term", "vote", "matchIndex", "nextIndex", "commit", "no-op", "quorum", "leader", "follower"]
                .into_iter()
                .chain([
                    "candidate",
                    "heartbeat",
                    "election timeout",
                    "pre-vote",
                    "log",
                    "entry",
                    "index",
                    "majority",
                ])
        {
            assert!(GLOSSARY.iter().any(|definition| definition.words.contains(&word)), "{word}");
        }
    }

    /// The same examples as in crates/web/page/test/unit/glossary.test.ts.
    #[test]
    fn words_are_found_whole_in_each_form_and_once() {
        for (text, expected) in [
            (
                "After 154 ms without a heartbeat n3 got 2 of 3 votes and leads term 2.",
                &["heartbeat", "vote", "term"][..],
            ),
            (
                "Entries 2 and 3 are committed; the no-op entry 1 was, and Entry 4 is not",
                &["log", "committed", "no-op entry"],
            ),
            (
                "majorities of pre-votes: one-vote-per-term, determined, logs",
                &["majority", "pre-vote", "log"],
            ),
            ("§ the RequestVote — ¿Leader?", &["RequestVote", "leader"]),
            ("", &[]),
        ] {
            let found: Vec<&str> =
                definitions_in(text).iter().map(|definition| definition.words[0]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
