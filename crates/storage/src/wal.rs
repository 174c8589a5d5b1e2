//! The write-ahead log: the segments together, and how they grow.
//!
//! Only the last segment is ever written to. Every segment is created in the same way: it is written aside,
//! synced, renamed and the directory synced. So no crash leaves half a segment, and a segment that follows
//! another shows that everything in the other is durable.
//!
//! The oldest segments are removed when no entry in them is needed any longer: all are at or before the one
//! that the log begins after. The next segment's header has the rest. A crash may bring any of them back;
//! they are removed when the server starts.

use crate::disk::Disk;
use crate::error::{Failure, StorageError};
use crate::files::{Files, aside};
use crate::header;
use crate::record::{self, HEAD};
use crate::recovery::{Found, OlderSegment, Replay};
use crate::segment::{self, Reached, SegmentHeader};
use crate::terms::Terms;
use consensus::{Append, Batch, LogPosition};
use std::borrow::Cow;
use std::collections::VecDeque;

/// A larger record's memory is freed once it is saved.
const KEPT_MEMORY: usize = 1 << 20;

/// Where the next save goes.
#[derive(Debug)]
pub(crate) struct WriteAheadLog {
    /// Size of future segments in bytes. A segment is larger if a save needs it.
    segment_size: u64,
    /// The segments before the last.
    older: VecDeque<OlderSegment>,
    last: LastSegment,
    /// Is there a file aside for the next segment, with all its zeroes?
    is_next_prepared: bool,
    /// Is the mark after the last save durable too?
    is_mark_synced: bool,
    reached: Reached,
    terms: Terms,
    /// A buffer for a record.
    record: Vec<u8>,
}

/// The segment that is written to.
#[derive(Debug)]
struct LastSegment {
    file: String,
    header: SegmentHeader,
    /// The checksum of its header.
    checksum: u32,
    /// Where its last save ends.
    end: u64,
}

impl LastSegment {
    fn new(header: SegmentHeader, end: u64) -> LastSegment {
        let checksum = header::checksum_of(&header.encode());
        LastSegment { file: segment::name_of(header.number), header, checksum, end }
    }
}

impl WriteAheadLog {
    /// Continues with the log that was found.
    ///
    /// The last segment is rewritten, in the newest version of the format. What was read of it may be in the
    /// system's memory only, after a save that failed in an earlier start, and the server will act on it, so
    /// it must last. With a fresh copy, a torn tail is gone for good, and no byte of the old file is at risk
    /// meanwhile.
    pub(crate) fn resume(
        files: &mut Files<impl Disk>,
        found: Found,
        segment_size: u64,
    ) -> Result<(WriteAheadLog, Replay), StorageError> {
        let Found { log, older, left_behind, last, .. } = found;
        let reached = last.reached;
        let (header, content) = last.rewritten(files.random());
        let last = LastSegment::new(header, content.len() as u64);
        files
            .create(&aside(&last.file), last.header.size)
            .and_then(|()| fill_aside(files, &last, content, reached))
            .map_err(|error| files.give_up(&last.file, error))?;
        files.put_in_place(&last.file)?;
        left_behind.into_iter().try_for_each(|number| files.remove(&segment::name_of(number)))?;

        let mut resumed = WriteAheadLog {
            segment_size,
            older,
            last,
            is_next_prepared: false,
            is_mark_synced: true,
            reached,
            terms: Terms::of(log.begins_after, &log.entries),
            record: Vec::new(),
        };
        resumed.remove_unneeded(files)?;
        Ok((resumed, log))
    }

    /// The same batch, with an explicit statement about the entries after a new beginning of the log: if they
    /// must go, and nothing replaces them, then an empty list does.
    ///
    /// # Panics
    /// If the batch leaves a gap in the log.
    pub(crate) fn with_explicit_truncation<'a>(&self, batch: &'a Batch) -> Cow<'a, Batch> {
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

    /// Makes a batch durable that is [explicit about truncation](WriteAheadLog::with_explicit_truncation).
    ///
    /// # Panics
    /// If the batch leaves a gap in the log, or would move the beginning of the log back.
    pub(crate) fn save(&mut self, files: &mut Files<impl Disk>, batch: &Batch) -> Result<(), Failure> {
        let reached = self.reached.after(batch).expect("a log without a gap");
        record::encode_body(batch, &mut self.record);
        let with_mark = (self.record.len() + HEAD) as u64;
        if self.last.end + with_mark > self.last.header.size {
            self.begin_next_segment(files, with_mark)?;
        }
        let offset = usize::try_from(self.last.end).expect("a segment fits into memory");
        record::encode_head(&mut self.record, reached.saves, offset, self.last.checksum);
        files.write_at(&self.last.file, self.last.end, &self.record)?;
        files.sync(&self.last.file)?;
        self.record_saved(batch, reached);

        // Not synced: the mark need not reach the disk. But once it has, it shows that there was a save
        // before it. The next save overwrites it.
        let mark = record::mark(reached.saves, self.last.checksum);
        files.write_at(&self.last.file, self.last.end, &mark)?;
        self.is_mark_synced = false;
        Ok(self.remove_unneeded(files)?)
    }

    /// Makes the mark after the last save durable, if it is not.
    pub(crate) fn sync_mark(&mut self, files: &mut Files<impl Disk>) -> Result<(), Failure> {
        if !self.is_mark_synced {
            files.sync(&self.last.file)?;
            self.is_mark_synced = true;
        }
        Ok(())
    }

    fn record_saved(&mut self, batch: &Batch, reached: Reached) {
        self.last.end += self.record.len() as u64;
        self.record.clear();
        self.record.shrink_to(KEPT_MEMORY);
        self.reached = reached;
        if let Some(position) = batch.begins_after {
            self.terms.begin_after(position);
        }
        if let Some(append) = &batch.append {
            self.terms.append(append);
        }
    }

    /// Removes the oldest segments, as long as no entry in them is needed. The new beginning of the log must
    /// be durable. The names are not synced: should one of these files come back, it is needed no more than
    /// now.
    fn remove_unneeded(&mut self, files: &mut Files<impl Disk>) -> Result<(), StorageError> {
        let begins_after = self.reached.begins_after.index;
        while let Some(oldest) = self.older.pop_front_if(|oldest| oldest.log_end <= begins_after) {
            files.remove(&segment::name_of(oldest.number))?;
        }
        Ok(())
    }

    /// Begins a segment with space for records of this many bytes, and seals the one before.
    fn begin_next_segment(&mut self, files: &mut Files<impl Disk>, room: u64) -> Result<(), Failure> {
        let mut header = self.next_header(files.random());
        header.size = self.segment_size.max(header.smallest_size(room));
        let content = header.encode();
        let next = LastSegment::new(header, content.len() as u64);
        self.create_next(files, &next)
            .and_then(|()| fill_aside(files, &next, content, self.reached))
            .map_err(|error| files.give_up(&next.file, error))?;
        files.put_in_place(&next.file)?;

        let last = &self.last;
        let seal = record::seal(self.reached.saves, last.checksum);
        files.write_at(&last.file, last.end, &seal)?;
        files.sync(&last.file)?;
        self.older.push_back(OlderSegment { number: last.header.number, log_end: self.reached.log_end });
        self.last = next;
        Ok(())
    }

    /// The header of the next segment; its size is that of the last.
    fn next_header(&self, random: u64) -> SegmentHeader {
        let (number, reached_before) = (self.last.header.number + 1, self.reached);
        SegmentHeader { number, reached_before, random, saves_when_made: 0, ..self.last.header.clone() }
    }

    /// Creates the file of the next segment aside, if the prepared one won't do.
    fn create_next(&mut self, files: &mut Files<impl Disk>, next: &LastSegment) -> Result<(), StorageError> {
        let is_prepared = std::mem::take(&mut self.is_next_prepared);
        if is_prepared && next.header.size == self.segment_size {
            return Ok(());
        }
        if is_prepared {
            files.remove(&aside(&next.file))?;
        }
        files.create(&aside(&next.file), next.header.size)
    }

    /// Creates the file of the next segment if it will soon be needed.
    pub(crate) fn prepare(&mut self, files: &mut Files<impl Disk>) -> Result<(), Failure> {
        if self.is_next_prepared || self.last.end < self.last.header.size / 2 {
            return Ok(());
        }
        let next = segment::name_of(self.last.header.number + 1);
        let created = files.create(&aside(&next), self.segment_size);
        let created = created.and_then(|()| files.sync(&aside(&next)));
        created.map_err(|error| files.give_up(&next, error))?;
        self.is_next_prepared = true;
        Ok(())
    }
}

/// Writes the contents of a segment, and a mark after them, into its file aside, which holds only zeroes.
fn fill_aside(
    files: &mut Files<impl Disk>,
    segment: &LastSegment,
    mut content: Vec<u8>,
    reached: Reached,
) -> Result<(), StorageError> {
    content.extend(record::mark(reached.saves, segment.checksum));
    files.write_at(&aside(&segment.file), 0, &content)?;
    files.sync(&aside(&segment.file))
}
