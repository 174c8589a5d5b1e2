//! The scenarios inside the program, and their language.

use crate::response::Explanation;
use page::Library;
use simulator::commands;
use std::sync::LazyLock;

/// Each file below scenarios/, as build.rs has embedded it.
static FILES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));

pub(crate) fn library() -> &'static Library {
    static LIBRARY: LazyLock<Library> =
        LazyLock::new(|| Library::new(FILES.iter().map(|&(path, text)| (path.to_owned(), text.into()))));
    &LIBRARY
}

/// What a command does; without one, the names of all, group by group.
pub(crate) fn explained(command: Option<&str>) -> Explanation {
    let groups = || commands::names().into_iter().map(|(group, names)| (group.to_owned(), names.join(", ")));
    Explanation { rows: command.map_or_else(|| groups().collect(), commands::explain) }
}
