//! `raft why`

use crate::moment::Moment;
use crate::paragraph::{paragraph, rule_name};
use crate::tape::Tape;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use command::{Failure, written};
use consensus::{NodeId, Rule};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use trace::why::{Causes, Kind};
use trace::why_not::{Obstacle, Omission, WhyNot, why_not};
use trace::{Event, EventId, Laboratory, Record, english, shown};

/// Explain why something happened, or why it did not
///
/// The first is the chain of causes, each with its rule. Without an event, it is
/// that of the last broken promise or, if all were kept, of the last leader. A
/// broken promise has two chains: of what was done, and of what that contradicts.
///
/// Events have names: n2:117 is event 117 of n2 after its first start, n2.3:5 is
/// event 5 after its third start. In a trace in JSON these are node, life and seq.
///
///   raft up --record run.jsonl
///   raft why run.jsonl
///   raft why run.jsonl --last commit
///   raft why run.jsonl --not leader n2 --at 1.250s
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct WhyArguments {
    /// A file that `raft up --record` has written, a scenario, by its name or its file, or a link of the page, in
    /// quotes: then it ends at the moment to which the link leads
    #[arg(value_name = "FILE|SCENARIO|LINK")]
    what: PathBuf,

    /// The event to explain, for example n2:117
    #[arg(value_parser = event_name)]
    event: Option<EventId>,

    /// Explain the last event of this kind
    #[arg(long, value_name = "KIND", value_parser = named(Kind::ALL), conflicts_with = "event")]
    last: Option<Kind>,

    /// Explain what stood in the way of a server: why it did not become leader, vote, commit its last
    /// entries, or reply to a client
    #[arg(
        long,
        num_args = 2,
        value_names = ["leader|vote|commit|reply", "SERVER"],
        conflicts_with_all = ["event", "last"]
    )]
    not: Option<Vec<String>>,

    /// The moment of --not: a time as each event shows it, such as 1.250s, or just after an event, such as
    /// n2:117 [default: the end]
    #[arg(long, value_name = "TIME|EVENT", requires = "not")]
    at: Option<Moment>,
}

/// Parses the name of an event.
fn event_name(text: &str) -> Result<EventId, String> {
    text.parse().map_err(|error| match Kind::ALL.iter().any(|(kind, _)| *kind == text) {
        true => format!("to explain the last event of this kind, write --last {text}"),
        false => format!("{error}"),
    })
}

/// One of these, by its name.
fn named<T: Copy + Send + Sync + 'static, const N: usize>(
    all: [(&'static str, T); N],
) -> impl TypedValueParser<Value = T> {
    let find = move |name: &str| all.into_iter().find(|(known, _)| *known == name).map(|(_, it)| it);
    PossibleValuesParser::new(all.map(|(name, _)| name))
        .map(move |name| find(&name).expect("clap lets only these names pass"))
}

pub(crate) fn run(arguments: WhyArguments) -> Result<ExitCode, Failure> {
    let tape = Tape::open(&arguments.what)?;
    let mut records: Vec<Record> = tape.last_cluster().cloned().collect();
    if let Some(at) = tape.at.filter(|_| arguments.event.is_none() && arguments.at.is_none()) {
        records.truncate(end(&records, at, &tape.name)?);
    }
    let off = tape.film.without;
    let text = match &arguments.not {
        Some(not) => unexplained(&records, not, off, arguments.at, &tape.name)?,
        None => {
            let causes = Causes::new(&records);
            explanation(&causes, asked_for(&causes, &records, &arguments, &tape)?, off)
        }
    };
    written(io::stdout().write_all(text.as_bytes()))
}

/// Why a server has not done something: the answer to `--not`.
fn unexplained(
    records: &[Record],
    not: &[String],
    off: Option<Rule>,
    at: Option<Moment>,
    name: &str,
) -> Result<String, Failure> {
    let (omission, server) = question(not)?;
    let servers: BTreeSet<NodeId> = records.iter().map(|record| record.node).collect();
    if !servers.contains(&server) {
        let names: Vec<String> = servers.iter().map(NodeId::to_string).collect();
        let help = format!("the servers there are {}", names.join(", "));
        return Err(Failure::of(format_args!("there is no server {server} in {name}"), help));
    }
    let past = match at {
        None => records,
        Some(at) => &records[..end(records, at, name)?],
    };
    let moment = match at {
        Some(Moment::At(moment)) => moment,
        _ => past.iter().map(|record| record.t).max().unwrap_or_default(),
    };
    let mut text =
        answer(server, moment, omission, &why_not(past, &BTreeMap::new(), moment, server, omission), off);
    if let Some(event) = last_before_its_death(past, server) {
        let _ = writeln!(text, "\nWhat stood in its way before that: add --at {event}");
    }
    Ok(text)
}

/// If a server is dead in the end: the last event before that.
fn last_before_its_death(past: &[Record], server: NodeId) -> Option<EventId> {
    let mut events = past.iter().filter(|record| record.node == server).rev();
    let is_death = |record: &&Record| matches!(record.event, Event::Laboratory(Laboratory::Died { .. }));
    events.next().filter(is_death)?;
    events.find_map(Record::id)
}

/// The two values of `--not`.
fn question(not: &[String]) -> Result<(Omission, NodeId), Failure> {
    let [what, server] = not else { unreachable!("clap takes two values") };
    let omission = Omission::ALL.into_iter().find(|(name, _)| name == what).map(|(_, omission)| omission);
    let omission = omission.ok_or_else(|| {
        let help = "--not leader, vote, commit or reply, then the server: --not leader n2";
        Failure::usage(format_args!("--not can't explain \"{}\"", shown(what)), help)
    })?;
    let id = server.strip_prefix('n').and_then(|number| number.parse().ok()).map(NodeId);
    let server = id.ok_or_else(|| {
        let help = "after --not and what did not happen comes the server: --not leader n2";
        Failure::usage(format_args!("\"{}\" is not a server", shown(server)), help)
    })?;
    Ok((omission, server))
}

/// The number of records that have happened at this moment.
fn end(records: &[Record], at: Moment, name: &str) -> Result<usize, Failure> {
    let all: Vec<&Record> = records.iter().collect();
    at.position_in(&all).ok_or_else(|| match at {
        Moment::After(id) => no_event(records, id, name),
        _ => Failure::of(
            format_args!("{name} has no {at}: it has {} records", records.len()),
            "leave out &at=…, to explain the end",
        ),
    })
}

fn no_event(records: &[Record], id: EventId, name: &str) -> Failure {
    let help = match records.iter().rev().find_map(Record::id) {
        Some(last) => {
            format!("event names look like {last} (the last one in this run); or use --last leader")
        }
        None => "the file has no events with names".to_owned(),
    };
    Failure::of(format_args!("there is no event {id} in {name}"), help)
}

/// The event to explain: by its name, by its kind, or the most important one of the run. A link may lead to it.
fn asked_for<'a>(
    causes: &Causes<'a>,
    records: &[Record],
    arguments: &WhyArguments,
    Tape { name, at, .. }: &Tape,
) -> Result<&'a Record, Failure> {
    let linked = at.and_then(|at| if let Moment::After(id) = at { Some(id) } else { None });
    match (arguments.event.or(linked), arguments.last) {
        (_, Some(kind)) => causes.last(kind).ok_or_else(|| {
            let help = "ask for another kind with --last, or for an event by its name, such as n2:117";
            let by_then = if at.is_some() { " by its moment" } else { "" };
            Failure::of(format_args!("{name} has no event of that kind{by_then}"), help)
        }),
        (Some(id), None) => causes.find(id).ok_or_else(|| no_event(records, id, name)),
        (None, None) => causes.last(Kind::Violation).or(causes.last(Kind::Leader)).ok_or_else(|| {
            let help =
                "ask for another kind of event with --last, or why there is no leader: --not leader n1";
            Failure::of(format_args!("no promise is broken in {name}, and no server becomes leader"), help)
        }),
    }
}

/// The chain of causes or, for a broken promise, which rule is `off`, what was promised, and both chains.
fn explanation(causes: &Causes<'_>, record: &Record, off: Option<Rule>) -> String {
    let Event::Laboratory(Laboratory::Violated { property, meaning, what_happened, .. }) = &record.event
    else {
        return chain(&causes.chain(record), off);
    };
    let mut text = off.map_or(String::new(), |rule| format!("{rule} is OFF\n\n"));
    let _ = writeln!(text, "{}", paragraph(0, &shown(&format!("Broken promise: {property}"))));
    if !meaning.is_empty() {
        let _ = writeln!(text, "{}", paragraph(0, &shown(meaning)));
    }
    let _ = writeln!(
        text,
        "\n{}",
        paragraph(0, &shown(&format!("At {}: {what_happened}", english::seconds(record.t))))
    );
    if let Some(done) = record.cause.and_then(|done| causes.find(done)) {
        let _ = write!(text, "\nWhat was done, and what led to it:\n{}", chain(&causes.chain(done), off));
    }
    if let Some(contradicted) = causes.contradicted(record) {
        let heading = "What it contradicts, and what led to that:";
        let _ = write!(text, "\n{heading}\n{}", chain(&causes.chain(contradicted), off));
    }
    text
}

/// The chain, one event a line: when, where, its name, what, and the rule that decided.
fn chain(chain: &[&Record], off: Option<Rule>) -> String {
    let mut text = String::new();
    for (place, record) in chain.iter().enumerate() {
        let leads_on = if place + 1 < chain.len() { "" } else { "⇒ " };
        let told = format!("{leads_on}{}", english::sentence(record));
        let _ = writeln!(text, "{}", row(record, &told, record.rule(), off));
    }
    text
}

/// What prevented something that a server has not done, with the events that show it; or the event in which
/// it did it all the same.
fn answer(
    server: NodeId,
    moment: u64,
    omission: Omission,
    why_not: &WhyNot<'_>,
    off: Option<Rule>,
) -> String {
    let (done, moment) = (omission.done(), english::seconds(moment));
    let because = match why_not {
        WhyNot::ItDid(record) => {
            let event = row(record, &english::sentence(record), record.rule(), off);
            return format!("By {moment}, {server} has {done}:\n{event}\n");
        }
        WhyNot::Because(because) => because,
    };
    let mut text = format!("By {moment}, {server} has not {done}:\n");
    for Obstacle { sentence, rule, evidence } in because {
        let by = rule.filter(|_| evidence.is_none()).map_or(String::new(), |rule| format!(" ({rule})"));
        let told = shown(sentence);
        let _ = writeln!(text, "- {}", paragraph(2, &format!("{told}{by}")).trim_start());
        if let Some(record) = evidence {
            let _ = writeln!(text, "{}", row(record, &english::sentence(record), *rule, off));
        }
    }
    text
}

fn row(record: &Record, told: &str, rule: Option<Rule>, off: Option<Rule>) -> String {
    let name = record.id().map(|id| id.to_string()).unwrap_or_default();
    let rule = rule.map(|rule| rule_name(rule, off)).unwrap_or_default();
    let line = format!(
        "{:>9} {:<3} {name:>9}  {told:<64} {rule}",
        english::seconds(record.t),
        record.node.to_string()
    );
    line.trim_end().to_owned()
}
