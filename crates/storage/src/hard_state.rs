//! The file of what a server must never forget.

use crate::record::{Record, field};
use consensus::{HardState, NodeId, Term};

impl Record for HardState {
    const FILE: &'static str = "hard-state";

    fn lines(&self) -> String {
        let voted_for = self.voted_for.map_or("none".to_string(), |NodeId(candidate)| candidate.to_string());
        format!("current_term {}\nvoted_for {voted_for}\n", self.current_term)
    }

    fn parse(lines: &str) -> Option<HardState> {
        let mut lines = lines.lines();
        let current_term = Term(field(&mut lines, "current_term")?.parse().ok()?);
        let voted_for = match field(&mut lines, "voted_for")? {
            "none" => None,
            candidate => Some(NodeId(candidate.parse().ok()?)),
        };
        Some(HardState { current_term, voted_for })
    }
}
