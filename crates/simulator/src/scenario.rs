//! Plays the scripts in scenarios/: prose for the reader, commands, and the trace that comes of them.
//! docs/scenarios.md describes the commands.

use crate::action::{Action, parse_profile};
use crate::interactive::Done;
use crate::logs::{FORGOTTEN, Logs, term_words};
use crate::network::Weather;
use crate::prose::Prose;
use crate::reading::{actions, duration, next, node, number, parse_node, range, share, why_no_number};
use crate::rules::AllBut;
use crate::substitute::{self, Substitute};
use crate::world::{MessageInFlight, World, WorldOptions};
use consensus::{
    Entry, HardState, Index, Lease, Limits, Log, LogPosition, NodeId, Payload, RoleKind, Rule, Term, Timing,
};
use goldenscript::{ArgumentConsumer, Command, Runner};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::time::Duration;
use trace::{Condition, Feed, Record};

/// What several options of `cluster` are.
const BYTES: &str = "number of bytes";

/// Plays one script. See [`goldenscript::generate`].
#[derive(Debug, Default)]
pub struct Scenario {
    pub(crate) world: Option<World>,
    /// The number of servers of the largest cluster so far, spare ones apart.
    servers: Option<u64>,
    logs: BTreeMap<NodeId, Log>,
    committed: LogPosition,
    memories: BTreeMap<NodeId, HardState>,
    /// The logs and the claim with which the latest cluster was to begin, as a table.
    tried: String,
    feed: Feed,
    prose: Prose,
    scenes: Vec<Scene>,
    /// For how long its `run` commands let time pass, all together.
    pub(crate) ran: Duration,
    /// What has been done to the world.
    pub(crate) done: Done,
    /// What answers about a condition in its clusters, in the place of Raft, if the script does not say it.
    pub(crate) substitute: Option<Substitute>,
    /// How many records there may still be, beside those of its world; `None` if there is no bound.
    records_left: Option<usize>,
}

/// The command without its option `without=RULE`, so that a cluster begins with all rules on.
pub fn with_all_rules(command: &str) -> String {
    let words: Vec<&str> = command.split(' ').filter(|word| !word.starts_with("without=")).collect();
    words.join(" ")
}

/// A script that was played.
#[derive(Debug, Clone)]
pub struct Film {
    /// One for each command, in order, and one more if prose ends the script.
    pub scenes: Vec<Scene>,
    /// The rule that was off from the beginning.
    pub without: Option<Rule>,
    /// The number of servers with which its largest cluster begins, spare ones apart; `None` if that is not known.
    pub servers: Option<u64>,
}

impl Film {
    /// The scenes of the last cluster, with what was prepared for it. A scenario may compare several clusters, which
    /// use the same names for their events.
    pub fn last_cluster(&self) -> &[Scene] {
        // One that was refused started nothing.
        let begins = |scene: &Scene| {
            !scene.records.is_empty()
                && scene.command.as_deref().is_some_and(|line| line.starts_with("cluster "))
        };
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
    /// The time in the cluster after it; 0 while there is none.
    pub now: Duration,
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
            // The command says it.
            .filter(|record| !record.is_about_links())
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
            now: self.now(),
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
    if let Some((command, line, why)) = failure(&message) {
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

/// Of an error of the parser: which command failed, in which line, and why.
fn failure(message: &str) -> Option<(&str, &str, &str)> {
    let (command, rest) = message.strip_prefix("command '")?.split_once("' failed at line ")?;
    let (line, why) = rest.split_once(": ")?;
    Some((command, line, why))
}

/// The command as a user would write it.
fn words(command: &Command) -> String {
    let argument = |argument: &goldenscript::Argument| {
        let value = &argument.value;
        match &argument.key {
            // An expression has no quotes in it.
            Some(key) if value.contains(|letter: char| !is_bare(letter)) => format!(" {key}=\"{value}\""),
            Some(key) => format!(" {key}={value}"),
            None => format!(" {value}"),
        }
    };
    let arguments: String = command.args.iter().map(argument).collect();
    format!("{}{arguments}", command.name)
}

/// May an argument have this letter without quotes around it?
fn is_bare(letter: char) -> bool {
    letter.is_alphanumeric() || "_-./@".contains(letter)
}

impl Scenario {
    /// Plays a whole script, and shows the outcome of each of its commands.
    ///
    /// # Errors
    /// If the script can't be understood, or one of its commands fails.
    pub fn film(script: &str) -> io::Result<Film> {
        Scenario::default().play_script(script)
    }

    /// An empty scenario, in whose clusters this answers in the place of Raft; `None` for Raft itself.
    pub fn with_substitute(substitute: Option<Substitute>) -> Scenario {
        Scenario { substitute, ..Scenario::default() }
    }

    /// An empty scenario in which not more than this can happen: a command that brings about more records fails, and so do
    /// those after it. Scripts of strangers are safe to play so.
    pub fn with_most_records(most: usize) -> Scenario {
        Scenario { records_left: Some(most), ..Scenario::default() }
    }

    /// Plays a whole script, and shows the outcome of each of its commands.
    ///
    /// # Errors
    /// If the script can't be understood, or one of its commands fails.
    pub fn play_script(&mut self, script: &str) -> io::Result<Film> {
        self.prose = Prose::of(script);
        goldenscript::generate(self, script).map_err(|error| in_plain_words(error, script))?;
        let mut scenes = std::mem::take(&mut self.scenes);
        let closing = self.prose.take_before(u32::MAX);
        if !closing.is_empty() {
            scenes.push(Scene { prose: closing, ..Scene::default() });
        }
        let without = self.world().and_then(|world| world.options().rules.0);
        Ok(Film { scenes, without, servers: self.servers })
    }

    /// Plays a script of one command.
    pub(crate) fn play_line(&mut self, line: &str) -> Result<Scene, String> {
        let script = format!("{line}\n---\n");
        let played = goldenscript::generate(self, &script);
        let scene = self.scenes.pop();
        played.map_err(|error| match failure(&error.to_string()) {
            Some((_, _, why)) => why.to_owned(),
            None => format!("\"{line}\" is not a command"),
        })?;
        scene.ok_or_else(|| format!("\"{line}\" is not a command"))
    }

    fn now(&self) -> Duration {
        self.world.as_ref().map_or(Duration::ZERO, World::now)
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
            now: self.now(),
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
            "memory" => self.set_memory(arguments)?,
            "cluster" => self.start_cluster(arguments)?,
            "verbose" => self.feed = Feed::with_routine(),
            "messages" => return self.list_messages(),
            "status" => return self.status(),
            "logs" => return self.table_of_logs(),
            "history" => return Ok(self.living_world()?.history()?),
            "expect" => return self.expect(arguments),
            _ => {
                let mut said = String::new();
                let actions = actions(name, arguments)?;
                // Nothing is done by half of a command.
                arguments.reject_rest()?;
                for action in actions {
                    said += &self.perform(&action)?;
                }
                return Ok(said);
            }
        }
        Ok(String::new())
    }

    fn perform(&mut self, action: &Action) -> Played {
        if let Action::Run(duration) = action {
            self.check_time(*duration)?;
        }
        let world = self.living_world()?;
        let (broken_before, began) = (world.violations().len(), world.now());
        let messages = world.perform(action)?;
        let (breaks_a_promise, passed) = (world.violations().len() > broken_before, world.now() - began);
        let is_stopped = world.is_stopped();
        self.ran += passed;
        if is_stopped {
            return Err(TOO_MUCH.into());
        }
        self.note_done(action, breaks_a_promise);
        let what = match action {
            Action::Lose(_) => "lost",
            Action::Duplicate(_) => "duplicated",
            Action::Hold(_) => "held",
            Action::Delay(..) => "delayed",
            _ => return Ok(String::new()),
        };
        let plural = if messages == 1 { "" } else { "s" };
        Ok(format!("{messages} message{plural} {what}\n"))
    }

    pub(crate) fn note_done(&mut self, action: &Action, breaks_a_promise: bool) {
        if let Some(world) = &self.world {
            self.done.note(action, world, breaks_a_promise);
        }
    }

    /// A scenario from elsewhere must not run forever.
    pub(crate) fn check_time(&self, more: Duration) -> Result<(), String> {
        let ran = self.ran.saturating_add(more);
        if ran > LONGEST {
            let (ran, longest) = (humantime::format_duration(ran), humantime::format_duration(LONGEST));
            return Err(format!(
                "its servers would run for {ran}, and {longest} is the most: run them for less"
            ));
        }
        Ok(())
    }

    fn set_log(&mut self, arguments: &mut ArgumentConsumer) -> Result<(), Box<dyn Error>> {
        if self.world.is_some() {
            return Err("a log is what a server begins with: write it before the cluster".into());
        }
        let id = node(arguments)?;
        let entry = |term: Term| Entry { term, payload: Payload::NoOp };
        let entries: Vec<Entry> = terms(arguments)?.into_iter().map(entry).collect();
        if entries.len() > LONGEST_LOG {
            return Err(format!("a log that servers begin with has at most {LONGEST_LOG} entries").into());
        }
        if !entries.is_sorted_by_key(|entry| entry.term) {
            return Err("terms never fall along a log".into());
        }
        self.logs.insert(id, Log::new(LogPosition::default(), entries));
        Ok(())
    }

    fn set_committed(&mut self, arguments: &mut ArgumentConsumer) -> Result<(), Box<dyn Error>> {
        let index = Index(number(next(arguments, "an index")?, "index")?);
        let term = parse_term(next(arguments, "a term")?)?;
        self.committed = LogPosition { index, term };
        if self.world.is_some() {
            return Err("what is committed is what servers begin with: write it before the cluster".into());
        }
        Ok(())
    }

    fn set_memory(&mut self, arguments: &mut ArgumentConsumer) -> Result<(), Box<dyn Error>> {
        if self.world.is_some() {
            return Err("a memory is what a server begins with: write it before the cluster".into());
        }
        let id = node(arguments)?;
        let term = arguments.lookup("term").ok_or("say which term, as in term=3")?;
        let current_term = parse_term(&term.value)?;
        let voted_for = arguments.lookup("voted-for").map(|vote| parse_node(&vote.value)).transpose()?;
        self.memories.insert(id, HardState { current_term, voted_for });
        Ok(())
    }

    fn start_cluster(&mut self, arguments: &mut ArgumentConsumer) -> Result<(), Box<dyn Error>> {
        let servers = number(next(arguments, "how many servers")?, "number of servers")?;
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
        let answers = substitute::Condition::ALL.map(|condition| (condition, option(condition.id(), "")));
        let lease = option("lease", "");
        let profile = parse_profile(&option("profile", "paper"))?;
        let spares = number(&option("spares", "0"), "number of spare servers")?;
        if spares > MOST_SERVERS {
            return Err(format!("a cluster has at most {MOST_SERVERS} spare servers").into());
        }
        if heartbeat < SHORTEST_HEARTBEAT {
            let shortest = humantime::format_duration(SHORTEST_HEARTBEAT);
            return Err(format!("a heartbeat interval is at least {shortest} here").into());
        }
        let mut substitute = None;
        for (condition, words) in answers.iter().filter(|(_, words)| !words.is_empty()) {
            if substitute.is_some() {
                return Err("only one condition can have another answer than Raft's".into());
            }
            let answer = Substitute::in_words(*condition, words);
            substitute = Some(answer.map_err(|mistake| format!("{}, {mistake}", condition.id()))?);
        }
        let options = WorldOptions {
            servers,
            spares,
            profile,
            timing,
            limits: Limits {
                entries_per_message: at_least_one("batch", &option("batch", "1024"))?,
                messages_in_flight: at_least_one("window", &option("window", "64"))?,
                bytes_in_flight: number(&option("window-bytes", "8388608"), BYTES)?,
                bytes_per_message: number(&option("bytes", "262144"), BYTES)?,
                bytes_behind_snapshot: number(&option("keep", "0"), BYTES)?,
                bytes_while_sending: number(&option("keep-sending", "268435456"), BYTES)?,
            },
            lease: if lease.is_empty() {
                None
            } else {
                Some(Lease { clock_drift_percent: number(&lease, "drift of the clocks in percent")? })
            },
            seed: number(&option("seed", "1"), "seed")?,
            rules: AllBut(if without.is_empty() { None } else { Some(without.parse::<Rule>()?) }),
            weather: Weather {
                latency: range(&option("latency", "1ms"))?,
                loss: share(&option("loss", "0"))?,
                duplication: share(&option("duplication", "0"))?,
            },
            save_time: range(&option("save-time", "0ms"))?,
            disk_size: Some(option("disk", ""))
                .filter(|size| !size.is_empty())
                .map(|size| number(&size, BYTES))
                .transpose()?,
            logs: std::mem::take(&mut self.logs),
            memories: std::mem::take(&mut self.memories),
            committed: std::mem::take(&mut self.committed),
            founds: option("founded", "yes") == "no",
            substitute: substitute.or_else(|| self.substitute.clone()),
            ..WorldOptions::default()
        };
        if let Some(problem) = options.problem_with_beginning() {
            self.tried = tried(&options);
            return Err(problem.into());
        }
        self.servers = self.servers.max(Some(options.servers));
        let mut world = World::new(options);
        if let Some(left) = &mut self.records_left {
            // Each server knows each other: that takes time before anything happens.
            let pairs = usize::try_from((servers + spares).pow(2))?;
            *left = left.saturating_sub(self.world.as_ref().map_or(0, World::recorded) + pairs);
            world.stop_after(*left);
        }
        if world.is_stopped() {
            return Err(TOO_MUCH.into());
        }
        self.world = Some(world);
        self.done = Done::default();
        Ok(())
    }

    pub(crate) fn living_world(&mut self) -> Result<&mut World, &'static str> {
        self.world.as_mut().ok_or("there is no cluster yet: begin with `cluster 3`")
    }

    /// The servers' logs, or before a cluster starts the logs that are written for it.
    fn table_of_logs(&mut self) -> Played {
        let last = self.logs.keys().next_back().filter(|_| self.world.is_none());
        match last {
            Some(last) => Ok(Logs::before_the_start(last.0.min(MOST_SERVERS), &self.logs).to_string()),
            None => Ok(self.living_world()?.logs().to_string()),
        }
    }

    fn list_messages(&mut self) -> Result<String, Box<dyn Error>> {
        let line = |message: MessageInFlight| {
            let MessageInFlight { from, to, words, due, .. } = message;
            format!("{from}→{to} {words}{}\n", if due.is_none() { " (held)" } else { "" })
        };
        Ok(self.living_world()?.messages().into_iter().map(line).collect())
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
/// With a shorter heartbeat interval, a scenario from elsewhere could keep a reader's machine busy for hours.
const SHORTEST_HEARTBEAT: Duration = Duration::from_millis(1);
/// Each server may get a copy of such a log.
const LONGEST_LOG: usize = 1_000;
/// Said of a scenario that may not go on.
const TOO_MUCH: &str = "too much happens: let less time pass, or begin with fewer servers";
/// Servers panic if their terms run out, so they must not begin near that.
const LATEST_TERM: u64 = 1 << 40;

fn at_least_one(key: &str, text: &str) -> Result<usize, Box<dyn Error>> {
    // The same on machines of 32 bits.
    let number: u32 = text.parse().map_err(|error| format!("{key}={text}: {}", why_no_number(&error)))?;
    if number == 0 {
        return Err(format!("{key}=0: nothing could be sent; say at least 1").into());
    }
    Ok(usize::try_from(number)?)
}

fn parse_term(text: &str) -> Result<Term, Box<dyn Error>> {
    let term = number(text, "term")?;
    if term > LATEST_TERM {
        return Err(format!("the latest term that servers can begin with is {LATEST_TERM}").into());
    }
    Ok(Term(term))
}
const EXPECTATIONS: &str =
    "there are: leader, no-leader, some-leader, role, term, log, commit, violation, no-violation";

/// The terms of a log's entries: all arguments that are left.
fn terms(arguments: &mut ArgumentConsumer) -> Result<Vec<Term>, Box<dyn Error>> {
    let words = arguments.rest_pos();
    if let Some(hole) = words.iter().position(|word| [HOLE, FORGOTTEN].contains(&word.value.as_str())) {
        return Err(format!("a log has no holes, but entry {} is missing", hole + 1).into());
    }
    words.into_iter().map(|word| parse_term(&word.value)).collect()
}

/// The same for a log that may have forgotten its first entries: a point stands for each of them.
fn log_words(arguments: &mut ArgumentConsumer) -> Result<Vec<String>, Box<dyn Error>> {
    let words = arguments.rest_pos().into_iter().map(|argument| match argument.value.as_str() {
        FORGOTTEN => Ok(FORGOTTEN.to_owned()),
        term => number(term, "term").map(|term: u64| term.to_string()),
    });
    words.collect()
}

fn words_for(terms: &[String]) -> String {
    if terms.is_empty() { "an empty log".to_owned() } else { terms.join(" ") }
}
