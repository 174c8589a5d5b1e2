//! Embeds the scenarios as their authors wrote them: prose and commands, without the outcomes of the commands.
//! The page has to load them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const SCENARIOS: &str = "../../scenarios";

fn main() {
    println!("cargo::rerun-if-changed={SCENARIOS}");
    let mut files = Vec::new();
    find(Path::new(SCENARIOS), &mut files);
    files.sort();
    let mut code = String::from("[\n");
    for file in files {
        let text = fs::read_to_string(&file).expect("scenarios are text");
        let path = file.strip_prefix(SCENARIOS).expect("it is in that folder");
        let path: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        let _ = writeln!(code, "    ({:?}, {:?}),", path.join("/"), without_outcomes(&text));
    }
    code.push(']');
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("scenarios.rs"), code).expect("cargo's folder can be written to");
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the scenarios are there") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "txt" || ending == "md") {
            files.push(path);
        }
    }
}

/// The outcome of commands stands between `---` and the next empty line.
fn without_outcomes(text: &str) -> String {
    let mut is_outcome = false;
    let mut kept = String::new();
    for line in text.lines() {
        if !is_outcome || line.is_empty() {
            kept += line;
            kept.push('\n');
        }
        is_outcome = line == "---" || is_outcome && !line.is_empty();
    }
    kept
}
