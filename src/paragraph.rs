//! Text in paragraphs.

/// No line is longer, in columns.
const WIDTH: usize = 80;

/// The text in lines, each of which begins with this many blanks.
pub(crate) fn paragraph(indent: usize, text: &str) -> String {
    let margin = " ".repeat(indent);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{margin}{word}")),
        }
    }
    lines.join("\n")
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
