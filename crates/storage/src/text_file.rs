//! How a text file is written so that it is always intact, and so that damage is noticed.
//!
//! A file begins with a line that gives its kind and the version of its format, and ends with a checksum of
//! all lines before. These two lines stay the same in all future versions.

use crate::disk::Disk;
use crate::error::StorageError;
use crate::files::{Files, aside};

const PROGRAM: &str = "raft-for-beginners";
const CHECKSUM: &str = "crc32c ";

/// A value that is stored in a file of its own.
pub(crate) trait TextFile: Sized {
    /// The file's name, which is also in its first line.
    const FILE: &'static str;

    /// The newest version of the format.
    const VERSION: u64 = 1;

    /// The lines between the first and the checksum.
    fn lines(&self) -> String;

    /// Parses them. It need not be strict: the caller compares the result with [`TextFile::lines`].
    fn parse(lines: &str) -> Option<Self>;

    /// Parses the lines of an earlier version, if there was one.
    fn parse_earlier(_version: u64, _lines: &str) -> Option<Self> {
        None
    }
}

/// What is wrong with a file that does not hold what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It was written, and now there is no such file.
    #[error("it is missing")]
    Missing,
    /// Its end is missing.
    #[error("it does not end with a checksum: its end is lost, or something else wrote it")]
    NoChecksum,
    /// Its bytes are not those that were written.
    #[error("its checksum does not match its content: it changed after it was written")]
    WrongChecksum,
    /// It is intact, but this program never writes this.
    #[error("its checksum is right, but its content makes no sense")]
    Nonsense,
}

/// Saves a value. After a crash at any time, the file holds the old value or the new one; once this has
/// returned `Ok`, the new one.
pub(crate) fn replace<F: TextFile>(files: &mut Files<impl Disk>, value: &F) -> Result<(), StorageError> {
    files
        .write(&aside(F::FILE), encode(value).as_bytes())
        // The content first: otherwise a crash could leave the file's name with content that never reached
        // the disk.
        .and_then(|()| files.sync(&aside(F::FILE)))
        .map_err(|error| files.give_up(F::FILE, error))?;
    files.put_in_place(F::FILE)
}

/// The value that was saved last; `None` if none ever was.
pub(crate) fn read<F: TextFile>(files: &mut Files<impl Disk>) -> Result<Option<F>, StorageError> {
    let Some(content) = files.read(F::FILE)? else { return Ok(None) };
    let file = files.path(F::FILE);
    match decode(&content) {
        Ok(value) => Ok(Some(value)),
        Err(Unreadable::Newer(version)) => {
            Err(StorageError::NewerVersion { file, version, known: F::VERSION })
        }
        Err(Unreadable::Damaged(damage)) => Err(StorageError::Corrupt { file, damage }),
    }
}

/// The value that was saved last, where one must have been.
pub(crate) fn read_existing<F: TextFile>(files: &mut Files<impl Disk>) -> Result<F, StorageError> {
    read(files)?.ok_or_else(|| files.missing(F::FILE))
}

/// The value of the field `name`, if that is what the next line holds.
pub(crate) fn field<'a>(lines: &mut std::str::Lines<'a>, name: &str) -> Option<&'a str> {
    lines.next()?.strip_prefix(name)?.strip_prefix(' ')
}

enum Unreadable {
    Damaged(Damage),
    Newer(u64),
}

pub(crate) fn encode<F: TextFile>(value: &F) -> String {
    let content = format!("{PROGRAM} {} {}\n{}", F::FILE, F::VERSION, value.lines());
    let checksum = checksum_line(content.as_bytes());
    content + &checksum
}

fn decode<F: TextFile>(bytes: &[u8]) -> Result<F, Unreadable> {
    let content = verify_checksum(bytes).map_err(Unreadable::Damaged)?;
    let nonsense = || Unreadable::Damaged(Damage::Nonsense);

    let text = std::str::from_utf8(content).map_err(|_| nonsense())?;
    let (first_line, lines) = text.split_once('\n').ok_or_else(nonsense)?;
    let version = first_line.strip_prefix(&format!("{PROGRAM} {} ", F::FILE)).ok_or_else(nonsense)?;
    match version.parse() {
        Ok(version) if version > F::VERSION => return Err(Unreadable::Newer(version)),
        Ok(version) if version < F::VERSION => return F::parse_earlier(version, lines).ok_or_else(nonsense),
        _ => {}
    }
    // There are many ways to write a value, such as "05" for 5, but only one is ours.
    F::parse(lines).filter(|value| encode(value).as_bytes() == bytes).ok_or_else(nonsense)
}

/// The lines before the checksum.
fn verify_checksum(bytes: &[u8]) -> Result<&[u8], Damage> {
    let (content, last_line) = split_last_line(bytes).ok_or(Damage::NoChecksum)?;
    if last_line == checksum_line(content).as_bytes() {
        Ok(content)
    } else if last_line.starts_with(CHECKSUM.as_bytes()) {
        Err(Damage::WrongChecksum)
    } else {
        Err(Damage::NoChecksum)
    }
}

fn split_last_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let all_but_the_last = bytes.strip_suffix(b"\n")?;
    let end_of_the_line_before = all_but_the_last.iter().rposition(|byte| *byte == b'\n')?;
    Some(bytes.split_at(end_of_the_line_before + 1))
}

fn checksum_line(content: &[u8]) -> String {
    format!("{CHECKSUM}{:08x}\n", crc32c::crc32c(content))
}
