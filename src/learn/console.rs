//! Talks with the learner line by line, so that any terminal, a screen reader and a pipe can do it.

use crate::paragraph::{columns, wrapped};
use command::Failure;
use rustyline::error::ReadlineError;
use rustyline::{Config, DefaultEditor};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::error::Error;
use std::io::{self, BufRead, IsTerminal, Write};
use trace::glossary::{Definition, definitions_in};

/// Why a chapter ended before its end.
pub(super) enum Left {
    /// The learner has left, or there is no more input.
    Quit,
    /// The learner has pressed Ctrl+C.
    Interrupted,
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
    /// Lets the learner edit a line, and brings back earlier commands; `None` where a pipe or a file is in the
    /// terminal's place.
    editor: Option<RefCell<DefaultEditor>>,
    /// A terminal shows what is typed. A pipe does not.
    echoes: bool,
    /// What was explained.
    explained: RefCell<BTreeSet<&'static str>>,
}

impl Console {
    pub(super) fn open() -> Console {
        let reads_keys = io::stdin().is_terminal();
        let can_edit = reads_keys && io::stdout().is_terminal();
        // Pasted lines are commands one by one, as if they were typed.
        let config = Config::builder().bracketed_paste(false).build();
        let editor = can_edit.then(|| DefaultEditor::with_config(config).ok()).flatten();
        Console { editor: editor.map(RefCell::new), echoes: !reads_keys, explained: RefCell::default() }
    }

    /// Is someone there to read and type, and no pipe?
    pub(super) fn is_interactive(&self) -> bool {
        self.editor.is_some()
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

    /// Says this, unless it was said before.
    pub(super) fn explain(&self, text: &'static str) -> io::Result<()> {
        if self.explained.borrow_mut().insert(text) { self.say(text) } else { Ok(()) }
    }

    /// Explains the words of Raft in a text.
    pub(super) fn define(&self, text: &str) -> io::Result<()> {
        for Definition { words, meaning } in definitions_in(text) {
            self.item(&format!("  {}: ", words[0]), meaning)?;
        }
        self.print("\n")
    }

    /// Prints a text after a head, such as the number of an item.
    pub(super) fn item(&self, head: &str, text: &str) -> io::Result<()> {
        self.print(&format!("{}\n", wrapped(columns(), head, text)))
    }

    /// Asks for a command. The arrow keys bring back earlier ones.
    pub(super) fn command(&self, prompt: &str) -> Result<String, Left> {
        let line = self.ask(prompt)?;
        if let Some(editor) = &self.editor {
            // At worst an arrow key does not bring it back.
            let _ = editor.borrow_mut().add_history_entry(&line);
        }
        Ok(line)
    }

    /// Asks for a line, unless the learner leaves.
    pub(super) fn ask(&self, prompt: &str) -> Result<String, Left> {
        let line = self.line(prompt)?;
        match line.as_str() {
            "quit" | "exit" => Err(Left::Quit),
            _ => Ok(line),
        }
    }

    /// Asks for a line of free text.
    pub(super) fn line(&self, prompt: &str) -> Result<String, Left> {
        let line = match &self.editor {
            Some(editor) => editor.borrow_mut().readline(prompt).map_err(|error| match error {
                ReadlineError::Eof => Left::Quit,
                ReadlineError::Interrupted => Left::Interrupted,
                error => unreadable(&error).into(),
            })?,
            None => self.line_of_pipe(prompt)?,
        };
        Ok(line.trim().to_owned())
    }

    fn line_of_pipe(&self, prompt: &str) -> Result<String, Left> {
        self.print(prompt)?;
        io::stdout().flush()?;
        let mut line = Vec::new();
        let end = io::stdin().lock().read_until(b'\n', &mut line).map_err(|error| unreadable(&error))?;
        if end == 0 {
            self.print("\n")?;
            return Err(Left::Quit);
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        if self.echoes {
            self.print(&format!("{}\n", trace::shown(line.trim())))?;
        }
        Ok(line)
    }
}

fn unreadable(error: &dyn Error) -> Failure {
    Failure::of(format_args!("can't read from standard input: {error}"), "type your answers, or pipe them in")
}
