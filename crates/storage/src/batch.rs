//! The format of a [`Batch`] on disk.
//!
//! A batch is a series of items. Each begins with a byte that gives its type:
//!
//! | byte | item | what follows |
//! |---|---|---|
//! | 1 | a hard state | its term, then `1` and the candidate voted for, or `0` |
//! | 2 | the beginning of the new log | index and term of the entry before it; it and those before it are gone |
//! | 3 | the end of the old log | the index that the next entry gets; what was there and after it is gone |
//! | 4 | an entry without a command | its term |
//! | 5 | an entry with a command | its term, the command's length in bytes (4 bytes), the command |
//! | 6 | an entry with a configuration | its term, the length in bytes (4 bytes), the [configuration](crate::encode_membership) |
//!
//! Each number has 8 bytes if nothing else is said. All are little-endian.

use crate::bytes::{Bytes, length};
use crate::hard_state;
use crate::membership::{decode_membership, encode_membership};
use consensus::{Append, Batch, Entry, Index, LogPosition, Payload, Term};

const HARD_STATE: u8 = 1;
const BEGINS_AFTER: u8 = 2;
const APPEND: u8 = 3;
const NO_OP: u8 = 4;
const COMMAND: u8 = 5;
const MEMBERSHIP: u8 = 6;

pub(crate) fn encode(batch: &Batch, bytes: &mut Vec<u8>) {
    if let Some(hard_state) = &batch.hard_state {
        bytes.push(HARD_STATE);
        hard_state::encode(hard_state, bytes);
    }
    if let Some(LogPosition { index, term }) = batch.begins_after {
        bytes.push(BEGINS_AFTER);
        bytes.extend(index.0.to_le_bytes());
        bytes.extend(term.0.to_le_bytes());
    }
    if let Some(append) = &batch.append {
        bytes.push(APPEND);
        bytes.extend(append.first.0.to_le_bytes());
        for entry in &append.entries {
            encode_entry(entry, bytes);
        }
    }
}

pub(crate) fn decode(bytes: &[u8]) -> Option<Batch> {
    let mut rest = Bytes(bytes);
    let mut batch = Batch::default();
    while let Some(item) = rest.u8() {
        match item {
            HARD_STATE if batch.is_empty() => batch.hard_state = Some(hard_state::decode(&mut rest)?),
            BEGINS_AFTER if batch.begins_after.is_none() && batch.append.is_none() => {
                let (index, term) = (Index(rest.u64()?), Term(rest.u64()?));
                batch.begins_after = Some(LogPosition { index, term });
            }
            APPEND if batch.append.is_none() => {
                batch.append = Some(Append { first: Index(rest.u64()?), entries: Vec::new() });
            }
            _ => batch.append.as_mut()?.entries.push(decode_entry(item, &mut rest)?),
        }
    }
    Some(batch)
}

fn encode_entry(entry: &Entry, to: &mut Vec<u8>) {
    let term = entry.term.0.to_le_bytes();
    match &entry.payload {
        Payload::NoOp => {
            to.push(NO_OP);
            to.extend(term);
        }
        Payload::Command(command) => {
            to.push(COMMAND);
            to.extend(term);
            to.extend(length(command));
            to.extend_from_slice(command);
        }
        Payload::Membership(membership) => {
            to.push(MEMBERSHIP);
            to.extend(term);
            let mut bytes = Vec::new();
            encode_membership(membership, &mut bytes);
            to.extend(length(&bytes));
            to.extend(bytes);
        }
    }
}

fn decode_entry(item: u8, from: &mut Bytes<'_>) -> Option<Entry> {
    let term = Term(from.u64()?);
    let payload = match item {
        NO_OP => Payload::NoOp,
        COMMAND => {
            let length = usize::try_from(from.u32()?).ok()?;
            Payload::Command(from.take(length)?.into())
        }
        MEMBERSHIP => {
            let length = usize::try_from(from.u32()?).ok()?;
            Payload::Membership(decode_membership(from.take(length)?)?.into())
        }
        _ => return None,
    };
    Some(Entry { term, payload })
}
