//! Plays the scripts in scenarios/: prose for the reader, commands, and the trace that comes of them.
//! docs/scenarios.md describes the commands.

use crate::rules::AllBut;
use crate::world::{World, WorldOptions};
use consensus::{Entry, Log, NodeId, RoleKind, Rule, Term, Timing};
use driver::Speed;
use goldenscript::{ArgumentConsumer, Command, Runner};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;
use trace::{Condition, Feed};

/// Plays one script. See [`goldenscript::generate`].
#[derive(Debug, Default)]
pub struct Scenario {
    world: Option<World>,
    logs: BTreeMap<NodeId, Log>,
    feed: Feed,
    /// How many violations were told already.
    violations_told: usize,
}

type Played = Result<String, Box<dyn Error>>;

impl Runner for Scenario {
    fn run(&mut self, command: &Command) -> Played {
        let mut arguments = command.consume_args();
        let said = self.play(&command.name, &mut arguments)?;
        arguments.reject_rest()?;
        Ok(self.tell_news() + &said)
    }
}

impl Scenario {
    /// Plays a command. What it returns is told after what has happened meanwhile.
    fn play(&mut self, name: &str, arguments: &mut ArgumentConsumer) -> Played {
        match name {
            "log" => self.set_log(arguments)?,
            "cluster" => self.start_cluster(arguments)?,
            "verbose" => self.feed = Feed::with_routine(),
            "run" => self.world()?.run(duration(next(arguments, "how long, such as 500ms")?)?),
            "timeout" => self.for_each(arguments, World::timeout)?,
            "deliver" => {
                let (from, to) = link(arguments)?;
                self.world()?.deliver(from, to);
            }
            "settle" => self.world()?.settle(),
            "lose" => {
                let (from, to) = link(arguments)?;
                return Ok(counted(self.world()?.lose(from, to), "lost"));
            }
            "duplicate" => {
                let (from, to) = link(arguments)?;
                return Ok(counted(self.world()?.duplicate(from, to), "under way twice"));
            }
            "messages" => return self.list_messages(),
            "cut" => {
                let (from, to) = (node(arguments)?, node(arguments)?);
                self.world()?.cut(from, to);
            }
            "partition" => {
                let group = nodes(arguments)?;
                self.world()?.partition(&group);
            }
            "heal" => self.world()?.heal(),
            "crash" => self.for_each(arguments, World::crash)?,
            "restart" => self.for_each(arguments, World::restart)?,
            "pause" => self.for_each(arguments, World::pause)?,
            "resume" => self.for_each(arguments, World::resume)?,
            "hold-saves" => self.for_each(arguments, World::hold_saves)?,
            "save" => self.for_each(arguments, World::save)?,
            "fail-next-save" => self.for_each(arguments, World::fail_next_save)?,
            "clock" => {
                let id = node(arguments)?;
                let speed: Speed = next(arguments, "a speed, such as 0.5")?.parse()?;
                self.world()?.set_speed(id, speed)?;
            }
            "status" => return self.status(),
            "expect" => self.expect(arguments)?,
            unknown => return Err(format!("there is no command \"{unknown}\"; {COMMANDS}").into()),
        }
        Ok(String::new())
    }

    fn set_log(&mut self, arguments: &mut ArgumentConsumer) -> Result<(), Box<dyn Error>> {
        if self.world.is_some() {
            return Err("a log is what a server begins with: write it before the cluster".into());
        }
        let id = node(arguments)?;
        let entry = |term: u64| Entry { term: Term(term), command: [].into() };
        let terms = arguments.rest_pos().into_iter().map(|argument| argument.parse());
        let entries = terms.map(|term| term.map(entry)).collect::<Result<Vec<Entry>, _>>()?;
        if !entries.is_sorted_by_key(|entry| entry.term) {
            return Err("terms never fall along a log".into());
        }
        self.logs.insert(id, Log::from_entries(entries));
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
        let latency = duration(&option("latency", "1ms"))?;
        let seed = option("seed", "1").parse()?;
        let without = option("without", "");
        let without = if without.is_empty() { None } else { Some(without.parse::<Rule>()?) };
        let logs = std::mem::take(&mut self.logs);
        let rules = AllBut(without);
        self.world = Some(World::new(WorldOptions { servers, timing, seed, rules, latency, logs }));
        Ok(())
    }

    fn world(&mut self) -> Result<&mut World, Box<dyn Error>> {
        self.world.as_mut().ok_or_else(|| "there is no cluster yet: begin with `cluster 3`".into())
    }

    fn for_each(
        &mut self,
        arguments: &mut ArgumentConsumer,
        act: impl Fn(&mut World, NodeId) -> Result<(), crate::Refusal>,
    ) -> Result<(), Box<dyn Error>> {
        let world = self.world()?;
        nodes(arguments)?.into_iter().try_for_each(|id| Ok(act(world, id)?))
    }

    /// What has happened since the last command, as the lines of a story.
    fn tell_news(&mut self) -> String {
        let Some(world) = &mut self.world else { return String::new() };
        let mut told = String::new();
        for record in world.take_records() {
            for line in self.feed.tell(&record) {
                let _ = writeln!(told, "{line}");
            }
        }
        for violation in &world.violations()[self.violations_told..] {
            let _ = writeln!(told, "{violation}");
        }
        self.violations_told = world.violations().len();
        told
    }

    fn list_messages(&mut self) -> Result<String, Box<dyn Error>> {
        let messages = self.world()?.in_flight();
        Ok(messages.map(|(from, to, words)| format!("{from}→{to} {words}\n")).collect())
    }

    fn status(&mut self) -> Result<String, Box<dyn Error>> {
        let view = self.world()?.view();
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

    fn expect(&mut self, arguments: &mut ArgumentConsumer) -> Result<(), Box<dyn Error>> {
        let what = next(arguments, "what to expect")?.to_owned();
        let (expected, found) = match what.as_str() {
            "leader" => {
                let expected = node(arguments)?.to_string();
                (expected, self.leader()?)
            }
            "no-leader" => ("nobody".to_owned(), self.leader()?),
            "some-leader" => {
                let found = self.leader()?;
                if found == "nobody" { ("a leader".to_owned(), found) } else { return Ok(()) }
            }
            "role" => {
                let id = node(arguments)?;
                let expected = next(arguments, "a role")?.to_owned();
                (expected, self.role(id)?)
            }
            "term" => {
                let id = node(arguments)?;
                let expected = next(arguments, "a term")?.to_owned();
                let server = self.world()?.view().server(id).map(|server| server.term);
                (expected, server.unwrap_or_default().to_string())
            }
            "violation" => {
                let count = self.world()?.violations().len();
                ("a violation".to_owned(), if count == 0 { "none".to_owned() } else { return Ok(()) })
            }
            other => return Err(format!("can't expect \"{other}\"; {EXPECTATIONS}").into()),
        };
        if expected == found {
            return Ok(());
        }
        Err(format!("expected {what}: {expected}, found: {found}").into())
    }

    fn leader(&mut self) -> Result<String, Box<dyn Error>> {
        Ok(self.world()?.view().leader().map_or("nobody".to_owned(), |leader| leader.to_string()))
    }

    fn role(&mut self, id: NodeId) -> Result<String, Box<dyn Error>> {
        let role = self.world()?.view().server(id).and_then(|server| server.role);
        Ok(role.as_ref().map_or("dead".to_owned(), RoleKind::to_string))
    }
}

const MOST_SERVERS: u64 = 99;
const COMMANDS: &str = "there are: log, cluster, verbose, run, timeout, deliver, settle, lose, duplicate, \
                        messages, cut, partition, heal, crash, restart, pause, resume, hold-saves, save, \
                        fail-next-save, clock, status, expect";
const EXPECTATIONS: &str = "there are: leader, no-leader, some-leader, role, term, violation";

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

/// From which server and to which; none if not given.
fn link(arguments: &mut ArgumentConsumer) -> Result<(Option<NodeId>, Option<NodeId>), Box<dyn Error>> {
    let mut end = |key| arguments.lookup(key).map(|argument| parse_node(&argument.value)).transpose();
    Ok((end("from")?, end("to")?))
}

fn parse_node(text: &str) -> Result<NodeId, Box<dyn Error>> {
    let number = text.strip_prefix('n').and_then(|number| number.parse().ok());
    number.map(NodeId).ok_or_else(|| format!("\"{text}\" is no server; servers are n1, n2, …").into())
}

fn duration(text: &str) -> Result<Duration, Box<dyn Error>> {
    humantime::parse_duration(text).map_err(|error| format!("\"{text}\" is no time: {error}").into())
}

fn counted(messages: usize, what: &str) -> String {
    let plural = if messages == 1 { "" } else { "s" };
    format!("{messages} message{plural} {what}\n")
}
