//! What the page must know before the first record.

use crate::history::KEPT;
use consensus::NodeId;
use serde::Serialize;
use std::time::Duration;

/// What the page shows, and what it may offer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Setup {
    /// Do the servers run, or is it told what happened to some?
    pub mode: Mode,
    /// What the heading says.
    pub title: String,
    /// The name of the scenario that it is, if it is one that this program has within.
    pub scenario: Option<String>,
    /// The servers.
    pub servers: Vec<NodeId>,
    /// How long they wait for what, if that is known.
    pub timing: Option<Timing>,
    /// Where their randomness comes from, if that is known.
    pub seed: Option<u64>,
    /// How fast their clocks run at first, as a multiple of real time.
    pub speed: f64,
    /// How long each message is held, in microseconds of the servers' own time.
    pub latency_us: u64,
    /// So many records are kept, the latest; none if all are.
    pub history: Option<usize>,
    /// What brought about what: a scenario's commands.
    pub captions: Vec<Caption>,
    /// The version of this program.
    pub version: String,
}

/// Live or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The servers run, and things can be done to them.
    Live,
    /// It is told what happened to some.
    Replay,
}

/// How long servers wait for what, in microseconds.
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

/// What brought about the records from one on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Caption {
    /// The number of the first record that it brought about, or where it brought about none, of the next
    /// one. The first record is number 1.
    pub before: u64,
    /// In words, or as a scenario's command.
    pub text: String,
}

impl Setup {
    /// What is the same for all: these servers, with nothing more known of them.
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
            history: (mode == Mode::Live).then_some(KEPT),
            captions: Vec::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
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

/// As the page counts time.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
