//! Looking at a log without touching it, also while its server runs.

use crate::batch::Batch;
use crate::error::StorageError;
use crate::recovery::{self, missing};
use crate::segment::{self, LogDamage, NotContinued, Segment, SegmentHeader, Tail};
use consensus::Index;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Reads the segments of the log in a server's folder, from the oldest on. Nothing is locked or written.
///
/// While the server runs, the end of the last segment may be seen half written, and look torn or
/// damaged, or its last segment may be missing here. Look again then: real damage stays.
///
/// # Errors
/// [`StorageError::Io`] if the folder can't be listed.
pub fn inspect(folder: &Path) -> Result<Inspection, StorageError> {
    let names = names(folder).map_err(StorageError::io("list", folder))?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment::number_of(name)).collect();
    numbers.sort_unstable();
    let mut segments = Inspection {
        folder: folder.to_path_buf(),
        expected: segment::FIRST,
        numbers: numbers.into_iter().peekable(),
        ahead: None,
    };
    segments.read_ahead();
    Ok(segments)
}

/// The segments of a log, from the oldest on. A segment that can't be read, or is missing between two
/// others, is an error, after which the others follow.
#[derive(Debug)]
pub struct Inspection {
    folder: PathBuf,
    /// The number that the next segment should have.
    expected: u64,
    numbers: std::iter::Peekable<std::vec::IntoIter<u64>>,
    /// The next segment: what is at the end of one shows only when the next is known.
    ahead: Option<Result<(PathBuf, Segment), StorageError>>,
}

/// What a segment holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectedSegment {
    /// Its file.
    pub file: PathBuf,
    /// What it says about itself.
    pub header: SegmentHeader,
    /// The saves that are whole, in order.
    pub saves: Vec<InspectedSave>,
    /// Where in the file they end, in bytes.
    pub end: u64,
    /// What comes after them.
    pub ending: Ending,
}

/// One save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectedSave {
    /// Its number: saves are counted from 1 on, through all segments.
    pub number: u64,
    /// Where in the file it begins, in bytes.
    pub offset: u64,
    /// How many bytes it takes.
    pub length: u64,
    /// What was saved.
    pub batch: Batch,
}

/// What comes after the last whole save of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Nothing: here the log ends.
    Open,
    /// The log goes on in the next segment.
    Continued,
    /// A save that never came to its end, as far as anybody can tell. The server will cut it off when
    /// it starts. If it runs, it may be writing there right now.
    Torn {
        /// How many bytes there are, up to the last that is not zero.
        bytes: u64,
    },
    /// With this damage, no server will start.
    Damaged(LogDamage),
}

impl Iterator for Inspection {
    type Item = Result<InspectedSegment, StorageError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (file, segment) = match self.ahead.take()? {
            Ok(segment) => segment,
            Err(error) => {
                self.read_ahead();
                return Some(Err(error));
            }
        };
        self.read_ahead();
        let ending = match &self.ahead {
            None => ending_of_the_last(segment.tail),
            Some(next) => ending(&segment, next.as_ref().ok().map(|(_, next)| &next.header)),
        };
        let saves = segment.saves.into_iter().map(|save| InspectedSave {
            number: save.number,
            offset: save.offset as u64,
            length: save.length as u64,
            batch: save.batch,
        });
        let (saves, end) = (saves.collect(), segment.end as u64);
        Some(Ok(InspectedSegment { file, header: segment.header, saves, end, ending }))
    }
}

impl Inspection {
    fn read_ahead(&mut self) {
        let Some(&number) = self.numbers.peek() else { return };
        if number > self.expected {
            self.ahead = Some(Err(missing(&self.folder, self.expected, Index(0))));
            self.expected = number;
            return;
        }
        self.numbers.next();
        self.expected = number + 1;
        self.ahead = Some(read(self.folder.join(segment::name_of(number))));
    }
}

fn read(file: PathBuf) -> Result<(PathBuf, Segment), StorageError> {
    let bytes = fs::read(&file).map_err(StorageError::io("read", &file))?;
    match Segment::read(&bytes) {
        Ok(segment) => Ok((file, segment)),
        Err(why) => Err(recovery::unreadable(why, &file, Index(0))),
    }
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
    names.filter_map(io::Result::transpose).collect()
}

fn ending_of_the_last(tail: Tail) -> Ending {
    match tail {
        Tail::Empty => Ending::Open,
        Tail::Sealed => Ending::Continued,
        Tail::Torn(bytes) => Ending::Torn { bytes: bytes as u64 },
        Tail::Damaged(damage) => Ending::Damaged(damage),
    }
}

fn ending(segment: &Segment, next: Option<&SegmentHeader>) -> Ending {
    match next.map(|next| segment.check_continued_by(next)) {
        Some(Ok(()) | Err(NotContinued::There(_))) => Ending::Continued,
        Some(Err(NotContinued::Here(damage))) => Ending::Damaged(damage),
        None => ending_of_the_last(segment.tail),
    }
}
