//! Where each rule is in the code.

use consensus::Rule;

/// A line for each place: the rule, the file, and the function. A test writes it.
const PLACES: &str = include_str!("places.txt");

/// The files and functions that apply this rule.
pub(super) fn of(rule: Rule) -> Vec<&'static str> {
    let place =
        |line: &'static str| line.split_once(' ').filter(|(id, _)| *id == rule.id()).map(|(_, place)| place);
    PLACES.lines().filter_map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// Rules that no server asks about: the timing is checked when a server starts, and requests are executed
    /// by the state machine.
    const ELSEWHERE: [(Rule, &str, &str); 2] = [
        (Rule::TimeoutAboveBroadcast, "crates/consensus/src/config.rs", "new"),
        (Rule::OncePerClientRequest, "crates/kv/src/session.rs", "execute_once"),
    ];

    fn read(file: &str) -> String {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
    }

    /// The functions of a file in which a server asks what the rule allows.
    fn askers(text: &str, rule: Rule) -> Vec<&str> {
        let questions = [format!("hold(Rule::{rule:?})"), format!("allow(Rule::{rule:?},")];
        let mut function = "";
        let mut found = Vec::new();
        for line in text.lines() {
            if let Some((_, rest)) = line.split_once("fn ").filter(|(before, _)| !before.contains("//")) {
                function = rest.split(['(', '<']).next().unwrap_or(rest);
            }
            if questions.iter().any(|question| line.contains(question)) && !found.contains(&function) {
                found.push(function);
            }
        }
        found
    }

    #[test]
    fn places_are_where_they_are_said_to_be() {
        let mut files = Vec::new();
        for folder in ["crates/consensus/src", "crates/driver/src"] {
            let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
            files.extend(entries.map(|entry| format!("{folder}/{}", entry.unwrap().file_name().display())));
        }
        files.sort();
        let texts: Vec<(String, String)> =
            files.into_iter().map(|file| (file.clone(), read(&file))).collect();
        let mut places = String::new();
        for &rule in Rule::ALL {
            for (file, text) in &texts {
                for function in askers(text, rule) {
                    places += &format!("{rule} {file}: fn {function}\n");
                }
            }
            for (_, file, function) in ELSEWHERE.iter().filter(|(other, ..)| *other == rule) {
                assert!(read(file).contains(&format!("fn {function}(")), "{function} has left {file}");
                places += &format!("{rule} {file}: fn {function}\n");
            }
            assert!(places.contains(&format!("{rule} ")), "where is {rule} in the code?");
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules/places.txt"), places).unwrap();
        } else {
            assert!(places == PLACES, "UPDATE_GOLDEN=1 writes src/rules/places.txt as the code is now");
        }
    }
}
