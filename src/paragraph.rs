//! Text in paragraphs.

use textwrap::{Options, WordSplitter};

/// No line is longer, in columns.
const WIDTH: usize = 80;

/// The text in lines, each of which begins with this many blanks.
pub(crate) fn paragraph(indent: usize, text: &str) -> String {
    let margin = " ".repeat(indent);
    let words: Vec<&str> = text.split_whitespace().collect();
    let options = Options::new(WIDTH)
        .initial_indent(&margin)
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
    }
}
