//! A learner's project: one function in Rust to fill in, without any dependency.

use crate::blank::{Blank, LOG_POSITION};

/// The files of a project for a blank.
#[derive(Debug)]
pub struct Project {
    blank: &'static Blank,
}

/// Asks the learner's function. Only the call differs.
const MAIN: &str = r#"//! Asks your function the grader's questions: one a line on standard input, the answer on standard output.
//! The grader writes this file again each time. Your function is in lib.rs.

use std::io::{self, BufRead, Write};

fn main() -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let question = Question(&line);
        let answer = CALL;
        let mut out = io::stdout();
        writeln!(out, "{}", Answer::from(answer).0)?;
        out.flush()?;
    }
    Ok(())
}

/// The name of the exercise, and arguments as `name=value`.
struct Question<'a>(&'a str);

#[allow(dead_code)]
impl Question<'_> {
    fn text(&self, name: &str) -> &str {
        let mut words = self.0.split(' ');
        let value = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("the question \"{}\" has no {name}", self.0))
    }

    fn yes(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    fn number(&self, name: &str) -> u64 {
        self.text(name).parse().expect("a number")
    }

    fn maybe(&self, name: &str) -> Option<u64> {
        (self.text(name) != "none").then(|| self.number(name))
    }

    fn list(&self, name: &str) -> Vec<u64> {
        let numbers = self.text(name).split(',').filter(|number| !number.is_empty());
        numbers.map(|number| number.parse().expect("a number")).collect()
    }
}

/// As the grader reads it.
struct Answer(String);

impl From<bool> for Answer {
    fn from(answer: bool) -> Answer {
        Answer(answer.to_string())
    }
}

impl From<u64> for Answer {
    fn from(answer: u64) -> Answer {
        Answer(answer.to_string())
    }
}

impl From<Option<usize>> for Answer {
    fn from(answer: Option<usize>) -> Answer {
        Answer(answer.map_or("none".to_owned(), |place| place.to_string()))
    }
}
"#;

impl Project {
    /// The learner's file: the others are not theirs to change.
    pub const ANSWER: &str = "src/lib.rs";

    /// The project for this blank.
    pub fn new(blank: &'static Blank) -> Project {
        Project { blank }
    }

    /// The name of the package and of its program.
    pub fn name(&self) -> String {
        format!("practice-{}", self.blank)
    }

    /// What a learner begins with.
    pub fn answer(&self) -> String {
        let Blank { title, paper, signature, .. } = self.blank;
        let task = commented(self.blank.task);
        let types =
            if signature.contains("LogPosition") { format!("\n{LOG_POSITION}") } else { String::new() };
        format!(
            "//! Fill in the function below, then run `raft practice {}` again.\n{types}\n/// {title} ({paper})\n///\n\
             {task}{signature} {{\n    todo!()\n}}\n",
            self.blank
        )
    }

    /// The other files, each with its path and its text.
    pub fn frame(&self) -> [(&'static str, String); 3] {
        let manifest = format!(
            "[package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n\
             [lib]\nname = \"practice\"\n\n# A workspace of its own, wherever this folder is.\n[workspace]\n",
            self.name()
        );
        let Blank { id, title, task, paper, .. } = self.blank;
        let readme = format!(
            "# {title}\n\n{task}\n\nThe paper answers it in {paper}.\n\nFill in `src/lib.rs`, then:\n\n    raft practice {id}\n\n\
             That builds your function and puts it into all servers of simulated clusters. If a promise of Raft breaks there, it\n\
             shows the run. `src/main.rs` and `Cargo.toml` are not yours to change: the grader writes them again.\n\n\
             Print to standard error (`eprintln!`), not to standard output: that is for answers. The same question must always\n\
             get the same answer.\n"
        );
        [
            ("Cargo.toml", manifest),
            ("README.md", readme),
            ("src/main.rs", MAIN.replace("CALL", self.blank.call)),
        ]
    }
}

/// The text as lines of a doc comment.
fn commented(text: &str) -> String {
    let mut lines = String::new();
    let mut length = 0;
    for word in text.split(' ') {
        if length == 0 || length + word.len() > 95 {
            lines += if length == 0 { "///" } else { "\n///" };
            length = 3;
        }
        lines.push(' ');
        lines += word;
        length += word.len() + 1;
    }
    lines + "\n"
}
