//! A trace in a file.

use command::{Failure, say};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use trace::Record;

/// Writes what happens to a file, while that works.
#[derive(Debug)]
pub(crate) struct Recording {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Recording {
    /// Creates the file, or empties an existing one.
    pub(crate) fn create(path: &Path) -> Result<Recording, Failure> {
        let file = File::create(path).map_err(|error| {
            let help = "choose a file in a folder that exists and that you may write to";
            Failure::of(format_args!("can't record to {}: {error}", path.display()), help)
        })?;
        Ok(Recording { path: path.to_owned(), file: Some(BufWriter::new(file)) })
    }

    /// Adds records. When the file can no longer be written, that is reported once on standard error, and the
    /// recording ends there.
    pub(crate) fn add<'a>(&mut self, records: impl IntoIterator<Item = &'a Record>) {
        let Some(file) = &mut self.file else { return };
        if let Err(error) = write(file, records) {
            say(format_args!("warning: the recording to {} has stopped: {error}", self.path.display()));
            self.file = None;
        }
    }
}

fn write<'a>(file: &mut impl Write, records: impl IntoIterator<Item = &'a Record>) -> io::Result<()> {
    records.into_iter().try_for_each(|record| writeln!(file, "{}", record.to_json()))?;
    file.flush()
}
