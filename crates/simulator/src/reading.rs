//! Reads actions as scenarios write them: what `Display` writes for an [`Action`], this reads.

use crate::action::{Action, Selection, Wish, parse_profile};
use crate::network::LinkWeather;
use crate::store_clients::PROPOSED;
use consensus::{Change, Index, NodeId, Term};
use driver::Speed;
use goldenscript::{ArgumentConsumer, Command, Runner};
use std::error::Error;
use std::num::{IntErrorKind, ParseIntError};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;
use trace::Unsynced;

/// No time in a scenario is longer: sums of a few stay far from the end of all times.
const LONGEST_TIME: Duration = Duration::from_hours(24 * 365 * 1000);

impl FromStr for Action {
    type Err = String;

    /// Reads what its `Display` writes. A command that stands for several actions, such as `kill n1 n2`, is refused.
    fn from_str(text: &str) -> Result<Action, String> {
        let mut reader = Reader::default();
        // What comes of it is what the reader has read, or why it has not.
        let _ = goldenscript::generate(&mut reader, &format!("{text}\n---\n"));
        match <[_; 1]>::try_from(reader.read) {
            Ok([read]) => read,
            Err(_) => Err(format!("\"{text}\" is not one command")),
        }
    }
}

/// Reads commands and does nothing else.
#[derive(Default)]
struct Reader {
    read: Vec<Result<Action, String>>,
}

impl Runner for Reader {
    fn run(&mut self, command: &Command) -> Result<String, Box<dyn Error>> {
        let mut arguments = command.consume_args();
        let is_plain =
            !command.silent && !command.fail && command.prefix.is_none() && command.tags.is_empty();
        let actions = match actions(&command.name, &mut arguments) {
            Ok(actions) if is_plain => arguments.reject_rest().map(|()| actions),
            Ok(_) => Err("write the command alone".into()),
            Err(error) => Err(error),
        };
        match actions {
            Ok(actions) => self.read.extend(actions.into_iter().map(Ok)),
            Err(error) => self.read.push(Err(error.to_string())),
        }
        Ok(String::new())
    }
}

const COMMANDS: &str = "there are: log, committed, memory, cluster, verbose, run, run-until-led, step, propose, read, open-session, put, get, delete, swap, retry, check-history, history, change, transfer, lose-connection, make-connection, set-next, profile, rule, tick, timeout, step-down, deliver, settle, lose, \
                        duplicate, hold, delay, messages, link, cut, mend, partition, heal, crash, kill, restart, pause, resume, \
                        hold-saves, save, finish-save, hold-applies, apply, snapshot, fail-next-save, crash-in-save, kill-in-save, damage-last-save, fill-disk, mend-disk, lose-disk, copy-disk, put-back, forget, move, stray, clock, jump-clock, \
                        calm, status, logs, expect";

/// What a command makes happen: one action, or one for each server that it names.
pub(crate) fn actions(name: &str, arguments: &mut ArgumentConsumer) -> Result<Vec<Action>, Box<dyn Error>> {
    let mut each = |action: fn(NodeId) -> Action| Ok(nodes(arguments)?.into_iter().map(action).collect());
    let action = match name {
        "tick" => return each(Action::Tick),
        "timeout" => return each(Action::Timeout),
        "step-down" => return each(Action::StepDown),
        "kill" => return each(Action::Kill),
        "restart" => return each(Action::Restart),
        "pause" => return each(Action::Pause),
        "resume" => return each(Action::Resume),
        "hold-saves" => return each(Action::HoldSaves),
        "save" => return each(Action::Save),
        "finish-save" => return each(Action::FinishSave),
        "hold-applies" => return each(Action::HoldApplies),
        "apply" => return each(Action::Apply),
        "fail-next-save" => return each(Action::FailNextSave),
        "fill-disk" => return each(Action::FillDisk),
        "mend-disk" => return each(Action::MendDisk),
        "snapshot" => return each(Action::Snapshot),
        "copy-disk" => return each(Action::CopyDisk),
        "move" => return each(Action::Move),
        "put-back" => {
            let only_log = flag(arguments, "only", "log")?;
            return Ok(nodes(arguments)?.into_iter().map(|id| Action::PutBack(id, only_log)).collect());
        }
        "lose-disk" => {
            let joins = flag(arguments, "then", "join")?;
            return Ok(nodes(arguments)?.into_iter().map(|id| Action::LoseDisk(id, joins)).collect());
        }
        "crash" => {
            let unsynced = option::<Unsynced>(arguments, "unsynced")?.unwrap_or_default();
            return Ok(nodes(arguments)?.into_iter().map(|id| Action::Crash(id, unsynced)).collect());
        }
        "run" => Action::Run(duration(next(arguments, "how long, such as 500ms")?)?),
        "run-until-led" => Action::RunUntilLed,
        "step" => Action::Step,
        "propose" => {
            let value = number(next(arguments, "a number to propose")?, "number to propose")?;
            let server = arguments.next_pos().map(|argument| parse_node(&argument.value)).transpose()?;
            Action::Propose(server, value)
        }
        "read" => Action::Read(arguments.next_pos().map(|argument| parse_node(&argument.value)).transpose()?),
        "open-session" | "get" | "put" | "delete" | "swap" | "retry" => client_action(name, arguments)?,
        "check-history" => Action::CheckHistory,
        "change" => {
            let change = Change {
                add: servers_of(arguments, "add")?.into_iter().map(|id| (id, String::new())).collect(),
                promote: servers_of(arguments, "promote")?.into_iter().collect(),
                remove: servers_of(arguments, "remove")?.into_iter().collect(),
                ..Change::default()
            };
            Action::ChangeMembers(change, asked_server(arguments)?)
        }
        "transfer" => Action::Transfer(node(arguments)?, asked_server(arguments)?),
        "lose-connection" => Action::LoseConnection(node(arguments)?, node(arguments)?),
        "make-connection" => Action::MakeConnection(node(arguments)?, node(arguments)?),
        "set-next" => {
            let (id, follower) = (node(arguments)?, node(arguments)?);
            Action::SetNext(id, follower, Index(number(next(arguments, "an index")?, "index")?))
        }
        "profile" => {
            let id = node(arguments)?;
            Action::SetProfile(id, parse_profile(next(arguments, "a profile, such as production")?)?)
        }
        "rule" => {
            let rule = next(arguments, "which rule, such as one-vote-per-term")?.parse()?;
            let is_on = match next(arguments, "whether it is on or off")? {
                "on" => true,
                "off" => false,
                other => return Err(format!("\"{other}\" is neither on nor off").into()),
            };
            Action::SwitchRule(rule, is_on)
        }
        "forget" => forget(arguments)?,
        "stray" => {
            let (from, to) = (node(arguments)?, node(arguments)?);
            let term = option(arguments, "term")?.ok_or("say in which term, as in term=9")?;
            Action::Stray(from, to, Term(term))
        }
        "deliver" => Action::Deliver(selection(arguments)?),
        "settle" => Action::Settle,
        "lose" => Action::Lose(selection(arguments)?),
        "duplicate" => Action::Duplicate(selection(arguments)?),
        "hold" => Action::Hold(selection(arguments)?),
        "delay" => {
            let by = arguments.lookup("by").ok_or("say by how much, as in by=200ms")?;
            Action::Delay(selection(arguments)?, duration(&by.value)?)
        }
        "link" => Action::Link(link(arguments)?, weather(arguments)?),
        "cut" => Action::Cut(node(arguments)?, node(arguments)?),
        "mend" => Action::Mend(node(arguments)?, node(arguments)?),
        "partition" => Action::Partition(nodes(arguments)?),
        "heal" => Action::Heal,
        "crash-in-save" => {
            let unsynced = option::<Unsynced>(arguments, "unsynced")?.unwrap_or_default();
            let id = node(arguments)?;
            Action::CrashInSave(
                id,
                number(next(arguments, "after how many")?, "number of operations")?,
                unsynced,
            )
        }
        "kill-in-save" => Action::KillInSave(
            node(arguments)?,
            number(next(arguments, "after how many")?, "number of operations")?,
        ),
        "damage-last-save" => {
            Action::DamageLastSave(node(arguments)?, number(next(arguments, "which bit")?, "bit's number")?)
        }
        "clock" => {
            let id = node(arguments)?;
            Action::SetClock(id, next(arguments, "a speed, such as 0.5")?.parse::<Speed>()?)
        }
        "jump-clock" => {
            let id = node(arguments)?;
            Action::JumpClock(id, duration(next(arguments, "by how much, such as 200ms")?)?)
        }
        "calm" => Action::Calm,
        unknown => return Err(format!("there is no command \"{unknown}\"; {COMMANDS}").into()),
    };
    Ok(vec![action])
}

/// What a disk loses: `forget n2 vote`, `forget n2 entries=1`, `forget n2 all`.
fn forget(arguments: &mut ArgumentConsumer) -> Result<Action, Box<dyn Error>> {
    let id = node(arguments)?;
    if let Some(entries) = option(arguments, "entries")? {
        return Ok(Action::ForgetEntries(id, entries));
    }
    match next(arguments, "what it forgets: vote, entries=1 or all")? {
        "vote" => Ok(Action::ForgetVote(id)),
        "all" => Ok(Action::LoseDisk(id, false)),
        other => Err(format!("a disk can't forget \"{other}\": say vote, entries=1 or all").into()),
    }
}

/// What a client of the store wants: `put c1 x 7`, perhaps with `at=n2`.
fn client_action(name: &str, arguments: &mut ArgumentConsumer) -> Result<Action, Box<dyn Error>> {
    let server = asked_server(arguments)?;
    let client = next(arguments, "a client, such as c1")?;
    let client = client.strip_prefix('c').and_then(|number| number.parse().ok());
    let client = client.ok_or("clients of the store are c1, c2, …")?;
    let key = |arguments: &mut ArgumentConsumer| -> Result<char, Box<dyn Error>> {
        let key = next(arguments, "a key, such as x")?;
        match key.parse() {
            Ok(PROPOSED) => Err(format!("{PROPOSED} is the key of `propose`: choose another one").into()),
            Ok(key) => Ok(key),
            Err(_) => Err(format!("\"{key}\" is no key: keys are letters").into()),
        }
    };
    let value = |arguments: &mut ArgumentConsumer| number(next(arguments, "a value, such as 7")?, "value");
    let wish = match name {
        "open-session" => Wish::OpenSession,
        "get" => Wish::Get(key(arguments)?),
        "put" => Wish::Put(key(arguments)?, value(arguments)?),
        "delete" => Wish::Delete(key(arguments)?),
        "swap" => Wish::CompareAndSwap(key(arguments)?, value(arguments)?, value(arguments)?),
        _ => Wish::Retry,
    };
    Ok(Action::Client(client, wish, server))
}

/// The next argument; what it should be is said if there is none.
pub(crate) fn next<'a>(arguments: &mut ArgumentConsumer<'a>, what: &str) -> Result<&'a str, Box<dyn Error>> {
    let argument = arguments.next_pos().ok_or_else(|| format!("say {what}"))?;
    Ok(&argument.value)
}

pub(crate) fn node(arguments: &mut ArgumentConsumer) -> Result<NodeId, Box<dyn Error>> {
    parse_node(next(arguments, "which server, such as n1")?)
}

/// All arguments that are left, at least one.
fn nodes(arguments: &mut ArgumentConsumer) -> Result<Vec<NodeId>, Box<dyn Error>> {
    let mut nodes = vec![node(arguments)?];
    for argument in arguments.rest_pos() {
        nodes.push(parse_node(&argument.value)?);
    }
    Ok(nodes)
}

pub(crate) fn number<T: FromStr<Err = ParseIntError>>(text: &str, what: &str) -> Result<T, Box<dyn Error>> {
    text.parse().map_err(|error| format!("\"{text}\" is no {what}: {}", why_no_number(&error)).into())
}

pub(crate) fn why_no_number(error: &ParseIntError) -> &'static str {
    match error.kind() {
        IntErrorKind::PosOverflow => "the number is too large",
        _ => "write a whole number, 0 or more",
    }
}

/// Which messages are meant: `from=n1 to=n2 kind=vote term=3 count=1`, each of which may be left out.
fn selection(arguments: &mut ArgumentConsumer) -> Result<Selection, Box<dyn Error>> {
    let mut end = |key| arguments.lookup(key).map(|argument| parse_node(&argument.value)).transpose();
    let (from, to) = (end("from")?, end("to")?);
    let (kind, term) = (option(arguments, "kind")?, option(arguments, "term")?.map(Term));
    let (prev, last) = (option(arguments, "prev")?.map(Index), option(arguments, "last")?.map(Index));
    let commit = option(arguments, "commit")?.map(Index);
    let (round, answer) = (option(arguments, "round")?, option(arguments, "answer")?);
    let (offset, bytes) = (option(arguments, "offset")?, option(arguments, "bytes")?);
    let (life, skip, count) =
        (option(arguments, "life")?, option(arguments, "skip")?, option(arguments, "count")?);
    Ok(Selection {
        from,
        to,
        kind,
        term,
        prev,
        last,
        commit,
        round,
        answer,
        offset,
        bytes,
        life,
        skip,
        count,
    })
}

/// A link, as in `n1 n2`, if one is named.
fn link(arguments: &mut ArgumentConsumer) -> Result<Option<(NodeId, NodeId)>, Box<dyn Error>> {
    let Some(from) = arguments.next_pos() else { return Ok(None) };
    Ok(Some((parse_node(&from.value)?, node(arguments)?)))
}

fn weather(arguments: &mut ArgumentConsumer) -> Result<LinkWeather, Box<dyn Error>> {
    let mut option = |key| arguments.lookup(key).map(|argument| argument.value.as_str());
    Ok(LinkWeather {
        latency: option("latency").map(range).transpose()?,
        loss: option("loss").map(share).transpose()?,
        duplication: option("duplication").map(share).transpose()?,
    })
}

/// The argument with this key, if it is given.
pub(crate) fn option<T>(arguments: &mut ArgumentConsumer, key: &str) -> Result<Option<T>, Box<dyn Error>>
where
    T: FromStr<Err: Into<Box<dyn Error>>>,
{
    let Some(argument) = arguments.lookup(key) else { return Ok(None) };
    argument.value.parse().map(Some).map_err(|error: T::Err| {
        let error: Box<dyn Error> = error.into();
        let why =
            error.downcast_ref().map_or_else(|| error.to_string(), |error| why_no_number(error).to_owned());
        format!("{key}={}: {why}", argument.value).into()
    })
}

/// Is the argument there that has only one value, as in `then=join`?
fn flag(arguments: &mut ArgumentConsumer, key: &str, value: &str) -> Result<bool, Box<dyn Error>> {
    match arguments.lookup(key) {
        None => Ok(false),
        Some(argument) if argument.value == value => Ok(true),
        Some(other) => Err(format!("{key}={}: say {key}={value}, or leave it out", other.value).into()),
    }
}

/// The server that is asked, as in `at=n1`, if it is named.
fn asked_server(arguments: &mut ArgumentConsumer) -> Result<Option<NodeId>, Box<dyn Error>> {
    arguments.lookup("at").map(|argument| parse_node(&argument.value)).transpose()
}

/// Servers, as in `add=n4/n5`.
fn servers_of(arguments: &mut ArgumentConsumer, key: &str) -> Result<Vec<NodeId>, Box<dyn Error>> {
    let Some(argument) = arguments.lookup(key) else { return Ok(Vec::new()) };
    argument.value.split('/').map(parse_node).collect()
}

pub(crate) fn parse_node(text: &str) -> Result<NodeId, Box<dyn Error>> {
    let number = text.strip_prefix('n').and_then(|number| number.parse().ok());
    number.map(NodeId).ok_or_else(|| format!("\"{text}\" is no server; servers are n1, n2, …").into())
}

pub(crate) fn duration(text: &str) -> Result<Duration, Box<dyn Error>> {
    let duration = humantime::parse_duration(text)
        .map_err(|_| format!("\"{text}\" is no time: write one such as 500ms or 2s"))?;
    if duration > LONGEST_TIME {
        let longest = humantime::format_duration(LONGEST_TIME);
        return Err(format!("\"{text}\" is too long: {longest} is the most").into());
    }
    Ok(duration)
}

/// One time, or two with `..` between them.
pub(crate) fn range(text: &str) -> Result<RangeInclusive<Duration>, Box<dyn Error>> {
    let (min, max) = text.split_once("..").unwrap_or((text, text));
    let range = duration(min)?..=duration(max)?;
    if range.is_empty() {
        Err(format!("\"{text}\" is no range: the first is the least").into())
    } else {
        Ok(range)
    }
}

/// A share, from 0 to 1.
pub(crate) fn share(text: &str) -> Result<f64, Box<dyn Error>> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("\"{text}\" is no share; write a number from 0 to 1, such as 0.05").into())
}
