//! What the engine answers.

use page::{Headline, RecordJson, Setup};
use serde::Serialize;
use serde_json::value::RawValue;
use simulator::Violation;

/// What has happened since the last response.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Told<'a> {
    /// What the page needs to know before the first record; only when a world was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional, as = "Option<Setup>"))]
    pub setup: Option<&'a Setup>,
    /// The records.
    #[cfg_attr(feature = "ts", ts(as = "Vec<trace::Record>"))]
    pub records: Vec<RecordJson<'a>>,
    /// The headlines that apply from one of these records on.
    #[cfg_attr(feature = "ts", ts(as = "Vec<Headline>"))]
    pub headlines: Vec<&'a Headline>,
    /// The time in the world, in microseconds.
    pub now_us: u64,
    /// When the next thing happens by itself; `None` if nothing will.
    pub next_us: Option<u64>,
    /// The text that commands were for, such as a table of the logs.
    pub said: String,
    /// The first promise that was broken, now or before.
    pub violation: Option<Violated>,
}

/// A promise of Raft that was broken.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Violated {
    /// Its name and where the paper has it.
    pub promise: &'static str,
    /// What it says, and why that matters.
    pub meaning: &'static str,
    /// What happened instead.
    pub what: String,
}

impl From<&Violation> for Violated {
    fn from(violation: &Violation) -> Violated {
        let (promise, meaning) = (violation.promise.name, violation.promise.meaning);
        Violated { promise, meaning, what: violation.what_happened.clone() }
    }
}

/// A script that plays the same run again.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ScriptText {
    /// Its text.
    pub text: String,
}

/// A number that two runs share only if they have the same records.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct TraceHash {
    /// In 16 hexadecimal digits: JavaScript's numbers have too few bits.
    pub hash: String,
}

/// Why a request was refused. Nothing has happened then.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Refused {
    /// The reason, in a sentence.
    pub refused: String,
    /// What to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub help: Option<&'static str>,
}

impl Refused {
    pub(crate) fn new(reason: impl Into<String>) -> Refused {
        Refused { refused: reason.into(), help: None }
    }

    pub(crate) fn of_script(reason: String) -> Refused {
        Refused::new(reason).with_help("docs/scenarios.md describes the commands")
    }

    pub(crate) fn with_help(self, help: &'static str) -> Refused {
        Refused { help: Some(help), ..self }
    }
}

pub(crate) fn json(told: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(told).expect("what is told has a JSON")
}
