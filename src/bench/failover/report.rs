//! What is printed.

use super::FailoverArguments;
use super::client::VALUE_SIZE;
use super::setting::Setting;
use super::trial::{Fault, Trial};
use crate::bench::machine;
use crate::failure::Failure;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// The trials of one setting in which leaders failed in one way.
pub(super) struct Row {
    pub(super) setting: Setting,
    pub(super) fault: Fault,
    pub(super) trials: Vec<Trial>,
}

/// How times are spread, in milliseconds.
struct Spread {
    least: f64,
    median: f64,
    p90: f64,
    most: f64,
}

pub(super) fn introduction(arguments: &FailoverArguments, folder: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let (nodes, probing) = (arguments.nodes, arguments.probing_interval);
    let _ = writeln!(
        text,
        "{nodes} servers on this machine, a client that writes {VALUE_SIZE} bytes as soon as its last write is acknowledged;\n\
         while it has no answer, it asks every server each {probing:?}"
    );
    text += &machine::described(folder)?;
    text += "one trial of each row in turn, so that whatever else the machine does falls on all alike\n\
             gap: the client's longest time without an acknowledged write; before: the same without a failure; \
             leads: from\nthe failure until another server said that it leads; all in ms\n\n";
    let _ = writeln!(
        text,
        "{:<24} {:<7} {:>6} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9}",
        "", "leader", "trials", "gap min", "median", "p90", "worst", "before", "leads", "elections", "most"
    );
    Ok(text)
}

impl Row {
    pub(super) fn new(setting: Setting, fault: Fault) -> Row {
        Row { setting, fault, trials: Vec::new() }
    }

    fn spread(&self, time: impl Fn(&Trial) -> Duration) -> Spread {
        let mut times: Vec<f64> = self.trials.iter().map(|trial| time(trial).as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        let percentile = |percent: usize| times[(times.len() * percent).div_ceil(100).max(1) - 1];
        Spread { least: percentile(0), median: percentile(50), p90: percentile(90), most: percentile(100) }
    }

    /// How many elections a trial needed on average, and at most.
    fn elections(&self) -> (f64, u64) {
        let elections = self.trials.iter().map(|trial| trial.elections);
        let most = elections.clone().max().unwrap_or_default();
        (elections.sum::<u64>() as f64 / self.trials.len() as f64, most)
    }

    pub(super) fn line(&self) -> String {
        let gap = self.spread(|trial| trial.gap);
        let (elections, most_elections) = self.elections();
        format!(
            "{:<24} {:<7} {:>6} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {elections:>9.2} {most_elections:>9}\n",
            self.setting.name,
            self.fault.did(),
            self.trials.len(),
            gap.least,
            gap.median,
            gap.p90,
            gap.most,
            self.spread(|trial| trial.gap_before).median,
            self.spread(|trial| trial.leads_after).median,
        )
    }

    pub(super) fn json(&self, arguments: &FailoverArguments) -> serde_json::Value {
        let told = |time: fn(&Trial) -> Duration| {
            let Spread { least, median, p90, most } = self.spread(time);
            serde_json::json!({"min": least, "median": median, "p90": p90, "max": most})
        };
        let gaps: Vec<f64> = self.trials.iter().map(|trial| trial.gap.as_secs_f64() * 1e3).collect();
        let (elections, most_elections) = self.elections();
        serde_json::json!({
            "bench": "failover",
            "setting": self.setting.name,
            "leader": self.fault.did(),
            "nodes": arguments.nodes,
            "probing_interval_ms": arguments.probing_interval.as_secs_f64() * 1e3,
            "trials": self.trials.len(),
            "gap_ms": told(|trial| trial.gap),
            "gap_before_ms": told(|trial| trial.gap_before),
            "leads_after_ms": told(|trial| trial.leads_after),
            "elections_mean": elections,
            "elections_most": most_elections,
            "gaps_ms": gaps,
        })
    }
}

impl Fault {
    /// What was done to the leader.
    fn did(self) -> &'static str {
        match self {
            Fault::Kill => "killed",
            Fault::Freeze => "frozen",
        }
    }
}
