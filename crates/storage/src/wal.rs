//! The write-ahead log: the segments together, and how more is added.
//!
//! Only the last segment is ever written to. Every segment comes into being in the same way: it is
//! written aside, synced, renamed and the directory synced. So no crash leaves half a segment, and a
//! segment that follows another shows that everything in the other is durable.
//!
//! The oldest segments go when no entry in them is needed any more: all are at or before the one that the
//! log begins after. The next segment's header tells the rest. A crash may bring any of them back; they
//! are removed when the server starts.

use crate::batch::Batch;
use crate::disk::Disk;
use crate::error::{Failure, StorageError};
use crate::files::{self, aside, remove};
use crate::header;
use crate::record::{self, HEAD};
use crate::recovery::{Found, OlderSegment, Replay};
use crate::segment::{self, Reached, Segment, SegmentHeader};
use crate::terms::Terms;
use consensus::{Append, LogPosition};
use std::borrow::Cow;
use std::collections::VecDeque;

/// Where the next save goes.
#[derive(Debug)]
pub(crate) struct WriteAheadLog {
    /// The size of the segments to come, in bytes. One is larger if a save needs it.
    segment_size: u64,
    last: SegmentHeader,
    /// Where the last save in the last segment ends.
    end: u64,
    reached: Reached,
    terms: Terms,
    /// The segments before the last.
    older: VecDeque<OlderSegment>,
}

impl WriteAheadLog {
    /// Goes on with the log that was found.
    ///
    /// The last segment is written anew. What was read of it may be in the system's memory only, after a
    /// save that failed in an earlier life, and the server will act on it, so it must last. With a fresh
    /// copy, a torn tail is gone for good, and no byte of the old file is at risk meanwhile.
    pub(crate) fn resume(
        disk: &mut impl Disk,
        found: Found,
        segment_size: u64,
    ) -> Result<(WriteAheadLog, Replay), StorageError> {
        let Found { log, older, left_behind, last, last_bytes, .. } = found;
        let Segment { header: last, reached, .. } = last;
        let end = last_bytes.len() as u64;
        write_aside(disk, &last, last_bytes, reached)?;
        files::put_in_place(disk, &segment::name_of(last.number))?;

        let terms = Terms::of(log.begins_after, &log.entries);
        let mut resumed = WriteAheadLog { segment_size, last, end, reached, terms, older };
        left_behind.into_iter().try_for_each(|number| remove(disk, &segment::name_of(number)))?;
        resumed.remove_unneeded(disk)?;
        Ok((resumed, log))
    }

    /// The same batch, in which it is said what becomes of the entries after a new beginning of the log: if
    /// they are to go, and nothing takes their place, then what comes after the beginning is nothing.
    ///
    /// # Panics
    /// If the batch leaves a gap in the log, or would bring back the beginning of the log.
    pub(crate) fn spell_out<'a>(&self, batch: &'a Batch) -> Cow<'a, Batch> {
        let Some(position) = batch.begins_after.filter(|position| !self.holds(*position)) else {
            return Cow::Borrowed(batch);
        };
        let first = position.index.next();
        if let Some(append) = &batch.append {
            assert_eq!(append.first, first, "a log without a gap");
            return Cow::Borrowed(batch);
        }
        let nothing = Append { first, entries: Vec::new() };
        Cow::Owned(Batch { append: Some(nothing), ..batch.clone() })
    }

    fn holds(&self, position: LogPosition) -> bool {
        position.index <= self.reached.log_end && self.terms.agree_with(position)
    }

    /// Makes a batch durable, in which [all is spelled out](WriteAheadLog::spell_out).
    ///
    /// # Panics
    /// If the batch leaves a gap in the log, or would bring back the beginning of the log.
    pub(crate) fn save(&mut self, disk: &mut impl Disk, batch: &Batch) -> Result<(), Failure> {
        let reached = self.reached.after(batch).expect("a log without a gap");
        let encoded = batch.encode();
        let length = (HEAD + record::padded(encoded.len())) as u64;
        let with_mark = length + HEAD as u64;
        if self.end + with_mark > self.last.size {
            self.begin_next_segment(disk, with_mark)?;
        }

        let (name, checksum) = (segment::name_of(self.last.number), self.checksum());
        let path = disk.folder().join(&name);
        let save = record::save(&encoded, reached.saves, reached.log_end, checksum);
        disk.write_at(&name, self.end, &save).map_err(StorageError::io("write", &path))?;
        disk.sync(&name).map_err(StorageError::io("sync", &path))?;
        self.end += length;
        self.note_saved(batch, reached);

        // Not synced: the mark need not get to the disk. But once it has, nobody will take the save
        // for one that a crash has torn. The next save takes its place.
        let mark = record::mark(reached.saves, reached.log_end, checksum);
        disk.write_at(&name, self.end, &mark).map_err(StorageError::io("write", &path))?;
        Ok(self.remove_unneeded(disk)?)
    }

    fn note_saved(&mut self, batch: &Batch, reached: Reached) {
        self.reached = reached;
        if let Some(position) = batch.begins_after {
            self.terms.begin_after(position);
        }
        if let Some(append) = &batch.append {
            self.terms.append(append);
        }
    }

    /// Removes the oldest segments, as long as no entry in them is needed. That the log begins later must be
    /// durable. The names are not synced: should one of them come back, it is no more needed than now.
    fn remove_unneeded(&mut self, disk: &mut impl Disk) -> Result<(), StorageError> {
        let begins_after = self.reached.begins_after.index;
        while let Some(oldest) = self.older.pop_front_if(|oldest| oldest.log_end <= begins_after) {
            remove(disk, &segment::name_of(oldest.number))?;
        }
        Ok(())
    }

    /// Begins a segment with room for a save of so many bytes, and seals the one before.
    fn begin_next_segment(&mut self, disk: &mut impl Disk, room: u64) -> Result<(), Failure> {
        let mut next =
            SegmentHeader { number: self.last.number + 1, reached_before: self.reached, ..self.last.clone() };
        next.size = self.segment_size.max(next.smallest_size(room));
        let content = next.encode();
        let end = content.len() as u64;
        let next_name = segment::name_of(next.number);
        write_aside(disk, &next, content, self.reached)
            .map_err(|error| files::give_up(disk, &next_name, error))?;
        files::put_in_place(disk, &next_name)?;

        let name = segment::name_of(self.last.number);
        let path = disk.folder().join(&name);
        let seal = record::seal(self.reached.saves, self.reached.log_end, self.checksum());
        disk.write_at(&name, self.end, &seal).map_err(StorageError::io("write", &path))?;
        disk.sync(&name).map_err(StorageError::io("sync", &path))?;
        let log_end = self.reached.log_end;
        self.older.push_back(OlderSegment { number: self.last.number, log_end });
        self.last = next;
        self.end = end;
        Ok(())
    }

    fn checksum(&self) -> u32 {
        header::checksum_of(&self.last.encode())
    }
}

/// Writes a whole segment, with a mark at its end, into a file that is no part of the log yet.
fn write_aside(
    disk: &mut impl Disk,
    header: &SegmentHeader,
    mut content: Vec<u8>,
    reached: Reached,
) -> Result<(), StorageError> {
    let name = aside(&segment::name_of(header.number));
    let path = disk.folder().join(&name);
    content.extend(record::mark(reached.saves, reached.log_end, header::checksum_of(&header.encode())));
    disk.create(&name, header.size).map_err(StorageError::io("create", &path))?;
    disk.write_at(&name, 0, &content).map_err(StorageError::io("write", &path))?;
    disk.sync(&name).map_err(StorageError::io("sync", &path))
}
