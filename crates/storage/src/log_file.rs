//! Temporary: hard state and log in one text file.

use crate::record::{Record, field};
use consensus::{Entry, HardState, NodeId, Payload, Term};
use std::fmt::Write as _;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) hard_state: HardState,
    pub(crate) log: Vec<Entry>,
}

impl Record for Saved {
    const FILE: &'static str = "log";

    fn lines(&self) -> String {
        let voted_for =
            self.hard_state.voted_for.map_or("none".to_string(), |NodeId(candidate)| candidate.to_string());
        let mut text = format!("current_term {}\nvoted_for {voted_for}\n", self.hard_state.current_term);
        for entry in &self.log {
            let payload = match &entry.payload {
                Payload::NoOp => "-".to_owned(),
                Payload::Command(bytes) => {
                    bytes.iter().fold("+".to_owned(), |text, byte| format!("{text}{byte:02x}"))
                }
            };
            let _ = writeln!(text, "entry {} {payload}", entry.term);
        }
        text
    }

    fn parse(lines: &str) -> Option<Saved> {
        let mut lines = lines.lines();
        let current_term = Term(field(&mut lines, "current_term")?.parse().ok()?);
        let voted_for = match field(&mut lines, "voted_for")? {
            "none" => None,
            candidate => Some(NodeId(candidate.parse().ok()?)),
        };
        let mut log = Vec::new();
        for line in lines {
            let (term, payload) = line.strip_prefix("entry ")?.split_once(' ')?;
            let payload = match payload.strip_prefix('+') {
                None => Payload::NoOp,
                Some(hex) => {
                    let bytes: Option<Vec<u8>> = (0..hex.len() / 2)
                        .map(|i| u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok())
                        .collect();
                    Payload::Command(bytes?.into())
                }
            };
            log.push(Entry { term: Term(term.parse().ok()?), payload });
        }
        Some(Saved { hard_state: HardState { current_term, voted_for }, log })
    }
}
