//! Disk space reserved for the next snapshot. When the disk is full, a snapshot is what makes the log
//! shorter; but writing it takes space itself. The file holds nothing. It has the name of an unfinished file,
//! so it is removed at each start.

use crate::disk::Disk;
use crate::error::{Failure, StorageError};
use crate::files::{Files, aside};

pub(crate) const FILE: &str = "room";

/// Number of bytes added at once: a save never waits for more.
const STEP: u64 = 1 << 20;

#[derive(Debug, Default)]
pub(crate) struct Room {
    /// The file's size in bytes; if it is 0, there is no file.
    size: u64,
}

impl Room {
    /// Adds some space, unless there are `wanted` bytes. Returns whether there is more to add. If the disk
    /// has no space for it, none is kept.
    pub(crate) fn grow(&mut self, files: &mut Files<impl Disk>, wanted: u64) -> Result<bool, Failure> {
        if self.size >= wanted {
            return Ok(false);
        }
        let step = STEP.min(wanted - self.size);
        self.add(files, step).map_err(|error| {
            self.size = 0;
            files.give_up(FILE, error)
        })?;
        self.size += step;
        Ok(self.size < wanted)
    }

    fn add(&self, files: &mut Files<impl Disk>, step: u64) -> Result<(), StorageError> {
        // Zeroes that are really written: a file that is merely long takes no space.
        let zeroes = vec![0; step as usize];
        match self.size {
            0 => files.write(&aside(FILE), &zeroes)?,
            _ => files.append(&aside(FILE), &zeroes)?,
        }
        files.sync(&aside(FILE))
    }

    /// Frees the space.
    pub(crate) fn free(&mut self, files: &mut Files<impl Disk>) -> Result<(), StorageError> {
        if std::mem::take(&mut self.size) > 0 { files.remove(&aside(FILE)) } else { Ok(()) }
    }
}
