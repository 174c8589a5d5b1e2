//! Room on the disk that is kept for the next snapshot. When the disk is full, a snapshot is what lets the log forget; but to
//! write it takes room itself. The file holds nothing. It has the name of an unfinished file, so it goes at each start.

use crate::disk::Disk;
use crate::error::{Failure, StorageError};
use crate::files::{Files, aside};

pub(crate) const FILE: &str = "room";

/// Bytes that are added at once: a save waits for no more.
const PIECE: u64 = 1 << 20;

#[derive(Debug, Default)]
pub(crate) struct Room {
    /// The file's size in bytes; there is none if it is 0.
    size: u64,
}

impl Room {
    /// Adds a piece, unless it has `wanted` bytes. Tells whether there is more to add. If there is no room for it, none is kept.
    pub(crate) fn grow(&mut self, files: &mut Files<impl Disk>, wanted: u64) -> Result<bool, Failure> {
        if self.size >= wanted {
            return Ok(false);
        }
        let piece = PIECE.min(wanted - self.size);
        self.add(files, piece).map_err(|error| {
            self.size = 0;
            files.give_up(FILE, error)
        })?;
        self.size += piece;
        Ok(self.size < wanted)
    }

    fn add(&self, files: &mut Files<impl Disk>, piece: u64) -> Result<(), StorageError> {
        // Zeroes that are really written: a file that is merely long takes no room.
        let zeroes = vec![0; piece as usize];
        match self.size {
            0 => files.write(&aside(FILE), &zeroes)?,
            _ => files.append(&aside(FILE), &zeroes)?,
        }
        files.sync(&aside(FILE))
    }

    /// Gives the room away.
    pub(crate) fn free(&mut self, files: &mut Files<impl Disk>) -> Result<(), StorageError> {
        if std::mem::take(&mut self.size) > 0 { files.remove(&aside(FILE)) } else { Ok(()) }
    }
}
