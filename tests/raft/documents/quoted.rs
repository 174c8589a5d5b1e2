//! Compares what a command prints with what a document quotes, and updates the quotes.

use super::markdown::ANYTHING;
use regex::Regex;
use std::sync::LazyLock;

/// What differs in each run: ids, and the names of temporary folders.
static IDS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b[0-9a-f]{16,32}\b").unwrap());
static FOLDERS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\S*raft-(for-beginners|maelstrom)-[\w-]+").unwrap());
static NUMBERS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d+([.,]\d+)*").unwrap());
static BLANKS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r" {2,}|─{2,}").unwrap());

/// What a command has printed.
#[derive(Debug, Default, Clone)]
pub struct Printed {
    /// On standard output.
    pub output: Vec<String>,
    /// On standard error.
    pub error: Vec<String>,
}

impl Printed {
    pub fn lines(&self) -> impl Iterator<Item = &String> {
        self.output.iter().chain(&self.error)
    }

    /// As if everything were on standard output, with standard error first.
    pub fn with_error_first(&self) -> Printed {
        Printed { output: self.error.iter().chain(&self.output).cloned().collect(), error: Vec::new() }
    }

    pub fn text(&self) -> String {
        self.lines().map(|line| format!("{line}\n")).collect()
    }
}

/// The text with a 0 for each number.
pub fn without_numbers(text: &str) -> String {
    NUMBERS.replace_all(text, "0").into_owned()
}

/// A line without the parts that may differ.
fn masked(line: &str, numbers_vary: bool) -> String {
    let line = IDS.replace_all(line.trim_end(), "ID");
    let line = FOLDERS.replace_all(&line, "FOLDER");
    if !numbers_vary {
        return line.into_owned();
    }
    // Columns move with the width of their numbers.
    let line = without_numbers(&line);
    BLANKS.replace_all(&line, "  ").into_owned()
}

fn line_matches(expected: &str, actual: &str, numbers_vary: bool) -> bool {
    let (expected, actual) = (masked(expected, numbers_vary), masked(actual, numbers_vary));
    let mut parts = expected.split(ANYTHING);
    let Some(mut rest) = actual.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// Does the output match what is quoted? Lines of standard error, such as which server turned out to lead,
/// may be left out. With `is_prefix`, more may come after it.
pub fn matches(expected: &[String], printed: &Printed, numbers_vary: bool, is_prefix: bool) -> bool {
    Comparison { numbers_vary, is_prefix }.holds(expected, &printed.output, &printed.error)
}

struct Comparison {
    numbers_vary: bool,
    is_prefix: bool,
}

impl Comparison {
    fn holds(&self, expected: &[String], output: &[String], error: &[String]) -> bool {
        let Some((line, rest)) = expected.split_first() else { return self.is_prefix || output.is_empty() };
        if line.trim() == ANYTHING {
            return (0..=output.len()).any(|skipped| self.holds(rest, &output[skipped..], error));
        }
        let is_it = |actual: &String| line_matches(line, actual, self.numbers_vary);
        let is_output =
            output.split_first().is_some_and(|(first, more)| is_it(first) && self.holds(rest, more, error));
        is_output
            || error.iter().position(is_it).is_some_and(|place| self.holds(rest, output, &error[place + 1..]))
    }
}

/// The new quote: lines that still match stay as they are, and so does one place at which lines are left out.
/// Of standard error, only an error is quoted.
pub fn renewed(expected: &[String], printed: &Printed, numbers_vary: bool) -> Vec<String> {
    let is_error = printed.output.is_empty();
    let actual = if is_error { &printed.error } else { &printed.output };
    let gap = expected.iter().position(|line| line.trim() == ANYTHING);
    let (head, tail) = match gap {
        Some(gap) => (gap, expected.len() - gap - 1),
        None => (actual.len(), 0),
    };
    let head = head.min(actual.len());
    let tail = tail.min(actual.len() - head);
    let mut before: Vec<&String> = expected.iter().filter(|before| before.trim() != ANYTHING).collect();
    // Each line is kept once: with masks, the row of one server looks like that of another.
    let mut kept = |line: &String| {
        let place = before.iter().position(|before| line_matches(before, line, numbers_vary));
        place.map_or_else(|| line.clone(), |place| before.remove(place).clone())
    };
    let mut lines: Vec<String> = actual[..head].iter().map(&mut kept).collect();
    lines.extend(gap.map(|gap| expected[gap].clone()));
    lines.extend(actual[actual.len() - tail..].iter().map(&mut kept));
    lines
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn printed(output: &str, error: &str) -> Printed {
    Printed { output: lines(output), error: lines(error) }
}

#[test]
fn a_mask_lets_pass_what_it_stands_for_and_nothing_else() {
    assert!(line_matches("written, version …", "written, version 17", false));
    assert!(!line_matches("written, version 16", "written, version 17", false));
    assert!(line_matches("written, version 16", "written, version 17", true));
    assert!(!line_matches("written, version 16", "refused, version 17", true));
    let temporary = "in /tmp/raft-for-beginners-aB1, … seeds";
    assert!(line_matches(temporary, "in /tmp/raft-for-beginners-Xy2, 5 seeds", false));
    assert!(!line_matches("a … c", "a b d", false));
}

#[test]
fn lines_of_standard_error_may_be_left_out_and_no_others() {
    let is_quoted = |expected: &str, printed: &Printed| matches(&lines(expected), printed, false, false);
    assert!(is_quoted("a\n…\nc", &printed("a\nb\nb\nc", "")));
    assert!(!is_quoted("a\n…\nc", &printed("a\nb\nb", "")));
    assert!(!is_quoted("a", &printed("a\nb", "")));
    assert!(is_quoted("a", &printed("a", "b")));
    assert!(is_quoted("b\na", &printed("a", "b\nc")));
    assert!(!is_quoted("b\nd\na", &printed("a", "b\nc")));
    assert!(matches(&lines("a"), &printed("a\nb", ""), false, true));
}

#[test]
fn quoted_output_is_renewed_where_it_differs() {
    assert_eq!(renewed(&lines("a …\nb"), &printed("a 1\nc", "d"), false), lines("a …\nc"));
    assert_eq!(renewed(&lines("a\n…\nc"), &printed("x\ny\nz\nc", ""), false), lines("x\n…\nc"));
    assert_eq!(renewed(&lines("version 3"), &printed("version 4", ""), true), lines("version 3"));
    assert_eq!(renewed(&lines("error: x"), &printed("", "error: y"), true), lines("error: y"));
}
