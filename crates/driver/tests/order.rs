//! Decide, save, then speak: whatever a driver says, the disk knows already.

use consensus::{Config, EveryRule, Instant, Log, Message, NodeId, RequestVote, Term, Timing};
use driver::{Driver, Effects, Envelope, Telling};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use storage::{Disk, Identity, Storage};
use trace::{Event, EventId, Io, Record};

/// A disk in memory that fails when it is told to.
#[derive(Debug, Default)]
struct MemoryDisk {
    files: BTreeMap<String, Vec<u8>>,
    syncs_left: Option<u32>,
}

impl Disk for MemoryDisk {
    fn folder(&self) -> &Path {
        Path::new("memory")
    }

    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files.get(name).cloned())
    }

    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.files.insert(name.to_owned(), content.to_vec());
        Ok(())
    }

    fn sync(&mut self, _name: &str) -> io::Result<()> {
        match &mut self.syncs_left {
            Some(0) => Err(io::Error::other("the disk is broken")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let content = self.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        self.files.insert(to.to_owned(), content);
        Ok(())
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How often opening the storage syncs a file.
const SYNCS_OF_OPENING: u32 = 3;

fn start(disk: MemoryDisk, effects: &mut Effects) -> Driver<MemoryDisk> {
    let voters: Vec<NodeId> = (1..=3).map(NodeId).collect();
    let identity =
        Identity { cluster: "test".to_owned(), node: NodeId(1), voters: voters.iter().copied().collect() };
    let config = Config {
        id: NodeId(1),
        voters: voters.into_iter().collect(),
        timing: Timing::default(),
        limits: Limits::default(),
        seed: 1,
    };
    let opened = Storage::open(disk, identity).unwrap();
    Driver::start(config, opened, Log::default(), EveryRule, Telling::Events, effects)
}

fn vote_request() -> Envelope {
    let request = RequestVote { term: Term(1), last_log_index: Default::default(), last_log_term: Term(0) };
    Envelope {
        from: NodeId(2),
        to: NodeId(1),
        sent_as: EventId { node: NodeId(2), life: 1, seq: 9 },
        message: Message::RequestVote(request),
    }
}

fn place(records: &[Record], is_it: impl Fn(&Io) -> bool) -> usize {
    let matches = |record: &Record| matches!(&record.event, Event::Io(io) if is_it(io));
    records.iter().position(matches).expect("it was recorded")
}

#[test]
fn a_vote_is_not_told_before_it_is_saved() {
    let mut effects = Effects::default();
    let mut driver = start(MemoryDisk::default(), &mut effects);
    driver.receive(Instant::START, vote_request(), &mut effects);
    assert!(driver.needs_save());
    assert!(effects.envelopes.is_empty(), "the answer waits for the disk");

    driver.save(Instant::START, &mut effects).unwrap();
    assert!(!driver.needs_save());
    let answers: Vec<NodeId> = effects.envelopes.iter().map(|envelope| envelope.to).collect();
    assert_eq!(answers, [NodeId(2)]);
    let saved = place(&effects.records, |io| matches!(io, Io::Saved { .. }));
    let sent = place(&effects.records, |io| matches!(io, Io::Sent { .. }));
    assert!(saved < sent);
}

#[test]
fn what_could_not_be_saved_is_never_told() {
    let mut effects = Effects::default();
    let disk = MemoryDisk { syncs_left: Some(SYNCS_OF_OPENING), ..MemoryDisk::default() };
    let mut driver = start(disk, &mut effects);
    driver.receive(Instant::START, vote_request(), &mut effects);
    assert!(driver.save(Instant::START, &mut effects).is_err());
    driver.tick(driver.next_deadline(), &mut effects);
    assert!(driver.save(Instant::START, &mut effects).is_err(), "a failed disk is not tried again");
    assert!(effects.envelopes.is_empty());
}

#[test]
fn every_effect_leads_back_to_its_cause() {
    let mut effects = Effects::default();
    let mut driver = start(MemoryDisk::default(), &mut effects);
    driver.receive(Instant::START, vote_request(), &mut effects);
    driver.save(Instant::START, &mut effects).unwrap();

    let records: BTreeMap<EventId, &Record> = effects
        .records
        .iter()
        .map(|record| (record.id().expect("the driver names its events"), record))
        .collect();
    assert_eq!(records.len(), effects.records.len(), "names are unique");
    let mut event = effects.envelopes[0].sent_as;
    while let Some(record) = records.get(&event) {
        event = record.cause.expect("only the request itself has no cause here");
    }
    assert_eq!(event, vote_request().sent_as);
}

#[test]
fn a_timeout_is_caused_by_the_timer_that_ran_out() {
    let mut effects = Effects::default();
    let mut driver = start(MemoryDisk::default(), &mut effects);
    let timer = effects.records.last().unwrap().id();
    let begun = effects.records.len();
    driver.tick(driver.next_deadline(), &mut effects);
    assert_eq!(effects.records[begun].cause, timer);
}
