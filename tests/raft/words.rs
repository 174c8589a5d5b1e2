//! Words that were dropped from what people read, each with the reason. A new source of text is one more line
//! in [`all_texts`]; a new word is one more line in [`DROPPED`].

use consensus::Rule;
use simulator::Promise;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A word or phrase, and why it is not used. Upper and lower case are the same, and only whole words count.
/// Hyphens and underscores belong to a word, so that the ids of rules and the names of tests may keep their
/// words.
const DROPPED: &[(&str, &str)] = &[
    ("for committed", "an entry is marked as committed"),
    ("all up to", "entries up to N"),
    ("vouch", "confirm"),
    ("vouches", "confirms"),
    ("vouched", "confirmed"),
    ("take over", "append entries, or become leader: it meant both"),
    ("takes over", "appends entries, or becomes leader: it meant both"),
    ("taken over", "appended, or became leader: it meant both"),
    ("took over", "appended, or became leader: it meant both"),
    ("hold an election", "start an election"),
    ("holds an election", "starts an election"),
    ("hold another", "start another election"),
    ("held an election", "started an election"),
    ("patience", "an election timeout is a time, an election timer runs out"),
    ("time runs out", "an election timer runs out"),
    ("entry that says nothing", "no-op entry"),
    ("candidacy", "an election"),
    ("candidacies", "elections"),
    ("heir", "the next leader"),
    ("heirs", "the next leaders"),
    ("somebody", "name who: you, a client, the operator, another server"),
    ("somebody's", "name who"),
    ("anybody", "anyone, or name who"),
    ("whoever", "any server that"),
    ("anew", "again; a timer is reset"),
    ("any more", "any longer, or no longer"),
    ("under way", "in progress; a message is in flight"),
    ("so many", "number of, or maximum of"),
    ("at last", "in the end"),
    ("for ever", "forever"),
    ("without end", "again and again, or forever"),
    ("piece", "chunk"),
    ("pieces", "chunks"),
    ("keeper", "caller, operator or you"),
    ("experimenter", "you"),
    ("laboratory", "lab"),
    ("greeting", "handshake"),
    ("throw away", "drop a message"),
    ("riddle", "mystery"),
    ("riddles", "mysteries"),
    ("drawn runs", "random runs"),
];

/// Dropped from texts only. A comment may say what holds as far as a server knows.
const DROPPED_FROM_TEXTS: &[(&str, &str)] = &[("as far as", "up to")];

/// Dropped from the comments of the code only.
const DROPPED_FROM_COMMENTS: &[(&str, &str)] = &[
    ("as far as this", "highest index, or up to"),
    ("so long a", "how long, or a timeout"),
    ("none if", "`None` if"),
    ("no member", "not a member"),
    ("in the making", "being built, or being received"),
    ("becomes of", "happens to"),
    ("became of", "happened to, or the outcome of"),
    ("what came of", "the outcome of"),
    ("is told of", "is reported"),
    ("tells whether", "returns whether"),
];

/// Something that people read, and where.
struct Text {
    place: String,
    words: String,
}

/// Everything that must do without the dropped words.
fn all_texts() -> Vec<Text> {
    [rules(), promises(), scenarios(), course(), documents(), help()].into_iter().flatten().collect()
}

fn rules() -> Vec<Text> {
    let texts = Rule::ALL.iter().flat_map(|rule| {
        [("statement", rule.statement()), ("without it", rule.without_it())]
            .map(|(part, words)| Text { place: format!("{rule}, {part}"), words: words.to_owned() })
    });
    texts.collect()
}

fn promises() -> Vec<Text> {
    let texts = Promise::all().flat_map(|promise| {
        [promise.name, promise.meaning]
            .map(|words| Text { place: format!("promise {:?}", promise.name), words: words.to_owned() })
    });
    texts.collect()
}

/// The prose of scenarios and what they put out: all but their commands.
fn scenarios() -> Vec<Text> {
    let mut texts = Vec::new();
    for file in files(&root().join("scenarios"), "txt") {
        let mut is_output = false;
        for (number, line) in fs::read_to_string(root().join(&file)).unwrap().lines().enumerate() {
            is_output = line == "---" || is_output && !line.is_empty();
            if is_output || line.starts_with('#') {
                texts.push(Text { place: format!("{file}:{}", number + 1), words: line.to_owned() });
            }
        }
    }
    texts
}

/// The chapters and the quiz of the course: all but their commands.
fn course() -> Vec<Text> {
    let mut texts = Vec::new();
    for file in files(&root().join("course"), "txt") {
        for (number, line) in fs::read_to_string(root().join(&file)).unwrap().lines().enumerate() {
            if !line.starts_with(' ') {
                texts.push(Text { place: format!("{file}:{}", number + 1), words: line.to_owned() });
            }
        }
    }
    texts
}

/// The documents, but for what is in a block: commands, and what programs print.
fn documents() -> Vec<Text> {
    let mut texts = Vec::new();
    let more = ["README.md", "CONTRIBUTING.md", "scenarios/README.md", "course/README.md"].map(str::to_owned);
    for file in files(&root().join("docs"), "md").into_iter().chain(more) {
        let mut is_block = false;
        for (number, line) in fs::read_to_string(root().join(&file)).unwrap().lines().enumerate() {
            is_block ^= line.starts_with("```");
            if !is_block {
                texts.push(Text { place: format!("{file}:{}", number + 1), words: line.to_owned() });
            }
        }
    }
    texts
}

/// The help of each command.
fn help() -> Vec<Text> {
    let told = |command: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_raft")).args(command.split(' ')).arg("--help").output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let commands = [
        "up",
        "replay",
        "rules",
        "sim",
        "practice",
        "practice mystery",
        "practice break",
        "practice grade",
        "why",
        "export",
        "node",
        "log",
        "status",
        "put",
        "get",
        "del",
        "cas",
        "list",
        "watch",
        "member",
        "member add",
        "member remove",
        "member replace",
        "member move",
        "transfer",
        "recover",
        "torture",
        "bench",
        "bench writes",
        "bench elections",
        "maelstrom",
        "completions",
    ];
    let lines = commands.into_iter().flat_map(|command| {
        let text = told(command);
        assert!(!text.is_empty(), "raft {command} --help");
        // In an example the words are the user's.
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("raft "));
        let place = format!("raft {command} --help");
        let lines = lines.map(|words| Text { place: place.clone(), words: words.to_owned() });
        lines.collect::<Vec<_>>()
    });
    lines.collect()
}

/// The comments of the code, without the code that they quote.
fn comments() -> Vec<Text> {
    let mut texts = Vec::new();
    let folders = ["crates", "src", "tests", "bench"];
    for file in folders.iter().flat_map(|folder| files(&root().join(folder), "rs")) {
        if file.contains("/target/") {
            continue;
        }
        for (number, line) in fs::read_to_string(root().join(&file)).unwrap().lines().enumerate() {
            // In an example of a command the words are the user's.
            let comment =
                line.trim_start().strip_prefix("//").map(|text| text.trim_start_matches(['/', '!', ' ']));
            if let Some(comment) = comment.filter(|comment| !comment.starts_with("raft ")) {
                let words = comment.split('`').step_by(2).collect::<Vec<_>>().join(" ");
                texts.push(Text { place: format!("{file}:{}", number + 1), words });
            }
        }
    }
    texts
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files with this extension in a folder and below it, from the repository's root.
fn files(folder: &Path, extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path.strip_prefix(root()).unwrap().display().to_string());
        }
    }
    found.sort();
    found
}

/// Does a text have this phrase as whole words?
fn has_phrase(text: &str, phrase: &str) -> bool {
    let text = text.to_lowercase();
    let is_part_of_word = |character: char| character.is_alphanumeric() || "-_".contains(character);
    text.match_indices(phrase).any(|(place, _)| {
        let (before, after) = (&text[..place], &text[place + phrase.len()..]);
        !before.ends_with(is_part_of_word) && !after.starts_with(is_part_of_word)
    })
}

/// Asserts that the texts, of which there are many, have none of these phrases.
fn assert_without(texts: &[Text], many: usize, dropped: &[&[(&str, &str)]]) {
    assert!(texts.len() > many, "{}", texts.len());
    let mut found = Vec::new();
    for Text { place, words } in texts {
        for (phrase, reason) in dropped.iter().copied().flatten() {
            if has_phrase(words, phrase) {
                found.push(format!("{place}: \"{phrase}\" ({reason}): {}", words.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{} times:\n{}", found.len(), found.join("\n"));
}

#[test]
fn dropped_words_are_not_read_anywhere() {
    assert_without(&all_texts(), 5000, &[DROPPED, DROPPED_FROM_TEXTS]);
}

#[test]
fn dropped_words_are_not_in_comments() {
    assert_without(&comments(), 5000, &[DROPPED, DROPPED_FROM_COMMENTS]);
}

#[test]
fn only_whole_words_are_found() {
    assert!(has_phrase("Somebody asks", "somebody"));
    assert!(has_phrase("it has all up to 3.", "all up to"));
    assert!(!has_phrase("back-up-on-mismatch, ignore-stale-answers", "answers"));
    assert!(!has_phrase("a newer term", "anew"));
}
