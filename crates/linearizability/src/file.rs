//! A history on disk: JSON lines, one operation a line.

use crate::history::{History, Operation, Outcome};
use std::fmt;
use std::io::{self, BufRead, Write};

/// Why a history can't be read.
#[derive(Debug)]
pub struct ReadError {
    /// The name of the file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ReadError { file, line, problem } = self;
        write!(f, "{file}:{line}: this is no operation of a history: {problem}")
    }
}

impl std::error::Error for ReadError {}

impl History {
    /// Writes it as JSON lines, which [`History::read`] reads.
    ///
    /// # Errors
    /// If they can't be written.
    pub fn write(&self, mut to: impl Write) -> io::Result<()> {
        for operation in &self.operations {
            serde_json::to_writer(&mut to, operation)?;
            to.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Reads what [`History::write`] wrote. `file` is the name for the error message.
    ///
    /// # Errors
    /// At the first line that can't be read, is not an operation, or returns before it is called.
    pub fn read(from: impl BufRead, file: &str) -> Result<History, ReadError> {
        let mut operations = Vec::new();
        for (number, line) in from.lines().enumerate() {
            match line.map_err(|error| error.to_string()).and_then(|line| parse(&line)) {
                Ok(operation) => operations.extend(operation),
                Err(problem) => return Err(ReadError { file: file.to_owned(), line: number + 1, problem }),
            }
        }
        Ok(History { operations })
    }
}

/// `None` for a blank line.
fn parse(line: &str) -> Result<Option<Operation>, String> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    let operation: Operation = serde_json::from_str(line)
        .map_err(|error| error.to_string().replace(" at line 1 column", " at column"))?;
    match operation.outcome {
        Outcome::Returned { at, .. } if at < operation.called => {
            Err(format!("it returned at {at}, before it was called at {}", operation.called))
        }
        _ => Ok(Some(operation)),
    }
}
