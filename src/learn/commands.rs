//! The commands of the scenario language, explained to those who type them.

use super::console::Console;
use crate::scenarios::most_similar;
use simulator::commands::explain;
pub(super) use simulator::commands::names;
use std::io;
use trace::glossary::definitions_in;

/// Shows what a command does, or what a word of Raft means. Is there such a command or word?
pub(super) fn show(console: &Console, word: &str) -> io::Result<bool> {
    let forms = explain(word);
    if forms.is_empty() {
        let is_known = !definitions_in(word).is_empty();
        return if is_known { console.define(word).map(|()| true) } else { Ok(false) };
    }
    for (form, meaning) in forms {
        console.item("  ", &form)?;
        console.item("      ", &meaning)?;
    }
    console.print("\n")?;
    Ok(true)
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
