//! What the documents name exists: files, headings, tests, commands, options, functions, rules and promises.

use super::markdown::{Document, all_documents, root};
use super::session::Session;
use super::{Renewal, renew};
use crate::common::raft;
use consensus::Rule;
use regex::Regex;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Options of other programs that documents name.
const OPTIONS_OF_OTHERS: &[&str] = &["--release", "--workspace", "--test-count"];

/// Placeholders for something of the reader's own in a command, with examples.
const PLACEHOLDERS: &[(&str, &str)] = &[
    ("HOST:PORT", "127.0.0.1:4001"),
    ("NEW=", "4="),
    ("OLD", "2"),
    ("RULE", "one-vote-per-term"),
    ("COMMAND", "member"),
    ("[FILE]", "file"),
];

fn documents() -> Vec<Document> {
    all_documents().iter().map(|name| Document::read(name)).collect()
}

/// The text of all Rust files in a folder and below it.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    text
}

#[test]
fn every_link_leads_somewhere() {
    let mut dead = Vec::new();
    for document in documents() {
        let folder = root().join(&document.name).parent().unwrap().to_owned();
        for (line, link) in document.links() {
            if link.starts_with("http://") || link.starts_with("https://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { root().join(&document.name) } else { folder.join(file) };
            let has_anchor = || {
                let name = target.canonicalize().unwrap();
                let name = name.strip_prefix(root().canonicalize().unwrap()).unwrap().to_owned();
                Document::read(name.to_str().unwrap()).anchors().iter().any(|it| it == anchor)
            };
            if !target.exists() || !anchor.is_empty() && !has_anchor() {
                dead.push(format!("{}:{line}: {link}", document.name));
            }
        }
    }
    assert!(dead.is_empty(), "these links lead nowhere:\n{}", dead.join("\n"));
}

#[test]
fn every_file_that_is_named_exists() {
    let path = Regex::new(r"(^|[\s(`])((crates|docs|scenarios|src|tests|bench|\.ci)/[\w./-]*\w)").unwrap();
    let mut missing = Vec::new();
    for document in documents() {
        let folder = root().join(&document.name).parent().unwrap().to_owned();
        for (number, line) in document.prose() {
            for found in path.captures_iter(line) {
                let name = &found[2];
                let is_there = [root(), &folder].iter().any(|from| from.join(name).exists())
                    || root().join(format!("{name}.txt")).exists();
                if !is_there && !name.contains("RULE") {
                    missing.push(format!("{}:{number}: {name}", document.name));
                }
            }
        }
    }
    assert!(missing.is_empty(), "there is no such file:\n{}", missing.join("\n"));
}

#[test]
fn the_tests_that_documents_name_exist() {
    let sources = sources(&root().join("tests")) + &sources(&root().join("crates"));
    for (name, least) in [("docs/in-the-wild.md", 60), ("docs/security.md", 20)] {
        let document = Document::read(name);
        let code = document.code_in_prose();
        let tests: Vec<_> =
            code.iter().filter(|(_, code)| code.matches('_').count() >= 3 && !code.contains(' ')).collect();
        assert!(tests.len() > least, "{tests:?}");
        for (line, test) in tests {
            assert!(sources.contains(&format!("fn {test}(")), "{name}:{line}: there is no test {test}");
        }
    }
}

/// `Node::tick`, `server::alarm` and `Durability::Log` are names of the code.
#[test]
fn the_names_of_the_code_exist() {
    let sources = sources(&root().join("crates")) + &sources(&root().join("src"));
    let words: BTreeSet<&str> = sources.split(|it: char| !it.is_alphanumeric() && it != '_').collect();
    let name = Regex::new(r"^\w+(::\w+)+$").unwrap();
    let mut missing = Vec::new();
    for document in documents() {
        for (line, code) in document.code_in_prose() {
            let code = code.split(['(', '<', ' ']).next().unwrap();
            let is_there = || code.split("::").all(|part| words.contains(part));
            if name.is_match(code) && !is_there() {
                missing.push(format!("{}:{line}: {code}", document.name));
            }
        }
    }
    assert!(missing.is_empty(), "the code has no such name:\n{}", missing.join("\n"));
}

/// A block with the note `from FILE` is in that file, word by word.
#[test]
fn what_is_quoted_from_files_is_in_them() {
    let mut quotes = 0;
    for document in documents() {
        for block in &document.blocks {
            let Some(file) = block.note.as_ref().and_then(|note| note.strip_prefix("from ")) else {
                continue;
            };
            let text = fs::read_to_string(root().join(file)).unwrap();
            let quoted = document.text_of(block).join("\n");
            assert!(text.contains(&quoted), "{}: this is not in {file}:\n{quoted}", document.place_of(block));
            quotes += 1;
        }
    }
    assert!(quotes > 0);
}

#[test]
fn the_commands_in_sentences_can_be_given_so() {
    let session = Session::new("");
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for document in documents() {
        for (line, code) in document.code_in_prose() {
            if !code.starts_with("raft ") || code.contains('…') || !seen.insert(code.to_owned()) {
                continue;
            }
            let command = PLACEHOLDERS.iter().fold(code.to_owned(), |it, (name, one)| it.replace(name, one));
            let mut running = session.check_arguments(&command);
            if !running.end().is_some_and(|status| status.success()) {
                wrong.push(format!("{}:{line}: {code}\n{}", document.name, running.printed.text()));
            }
        }
    }
    assert!(seen.len() > 30, "{seen:?}");
    assert!(wrong.is_empty(), "these commands are refused:\n{}", wrong.join("\n"));
}

#[test]
fn the_options_in_sentences_exist() {
    let help = |arguments: &[&str]| {
        String::from_utf8(raft().args(arguments).arg("--help").output().unwrap().stdout).unwrap()
    };
    let list = help(&[]);
    let names = list.lines().filter_map(|line| line.strip_prefix("  ")).flat_map(|line| {
        let column = line.split("  ").next().unwrap_or_default();
        column.split(", ").filter(|name| !name.is_empty() && !name.contains(' '))
    });
    let mut known = list.clone();
    let mut seen = 0;
    for name in names {
        seen += 1;
        let text = help(&[name]);
        let inner =
            text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        for inner in inner.filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
            known += &help(&[name, inner.split_whitespace().next().unwrap()]);
        }
        known += &text;
    }
    assert!(seen > 20, "{list}");
    let option = Regex::new(r"--[a-z][a-z-]*").unwrap();
    let known: BTreeSet<&str> = option.find_iter(&known).map(|it| it.as_str()).collect();
    let mut wrong = Vec::new();
    for document in documents() {
        for (line, code) in document.code_in_prose().iter().filter(|(_, code)| code.starts_with("--")) {
            for found in option.find_iter(code).map(|it| it.as_str()) {
                if !known.contains(found) && !OPTIONS_OF_OTHERS.contains(&found) {
                    wrong.push(format!("{}:{line}: {found}", document.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "there is no such option:\n{}", wrong.join("\n"));
}

/// The cells of the table whose header begins like this, row by row.
fn table(document: &Document, header: &str) -> Vec<Vec<String>> {
    let lines = document.lines.iter().skip_while(|line| !line.starts_with(header)).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|'));
    let cells =
        |line: &String| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    rows.map(cells).collect()
}

#[test]
fn the_simulators_tables_have_all_rules_and_all_promises() {
    let document = Document::read("docs/simulator.md");
    let rules: Vec<(String, String)> =
        table(&document, "| rule that is off |").iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let all: Vec<(String, String)> =
        Rule::ALL.iter().map(|rule| (rule.id().to_owned(), rule.guards().to_string())).collect();
    assert_eq!(rules, all);

    let name = Regex::new(r#"name: "([^"]+)""#).unwrap();
    let properties = sources(&root().join("crates/simulator/src/properties"))
        + &fs::read_to_string(root().join("crates/simulator/src/properties.rs")).unwrap();
    let promises: BTreeSet<String> =
        name.captures_iter(&properties).map(|found| found[1].to_owned()).collect();
    let named: BTreeSet<String> = table(&document, "| promise |")
        .iter()
        .map(|row| if row[1].is_empty() { row[0].clone() } else { format!("{} ({})", row[0], row[1]) })
        .collect();
    assert_eq!(named, promises);
    for row in table(&document, "| rule that is off |") {
        assert!(row[2].starts_with("none") || promises.contains(&row[2]), "{}: {}", row[0], row[2]);
    }
}

/// The rules without a counterexample are those that the document on the simulator and its table name.
#[test]
fn the_rules_without_a_counterexample_are_those_that_are_named() {
    let without = |rule: &&Rule| !root().join(format!("scenarios/without/{}.txt", rule.id())).exists();
    let ids: Vec<&str> = Rule::ALL.iter().filter(without).map(|rule| rule.id()).collect();
    let document = Document::read("docs/simulator.md");
    let text = document.lines.join(" ");
    for id in &ids {
        assert!(text.contains(&format!("`{id}`")), "it names the rules without a counterexample: {id}");
    }
    let rows = table(&document, "| rule that is off |");
    let none: Vec<&str> =
        rows.iter().filter(|row| row[2].starts_with("none")).map(|row| row[0].as_str()).collect();
    assert_eq!(none, ids);
}

/// The README's figure for the core's size is about right.
#[test]
fn the_core_is_as_large_as_the_readme_says() {
    let mut lines = 0;
    for entry in fs::read_dir(root().join("crates/consensus/src")).unwrap().flatten() {
        if entry.file_name() == "rule.rs" {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
        let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
        lines += code.lines().filter(is_code).count();
    }
    let readme = Document::read("README.md").lines.join(" ");
    let said = Regex::new(r"([\d,]+) lines of code").unwrap();
    let said = said.captures(&readme).expect("the README says how large the core is")[1].replace(',', "");
    let said: usize = said.parse().unwrap();
    assert!(lines.abs_diff(said) * 20 < said, "the core has {lines} lines, the README says {said}");
}

/// What a program may send or will read, as shown in the documents, is understood.
#[test]
fn the_json_in_documents_is_understood() {
    let document = Document::read("docs/page.md");
    let blocks = document.blocks.iter().filter(|block| block.language == "json");
    let actions: Vec<&String> = blocks.flat_map(|block| document.text_of(block)).collect();
    for action in &actions {
        let client = ["put", "get", "delete"].iter().any(|it| action.contains(&format!("\"{it}\"")));
        let understood = serde_json::from_str::<cluster::Action>(action);
        let is_setting = serde_json::from_str::<web::Setting>(action).is_ok();
        assert!(client || is_setting || understood.is_ok(), "{action}: {understood:?}");
    }
    assert!(actions.len() > 15, "{actions:?}");

    let document = Document::read("docs/trace.md");
    let (mut records, mut messages) = (0, 0);
    for block in document.blocks.iter().filter(|block| block.language == "json") {
        for (place, line) in (block.begin..).zip(document.text_of(block)) {
            if !line.starts_with("{\"t\":") {
                serde_json::from_str::<consensus::Message>(line)
                    .unwrap_or_else(|error| panic!("{error}: {line}"));
                messages += 1;
                continue;
            }
            let record =
                trace::Record::from_json(line).unwrap_or_else(|error| panic!("{error}: {line}")).to_json();
            records += 1;
            if record != *line {
                assert!(
                    std::env::var_os("UPDATE_GOLDEN").is_some(),
                    "docs/trace.md says {line}, it is {record}"
                );
                let renewal = Renewal { begin: place, end: place + 1, lines: vec![record] };
                renew("docs/trace.md", &document, &[renewal]);
            }
        }
    }
    assert!(records > 0 && messages > 8, "{records} records, {messages} messages");
}

/// The name of a dependency that a manifest has in this line, unless it comes from elsewhere: there is another `raft`, too.
fn of_this_repository(line: &str) -> Option<&str> {
    let is_ours = line.contains("workspace = true") || line.contains("path = ");
    line.split([' ', '.']).next().filter(|_| is_ours)
}

/// The crates among these that a manifest depends on, for its code or for its tests.
fn dependencies<'a>(manifest: &str, crates: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let manifest = fs::read_to_string(root().join(manifest)).unwrap();
    let sections = manifest.split("\n[").filter_map(|section| section.split_once("]\n"));
    let sections = sections.filter(|(name, _)| !name.starts_with("workspace"));
    let names = sections.flat_map(|(section, lines)| match section.rsplit_once("dependencies") {
        Some((_, "")) => lines.lines().filter_map(of_this_repository).collect(),
        Some((_, name)) => vec![name.trim_start_matches('.')],
        None => Vec::new(),
    });
    names.filter_map(|name| crates.get(name).copied()).collect()
}

/// The table of crates in ARCHITECTURE.md has all of them, and everything that each depends on, which is
/// above it.
#[test]
fn each_crate_depends_on_what_the_table_says_and_only_on_those_above_it() {
    let rows = table(&Document::read("ARCHITECTURE.md"), "| crate | what it does |");
    let names = || rows.iter().map(|row| row[0].trim_matches('`'));
    let crates: BTreeSet<&str> = names().filter_map(|name| name.strip_prefix("crates/")).collect();
    let mut above = BTreeSet::new();
    for (name, row) in names().zip(&rows) {
        let told: BTreeSet<&str> = row[2].split('`').skip(1).step_by(2).collect();
        let manifest = if name == "src/" { "Cargo.toml".to_owned() } else { format!("{name}/Cargo.toml") };
        assert_eq!(told, dependencies(&manifest, &crates), "{name}: the table, and {manifest}");
        assert!(told.is_subset(&above), "{name} depends on {told:?}, of which only {above:?} are above it");
        above.extend(name.strip_prefix("crates/"));
    }
    let folders = fs::read_dir(root().join("crates")).unwrap();
    let folders = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(folders.collect::<BTreeSet<String>>(), crates.into_iter().map(str::to_owned).collect());
}

/// A library that Cargo.toml says has no tests inside has none: they would not be run.
#[test]
fn each_test_inside_a_library_is_run() {
    for entry in fs::read_dir(root().join("crates")).unwrap().flatten() {
        let manifest = fs::read_to_string(entry.path().join("Cargo.toml")).unwrap();
        if manifest.lines().any(|line| line == "test = false") {
            let has_tests = sources(&entry.path().join("src")).contains("#[test]");
            assert!(!has_tests, "{} has tests that are not run", entry.path().display());
        }
    }
}

/// docs/trace.md describes each kind of event, and no other.
#[test]
fn every_kind_of_event_is_described() {
    let sources = [
        ("consensus/src/event.rs", "What"),
        ("trace/src/record.rs", "Io"),
        ("trace/src/record.rs", "Process"),
    ];
    let variant = Regex::new(r"(?m)^    ([A-Z]\w*)").unwrap();
    let mut kinds: BTreeSet<String> = BTreeSet::new();
    for (file, name) in sources.into_iter().chain([("trace/src/record.rs", "Laboratory")]) {
        let text = fs::read_to_string(root().join("crates").join(file)).unwrap();
        let body = text.split(&format!("pub enum {name} {{")).nth(1);
        let body = body.unwrap_or_else(|| panic!("crates/{file} has no {name}")).split("\n}").next().unwrap();
        kinds.extend(variant.captures_iter(body).map(|found| snake_case(&found[1])));
    }
    let document = Document::read("docs/trace.md");
    let headers = document.lines.iter().enumerate().filter(|(_, line)| line.starts_with("| event |"));
    let rows = headers.flat_map(|(place, _)| {
        document.lines[place + 2..].iter().take_while(|line| line.starts_with('|')).collect::<Vec<_>>()
    });
    let first_cells = rows.map(|row| row.split('|').nth(1).unwrap());
    let described: BTreeSet<String> =
        first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
    let differing: Vec<&String> = described.symmetric_difference(&kinds).collect();
    assert!(differing.is_empty(), "these are either no events or not described: {differing:?}");
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}
