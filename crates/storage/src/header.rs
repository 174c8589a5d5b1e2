//! The beginning of all files that are not text: a header that says what they are.
//!
//! | bytes | what they hold |
//! |---|---|
//! | 0..8 | what kind of file it is, in letters |
//! | 8..12 | the version of the format |
//! | 12..16 | the header's length, a multiple of 32 |
//! | 16.. | what that kind of file says about itself, and zeroes |
//! | the last 4 | the CRC-32C of the header before |
//!
//! These places stay the same in all future versions. All numbers are little-endian.

use crate::bytes::Bytes;

const BEFORE_THE_FIELDS: usize = 8 + 4 + 4;
const CHECKSUM: usize = 4;

/// A kind of file, and a version of its format.
pub(crate) struct Kind {
    pub(crate) magic: &'static [u8; 8],
    pub(crate) version: u32,
}

/// Why a header can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is damaged, or not a header.
    Broken,
    /// It is of this version, which is newer than the ones known.
    Newer(u32),
}

impl Kind {
    /// A header with these fields.
    pub(crate) fn encode(&self, fields: &[u8]) -> Vec<u8> {
        let length = (BEFORE_THE_FIELDS + fields.len() + CHECKSUM).next_multiple_of(32);
        let written_length = u32::try_from(length).expect("a header is small");
        let mut header = Vec::with_capacity(length);
        header.extend_from_slice(self.magic);
        header.extend(self.version.to_le_bytes());
        header.extend(written_length.to_le_bytes());
        header.extend_from_slice(fields);
        header.resize(length - CHECKSUM, 0);
        header.extend(crc32c::crc32c(&header).to_le_bytes());
        header
    }

    /// The version of the header at the beginning of `bytes`, its fields, and its length.
    pub(crate) fn decode<'a>(&self, bytes: &'a [u8]) -> Result<(u32, Bytes<'a>, usize), Unreadable> {
        let (version, header) = self.verify(bytes).ok_or(Unreadable::Broken)?;
        if version > self.version {
            return Err(Unreadable::Newer(version));
        }
        Ok((version, Bytes(&header[BEFORE_THE_FIELDS..header.len() - CHECKSUM]), header.len()))
    }

    /// The version of the format, and the whole header, if its checksum is right.
    fn verify<'a>(&self, bytes: &'a [u8]) -> Option<(u32, &'a [u8])> {
        let mut fields = Bytes(bytes);
        let has_magic = fields.take(self.magic.len())? == self.magic;
        let version = fields.u32()?;
        let header = bytes.get(..usize::try_from(fields.u32()?).ok()?)?;
        let (content, checksum) = header.split_last_chunk::<CHECKSUM>()?;
        let is_whole = crc32c::crc32c(content).to_le_bytes() == *checksum;
        (has_magic && is_whole && content.len() >= BEFORE_THE_FIELDS).then_some((version, header))
    }
}

/// The checksum at the end of a header.
pub(crate) fn checksum_of(header: &[u8]) -> u32 {
    let checksum = header.last_chunk::<CHECKSUM>().expect("a header ends with its checksum");
    u32::from_le_bytes(*checksum)
}
