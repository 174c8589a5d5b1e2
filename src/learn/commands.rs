//! The commands of the scenario language, explained to those who type them.

use super::console::Console;
use crate::scenarios::most_similar;
use simulator::commands::explain;
pub(super) use simulator::commands::names;
use std::io;
use trace::glossary::definitions_in;

/// Shows what a word of Raft means, and what the command of that name does. Is there such a word or command?
pub(super) fn show(console: &Console, word: &str) -> io::Result<bool> {
    let is_defined = !definitions_in(word).is_empty();
    if is_defined {
        console.define(word)?;
    }
    let forms = explain(word);
    for (form, meaning) in &forms {
        console.item("  ", form)?;
        console.item("      ", meaning)?;
    }
    if !forms.is_empty() {
        console.print("\n")?;
    }
    Ok(is_defined || !forms.is_empty())
}

/// The command that a mistyped name may mean.
pub(super) fn similar(command: &str) -> Option<&'static str> {
    let names = names().into_iter().flat_map(|(_, names)| names);
    most_similar(names.map(|name| (strsim::jaro_winkler(name, command), name)))
}

#[cfg(test)]
mod tests {
    use super::similar;

    #[test]
    fn mistyped_commands_are_recognised() {
        assert_eq!(similar("setle"), Some("settle"));
        assert_eq!(similar("tiemout"), Some("timeout"));
        assert_eq!(similar("xyzzy"), None);
    }
}
