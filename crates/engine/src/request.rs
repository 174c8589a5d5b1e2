//! What the page can ask.

use consensus::{NodeId, Rule};
use serde::Deserialize;

/// Something that the engine does or tells.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Plays a script, and goes on with the world of its last `cluster`.
    Open {
        /// A scenario, with or without prose.
        script: String,
    },
    /// Plays one more command of the scenario language.
    Do {
        /// The command, in one line.
        command: String,
    },
    /// Lets time pass.
    Run {
        /// How long, in microseconds.
        us: u64,
    },
    /// Why a server has not done something.
    WhyNot {
        /// The server.
        server: NodeId,
        /// What: `leader`, `vote`, `commit` or `reply`.
        what: String,
        /// The number of records that have happened.
        position: u64,
    },
    /// The scenarios, in learning order.
    Scenarios,
    /// A run that is complete: a scenario of the program, or another script.
    Film {
        /// The path of a scenario, such as `elections/first-election`.
        path: Option<String>,
        /// The text of a scenario.
        script: Option<String>,
    },
    /// A number that two runs share only if they have the same records.
    TraceHash {
        /// The seed from which the run is drawn.
        seed: u64,
        /// The rule that is off in it.
        without: Option<Rule>,
    },
}
