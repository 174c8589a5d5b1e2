//! `raft sim`

mod hunt;
mod report;

use crate::arguments::{RuleParser, duration};
use crate::failure::{Failure, say, written};
use clap::Args;
use consensus::Rule;
use hunt::{Examined, Finding, Seeds};
use simulator::{Faults, SearchOptions, UNSHOWN};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Search for what breaks Raft, in thousands of simulated clusters
///
/// A seed decides everything about a cluster: how many servers it has, their
/// timing, network and disks, and all that goes wrong. The servers run the same
/// code as real ones. After every step, everything that Raft promises is checked.
/// At the first broken promise the search stops, makes the run as short as it
/// can, and shows it. --save also writes it to a file, for `raft replay`.
///
/// With a rule switched off, the search shows what that rule is for:
///
///   raft sim --without one-vote-per-term
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct SimArguments {
    /// The seeds to try [default: 0..10000, or 0..1000000 with --without; with --for, as many as there is time for]
    #[arg(long, value_name = "FROM..TO")]
    seeds: Option<SeedRange>,

    /// Search for this long, for example 10m
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,

    /// The number of servers [default: each seed chooses 1 to 7]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=99))]
    nodes: Option<u64>,

    /// What may go wrong: all, none, or some of network,crash,disk,clock
    #[arg(long, value_name = "KINDS", default_value = "all")]
    faults: Faults,

    /// Switch this rule off (`raft rules` lists them)
    #[arg(long, value_name = "RULE", value_parser = RuleParser, hide_possible_values = true)]
    without: Option<Rule>,

    /// Switch each rule off in turn, and print a table of what breaks; this takes at least 15 minutes
    #[arg(long, conflicts_with_all = ["without", "time"])]
    without_each: bool,

    /// Write the shortest run that breaks a promise to this file, for `raft replay`
    #[arg(long, value_name = "FILE", conflicts_with = "without_each")]
    save: Option<PathBuf>,
}

/// Seeds from the first up to, not including, the second: `0..10000`.
#[derive(Debug, Clone)]
struct SeedRange(Range<u64>);

impl FromStr for SeedRange {
    type Err = String;

    fn from_str(text: &str) -> Result<SeedRange, String> {
        let number = |text: &str| text.parse::<u64>().map_err(|_| format!("\"{text}\" is not a number"));
        let (from, to) = text.split_once("..").ok_or("write two numbers with .. between them: 0..10000")?;
        let range = number(from)?..number(to)?;
        if range.is_empty() {
            Err("the second number must be above the first".to_owned())
        } else {
            Ok(SeedRange(range))
        }
    }
}

/// So many seeds are tried if nobody says how many, and so many more if a rule is off.
const SEEDS: u64 = 10_000;
const SEEDS_WITHOUT_A_RULE: u64 = 1_000_000;

pub(crate) fn run(arguments: SimArguments) -> Result<ExitCode, Failure> {
    if arguments.without_each {
        return print_table(&arguments);
    }
    let options = arguments.search_options(arguments.without);
    let seeds = arguments.seeds();
    if let Some(rule) = arguments.without {
        say(what_is_known_without(rule));
    }
    if arguments.time.is_some() {
        say(format_args!("searching from seed {} on", seeds.range.start));
    }
    let examined = hunt::examine(seeds, &options);
    if let Some(seed) = examined.differs {
        return Err(Failure::of(
            format_args!("seed {seed} went differently the second time: the simulator itself is broken"),
            "please report it with this seed",
        ));
    }
    match &examined.finding {
        Some(finding) => arguments.show_finding(finding, &options),
        None => arguments.show_that_nothing_was_found(&examined),
    }
}

impl SimArguments {
    fn search_options(&self, without: Option<Rule>) -> SearchOptions {
        SearchOptions { servers: self.nodes, faults: self.faults, without }
    }

    fn seeds(&self) -> Seeds {
        let range = match (&self.seeds, self.time, self.without) {
            (Some(SeedRange(range)), _, _) => range.clone(),
            // Each day other seeds: what was searched already need not be searched again.
            (None, Some(_), _) => seed_of_the_day()..u64::MAX,
            (None, None, None) => 0..SEEDS,
            (None, None, Some(_)) => 0..SEEDS_WITHOUT_A_RULE,
        };
        Seeds { range, time: self.time }
    }

    fn show_finding(&self, finding: &Finding, options: &SearchOptions) -> Result<ExitCode, Failure> {
        let seed = finding.seed;
        say(format_args!("seed {seed} breaks a promise: looking for a shorter run that breaks it too"));
        let shortest = hunt::shortest(finding, options);
        if let Some(file) = &self.save {
            save(file, &shortest.script.to_scenario(&report::prose(&shortest)))?;
        }
        let mut again = format!("raft sim --seeds {seed}..{}", seed + 1);
        if let Some(nodes) = self.nodes {
            again += &format!(" --nodes {nodes}");
        }
        if self.faults != Faults::ALL {
            again += &format!(" --faults {}", self.faults);
        }
        if let Some(rule) = options.without {
            again += &format!(" --without {rule}");
        }
        let text = report::finding(finding, &shortest, self.save.as_deref(), &again);
        written(io::stdout().write_all(text.as_bytes()))?;
        // With a rule off a broken promise is what was asked for.
        Ok(if options.without.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn show_that_nothing_was_found(&self, examined: &Examined) -> Result<ExitCode, Failure> {
        let text = report::nothing_found(examined);
        let ended = written(io::stdout().write_all(text.as_bytes()))?;
        match self.without {
            Some(rule) => Err(Failure::of(
                format_args!("without {rule} nothing broke"),
                "try more seeds, more time or all faults",
            )),
            None => Ok(ended),
        }
    }
}

/// What to expect of a search that may take minutes.
fn what_is_known_without(rule: Rule) -> String {
    match UNSHOWN.iter().find(|(unshown, _)| *unshown == rule) {
        None => format!("searching; `raft replay without/{rule}` plays a short run that was found earlier"),
        Some((_, reason)) => format!("searching, most likely in vain: {reason}"),
    }
}

fn save(file: &Path, scenario: &str) -> Result<(), Failure> {
    std::fs::write(file, scenario).map_err(|error| {
        Failure::of(
            format_args!("can't write {}: {error}", file.display()),
            "choose another file with --save, in a folder that exists and that you may write to",
        )
    })
}

fn seed_of_the_day() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since_epoch.as_secs() * 1_000_000
}

fn print_table(arguments: &SimArguments) -> Result<ExitCode, Failure> {
    let seeds = arguments.seeds.clone().map_or(0..SEEDS_WITHOUT_A_RULE, |SeedRange(range)| range);
    let mut rows = Vec::new();
    for &rule in Rule::ALL {
        if let Some((_, reason)) = UNSHOWN.iter().find(|(unshown, _)| *unshown == rule) {
            rows.push(report::unshown_row(rule, reason));
            continue;
        }
        let options = arguments.search_options(Some(rule));
        let examined = hunt::examine(Seeds { range: seeds.clone(), time: None }, &options);
        let Some(finding) = examined.finding else {
            return Err(Failure::of(format_args!("without {rule} nothing broke"), "try more seeds"));
        };
        let shortest = hunt::shortest(&finding, &options);
        rows.push(report::table_row(rule, finding.seed - seeds.start + 1, &shortest));
    }
    written(io::stdout().write_all(report::table(&rows).as_bytes()))
}
