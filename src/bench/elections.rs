//! `raft bench elections`: the paper's Figure 16 again (§9.3).

mod line;
mod simulated;

use crate::failure::Failure;
use clap::Args;
use line::{LINES, Line};
use simulated::Machines;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What came of the crash of a leader.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trial {
    /// From the crash until another server led; none if that took longer than anybody waited.
    pub(super) downtime: Option<Duration>,
    /// By so much the term rose.
    pub(super) elections: u64,
}

#[derive(Debug, Args)]
pub(super) struct ElectionsArguments {
    #[arg(long, default_value = "1000")]
    trials: u64,
    #[arg(long, default_value = "5")]
    nodes: u64,
    #[arg(long, value_name = "LINE,...", value_delimiter = ',', value_parser = line::parser())]
    lines: Vec<Line>,
    #[arg(long)]
    show: Option<u64>,
}

pub(super) fn run(arguments: &ElectionsArguments) -> Result<ExitCode, Failure> {
    let machines = Machines::new(arguments.nodes, Duration::from_millis(15), 1);
    let patience = Duration::from_secs(10);
    let lines = if arguments.lines.is_empty() { &LINES[..] } else { &arguments.lines };
    for &line in lines {
        let begin = Instant::now();
        if let Some(n) = arguments.show {
            let (trial, records) = machines.story(line, n, patience);
            println!("{trial:?}");
            let mut feed = trace::Feed::new();
            for r in &records { for l in feed.tell(r) { println!("{l}"); } }
            continue;
        }
        let n = if line.is_fixed() { arguments.trials / 10 } else { arguments.trials };
        let trials: Vec<Trial> = (0..n).map(|trial| machines.trial(line, trial, patience)).collect();
        let mut t: Vec<f64> = trials.iter().map(|t| t.downtime.map_or(f64::INFINITY, |d| d.as_secs_f64() * 1e3)).collect();
        t.sort_by(f64::total_cmp);
        let e = trials.iter().map(|t| t.elections).sum::<u64>() as f64 / n as f64;
        println!("{} min {:.1} median {:.1} mean {:.1} p90 {:.1} worst {:.1} elections {e:.2} took {:?}", line.name, t[0], t[t.len()/2], t.iter().sum::<f64>()/n as f64, t[t.len()*9/10], t[t.len()-1], begin.elapsed());
    }
    Ok(ExitCode::SUCCESS)
}
