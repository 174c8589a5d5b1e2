//! What the documents name is there.

use std::fs;
use std::path::{Path, PathBuf};

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
fn the_tests_for_what_went_wrong_in_the_wild_exist() {
    let document = fs::read_to_string(root().join("docs/in-the-wild.md")).unwrap();
    let sources = sources(&root().join("tests")) + &sources(&root().join("crates"));
    let names: Vec<&str> = document
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.matches('_').count() >= 3 && !name.contains(' '))
        .collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        assert!(sources.contains(&format!("fn {name}(")), "there is no test {name}");
    }
    for link in between(&document, "](", ")") {
        let file: PathBuf = root().join("docs").join(link);
        assert!(file.exists(), "{link} leads nowhere");
    }
}
