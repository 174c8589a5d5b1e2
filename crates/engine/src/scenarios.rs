//! The scenarios inside the program.

use page::Library;
use std::sync::LazyLock;

/// Each file below scenarios/, as build.rs has embedded it.
static FILES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));

pub(crate) fn library() -> &'static Library {
    static LIBRARY: LazyLock<Library> =
        LazyLock::new(|| Library::new(FILES.iter().map(|&(path, text)| (path.to_owned(), text.into()))));
    &LIBRARY
}
