//! `raft why`

use crate::failure::{Failure, written};
use crate::tape::Tape;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use trace::why::{Causes, Kind};
use trace::{EventId, Record, english};

/// Explain why something happened: the chain of causes, each with its rule
///
/// Events have names: n2:117 is event 117 of n2 after its first start, n2.3:5 is
/// event 5 after its third start. In a trace in JSON these are node, life and seq.
///
///   raft up --record run.jsonl
///   raft why run.jsonl --last leader
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct WhyArguments {
    /// A file that `raft up --record` has written, or a scenario, by its name or its file
    #[arg(value_name = "FILE|SCENARIO")]
    file: PathBuf,

    /// The event to explain, for example n2:117
    event: Option<EventId>,

    /// Explain the last event of this kind
    #[arg(long, value_name = "KIND", value_parser = kind_parser(), conflicts_with = "event")]
    last: Option<Kind>,
}

fn kind_parser() -> impl TypedValueParser<Value = Kind> {
    let kind = |name: String| Kind::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, kind)| kind);
    PossibleValuesParser::new(Kind::ALL.map(|(name, _)| name))
        .map(move |name| kind(name).expect("clap lets only these names pass"))
}

pub(crate) fn run(arguments: WhyArguments) -> Result<ExitCode, Failure> {
    let tape = Tape::open(&arguments.file)?;
    let records: Vec<Record> = tape.records().cloned().collect();
    let causes = Causes::new(&records);
    let file = arguments.file.display();
    let record = match (arguments.event, arguments.last) {
        (Some(id), _) => causes.find(id).ok_or_else(|| {
            let help = match records.iter().rev().find_map(Record::id) {
                Some(last) => {
                    format!("event names look like {last} (the last one in this run); or use --last leader")
                }
                None => "the file has no events with names".to_owned(),
            };
            Failure::of(format_args!("there is no event {id} in {file}"), help)
        })?,
        (None, Some(kind)) => causes.last(kind).ok_or_else(|| {
            let help = "ask for another kind with --last, or for an event by its name, such as n2:117";
            Failure::of(format_args!("{file} has no event of that kind"), help)
        })?,
        (None, None) => {
            let help = "name an event, such as n2:117, or use --last leader";
            return Err(Failure::usage("no event is named", help));
        }
    };
    written(io::stdout().write_all(explanation(&causes.chain(record)).as_bytes()))
}

/// The chain, one event a line: when, where, its name, what, and the rule that decided.
fn explanation(chain: &[&Record]) -> String {
    let mut text = String::new();
    for (place, record) in chain.iter().enumerate() {
        let name = record.id().map(|id| id.to_string()).unwrap_or_default();
        let seconds = record.t as f64 / 1e6;
        let sentence = english::sentence(record);
        let rule = record.rule().map(|rule| rule.to_string()).unwrap_or_default();
        let leads_on = if place + 1 < chain.len() { "" } else { "⇒ " };
        let told = format!("{leads_on}{sentence}");
        let line = format!("{seconds:>8.3}s {:<3} {name:>9}  {told:<64} {rule}", record.node.to_string());
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}
