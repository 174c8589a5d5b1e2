//! Talks with the learner line by line, so that any terminal, a screen reader and a pipe can do it.

use crate::paragraph::{columns, wrapped};
use command::Failure;
use std::io::{self, BufRead, IsTerminal, Write};

/// Why a chapter ended before its end.
pub(super) enum Left {
    /// The learner has left, or there is no more input.
    Quit,
    /// Standard output can't be written to.
    Output(io::Error),
    /// Something else failed.
    Failed(Failure),
}

impl From<io::Error> for Left {
    fn from(error: io::Error) -> Left {
        Left::Output(error)
    }
}

impl From<Failure> for Left {
    fn from(failure: Failure) -> Left {
        Left::Failed(failure)
    }
}

/// The terminal, or the pipes in its place.
pub(super) struct Console {
    /// A terminal shows what is typed. A pipe does not.
    echoes: bool,
}

impl Console {
    pub(super) fn open() -> Console {
        Console { echoes: !io::stdin().is_terminal() }
    }

    /// Prints lines as they are.
    pub(super) fn print(&self, lines: &str) -> io::Result<()> {
        io::stdout().write_all(lines.as_bytes())
    }

    /// Prints a text and an empty line. An empty text is left out.
    pub(super) fn say(&self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.item("", text)?;
        self.print("\n")
    }

    /// Prints a text after a head, such as the number of an item.
    pub(super) fn item(&self, head: &str, text: &str) -> io::Result<()> {
        self.print(&format!("{}\n", wrapped(columns(), head, text)))
    }

    /// Asks for a line, of which it returns the words.
    pub(super) fn ask(&self, prompt: &str) -> Result<String, Left> {
        let line = self.line(prompt)?;
        match line.as_str() {
            "quit" | "exit" => Err(Left::Quit),
            _ => Ok(line),
        }
    }

    /// Asks for a line of free text.
    pub(super) fn line(&self, prompt: &str) -> Result<String, Left> {
        self.print(prompt)?;
        io::stdout().flush()?;
        let mut line = Vec::new();
        let end = io::stdin().lock().read_until(b'\n', &mut line);
        let end = end.map_err(|error| {
            Failure::of(
                format_args!("can't read from standard input: {error}"),
                "type your answers, or pipe them in",
            )
        })?;
        if end == 0 {
            self.print("\n")?;
            return Err(Left::Quit);
        }
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        if self.echoes {
            self.print(&format!("{}\n", trace::shown(&line)))?;
        }
        Ok(line)
    }
}
