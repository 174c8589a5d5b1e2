//! What the documents name is there.

use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
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

/// What stands between each pair of these, in a text.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    text.split(begin).skip(1).filter_map(|rest| rest.split_once(end).map(|(inside, _)| inside)).collect()
}

#[test]
fn the_tests_that_documents_name_exist() {
    let sources = sources(&root().join("tests")) + &sources(&root().join("crates"));
    for (name, least) in [("docs/in-the-wild.md", 60), ("docs/security.md", 20)] {
        let document = fs::read_to_string(root().join(name)).unwrap();
        let tests: Vec<&str> = document
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|code| code.matches('_').count() >= 3 && !code.contains(' '))
            .collect();
        assert!(tests.len() > least, "{tests:?}");
        for test in tests {
            assert!(sources.contains(&format!("fn {test}(")), "there is no test {test}, as {name} says");
        }
        for link in between(&document, "](", ")") {
            let file = link.split('#').next().unwrap();
            assert!(
                file.is_empty() || root().join("docs").join(file).exists(),
                "{link} in {name} leads nowhere"
            );
        }
    }
}
