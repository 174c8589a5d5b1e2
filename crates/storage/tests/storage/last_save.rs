//! The last save, whose mark is not on disk yet: distinguishing what was torn by a crash from what is
//! damaged.

use crate::known::{Known, Server};
use crate::model_disk::{Fault, Files, ModelDisk};
use crate::tearing::Tearing;
use crate::{appends, command, hard_state, identity, no_op, saves};
use consensus::{Batch, Entry, Index, Payload, Term};
use storage::{LogDamage, Storage, StorageError};

const SEGMENT: u64 = 8192;
const FIRST: &str = "log-0000000001";
const SECTOR: usize = 512;

/// An entry whose command is these bytes.
fn says(bytes: Vec<u8>) -> Entry {
    Entry { term: Term(1), payload: Payload::Command(bytes.into()) }
}

/// A server that saves one batch and then another; and its last segment at three points in time.
struct Saved {
    before: Known,
    after: Known,
    files: Files,
    /// The first batch is saved, its mark is not on the disk.
    unmarked: Vec<u8>,
    /// The first batch is saved and marked.
    marked: Vec<u8>,
    /// Both are saved, the mark of the second is not on the disk.
    both: Vec<u8>,
}

impl Saved {
    fn new(first: &Batch, second: &Batch) -> Saved {
        let mut server = Server::new(SEGMENT);
        let mut storage = server.start().unwrap();
        server.save(&mut storage, first).unwrap();
        let (before, marked) = (server.known.clone(), server.disk.files()[FIRST].clone());
        let after_a_crash = |server: &Server| {
            let crashed = server.copy();
            crashed.disk.crash(Tearing::Undone);
            crashed.disk.files()
        };
        let unmarked = after_a_crash(&server)[FIRST].clone();
        server.save(&mut storage, second).unwrap();
        let files = after_a_crash(&server);
        let both = files[FIRST].clone();
        Saved { before, after: server.known.clone(), files, unmarked, marked, both }
    }

    /// Where the second save is in the file.
    fn second(&self) -> std::ops::Range<usize> {
        let mark =
            self.unmarked.iter().zip(&self.marked).position(|(before, after)| before != after).unwrap();
        let end = self.both.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        mark..end.next_multiple_of(32)
    }

    /// What a server with this segment finds.
    fn open(&self, segment: Vec<u8>) -> Result<Known, LogDamage> {
        let mut files = self.files.clone();
        files.insert(FIRST.into(), segment);
        match Storage::open_with_segment_size(ModelDisk::with_files(files), identity(), SEGMENT) {
            Ok((_, recovered)) => Ok(Known::of(&recovered)),
            Err(StorageError::CorruptLog { damage, .. }) => Err(damage),
            Err(other) => panic!("{other}"),
        }
    }

    /// Opens the segment with each bit of the second save flipped, in turn. Returns the flips that are not
    /// refused.
    fn flips_that_pass(&self) -> Vec<usize> {
        let bits = self.second().start * 8..self.second().end * 8;
        let passes = |bit: &usize| {
            let mut segment = self.both.clone();
            segment[bit / 8] ^= 1 << (bit % 8);
            self.open(segment).is_ok()
        };
        bits.filter(passes).collect()
    }

    /// Opens every segment that a crash can leave while the second batch is saved, and returns their number:
    /// each sector is as it was at one of the three points in time.
    fn accepts_all_that_a_crash_leaves(&self) -> usize {
        let second = self.second();
        let sectors: Vec<usize> = (second.start / SECTOR..second.end.div_ceil(SECTOR)).collect();
        // Only the first one has the mark.
        let states = 3 << (sectors.len() - 1);
        for state in 0..states {
            let mut segment = self.unmarked.clone();
            for (place, sector) in sectors.iter().enumerate() {
                let version = match place {
                    0 => [&self.unmarked, &self.marked, &self.both][state % 3],
                    _ => [&self.unmarked, &self.both][(state / 3) >> (place - 1) & 1],
                };
                let range = sector * SECTOR..(sector + 1) * SECTOR;
                segment[range.clone()].copy_from_slice(&version[range]);
            }
            let is_whole = segment == self.both;
            let found = self.open(segment);
            let expected = if is_whole { &self.after } else { &self.before };
            assert_eq!(found.as_ref(), Ok(expected), "state {state} of {states}, {second:?}");
        }
        states
    }
}

/// First batches that end at every place in a sector where a record can begin.
fn first_batches() -> impl Iterator<Item = Batch> {
    (0..16).map(|place| appends(1, [command(1, 20 + 32 * place)]))
}

/// Second batches: less than a sector and up to six, of bytes that are not zero, that are, and that
/// alternate; votes, and entries without commands.
fn second_batches() -> Vec<Batch> {
    let lengths = [0, 1, 14, 15, 200, 450, 500, 1000, 1030, 1600, 2600];
    let of_a_length = lengths.into_iter().flat_map(|length| {
        let sector = |at: usize| if (at / 600).is_multiple_of(2) { 0 } else { 0x80 };
        [
            appends(2, [command(1, length)]),
            appends(2, [says(vec![0; length])]),
            appends(2, [says((0..length).map(sector).collect())]),
        ]
    });
    let votes = [saves(hard_state(1, None)), saves(hard_state(1, Some(2))), saves(hard_state(256, Some(1)))];
    of_a_length.chain(votes).chain([appends(2, [no_op(1)]), appends(2, [])]).collect()
}

/// The numbers are in the crate's documentation.
#[test]
fn whatever_a_crash_leaves_of_a_save_is_no_damage() {
    let mut states = 0;
    for first in first_batches() {
        for second in second_batches() {
            states += Saved::new(&first, &second).accepts_all_that_a_crash_leaves();
        }
    }
    assert_eq!(states, 9_417);
}

/// The numbers are in the crate's documentation.
#[test]
fn a_flipped_bit_in_a_save_without_a_mark_is_no_tear() {
    let mut flips = 0;
    for first in first_batches().step_by(15) {
        for second in second_batches().iter().filter(|second| length(second) < 1030) {
            let saved = Saved::new(&first, second);
            flips += saved.second().len() * 8;
            assert_eq!(saved.flips_that_pass(), [0; 0], "{:?}", saved.second());
        }
    }
    assert_eq!(flips, 135_680);
}

fn length(batch: &Batch) -> usize {
    let entries = batch.append.iter().flat_map(|append| &append.entries);
    entries.map(|entry| if let Payload::Command(command) = &entry.payload { command.len() } else { 0 }).sum()
}

/// This is what can't be noticed, and why: with this one bit flipped, a whole sector of the save is zero, as
/// if it had never been written.
#[test]
fn the_only_bit_of_a_whole_sector_is_missed_with_the_sector_and_that_is_told() {
    let mut bytes = vec![0; 1500];
    bytes[800] = 1;
    let second = appends(2, [says(bytes)]);
    for first in first_batches() {
        let saved = Saved::new(&first, &second);
        let passes = saved.flips_that_pass();
        assert_eq!(passes.len(), 1, "{:?}", saved.second());
        let mut segment = saved.both.clone();
        segment[passes[0] / 8] ^= 1;
        let mut files = saved.files.clone();
        files.insert(FIRST.into(), segment);
        let opened = Storage::open_with_segment_size(ModelDisk::with_files(files), identity(), SEGMENT);
        let recovered = opened.unwrap().1;
        assert_eq!(Known::of(&recovered), saved.before);
        let cut_off = recovered.cut_off.unwrap();
        assert_eq!((cut_off.offset as usize, cut_off.log_end), (saved.second().start, Index(1)));
        let (offset, bytes) = (cut_off.offset, cut_off.bytes);
        assert_eq!(
            cut_off.to_string(),
            format!(
                "the log ends at entry 1 and may have been longer: the next save was incomplete, and was cut off \
                 (model/{FIRST}, {bytes} bytes from byte {offset} on)"
            )
        );
    }
}

/// Once the mark is on disk, not even that passes.
#[test]
fn a_mark_is_made_durable_where_there_is_time_for_it() {
    let mut server = Server::new(SEGMENT);
    let mut storage = server.start().unwrap();
    let syncs = |storage: &mut Storage<ModelDisk>| {
        let before = server.disk.operations();
        storage.sync_mark().unwrap();
        server.disk.operations() - before
    };
    assert_eq!(syncs(&mut storage), 0, "a start leaves a mark");
    storage.save(&appends(1, [says(vec![0; 1500])])).unwrap();
    assert_eq!([syncs(&mut storage), syncs(&mut storage)], [1, 0]);
    let files = server.disk.files();
    server.disk.crash(Tearing::Undone);
    assert_eq!(server.disk.files(), files);
    storage.save(&appends(2, [says(vec![0; 8000])])).unwrap();
    assert_eq!([syncs(&mut storage), syncs(&mut storage)], [1, 0], "in the next segment, too");
}

#[test]
fn a_mark_that_can_t_be_synced_stops_all_saving() {
    let mut server = Server::new(SEGMENT);
    let mut storage = server.start().unwrap();
    server.save(&mut storage, &appends(1, [command(1, 1)])).unwrap();
    server.disk.plan(Fault::Error(0, Tearing::Undone));
    assert!(matches!(storage.sync_mark(), Err(StorageError::Io { action: "sync", .. })));
    assert!(matches!(storage.save(&appends(2, [command(1, 1)])), Err(StorageError::Poisoned { .. })));
    assert!(matches!(storage.sync_mark(), Err(StorageError::Poisoned { .. })));
    server.disk.crash(Tearing::Undone);
    server.live(&[]).unwrap();
}

/// A client that knows everything but the random number in the segment's header sends a command that is full
/// of marks. The power fails while it is saved, and the sector with its head is not written.
#[test]
fn no_command_can_look_like_records_of_the_log() {
    let lives_with = |randomness| {
        let mut server = Server::new(SEGMENT);
        server.disk = ModelDisk::with_randomness(randomness);
        let mut storage = server.start().unwrap();
        server.save(&mut storage, &appends(1, [command(1, 1)])).unwrap();
        (server, storage)
    };
    let (mut known_to_the_client, mut storage) = lives_with(1);
    let batch = appends(2, [command(1, 1)]);
    known_to_the_client.save(&mut storage, &batch).unwrap();
    let content = &known_to_the_client.disk.files()[FIRST];
    let mark = content.chunks(32).rfind(|head| head.starts_with(b"mark")).unwrap();
    // Wherever in the record the command begins, some of them are where a record can be.
    let command = (0..32).flat_map(|shift| [mark, mark, &vec![1; 32 - shift][..]].concat()).collect();

    for (randomness, is_believed) in [(1, true), (2, false)] {
        let (mut server, mut storage) = lives_with(randomness);
        server.disk.plan(Fault::PowerCutAfter(0));
        server.save(&mut storage, &appends(2, [says(Vec::clone(&command))])).unwrap_err();
        server.disk.crash(Tearing::BackKept);
        assert_eq!(server.start().is_err(), is_believed);
    }
}
