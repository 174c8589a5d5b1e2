//! The prose of a script: its comments, paragraph by paragraph.

use std::collections::VecDeque;

/// The paragraphs of a script that are yet to be told.
#[derive(Debug, Default)]
pub(crate) struct Prose {
    /// Each with the number of its first line, from 1.
    paragraphs: VecDeque<(u32, String)>,
}

impl Prose {
    /// All paragraphs but the title and the list of rules, which are names for the whole script.
    pub(crate) fn of(script: &str) -> Prose {
        let mut paragraphs = VecDeque::new();
        let mut goes_on = false;
        let mut is_output = false;
        for (number, line) in (1..).zip(script.lines()) {
            is_output = line.starts_with("---") || is_output && !line.is_empty();
            let words = line.strip_prefix('#').filter(|_| !is_output).map(str::trim).unwrap_or_default();
            match paragraphs.back_mut() {
                Some((_, paragraph)) if goes_on && !words.is_empty() => {
                    *paragraph = format!("{paragraph} {words}")
                }
                _ if !words.is_empty() => paragraphs.push_back((number, words.to_owned())),
                _ => {}
            }
            goes_on = !words.is_empty();
        }
        let is_title = |(number, _): &(u32, String)| *number == 1;
        paragraphs.retain(|paragraph| !is_title(paragraph) && !paragraph.1.starts_with("Rules: "));
        Prose { paragraphs }
    }

    /// Takes the paragraphs before this line.
    pub(crate) fn take_before(&mut self, line: u32) -> Vec<String> {
        let count = self.paragraphs.partition_point(|(number, _)| *number < line);
        self.paragraphs.drain(..count).map(|(_, paragraph)| paragraph).collect()
    }
}
