//! The report.

use super::FailoverArguments;
use super::client::VALUE_SIZE;
use super::setting::Setting;
use super::trial::{Fault, Trial};
use crate::machine_described;
use command::Failure;
use measure::plot::{Axis, Line, Plot, Scale};
use measure::report::{Column, Report, Row, number};
use measure::spread::Spread;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// The trials of one setting in which leaders failed in one way.
pub(super) struct Trials {
    pub(super) setting: Setting,
    pub(super) fault: Fault,
    pub(super) trials: Vec<Trial>,
}

const COLUMNS: [Column; 12] = [
    Column::text("setting", "servers"),
    Column::text("leader", "leader"),
    Column::number("trials", "trials", 0),
    Column::number("gap_min_ms", "gap min", 1),
    Column::number("gap_median_ms", "median", 1),
    Column::number("gap_p90_ms", "90%", 1),
    Column::number("gap_max_ms", "worst", 1),
    Column::number("gap_before_median_ms", "before", 1),
    Column::number("leads_after_median_ms", "leads", 1),
    Column::number("elections_mean", "elections", 2),
    Column::number("elections_most", "most", 0),
    Column::hidden("gaps_ms"),
];

pub(super) fn about(arguments: &FailoverArguments, folder: &Path) -> Result<String, Failure> {
    let (nodes, probing) = (arguments.nodes, arguments.probing_interval);
    Ok(format!(
        "{nodes} servers on this machine; a client writes {VALUE_SIZE} bytes as soon as its last write is acknowledged,\n\
         and while it has no response, it asks every server every {probing:?}\n\
         {}\
         one trial of each row in turn, so that other load on the machine affects all rows alike\n\
         gap: the client's longest time without an acknowledged write; before: the same without a failure; leads: from\n\
         the failure until another server leads; all in ms\n",
        machine_described(folder)?
    ))
}

pub(super) fn report(about: String, measured: &[Trials]) -> Report {
    let gaps = |trials: &Trials| {
        let name = format!("{}, {}", trials.setting.name, trials.fault.did());
        Line::cumulative(&name, trials.trials.iter().map(|trial| milliseconds(trial.gap)))
    };
    Report {
        program: "raft bench",
        bench: "failover",
        about,
        columns: COLUMNS.to_vec(),
        rows: measured.iter().map(Trials::row).collect(),
        plots: vec![Plot {
            title: "How long the client could not write".to_owned(),
            x: Axis { title: "ms", scale: Scale::Logarithmic },
            y: Axis { title: "% of the failures", scale: Scale::Linear },
            lines: measured.iter().map(gaps).collect(),
        }],
        remarks: String::new(),
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl Trials {
    pub(super) fn new(setting: Setting, fault: Fault) -> Trials {
        Trials { setting, fault, trials: Vec::new() }
    }

    fn spread(&self, figure: impl Fn(&Trial) -> f64) -> Spread {
        Spread::of(self.trials.iter().map(figure))
    }

    fn row(&self) -> Row {
        let gap = self.spread(|trial| milliseconds(trial.gap));
        let elections = self.spread(|trial| trial.elections as f64);
        vec![
            json!(self.setting.name),
            json!(self.fault.did()),
            json!(self.trials.len()),
            number(gap.least()),
            number(gap.median()),
            number(gap.percentile(90)),
            number(gap.most()),
            number(self.spread(|trial| milliseconds(trial.gap_before)).median()),
            number(self.spread(|trial| milliseconds(trial.leads_after)).median()),
            number(elections.mean()),
            number(elections.most()),
            json!(gap.all()),
        ]
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
