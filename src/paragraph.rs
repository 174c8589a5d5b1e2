//! Text in paragraphs, and lines as wide as the terminal.

use consensus::Rule;
use textwrap::{Options, WordSplitter};
use trace::FeedLine;

/// Maximum length of a line in columns.
const WIDTH: usize = 80;

/// The width of the terminal on standard output; without a terminal, lines may have any length.
pub(crate) fn columns() -> usize {
    terminal_size::terminal_size_of(std::io::stdout()).map_or(usize::MAX, |(width, _)| usize::from(width.0))
}

/// A line of a story, fitted to this number of columns. `off` is the rule that is switched off: the line
/// shows where it would have decided.
pub(crate) fn fitted(line: &FeedLine, columns: usize, off: Option<Rule>) -> String {
    let rule = line.rule.map(|rule| format!("{}{}", line.gap_before_rule(columns), rule_name(rule, off)));
    format!("{} {}{}", line.place(), line.text, rule.unwrap_or_default())
}

/// The rule's name. `off` is the rule that is switched off: the name says so.
pub(crate) fn rule_name(rule: Rule, off: Option<Rule>) -> String {
    if off == Some(rule) { format!("{rule} (OFF)") } else { rule.to_string() }
}

/// `1 seed`, `2 seeds`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("{count} {what}") } else { format!("{count} {what}s") }
}

/// The text in lines, each of which begins with this many blanks.
pub(crate) fn paragraph(indent: usize, text: &str) -> String {
    wrapped(WIDTH, &" ".repeat(indent), text)
}

/// The text in lines of at most this many columns. The first one begins with the head, and the others with as many
/// blanks.
pub(crate) fn wrapped(columns: usize, head: &str, text: &str) -> String {
    let margin = " ".repeat(head.chars().count());
    let words: Vec<&str> = text.split_whitespace().collect();
    let options = Options::new(columns.min(WIDTH))
        .initial_indent(head)
        .subsequent_indent(&margin)
        .break_words(false)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::fill(&words.join(" "), options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(paragraph(2, ""), "");
        assert_eq!(paragraph(2, "a  b\nc"), "  a b c");
        let long = "x".repeat(70);
        assert_eq!(paragraph(2, &format!("{long} 1234567 89")), format!("  {long} 1234567\n  89"));
        assert_eq!(wrapped(12, " 1) ", "one two three"), " 1) one two\n    three");
        assert_eq!(wrapped(200, "", &format!("{long} 123456789 1")), format!("{long} 123456789\n1"));
    }
}
