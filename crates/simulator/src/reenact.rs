//! A real run once more, in here: the recorded inputs of real servers, given to the same code.

use consensus::event::What;
use consensus::{Config, EveryRule, Instant, InvalidTiming, NodeId, Timing};
use driver::{Driver, Effects, Envelope, RequestId, Telling};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use storage::Recovered;
use trace::{Event, Io, Record, StepInput};

/// What came of playing a recording again.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Reenacted {
    /// Steps that led to the recorded states.
    pub steps: u64,
    /// Lives of servers that were played.
    pub lives: u64,
}

/// Why a recording can't be played again to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Divergence {
    /// The recording lacks a server's start.
    NoStart {
        /// The record that needs it.
        record: Box<Record>,
    },
    /// The recorded settings are none that a server could have had.
    InvalidTiming(InvalidTiming),
    /// A step came to something else than was recorded: records are missing, or were changed, or the
    /// code is no longer the same.
    Different {
        /// What was recorded.
        recorded: Box<Record>,
        /// What came now; none if there was nothing more.
        found: Option<Box<Record>>,
    },
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Divergence::NoStart { record } => {
                write!(f, "the recording lacks the start of life {} of {}", record.life, record.node)
            }
            Divergence::InvalidTiming(error) => error.fmt(f),
            Divergence::Different { recorded, found } => {
                let found = found.as_ref().map_or("nothing".to_owned(), |record| record.to_json());
                write!(f, "recorded was {}\nbut this time came {found}", recorded.to_json())
            }
        }
    }
}

impl std::error::Error for Divergence {}

/// Plays a recording again, step by step: each server of each life gets the recorded inputs, at the
/// recorded times of its own clock. After each step it must have told the recorded records, its state
/// among them.
///
/// # Errors
/// At the first difference.
pub fn reenact(records: &[Record]) -> Result<Reenacted, Divergence> {
    let mut reenacted = Reenacted::default();
    let mut lives: BTreeMap<(NodeId, u64), Life> = BTreeMap::new();
    for record in records.iter().filter(|record| record.seq.is_some()) {
        let key = (record.node, record.life);
        if !lives.contains_key(&key) {
            reenacted.lives += 1;
        }
        let life = lives.entry(key).or_default();
        life.told.push(record.clone());
        if let Event::Io(Io::Step { now, input, .. }) = &record.event {
            life.take_step(record, *now, input)?;
            reenacted.steps += 1;
        }
    }
    Ok(reenacted)
}

/// One life of a server.
#[derive(Debug, Default)]
struct Life {
    driver: Option<Driver<()>>,
    /// What was recorded since the last step.
    told: Vec<Record>,
}

impl Life {
    fn take_step(&mut self, record: &Record, now: Instant, input: &StepInput) -> Result<(), Divergence> {
        let mut effects = Effects::default();
        match (&mut self.driver, input) {
            (driver, StepInput::Start { .. }) => *driver = Some(start(record, input, &mut effects)?),
            (None, _) => return Err(Divergence::NoStart { record: Box::new(record.clone()) }),
            (Some(driver), StepInput::Tick) => driver.tick(now, &mut effects),
            (Some(driver), StepInput::Propose { commands, requests }) => {
                let ids = requests.iter().copied().map(RequestId);
                driver.propose(now, ids.zip(commands.iter().cloned()).collect(), &mut effects);
            }
            (Some(driver), StepInput::Apply { at_most }) => driver.apply(now, *at_most, &mut effects),
            (Some(driver), StepInput::Read { id, by }) => driver.read(now, RequestId(*id), *by, &mut effects),
            (Some(driver), StepInput::Receive { from, sent_as, origin, message }) => {
                let (from, sent_as, origin, message) = (*from, *sent_as, *origin, message.clone());
                let envelope = Envelope { from, to: record.node, sent_as, origin, message };
                driver.receive(now, envelope, &mut effects);
            }
            (Some(driver), StepInput::SetElectionTimer { deadline }) => {
                driver.set_election_timer(now, *deadline, &mut effects);
            }
            (Some(driver), StepInput::ChangeMembership { change, request }) => {
                driver.change_membership(now, RequestId(*request), change.clone(), &mut effects);
            }
            (Some(driver), StepInput::TransferLeadership { to, request }) => {
                driver.transfer_leadership(now, RequestId(*request), *to, &mut effects);
            }
            (Some(driver), StepInput::ConnectionLost { peer }) => {
                driver.connection_lost(now, *peer, &mut effects);
            }
            (Some(driver), StepInput::ConnectionMade { peer, origin }) => {
                driver.connection_made(now, *peer, *origin, &mut effects);
            }
            (Some(driver), StepInput::DiskFull) => driver.disk_full(now, &mut effects),
            (Some(driver), StepInput::DiskHasRoom) => driver.disk_has_room(now, &mut effects),
            (Some(driver), StepInput::SetProfile(profile)) => driver.set_profile(now, *profile, &mut effects),
            (Some(driver), StepInput::Saved) => driver.saved(now, &mut effects),
            (Some(driver), StepInput::TakeSnapshot) => driver.take_snapshot(now, &mut effects),
            (Some(driver), StepInput::SnapshotTaken { last_included }) => {
                driver.snapshot_taken(now, *last_included, &mut effects);
            }
            (Some(driver), StepInput::SnapshotGivenUp) => driver.snapshot_given_up(now, &mut effects),
            (Some(driver), StepInput::ChunkRead { to, chunk }) => {
                driver.chunk_read(now, *to, chunk.clone(), &mut effects);
            }
            (Some(driver), StepInput::ChunkStored { last_included, end, is_last }) => {
                driver.chunk_stored(now, *last_included, *end, *is_last, &mut effects);
            }
            (Some(driver), StepInput::ChunkNotStored) => driver.chunk_not_stored(now, &mut effects),
        }
        compare(std::mem::take(&mut self.told), effects.records)
    }
}

fn start(record: &Record, input: &StepInput, effects: &mut Effects<()>) -> Result<Driver<()>, Divergence> {
    let StepInput::Start {
        membership,
        credentials,
        heartbeat_interval,
        election_timeout_min,
        election_timeout_max,
        limits,
        lease,
        profile,
        seed,
        hard_state,
        snapshot,
        log,
    } = input
    else {
        unreachable!("only starts are passed here")
    };
    let timing = Timing::new(*heartbeat_interval, *election_timeout_min, *election_timeout_max)
        .map_err(Divergence::InvalidTiming)?;
    let id = record.node;
    let config = Config {
        id,
        membership: Arc::new(membership.clone()),
        credentials: credentials.clone(),
        timing,
        limits: *limits,
        lease: *lease,
        profile: *profile,
        seed: *seed,
    };
    let (hard_state, log) = (*hard_state, log.clone());
    let recovered = Recovered {
        hard_state,
        life: record.life,
        start: credentials.start,
        earlier_runs: credentials.earlier_runs,
        memory: credentials.memory.clone(),
        log_begins_after: *snapshot,
        log,
        ..Recovered::default()
    };
    Ok(Driver::start(config, recovered, (), EveryRule, Telling::StepsToo, effects))
}

/// Are they the same but for the observer's time, for the causes, of which earlier versions recorded fewer, and for what only
/// the store could say, which is not there?
fn compare(recorded: Vec<Record>, found: Vec<Record>) -> Result<(), Divergence> {
    let mut found = found.into_iter().filter(|record| !is_told_once(record));
    for recorded in recorded.into_iter().filter(|record| !is_told_once(record)) {
        let found = found.next().map(|found| {
            let content = recorded.content.clone();
            Record { t: recorded.t, cause: recorded.cause, content, ..found }
        });
        if found.as_ref() != Some(&recorded) {
            let (recorded, found) = (Box::new(recorded), found.map(Box::new));
            return Err(Divergence::Different { recorded, found });
        }
    }
    Ok(())
}

/// A server tells of each kind of nonsense once, however often it comes.
fn is_told_once(record: &Record) -> bool {
    matches!(&record.event, Event::Decision(decision) if matches!(decision.what, What::Rejected { .. }))
}
