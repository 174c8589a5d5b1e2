//! Plays the scripts in scenarios/: prose for the reader, commands, and the trace that comes of them.
//! docs/scenarios.md describes the commands.

use crate::action::{Action, Selection, Wish, parse_profile};
use crate::logs::{FORGOTTEN, Logs, term_words};
use crate::network::Weather;
use crate::prose::Prose;
use crate::rules::AllBut;
use crate::store_clients::PROPOSED;
use crate::world::{World, WorldOptions};
use consensus::{
    Change, Entry, Index, Lease, Limits, Log, LogPosition, NodeId, Payload, RoleKind, Rule, Term, Timing,
};
use driver::Speed;
use goldenscript::{ArgumentConsumer, Command, Runner};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;
use trace::{Condition, Feed, Record, Unsynced};

/// Plays one script. See [`goldenscript::generate`].
#[derive(Debug, Default)]
pub struct Scenario {
    world: Option<World>,
    logs: BTreeMap<NodeId, Log>,
    committed: LogPosition,
    /// The logs and the claim with which the latest cluster was to begin, as a table.
    tried: String,
    feed: Feed,
    prose: Prose,
    scenes: Vec<Scene>,
    /// For how long its `run` commands let time pass, all together.
    ran: Duration,
}

/// A script that was played.
#[derive(Debug, Clone)]
pub struct Film {
    /// One for each command, in order, and one more if prose ends the script.
    pub scenes: Vec<Scene>,
    /// The rule that was switched off.
    pub without: Option<Rule>,
}

impl Film {
    /// The scenes of the last cluster, with what was prepared for it. A scenario may compare several clusters, which
    /// use the same names for their events.
    pub fn last_cluster(&self) -> &[Scene] {
        let begins =
            |scene: &Scene| scene.command.as_deref().is_some_and(|line| line.starts_with("cluster "));
        let last = self.scenes.iter().rposition(begins).unwrap_or(0);
        let of_others = self.scenes[..last].iter().rposition(|scene| !scene.records.is_empty());
        &self.scenes[of_others.map_or(0, |place| place + 1)..]
    }
}

/// A command, the prose before it, and its outcome.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    /// The paragraphs of prose.
    pub prose: Vec<String>,
    /// The command as it was written; `None` after the last one.
    pub command: Option<String>,
    /// It was written in parentheses: its outcome is not part of the story.
    pub is_silent: bool,
    /// What it brought about.
    pub records: Vec<Record>,
    /// The text that it was asked for, such as a table of the logs.
    pub said: String,
}

type Played = Result<String, Box<dyn Error>>;

impl Runner for Scenario {
    fn start_block(&mut self) -> Played {
        self.feed.interrupt();
        Ok(String::new())
    }

    fn run(&mut self, command: &Command) -> Played {
        let mut arguments = command.consume_args();
        let played = self.play(&command.name, &mut arguments);
        let said = played.and_then(|said| arguments.reject_rest().map(|()| said)).inspect_err(|error| {
            if command.fail {
                self.note_refusal(command, &error.to_string());
            }
        })?;
        let records = self.world.as_mut().map(World::take_records).unwrap_or_default();
        let told: String = records
            .iter()
            .flat_map(|record| self.feed.tell(record))
            .map(|line| format!("{line}\n"))
            .collect();
        self.scenes.push(Scene {
            prose: self.prose.take_before(command.line_number),
            command: Some(words(command)),
            is_silent: command.silent,
            records,
            // It repeats what was to be expected.
            said: if command.name == "expect" { String::new() } else { said.clone() },
        });
        Ok(told + &said)
    }
}

/// The text in lines of at most this many columns.
fn wrapped(text: &str, columns: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always one");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= columns {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

/// The parser speaks of tags and columns. What a reader needs is the line.
fn in_plain_words(error: io::Error, script: &str) -> io::Error {
    let message = error.to_string();
    let failed = message.strip_prefix("command '").and_then(|rest| rest.split_once("' failed at line "));
    if let Some((command, (line, why))) =
        failed.and_then(|(command, rest)| Some((command, rest.split_once(": ")?)))
    {
        return io::Error::other(format!("line {line}, `{command}`: {why}"));
    }
    let line = message.strip_prefix("parse error at line ").and_then(|rest| rest.split(' ').next());
    let Some(line) = line.and_then(|line| line.parse::<usize>().ok()) else { return error };
    let words = match line > script.lines().count() {
        true => "a line `---` is missing at the end".to_owned(),
        false => format!("line {line} is not a command"),
    };
    io::Error::new(error.kind(), words)
}

/// The command as a user would write it.
fn words(command: &Command) -> String {
    let argument = |argument: &goldenscript::Argument| match &argument.key {
        Some(key) => format!(" {key}={}", argument.value),
        None => format!(" {}", argument.value),
    };
    let arguments: String = command.args.iter().map(argument).collect();
    format!("{}{arguments}", command.name)
}

impl Scenario {
    /// Plays a whole script, and shows the outcome of each of its commands.
    ///
    /// # Errors
    /// If the script can't be understood, or one of its commands fails.
    pub fn film(script: &str) -> io::Result<Film> {
        let mut scenario = Scenario { prose: Prose::of(script), ..Scenario::default() };
        goldenscript::generate(&mut scenario, script).map_err(|error| in_plain_words(error, script))?;
        let closing = scenario.prose.take_before(u32::MAX);
        if !closing.is_empty() {
            scenario.scenes.push(Scene { prose: closing, ..Scene::default() });
        }
        let without = scenario.world.as_ref().and_then(|world| world.rules().0);
        Ok(Film { scenes: scenario.scenes, without })
    }

    /// Plays a script, to go on with [`Scenario::command`].
    ///
    /// # Errors
    /// If the script can't be understood, or one of its commands fails.
    pub fn open(script: &str) -> Result<(Scenario, Vec<Scene>), String> {
        let mut scenario = Scenario { prose: Prose::of(script), ..Scenario::default() };
        goldenscript::generate(&mut scenario, script)
            .map_err(|error| in_plain_words(error, script).to_string())?;
        let scenes = std::mem::take(&mut scenario.scenes);
        Ok((scenario, scenes))
    }

    /// Plays one more command.
    ///
    /// # Errors
    /// If it can't be understood, or fails.
    pub fn command(&mut self, line: &str) -> Result<Scene, String> {
        let script = format!("{line}\n---\n");
        goldenscript::generate(self, &script).map_err(|error| in_plain_words(error, &script).to_string())?;
        self.scenes.pop().ok_or_else(|| "this is no command".to_owned())
    }

    /// A command that was to fail has failed. What was tried, and why it was refused, is part of the story.
    fn note_refusal(&mut self, command: &Command, error: &str) {
        let tried = Some(std::mem::take(&mut self.tried)).filter(|tried| !tried.is_empty());
        let tried = tried.unwrap_or_else(|| format!("{}\n", words(command)));
        let refused = wrapped(&format!("refused: {error}"), COLUMNS);
        self.scenes.push(Scene {
            prose: self.prose.take_before(command.line_number),
            command: Some(words(command)),
            is_silent: command.silent,
            records: Vec::new(),
            said: format!("{tried}{refused}\n"),
        });
    }

    /// The world of the script, once it has one.
    pub fn world(&self) -> Option<&World> {
        self.world.as_ref()
    }

    /// Plays a command. What it returns is told after what has happened meanwhile.
    fn play(&mut self, name: &str, arguments: &mut ArgumentConsumer) -> Played {
        match name {
            "log" => self.set_log(arguments)?,
            "committed" => self.set_committed(arguments)?,
            "cluster" => self.start_cluster(arguments)?,
            "verbose" => self.feed = Feed::with_routine(),
            "lose" => return self.perform_counted(Action::Lose(selection(arguments)?), "lost"),
            "duplicate" => {
                return self.perform_counted(Action::Duplicate(selection(arguments)?), "duplicated");
            }
            "messages" => return self.list_messages(),
            "status" => return self.status(),
            "logs" => return Ok(self.living_world()?.logs().to_string()),
            "history" => return Ok(self.living_world()?.history()),
            "expect" => return self.expect(arguments),
            _ => {
                for action in actions(name, arguments)? {
                    if let Action::Run(duration) = action {
                        self.let_run(duration)?;
                    }
                    self.living_world()?.perform(&action)?;
                }
            }
        }
        Ok(String::new())
    }

    /// A scenario from elsewhere must not run forever.
    fn let_run(&mut self, duration: Duration) -> Result<(), Box<dyn Error>> {
        self.ran = self.ran.saturating_add(duration);
        if self.ran > LONGEST {
            let (ran, longest) = (humantime::format_duration(self.ran), humantime::format_duration(LONGEST));
            return Err(format!(
                "its servers would run for {ran}, and {longest} is the most: run them for less"
            )
            .into());
        }
        Ok(())
    }

    fn perform_counted(&mut self, action: Action, what: &str) -> Played {
        let messages = self.living_world()?.perform(&action)?;
        let plural = if messages == 1 { "" } else { "s" };
        Ok(format!("{messages} message{plural} {what}\n"))
    }

    fn set_log(&mut self, arguments: &mut ArgumentConsumer) -> Result<(), Box<dyn Error>> {
        if self.world.is_some() {
            return Err("a log is what a server begins with: write it before the cluster".into());
        }
        let id = node(arguments)?;
        let entry = |term: Term| Entry { term, payload: Payload::NoOp };
        let entries: Vec<Entry> = terms(arguments)?.into_iter().map(entry).collect();
        if !entries.is_sorted_by_key(|entry| entry.term) {
            return Err("terms never fall along a log".into());
        }
        self.logs.insert(id, Log::new(LogPosition::default(), entries));
        Ok(())
    }

    fn set_committed(&mut self, arguments: &mut ArgumentConsumer) -> Result<(), Box<dyn Error>> {
        let index = Index(next(arguments, "an index")?.parse()?);
        let term = Term(next(arguments, "a term")?.parse()?);
        self.committed = LogPosition { index, term };
        if self.world.is_some() {
            return Err("what is committed is what servers begin with: write it before the cluster".into());
        }
        Ok(())
    }

    fn start_cluster(&mut self, arguments: &mut ArgumentConsumer) -> Result<(), Box<dyn Error>> {
        let servers = next(arguments, "how many servers")?.parse()?;
        if !(1..=MOST_SERVERS).contains(&servers) {
            return Err(format!("a cluster has 1 to {MOST_SERVERS} servers").into());
        }
        let mut option = |key: &str, default: &str| {
            arguments.lookup(key).map_or(default, |argument| argument.value.as_str()).to_owned()
        };
        let (min, max) = option("election-timeout", "150ms..300ms")
            .split_once("..")
            .map(|(min, max)| (min.to_owned(), max.to_owned()))
            .ok_or("an election timeout is MIN..MAX, such as 150ms..300ms")?;
        let heartbeat = duration(&option("heartbeat", "15ms"))?;
        let timing = Timing::new(heartbeat, duration(&min)?, duration(&max)?)
            .map_err(|error| format!("{error} ({})", error.rule()))?;
        let without = option("without", "");
        let lease = option("lease", "");
        let profile = parse_profile(&option("profile", "paper"))?;
        let spares = option("spares", "0").parse()?;
        let options = WorldOptions {
            servers,
            spares,
            profile,
            timing,
            limits: Limits {
                entries_per_message: option("batch", "1024").parse()?,
                messages_in_flight: option("window", "64").parse()?,
                bytes_in_flight: option("window-bytes", "8388608").parse()?,
                bytes_per_message: option("bytes", "262144").parse()?,
                bytes_behind_snapshot: option("keep", "0").parse()?,
                bytes_while_sending: option("keep-sending", "268435456").parse()?,
            },
            lease: if lease.is_empty() { None } else { Some(Lease { clock_drift_percent: lease.parse()? }) },
            seed: option("seed", "1").parse()?,
            rules: AllBut(if without.is_empty() { None } else { Some(without.parse::<Rule>()?) }),
            weather: Weather {
                latency: range(&option("latency", "1ms"))?,
                loss: share(&option("loss", "0"))?,
                duplication: share(&option("duplication", "0"))?,
            },
            save_time: range(&option("save-time", "0ms"))?,
            disk_size: Some(option("disk", ""))
                .filter(|size| !size.is_empty())
                .map(|size| size.parse())
                .transpose()?,
            logs: std::mem::take(&mut self.logs),
            committed: std::mem::take(&mut self.committed),
            founds: option("founded", "yes") == "no",
            ..WorldOptions::default()
        };
        if let Some(problem) = options.problem_with_logs() {
            self.tried = tried(&options);
            return Err(problem.into());
        }
        self.world = Some(World::new(options));
        Ok(())
    }

    fn living_world(&mut self) -> Result<&mut World, Box<dyn Error>> {
        self.world.as_mut().ok_or_else(|| "there is no cluster yet: begin with `cluster 3`".into())
    }

    fn list_messages(&mut self) -> Result<String, Box<dyn Error>> {
        let messages = self.living_world()?.in_flight();
        Ok(messages.map(|(from, to, words)| format!("{from}→{to} {words}\n")).collect())
    }

    fn status(&mut self) -> Result<String, Box<dyn Error>> {
        let view = self.living_world()?.view();
        let mut text = String::new();
        for (id, server) in view.servers() {
            let role = match (server.condition, server.role) {
                (Condition::Dead, _) | (_, None) => "dead".to_owned(),
                (Condition::Paused, Some(role)) => format!("{role}, paused"),
                (_, Some(role)) => role.to_string(),
            };
            let or_nobody = |id: Option<NodeId>| id.map_or("nobody".to_owned(), |id| id.to_string());
            let (vote, leader) = (or_nobody(server.voted_for), or_nobody(server.leader));
            writeln!(text, "{id} {role}: term {}, voted for {vote}, follows {leader}", server.term)?;
        }
        writeln!(text, "{view}")?;
        Ok(text)
    }

    fn expect(&mut self, arguments: &mut ArgumentConsumer) -> Played {
        let what = next(arguments, "what to expect")?.to_owned();
        let (expected, found) = match what.as_str() {
            "leader" => {
                let expected = node(arguments)?.to_string();
                (expected, self.leader()?)
            }
            "no-leader" => ("nobody".to_owned(), self.leader()?),
            "some-leader" => {
                let found = self.leader()?;
                if found == "nobody" { ("a leader".to_owned(), found) } else { return Ok(String::new()) }
            }
            "role" => {
                let id = node(arguments)?;
                let expected = next(arguments, "a role")?.to_owned();
                (expected, self.role(id)?)
            }
            "term" => {
                let id = node(arguments)?;
                let expected = next(arguments, "a term")?.to_owned();
                let server = self.living_world()?.view().server(id).map(|server| server.term);
                (expected, server.unwrap_or_default().to_string())
            }
            "log" => {
                let id = node(arguments)?;
                let expected = log_words(arguments)?;
                (words_for(&expected), words_for(&term_words(&self.living_world()?.look_at(id)?.log())))
            }
            "commit" => {
                let id = node(arguments)?;
                let expected = next(arguments, "an index")?.to_owned();
                let node = self.living_world()?.look_at(id)?.node();
                (expected, node.map_or("dead".to_owned(), |node| node.commit_index().to_string()))
            }
            "violation" => match self.living_world()?.violations().first() {
                Some(violation) => return Ok(format!("VIOLATED: {violation}\n")),
                None => ("a violation".to_owned(), "none".to_owned()),
            },
            "no-violation" => match self.living_world()?.violations().first() {
                Some(violation) => ("none".to_owned(), violation.to_string()),
                None => return Ok(String::new()),
            },
            other => return Err(format!("can't expect \"{other}\"; {EXPECTATIONS}").into()),
        };
        if expected == found {
            return Ok(String::new());
        }
        Err(format!("expected {what}: {expected}, found: {found}").into())
    }

    fn leader(&mut self) -> Result<String, Box<dyn Error>> {
        Ok(self.living_world()?.view().leader().map_or("nobody".to_owned(), |leader| leader.to_string()))
    }

    fn role(&mut self, id: NodeId) -> Result<String, Box<dyn Error>> {
        let role = self.living_world()?.view().server(id).and_then(|server| server.role);
        Ok(role.as_ref().map_or("dead".to_owned(), RoleKind::to_string))
    }
}

/// The logs with which a cluster was to begin, and what was claimed to be committed.
fn tried(options: &WorldOptions) -> String {
    let logs = Logs::before_the_start(options.servers, &options.logs);
    let LogPosition { index, term } = options.committed;
    match index {
        Index(0) => logs.to_string(),
        _ => format!("{logs}claimed: entry {index} of term {term} is committed\n"),
    }
}

/// The width of what is said below tables: the page's story is not wider.
const COLUMNS: usize = 46;
/// Stands for an entry that is missing, in a log that is refused for it.
const HOLE: &str = "_";
const MOST_SERVERS: u64 = 99;
/// For how long a scenario can let its servers run, in their time.
const LONGEST: Duration = Duration::from_secs(600);
const COMMANDS: &str = "there are: log, committed, cluster, verbose, run, run-until-led, propose, read, open-session, put, get, delete, swap, retry, check-history, history, change, transfer, lose-connection, make-connection, profile, tick, timeout, deliver, settle, lose, \
                        duplicate, messages, cut, mend, partition, heal, crash, kill, restart, pause, resume, \
                        hold-saves, save, finish-save, hold-applies, apply, snapshot, fail-next-save, crash-in-save, kill-in-save, damage-last-save, fill-disk, mend-disk, lose-disk, copy-disk, put-back, move, stray, clock, jump-clock, \
                        calm, status, logs, expect";
const EXPECTATIONS: &str =
    "there are: leader, no-leader, some-leader, role, term, log, commit, violation, no-violation";

/// What a command makes happen: one action, or one for each server that it names.
fn actions(name: &str, arguments: &mut ArgumentConsumer) -> Result<Vec<Action>, Box<dyn Error>> {
    let mut each = |action: fn(NodeId) -> Action| Ok(nodes(arguments)?.into_iter().map(action).collect());
    let action = match name {
        "tick" => return each(Action::Tick),
        "timeout" => return each(Action::Timeout),
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
        "profile" => {
            let id = node(arguments)?;
            Action::SetProfile(id, parse_profile(next(arguments, "a profile, such as production")?)?)
        }
        "stray" => {
            let (from, to) = (node(arguments)?, node(arguments)?);
            let term = option(arguments, "term")?.ok_or("say in which term, as in term=9")?;
            Action::Stray(from, to, Term(term))
        }
        "deliver" => Action::Deliver(selection(arguments)?),
        "settle" => Action::Settle,
        "cut" => Action::Cut(node(arguments)?, node(arguments)?),
        "mend" => Action::Mend(node(arguments)?, node(arguments)?),
        "partition" => Action::Partition(nodes(arguments)?),
        "heal" => Action::Heal,
        "crash-in-save" => {
            let unsynced = option::<Unsynced>(arguments, "unsynced")?.unwrap_or_default();
            let id = node(arguments)?;
            Action::CrashInSave(id, next(arguments, "after how many")?.parse()?, unsynced)
        }
        "kill-in-save" => Action::KillInSave(node(arguments)?, next(arguments, "after how many")?.parse()?),
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
fn next<'a>(arguments: &mut ArgumentConsumer<'a>, what: &str) -> Result<&'a str, Box<dyn Error>> {
    let argument = arguments.next_pos().ok_or_else(|| format!("say {what}"))?;
    Ok(&argument.value)
}

fn node(arguments: &mut ArgumentConsumer) -> Result<NodeId, Box<dyn Error>> {
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

/// The terms of a log's entries: all arguments that are left.
fn terms(arguments: &mut ArgumentConsumer) -> Result<Vec<Term>, Box<dyn Error>> {
    let words = arguments.rest_pos();
    if let Some(hole) = words.iter().position(|word| [HOLE, FORGOTTEN].contains(&word.value.as_str())) {
        return Err(format!("a log has no holes, but entry {} is missing", hole + 1).into());
    }
    words.into_iter().map(|word| number(&word.value, "term").map(Term)).collect()
}

/// The same for a log that may have forgotten its first entries: a point stands for each of them.
fn log_words(arguments: &mut ArgumentConsumer) -> Result<Vec<String>, Box<dyn Error>> {
    let words = arguments.rest_pos().into_iter().map(|argument| match argument.value.as_str() {
        FORGOTTEN => Ok(FORGOTTEN.to_owned()),
        term => number(term, "term").map(|term| term.to_string()),
    });
    words.collect()
}

fn number(text: &str, what: &str) -> Result<u64, Box<dyn Error>> {
    text.parse().map_err(|_| format!("\"{text}\" is no {what}: write a whole number").into())
}

fn words_for(terms: &[String]) -> String {
    if terms.is_empty() { "an empty log".to_owned() } else { terms.join(" ") }
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
    let (life, count) = (option(arguments, "life")?, option(arguments, "count")?);
    Ok(Selection { from, to, kind, term, prev, last, commit, round, answer, offset, bytes, life, count })
}

/// The argument with this key, if it is given.
fn option<T>(arguments: &mut ArgumentConsumer, key: &str) -> Result<Option<T>, Box<dyn Error>>
where
    T: FromStr<Err: Into<Box<dyn Error>>>,
{
    let Some(argument) = arguments.lookup(key) else { return Ok(None) };
    argument.value.parse().map(Some).map_err(|error: T::Err| {
        let error: Box<dyn Error> = error.into();
        format!("{key}={}: {error}", argument.value).into()
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

fn parse_node(text: &str) -> Result<NodeId, Box<dyn Error>> {
    let number = text.strip_prefix('n').and_then(|number| number.parse().ok());
    number.map(NodeId).ok_or_else(|| format!("\"{text}\" is no server; servers are n1, n2, …").into())
}

fn duration(text: &str) -> Result<Duration, Box<dyn Error>> {
    humantime::parse_duration(text).map_err(|error| format!("\"{text}\" is no time: {error}").into())
}

/// One time, or two with `..` between them.
fn range(text: &str) -> Result<RangeInclusive<Duration>, Box<dyn Error>> {
    let (min, max) = text.split_once("..").unwrap_or((text, text));
    let range = duration(min)?..=duration(max)?;
    if range.is_empty() {
        Err(format!("\"{text}\" is no range: the first is the least").into())
    } else {
        Ok(range)
    }
}

/// A share, from 0 to 1.
fn share(text: &str) -> Result<f64, Box<dyn Error>> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("\"{text}\" is no share; write a number from 0 to 1, such as 0.05").into())
}
