//! What the page must know before the first record.

use crate::run;
use consensus::{NodeId, Rule};
use serde::Serialize;
use simulator::Film;
use std::time::Duration;
use trace::{ClusterView, Record};

/// What the page shows, and what it may offer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Setup {
    /// Do the servers run now, or is this a replay?
    pub mode: Mode,
    /// What the heading says.
    pub title: String,
    /// The scenario's name, if it is one of those in this program.
    pub scenario: Option<String>,
    /// The servers.
    pub servers: Vec<NodeId>,
    /// Their timeouts, if known.
    pub timing: Option<Timing>,
    /// The seed of their randomness, if known.
    pub seed: Option<u64>,
    /// How fast their clocks run at first, as a multiple of real time.
    pub speed: f64,
    /// How long each message is held, in microseconds of the servers' own time.
    pub latency_us: u64,
    /// Number of the latest records that are kept; `None` if all are.
    pub history: Option<usize>,
    /// The parts of a scenario, in order.
    pub scenes: Vec<Scene>,
    /// The rule that is switched off.
    pub without: Option<Rule>,
    /// The version of this program.
    pub version: String,
}

/// Live or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The servers run, and can be acted on.
    Live,
    /// A replay of what happened.
    Replay,
    /// The servers live in the simulator, in the page itself, and can be acted on.
    Simulated,
}

/// The servers' timeouts, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Timing {
    /// How often a leader sends heartbeats.
    pub heartbeat_us: u64,
    /// The shortest election timeout.
    pub election_timeout_min_us: u64,
    /// The longest election timeout.
    pub election_timeout_max_us: u64,
}

/// A command of a scenario, the prose before it, and its place in the records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Scene {
    /// The number of the first record that the command caused, or of the next record if it caused none. The
    /// first record is number 1.
    pub before: u64,
    /// The paragraphs of prose.
    pub prose: Vec<String>,
    /// The command as it was written; `None` after the last one.
    pub command: Option<String>,
    /// What the command caused is not part of the story.
    pub is_silent: bool,
    /// The text that the command was for, such as a table of the logs.
    pub said: String,
}

impl Setup {
    /// The setup of these servers when nothing more is known about them.
    pub fn new(mode: Mode, title: String, servers: Vec<NodeId>) -> Setup {
        Setup {
            mode,
            title,
            scenario: None,
            servers,
            timing: None,
            seed: None,
            speed: 1.0,
            latency_us: 0,
            history: None,
            scenes: Vec::new(),
            without: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The setup of a scenario that was played.
    pub fn of_film(mode: Mode, title: String, film: &Film) -> Setup {
        let servers = match film.servers {
            // Spare servers are no members yet.
            Some(count) => (1..=count).map(NodeId).collect(),
            None => {
                let records: Vec<&Record> = film.scenes.iter().flat_map(|scene| &scene.records).collect();
                ClusterView::founders_of(&records)
            }
        };
        Setup { scenes: run::scenes(&film.scenes), without: film.without, ..Setup::new(mode, title, servers) }
    }
}

impl From<consensus::Timing> for Timing {
    fn from(timing: consensus::Timing) -> Timing {
        Timing {
            heartbeat_us: micros(timing.heartbeat_interval()),
            election_timeout_min_us: micros(timing.election_timeout_min()),
            election_timeout_max_us: micros(timing.election_timeout_max()),
        }
    }
}

/// A duration in microseconds, as the page counts time.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
