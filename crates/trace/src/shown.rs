//! Foreign text, made safe for a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Foreign text on one line, as people may be shown it: characters that a terminal would obey, or that would
/// make text look like other text, are written out, as in `\u{1b}`.
///
/// Control characters move the cursor, colour, rename the window, or end a line and begin one that seems to
/// come from another program. Bidirectional controls change the reading order, and other format characters
/// are invisible.
pub fn shown(text: &str) -> Cow<'_, str> {
    written_out(text, |_| false)
}

/// The same for text of several lines, which stay lines, with the tabs in them.
pub fn shown_lines(text: &str) -> Cow<'_, str> {
    written_out(text, |character| matches!(character, '\n' | '\t'))
}

/// Foreign bytes, some of which may not be text: those are shown as `\xff`. Lines stay lines.
pub fn shown_bytes(bytes: &[u8]) -> String {
    let mut all = String::new();
    for chunk in bytes.utf8_chunks() {
        all += &shown_lines(chunk.valid());
        let _ = write!(all, "{}", chunk.invalid().escape_ascii());
    }
    all
}

/// Does a terminal do anything but show this character?
pub fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

fn written_out(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_escaped = |character: char| is_obeyed(character) && !stays(character);
    if !text.contains(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match is_escaped(character) {
            true => safe.extend(character.escape_default()),
            false => safe.push(character),
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert_eq!(shown("grüße, 日本, e\u{301}, \\n and \"q\""), "grüße, 日本, e\u{301}, \\n and \"q\"");
        assert_eq!(shown("\x1b]0;title\x07 \u{9b}2J"), r"\u{1b}]0;title\u{7} \u{9b}2J");
        assert_eq!(shown("one\r\ntwo\tthree\x7f"), r"one\r\ntwo\tthree\u{7f}");
        assert_eq!(shown("a\u{202e}b\u{2066}c\u{200b}\u{feff}"), r"a\u{202e}b\u{2066}c\u{200b}\u{feff}");
        assert_eq!(shown_lines("one\r\ntwo\tthree\x1b"), "one\\r\ntwo\tthree\\u{1b}");
        assert_eq!(shown_bytes(b"\xff\x1b[m\n"), "\\xff\\u{1b}[m\n");
    }
}
