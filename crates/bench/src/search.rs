//! `raft bench search`

use crate::report::ReportArguments;
use clap::Args;
use command::{Failure, RuleParser};
use consensus::Rule;
use measure::machine;
use measure::progress::progress;
use measure::report::{Column, Report, Row, number};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use simulator::hunt::{examine, shortest, small_worlds_first};
use simulator::{SearchOptions, why_in_vain};
use std::process::ExitCode;

/// What `raft sim --without RULE --search` costs, for each rule.
#[derive(Debug, Args)]
pub(crate) struct SearchArguments {
    /// The rules to search without [default: all that random search finds]
    #[arg(long, value_name = "RULE,...", value_delimiter = ',', value_parser = RuleParser, hide_possible_values = true)]
    rules: Vec<Rule>,

    #[command(flatten)]
    report: ReportArguments,
}

const COLUMNS: [Column; 7] = [
    Column::text("rule", "rule that is off"),
    Column::number("seeds", "seeds until it broke", 0),
    Column::number("runs", "runs in all", 0),
    Column::number("find_seconds", "CPU seconds to find", 2),
    Column::number("shrink_seconds", "CPU seconds to shrink", 2),
    Column::number("steps", "steps in the shortest run", 0),
    Column::number("servers", "servers in it", 0),
];

pub(crate) fn run(arguments: &SearchArguments) -> Result<ExitCode, Failure> {
    let asked = if arguments.rules.is_empty() { Rule::ALL } else { &arguments.rules };
    let (in_vain, rules): (Vec<Rule>, Vec<Rule>) =
        asked.iter().partition(|rule| why_in_vain(**rule).is_some());
    let progress = progress(rules.len() as u64, "rules");
    let begin = cpu_seconds();
    let rows = rules.iter().map(|&rule| {
        let row = search_without(rule);
        progress.inc(1);
        row
    });
    let rows = rows.collect::<Result<Vec<Row>, Failure>>()?;
    progress.finish_and_clear();
    arguments.report.print(&Report {
        program: "raft bench",
        bench: "search",
        about: format!(
            "what raft sim --without RULE --search costs, on all processors; {:.1} CPU seconds in all\n{}\n",
            cpu_seconds() - begin,
            machine::named()
        ),
        columns: COLUMNS.to_vec(),
        rows,
        plots: Vec::new(),
        remarks: in_vain.into_iter().map(not_searched).collect(),
    })
}

fn search_without(rule: Rule) -> Result<Row, Failure> {
    let begin = cpu_seconds();
    let options = SearchOptions { without: Some(rule), ..SearchOptions::default() };
    let examined = examine(&small_worlds_first(&options), None, |_, _| ());
    let found = cpu_seconds();
    let finding = examined.finding.ok_or_else(|| {
        Failure::of(
            format_args!("without {rule} nothing broke"),
            "please report it: the search no longer finds it",
        )
    })?;
    let (shortest, effort) = shortest(&finding, |_, _| ());
    let figures = [
        examined.seeds_until_found as f64,
        (examined.seeds + effort.runs) as f64,
        found - begin,
        cpu_seconds() - found,
        shortest.script.actions.len() as f64,
        shortest.script.options.servers as f64,
    ];
    Ok([json!(rule.id())].into_iter().chain(figures.map(number)).collect())
}

/// A line about a rule without which no search finds anything.
fn not_searched(rule: Rule) -> String {
    format!("not searched: {rule}, because {}\n", why_in_vain(rule).unwrap_or_default())
}

/// The time that all processors have worked for this process.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
