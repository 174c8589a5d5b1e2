//! The rules as the page explains them. The page contains them, because a trace from a file has only the
//! rules' ids.

use consensus::Rule;
use serde::Serialize;

/// A rule, for a beginner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ts_rs::TS)]
pub struct RuleTold {
    /// Its name.
    pub id: Rule,
    /// The rule in one sentence.
    pub statement: &'static str,
    /// The section of the Raft paper (extended version) that has it.
    pub paper: &'static str,
    /// The section of Ongaro's thesis that has it.
    pub thesis: &'static str,
    /// What it protects: safety, liveness, or safety and liveness.
    pub guards: String,
    /// What goes wrong without it.
    pub without_it: &'static str,
}

impl RuleTold {
    /// All rules, in the best order for a beginner.
    pub fn all() -> Vec<RuleTold> {
        Rule::ALL.iter().map(|&rule| RuleTold::of(rule)).collect()
    }

    fn of(rule: Rule) -> RuleTold {
        RuleTold {
            id: rule,
            statement: rule.statement(),
            paper: rule.paper(),
            thesis: rule.thesis(),
            guards: rule.guards().to_string(),
            without_it: rule.without_it(),
        }
    }
}
