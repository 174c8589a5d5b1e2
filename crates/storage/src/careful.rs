//! Careful access to files and folders that another user may have placed there.
//!
//! Opening a pipe waits for a writer, and a device may have no end. So the type of a file is checked before
//! it is opened, and again once it is open, since it may have been replaced in between.

use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// Opens a regular file for reading. Nothing else is opened, and nothing is waited for.
///
/// # Errors
/// If the system refuses, or if it is not a regular file: then the error says what it is instead.
pub fn open_regular(path: &Path) -> io::Result<File> {
    refuse_irregular(&fs::metadata(path)?)?;
    open(OpenOptions::new().read(true), path, Links::Followed)
}

/// Reads a regular file of at most `at_most` bytes.
///
/// # Errors
/// Those of [`open_regular`], and [`io::ErrorKind::FileTooLarge`] if it has more.
pub fn read_regular(path: &Path, at_most: u64) -> io::Result<Vec<u8>> {
    read_at_most(open_regular(path)?, at_most)
}

/// Reads an open file to its end, if it has at most `at_most` bytes.
///
/// # Errors
/// If the system refuses, and [`io::ErrorKind::FileTooLarge`] if it has more.
pub fn read_at_most(file: File, at_most: u64) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len();
    let mut content = Vec::new();
    if size <= at_most {
        content.reserve(usize::try_from(size).unwrap_or(0));
        // It may grow meanwhile.
        (&file).take(at_most + 1).read_to_end(&mut content)?;
    }
    if size > at_most || content.len() as u64 > at_most {
        let size = size.max(content.len() as u64);
        let message = format!("it has {size} bytes, and {at_most} are the most that are read");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(content)
}

/// Opens a regular file of this user's own for reading; a link to one does not count.
///
/// # Errors
/// If the system refuses, or if it is something else, or another user's.
pub fn open_own(path: &Path) -> io::Result<File> {
    let named = fs::symlink_metadata(path)?;
    refuse_irregular(&named)?;
    let file = open(OpenOptions::new().read(true), path, Links::Refused)?;
    match is_own(&file.metadata()?) {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to another user")),
    }
}

/// Opens a regular file, creating it if necessary, for locking or writing. Only its user may read it.
///
/// # Errors
/// If the system refuses, or if it is something else, such as a pipe or a link.
pub fn open_or_create(path: &Path) -> io::Result<File> {
    if let Ok(named) = fs::symlink_metadata(path) {
        refuse_irregular(&named)?;
    }
    open(for_its_user(OpenOptions::new().write(true).create(true).truncate(false)), path, Links::Refused)
}

/// Creates a folder, and those above it, that only its user may enter. An existing folder stays as it is.
///
/// # Errors
/// If the system refuses.
pub fn create_folder(path: &Path) -> io::Result<()> {
    folder_builder().recursive(true).create(path)
}

/// Is this a folder, not a link, that belongs to this user, and that no other user may enter or change?
pub fn is_private_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir() && is_own(&found) && !has_guests(&found))
}

/// Is this a folder, not a link, that belongs to this user?
pub fn is_own_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir() && is_own(&found))
}

/// Only its user may read and write a file created this way.
pub(crate) fn for_its_user(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Only its user may enter a folder created this way.
pub(crate) fn folder_builder() -> fs::DirBuilder {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Whether a link is followed to a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Links {
    Followed,
    Refused,
}

#[cfg_attr(not(unix), allow(unused_variables))]
fn open(options: &mut OpenOptions, path: &Path, links: Links) -> io::Result<File> {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        let no_follow = if links == Links::Refused { OFlags::NOFOLLOW } else { OFlags::empty() };
        options.custom_flags((OFlags::NONBLOCK | no_follow).bits().cast_signed());
    }
    let file = options.open(path)?;
    refuse_irregular(&file.metadata()?)?;
    Ok(file)
}

fn refuse_irregular(found: &Metadata) -> io::Result<()> {
    match found.is_file() {
        true => Ok(()),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("it is {}, not a regular file", kind(found.file_type())),
        )),
    }
}

fn kind(found: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if found.is_fifo() {
            return "a pipe";
        }
        if found.is_socket() {
            return "a socket";
        }
        if found.is_char_device() || found.is_block_device() {
            return "a device";
        }
    }
    if found.is_dir() {
        "a folder"
    } else if found.is_symlink() {
        "a link"
    } else {
        "something else"
    }
}

#[cfg(unix)]
fn is_own(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(found) == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_own(_: &Metadata) -> bool {
    true
}

#[cfg(unix)]
fn has_guests(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(found) & 0o077 != 0
}

#[cfg(not(unix))]
fn has_guests(_: &Metadata) -> bool {
    false
}
