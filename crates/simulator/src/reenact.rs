//! A real run once more, in here: the recorded inputs of real servers, given to the same code.

use crate::quiet::{quietly, words_of};
use consensus::event::What;
use consensus::{Config, EveryRule, Instant, InvalidTiming, NodeId, Timing};
use driver::{Driver, Effects, TraceLevel};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use storage::Recovered;
use trace::{Beginning, Event, Io, Record, StepInput};

/// The outcome of playing a recording again.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Reenacted {
    /// Steps that led to the recorded states.
    pub steps: u64,
    /// Lives of servers that were played.
    pub lives: u64,
}

/// Why a recording can't be played again to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// The place of the first record that does not fit, among all records, from 0.
    pub place: usize,
    /// What does not fit.
    pub misfit: Misfit,
}

/// What does not fit in a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// The recording lacks a server's start.
    NoStart {
        /// The record that needs it.
        record: Box<Record>,
    },
    /// The recorded settings are none that a server could have had.
    InvalidTiming(InvalidTiming),
    /// This can't happen to a server after all that was recorded before.
    Impossible {
        /// What was recorded.
        record: Box<Record>,
        /// The contradiction.
        why: String,
    },
    /// A step came to something else than was recorded: records are missing, or were changed, or the
    /// code is no longer the same.
    Different {
        /// What was recorded.
        recorded: Box<Record>,
        /// What came now; `None` if there was nothing more.
        found: Option<Box<Record>>,
    },
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misfit::NoStart { record } => {
                write!(f, "the recording lacks the start of life {} of {}", record.life, record.node)
            }
            Misfit::InvalidTiming(error) => error.fmt(f),
            Misfit::Impossible { record, why } => {
                write!(
                    f,
                    "this can't happen after what was recorded before (it contradicts \"{why}\"): {}",
                    record.to_json()
                )
            }
            Misfit::Different { recorded, found } => {
                let found = found.as_ref().map_or("nothing".to_owned(), |record| record.to_json());
                write!(f, "recorded was {}\nbut this time came {found}", recorded.to_json())
            }
        }
    }
}

/// Plays a recording again, step by step: each server of each life gets the recorded inputs, at the
/// recorded times of its own clock. After each step it must have told the recorded records, its state
/// among them.
///
/// # Errors
/// At the first record that does not fit. Nothing in the recording is trusted.
pub fn reenact(records: &[Record]) -> Result<Reenacted, Divergence> {
    let mut reenacted = Reenacted::default();
    let mut lives: BTreeMap<(NodeId, u64), Life<'_>> = BTreeMap::new();
    for (place, record) in records.iter().enumerate().filter(|(_, record)| record.seq.is_some()) {
        let key = (record.node, record.life);
        if !lives.contains_key(&key) {
            reenacted.lives += 1;
        }
        let life = lives.entry(key).or_default();
        life.told.push((place, record));
        if let Event::Io(Io::Step { now, input, .. }) = &record.event {
            life.take_step(place, record, *now, input)?;
            reenacted.steps += 1;
        }
    }
    Ok(reenacted)
}

/// One life of a server.
#[derive(Debug, Default)]
struct Life<'a> {
    driver: Option<Driver<()>>,
    /// What was recorded since the last step, each with its place.
    told: Vec<(usize, &'a Record)>,
}

impl Life<'_> {
    fn take_step(
        &mut self,
        place: usize,
        record: &Record,
        now: Instant,
        input: &StepInput,
    ) -> Result<(), Divergence> {
        let mut effects = Effects::default();
        // A driver relies on its disk to do what it was asked to do, and panics if it hears of something else. A recording
        // that was changed can say anything.
        let step = AssertUnwindSafe(|| match (&mut self.driver, input) {
            (driver, StepInput::Start { start }) => {
                *driver = Some(begin(record, start, &mut effects)?);
                Ok(())
            }
            (None, _) => Err(Misfit::NoStart { record: Box::new(record.clone()) }),
            (Some(driver), StepInput::Input(input)) => {
                driver.step(now, input.clone(), &mut effects);
                Ok(())
            }
        });
        quietly(|| catch_unwind(step))
            .unwrap_or_else(|panic| {
                Err(Misfit::Impossible {
                    record: Box::new(record.clone()),
                    why: words_of(&*panic).to_owned(),
                })
            })
            .map_err(|misfit| Divergence { place, misfit })?;
        compare(std::mem::take(&mut self.told), effects.records)
    }
}

fn begin(record: &Record, start: &Beginning, effects: &mut Effects<()>) -> Result<Driver<()>, Misfit> {
    let Beginning {
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
    } = start;
    let timing = Timing::new(*heartbeat_interval, *election_timeout_min, *election_timeout_max)
        .map_err(Misfit::InvalidTiming)?;
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
    Ok(Driver::start(config, recovered, (), EveryRule, TraceLevel::Replayable, effects))
}

/// Are they the same but for the observer's time, for the causes, of which earlier versions recorded fewer, and for what only
/// the store could say, which is not there?
fn compare(recorded: Vec<(usize, &Record)>, found: Vec<Record>) -> Result<(), Divergence> {
    let mut found = found.into_iter().filter(|record| !is_told_once(record));
    for (place, recorded) in recorded.into_iter().filter(|(_, record)| !is_told_once(record)) {
        let found = found.next().map(|found| {
            let content = recorded.content.clone();
            Record { t: recorded.t, cause: recorded.cause, content, ..found }
        });
        if found.as_ref() != Some(recorded) {
            let (recorded, found) = (Box::new(recorded.clone()), found.map(Box::new));
            return Err(Divergence { place, misfit: Misfit::Different { recorded, found } });
        }
    }
    Ok(())
}

/// A server tells of each kind of nonsense once, however often it comes.
fn is_told_once(record: &Record) -> bool {
    matches!(&record.event, Event::Decision(decision) if matches!(decision.what, What::Rejected { .. }))
}
